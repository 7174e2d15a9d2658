package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

const maxProtocol = 5

// step executes one opcode.
func (d *Decoder) step(op byte) error {
	switch op {
	case opMark:
		d.room -= ofValue
		d.marks = append(d.marks, len(d.stack))
	case opPop:
		if len(d.marks) > 0 && len(d.stack) == d.floor() { // a mark counts as a value here
			d.marks = d.marks[:len(d.marks)-1]
			return nil
		}
		_, err := d.pop()
		return err
	case opPopMark:
		_, err := d.popMark()
		return err
	case opDup:
		v, err := d.top()
		if err != nil {
			return err
		}
		d.again(v)
	case opPersID:
		line, err := d.in.line()
		if err != nil {
			return err
		}
		return d.persistent(line)
	case opBinPersID:
		id, err := d.pop()
		if err != nil {
			return err
		}
		return d.persistent(id)
	case opGet, opBinGet, opLongBinGet, opPut, opBinPut, opLongBinPut, opMemoize:
		return d.memoOp(op)
	case opProto:
		version, err := d.in.byte()
		if err == nil && version > maxProtocol {
			err = fmt.Errorf("protocol %d, the newest known is %d", version, maxProtocol)
		}
		return err
	case opFrame:
		_, err := d.in.fixed(8) // frames only help readers to buffer
		return err
	case opGlobal, opStackGlobal, opReduce, opNewObj, opNewObjEx, opInst, opObj, opBuild:
		return d.objectOp(op)
	case opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3, opEmptyList, opList, opAppend, opAppends,
		opEmptyDict, opDict, opSetItem, opSetItems, opEmptySet, opAddItems, opFrozenSet:
		return d.containerOp(op)
	default:
		v, err := d.scalar(op)
		if err != nil {
			return err
		}
		d.push(v)
	}
	return nil
}

// memoOp reads or writes the memo.
func (d *Decoder) memoOp(op byte) error {
	var index uint64
	var err error
	switch op {
	case opMemoize:
		index = d.memo.count()
	case opBinGet, opBinPut:
		index, err = d.in.fixed(1)
	case opLongBinGet, opLongBinPut:
		index, err = d.in.fixed(4)
	default:
		var line string
		if line, err = d.in.line(); err == nil {
			if index, err = strconv.ParseUint(line, 10, 64); err != nil {
				err = fmt.Errorf("memo %.40q is no number", line)
			}
		}
	}
	if err != nil {
		return err
	}
	switch op {
	case opGet, opBinGet, opLongBinGet:
		return d.get(index)
	}
	return d.put(index)
}

// objectOp imports a name or records a call.
func (d *Decoder) objectOp(op byte) error {
	switch op {
	case opGlobal, opInst:
		module, err := d.in.line()
		if err != nil {
			return err
		}
		name, err := d.in.line()
		if err != nil {
			return err
		}
		g, err := d.global(module, name)
		if err != nil {
			return err
		}
		if op == opGlobal {
			d.push(g)
			return nil
		}
		args, err := d.popMark()
		if err != nil {
			return err
		}
		return d.call(g, &Tuple{args})
	case opObj:
		items, err := d.popMark()
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return errStack
		}
		return d.call(items[0], &Tuple{items[1:]})
	case opNewObjEx:
		v, err := d.popN(3)
		if err != nil {
			return err
		}
		if named, ok := v[2].(*Dict); !ok || len(named.Entries) > 0 {
			return errors.New("a call with named arguments")
		}
		return d.call(v[0], v[1])
	}
	v, err := d.popN(2)
	if err != nil {
		return err
	}
	switch op {
	case opStackGlobal:
		g, err := d.global(v[0], v[1])
		if err != nil {
			return err
		}
		d.push(g)
		return nil
	case opBuild:
		o, ok := v[0].(*Object)
		if !ok {
			return fmt.Errorf("it sets the state of a %s", kind(v[0]))
		}
		o.State = v[1]
		d.again(o)
		return nil
	}
	return d.call(v[0], v[1])
}

// containerOp makes or fills a tuple, list, dict or set.
func (d *Decoder) containerOp(op byte) error {
	var items []Value
	var err error
	switch op {
	case opTuple1:
		items, err = d.popN(1)
	case opTuple2, opSetItem:
		items, err = d.popN(2)
	case opTuple3:
		items, err = d.popN(3)
	case opAppend:
		items, err = d.popN(1)
	case opTuple, opList, opDict, opFrozenSet, opAppends, opAddItems, opSetItems:
		items, err = d.popMark()
	}
	if err != nil {
		return err
	}
	switch op {
	case opAppend, opAppends, opAddItems:
		return d.extend(items)
	case opSetItem, opSetItems:
		return d.update(items)
	case opEmptyList, opList:
		d.made(&List{items}, len(items))
	case opEmptyDict, opDict:
		entries, err := pairs(items)
		if err != nil {
			return err
		}
		d.made(&Dict{entries}, len(items))
	case opEmptySet, opFrozenSet:
		d.made(&Set{items}, len(items))
	default:
		d.made(&Tuple{items}, len(items))
	}
	return nil
}

// scalar reads a value that has no parts.
func (d *Decoder) scalar(op byte) (Value, error) {
	switch op {
	case opNone:
		return nil, nil
	case opNewTrue, opNewFalse:
		return op == opNewTrue, nil
	case opBinInt:
		v, err := d.in.fixed(4)
		return int64(int32(v)), err
	case opBinInt1:
		v, err := d.in.fixed(1)
		return int64(v), err
	case opBinInt2:
		v, err := d.in.fixed(2)
		return int64(v), err
	case opBinFloat:
		v, err := d.in.fixed(8)
		return math.Float64frombits(bits.ReverseBytes64(v)), err // the one big-endian number of pickle
	case opLong1, opLong4:
		b, err := d.sized(op)
		if err != nil {
			return nil, err
		}
		return long(b), nil
	case opBinString, opShortBinString, opBinUnicode, opShortBinUnicode, opBinUnicode8:
		b, err := d.sized(op)
		return string(b), err
	case opBinBytes, opShortBinBytes, opBinBytes8, opByteArray8:
		return d.sized(op)
	case opInt, opLong, opFloat, opString, opUnicode:
		line, err := d.in.line()
		if err != nil {
			return nil, err
		}
		switch op {
		case opString:
			return parseString(line)
		case opUnicode:
			return parseUnicode(line), nil
		case opFloat:
			v, err := strconv.ParseFloat(line, 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) { // Python too reads 1e999 as infinity
				return nil, fmt.Errorf("%.40q is no number", line)
			}
			return v, nil
		}
		return parseInt(line, op == opInt)
	case opExt1, opExt2, opExt4:
		return nil, errors.New("an extension code, whose meaning only the program that wrote it knows")
	}
	return nil, errors.New("this is no opcode")
}

// sized reads the argument of an opcode that starts with its length.
func (d *Decoder) sized(op byte) ([]byte, error) {
	width := 4
	switch op {
	case opLong1, opShortBinString, opShortBinUnicode, opShortBinBytes:
		width = 1
	case opBinUnicode8, opBinBytes8, opByteArray8:
		width = 8
	}
	n, err := d.in.fixed(width)
	if err != nil {
		return nil, err
	}
	return d.in.bytes(n)
}
