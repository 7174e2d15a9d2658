//go:build linux && amd64

package main

import "encoding/binary"

// operation is what a tile instruction does.
type operation uint8

const (
	loadConfig operation = iota + 1
	storeConfig
	load
	store
	zero
	release
	dot // of four bytes by four bytes
)

// instruction is a tile instruction, taken apart.
type instruction struct {
	op               operation
	length           uint64 // in bytes
	dst              int    // tiles; for store, dst is the source
	a, b             int
	aSigned, bSigned bool

	base, index int // numbers of registers, or none, or next
	shift       uint
	disp        int64
}

const (
	none = -1
	next = -2 // the address of the instruction that follows
)

// prefixes of an instruction, as VEX abbreviates them.
const (
	np = iota
	p66
	pF3
	pF2
)

// decode takes the tile instruction at the beginning of code apart. All are VEX.128.0F38.W0 with an opcode of 49, 4B or
// 5E. It fails where there is another instruction, or one that is not defined.
func decode(code []byte) (in instruction, ok bool) {
	if len(code) < 5 || code[0] != 0xc4 {
		return in, false
	}
	v1, v2, opcode, modrm := code[1], code[2], code[3], code[4]
	if v1&0x1f != 2 || v2&0x84 != 0 { // map 0F38, W 0, L 0
		return in, false
	}
	extend := func(mask byte) int { // bits 3 of registers are stored inverted
		if v1&mask == 0 {
			return 8
		}
		return 0
	}
	r, x, b := extend(0x80), extend(0x40), extend(0x20)
	vvvv, prefix := int(^v2>>3&15), v2&3
	mod, reg, rm := modrm>>6, int(modrm>>3&7), int(modrm&7)
	in = instruction{dst: reg, base: none, index: none}
	if r != 0 { // there are only 8 tiles
		return in, false
	}
	if mod == 3 {
		in.length = 5
		switch {
		case opcode == 0x5e && b == 0 && vvvv < 8:
			in.op, in.a, in.b = dot, rm, vvvv
			in.aSigned, in.bSigned = prefix == pF2 || prefix == pF3, prefix == pF2 || prefix == p66
			return in, true
		case opcode == 0x49 && vvvv == 0 && prefix == pF2 && rm == 0 && b == 0:
			in.op = zero
			return in, true
		case opcode == 0x49 && vvvv == 0 && prefix == np && modrm == 0xc0 && b == 0:
			in.op = release
			return in, true
		}
		return in, false
	}
	switch {
	case vvvv != 0:
		return in, false
	case opcode == 0x49 && prefix == np && reg == 0:
		in.op = loadConfig
	case opcode == 0x49 && prefix == p66 && reg == 0:
		in.op = storeConfig
	case opcode == 0x4b && (prefix == pF2 || prefix == p66) && rm == 4: // the second says that data is used once
		in.op = load
	case opcode == 0x4b && prefix == pF3 && rm == 4:
		in.op = store
	default:
		return in, false
	}
	return in, in.address(code, mod, rm, x, b)
}

// address takes the operand in memory apart. It fails where code ends within it.
func (in *instruction) address(code []byte, mod byte, rm, x, b int) bool {
	at := 5
	if rm == 4 {
		if len(code) < 6 {
			return false
		}
		sib := code[5]
		at, rm, in.shift = 6, int(sib&7), uint(sib>>6)
		if in.index = int(sib>>3&7) + x; in.index == 4 {
			in.index = none
		}
		if in.base = rm + b; mod == 0 && rm == 5 {
			in.base = none
		}
	} else if in.base = rm + b; mod == 0 && rm == 5 {
		in.base = next
	}
	switch {
	case mod == 1:
		if len(code) <= at {
			return false
		}
		in.disp = int64(int8(code[at]))
		at++
	case mod == 2 || rm == 5:
		if len(code) < at+4 {
			return false
		}
		in.disp = int64(int32(binary.LittleEndian.Uint32(code[at:])))
		at += 4
	}
	in.length = uint64(at)
	return true
}
