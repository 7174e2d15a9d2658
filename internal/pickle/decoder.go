package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/bits"
)

// maxOps bounds the opcodes of one pickle, and with them the work. A checkpoint needs about forty opcodes a tensor, so there
// is room for a hundred thousand.
const maxOps = 1 << 22

// An opcode of one byte can make a container. What values take, counted as below, is bounded by the bytes of the file that
// the pickle is in: maxRoom, and perByte more for each. A tensor of a checkpoint takes some 2 kB.
const (
	maxRoom = 24 << 20
	perByte = 2

	ofValue     = 40  // a place on the stack, in a container or in the memo
	ofContainer = 128 // one of it, with what its reader notes of it
	ofNumber    = 64  // a place in a memo that is numbered in disorder
)

// Decoder reads pickles that follow each other in a stream.
type Decoder struct {
	// Allow is asked about every imported name before anything is made of it; its error ends decoding. Nil refuses all.
	Allow func(Global) error

	// Persistent returns what stands for the object outside the pickle that id names. Nil refuses persistent ids.
	Persistent func(id Value) (Value, error)

	in    input
	room  int64 // bytes that values may take yet
	stack []Value
	marks []int // heights of the stack, each at or above the one before
	memo  memo
}

// NewDecoder returns a Decoder that reads r, ahead of what it decodes. size is the bytes of the file that r is a part of,
// to which the memory of all its pickles together is in proportion.
func NewDecoder(r io.Reader, size int64) *Decoder {
	return &Decoder{in: input{r: bufio.NewReader(r)}, room: maxRoom + perByte*size}
}

// Offset returns how many bytes the pickles decoded so far have, ends included.
func (d *Decoder) Offset() int64 { return d.in.offset }

// Decode reads one pickle, up to its STOP. An error says at which byte it is; the input's end inside a pickle is
// io.ErrUnexpectedEOF. After an error the Decoder cannot go on.
func (d *Decoder) Decode() (Value, error) {
	d.stack, d.marks, d.memo = nil, nil, memo{}
	for range maxOps {
		at := d.in.offset
		op, err := d.in.byte()
		if err != nil {
			return nil, fmt.Errorf("the pickle has no end: %w", err)
		}
		if op == opStop {
			v, err := d.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle, byte %d (STOP): %w", at, err)
			}
			return v, nil
		}
		err = d.step(op)
		if err == nil && d.room < 0 {
			err = errRoom
		}
		if err != nil {
			if errors.Is(err, errRefused) {
				return nil, errors.Unwrap(err)
			}
			return nil, fmt.Errorf("pickle, byte %d (opcode %#02x): %w", at, op, err)
		}
	}
	return nil, fmt.Errorf("the pickle has more than %d opcodes", maxOps)
}

// errRefused marks an error of the caller's, which needs no place in the pickle.
var errRefused = errors.New("refused")

type refusal struct{ error }

func (r refusal) Unwrap() error        { return r.error }
func (r refusal) Is(target error) bool { return target == errRefused }

var (
	errStack = errors.New("an operand is missing")
	errRoom  = errors.New("its values take far more memory than its file has bytes, which no file of numbers does")
)

func (d *Decoder) push(v Value) {
	d.room -= ofValue
	switch v := v.(type) {
	case string:
		d.room -= ofValue + int64(len(v))
	case []byte:
		d.room -= ofValue + int64(len(v))
	case *big.Int:
		d.room -= int64(len(v.Bits())) * bits.UintSize / 8
	}
	d.stack = append(d.stack, v)
}

// made pushes what was made of n values.
func (d *Decoder) made(v Value, n int) {
	d.room -= ofContainer + int64(n)*ofValue
	d.stack = append(d.stack, v)
}

// again pushes a value that was there before.
func (d *Decoder) again(v Value) {
	d.room -= ofValue
	d.stack = append(d.stack, v)
}

// floor is the height of the stack below which the current mark forbids to pop.
func (d *Decoder) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *Decoder) pop() (Value, error) {
	v, err := d.top()
	if err == nil {
		d.stack = d.stack[:len(d.stack)-1]
	}
	return v, err
}

func (d *Decoder) top() (Value, error) {
	if len(d.stack) <= d.floor() {
		return nil, errStack
	}
	return d.stack[len(d.stack)-1], nil
}

// popN returns a copy of the n topmost values, deepest first.
func (d *Decoder) popN(n int) ([]Value, error) {
	if len(d.stack)-n < d.floor() {
		return nil, errStack
	}
	return d.cut(len(d.stack) - n), nil
}

// popMark returns a copy of the values above the topmost mark, and removes both.
func (d *Decoder) popMark() ([]Value, error) {
	if len(d.marks) == 0 {
		return nil, errors.New("a mark is missing")
	}
	height := d.floor()
	d.marks = d.marks[:len(d.marks)-1]
	return d.cut(height), nil
}

func (d *Decoder) cut(height int) []Value {
	items := append([]Value(nil), d.stack[height:]...)
	clear(d.stack[height:])
	d.stack = d.stack[:height]
	return items
}

func (d *Decoder) global(module, name Value) (Value, error) {
	m, ok1 := module.(string)
	n, ok2 := name.(string)
	if !ok1 || !ok2 {
		return nil, errors.New("the name of an import is no string")
	}
	g := Global{m, n}
	if d.Allow == nil {
		return nil, refusal{fmt.Errorf("the pickle asks for %.100q", g)}
	}
	if err := d.Allow(g); err != nil {
		return nil, refusal{err}
	}
	return g, nil
}

func (d *Decoder) persistent(id Value) error {
	if d.Persistent == nil {
		return errors.New("the pickle refers to an object outside of it")
	}
	v, err := d.Persistent(id)
	if err != nil {
		return refusal{err}
	}
	d.push(v)
	return nil
}

// call records a call of class with args, a tuple.
func (d *Decoder) call(class, args Value) error {
	g, ok := class.(Global)
	if !ok {
		return fmt.Errorf("it calls a %s instead of a class", kind(class))
	}
	t, ok := args.(*Tuple)
	if !ok {
		return fmt.Errorf("the arguments for %.100q are a %s", g, kind(args))
	}
	d.made(&Object{Class: g, Args: t.Items}, 0)
	return nil
}

func (d *Decoder) get(index uint64) error {
	v, ok := d.memo.get(index)
	if !ok {
		return fmt.Errorf("memo %d was never set", index)
	}
	d.again(v)
	return nil
}

func (d *Decoder) put(index uint64) error {
	v, err := d.top()
	if err == nil {
		d.room -= ofValue
		if d.memo.put(index, v) {
			d.room -= ofNumber
		}
	}
	return err
}

// extend appends items to the list, set or object on top of the stack.
func (d *Decoder) extend(items []Value) error {
	target, err := d.top()
	if err != nil {
		return err
	}
	d.room -= int64(len(items)) * ofValue
	switch t := target.(type) {
	case *List:
		t.Items = append(t.Items, items...)
	case *Set:
		t.Items = append(t.Items, items...)
	case *Object:
		t.Items = append(t.Items, items...)
	default:
		return fmt.Errorf("it appends to a %s", kind(target))
	}
	return nil
}

// update sets keys and values, which alternate in items, in the dict or object on top of the stack.
func (d *Decoder) update(items []Value) error {
	target, err := d.top()
	if err != nil {
		return err
	}
	entries, err := pairs(items)
	if err != nil {
		return err
	}
	d.room -= int64(len(items)) * ofValue
	switch t := target.(type) {
	case *Dict:
		t.Entries = append(t.Entries, entries...)
	case *Object:
		t.Entries = append(t.Entries, entries...)
	default:
		return fmt.Errorf("it sets an item of a %s", kind(target))
	}
	return nil
}

func pairs(items []Value) ([]Entry, error) {
	if len(items)%2 != 0 {
		return nil, errors.New("a key has no value")
	}
	entries := make([]Entry, len(items)/2)
	for i := range entries {
		entries[i] = Entry{items[2*i], items[2*i+1]}
	}
	return entries, nil
}

// kind names the type of a value as Python does; a name from the pickle is quoted.
func kind(v Value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case *Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case *Set:
		return "set"
	case Global:
		return fmt.Sprintf("%.100q", v)
	case *Object:
		return fmt.Sprintf("%.100q", v.Class)
	}
	return "object outside the pickle"
}
