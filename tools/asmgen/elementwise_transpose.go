package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose writes elementwise's exchanges of rows and columns: strips of 8 rows, and two rows of any length.
//
// Registers:
//
//	DI dst     R8 srcStep, in bytes     R10 3·srcStep     CX blocks left
//	SI src     R9 dstStep, in bytes     R11 3·dstStep     DX 4 rows on
func transpose(k *kernel) {
	k.strip("transposeCodes", "byte", 1, k.blockOfCodes)
	k.strip("transposeReals", "float32", 4, k.blockOfReals)
	k.interleave("interleaveCodes", "byte", 1, k.VPUNPCKLBW, k.VPUNPCKHBW)
	k.interleave("interleaveReals", "float32", 4, k.VUNPCKLPS, k.VUNPCKHPS)
}

// strip is the loop over blocks of 8 rows and as many columns as a block has.
func (k *kernel) strip(name, element string, size int, block func()) {
	k.function(name+"AVX2", "(dst, src *"+element+", blocks, srcStep, dstStep int)", 0)
	k.params(RDI, RSI, RCX, R8, R9)
	if size > 1 {
		k.SHLQ(n(2), R8)
		k.SHLQ(n(2), R9)
	}
	k.LEAQ(at(R8, 0).Idx(R8, 2), R10)
	k.LEAQ(at(R9, 0).Idx(R9, 2), R11)
	k.loop("block")
	k.LEAQ(at(RSI, 0).Idx(R8, 4), RDX)
	block()
	k.DECQ(RCX)
	k.JNZ(LabelRef("block"))
	k.end()
}

// eight are the places of 8 rows that lie step apart, from the one that base points at and the one 4 rows on.
func eight(base, four, step, three Register) (rows [8]Mem) {
	for i, r := range []Register{base, four} {
		rows[4*i] = at(r, 0)
		rows[4*i+1] = at(r, 0).Idx(step, 1)
		rows[4*i+2] = at(r, 0).Idx(step, 2)
		rows[4*i+3] = at(r, 0).Idx(three, 1)
	}
	return rows
}

// pairs is a step of an exchange: low and high give the lower and the upper halves of pairs of registers that lie by apart.
func pairs(low, high func(ops ...Op), from, to, by int, r func(i int) Register) {
	for i := range 8 {
		if i&by != 0 {
			continue
		}
		low(r(from+i+by), r(from+i), r(to+i))
		high(r(from+i+by), r(from+i), r(to+i+by))
	}
}

// blockOfCodes is 8 rows of 16 codes.
func (k *kernel) blockOfCodes() {
	for i, row := range eight(RSI, RDX, R8, R10) {
		k.VMOVDQU(row, x(i))
	}
	// In registers, of row i what is at column c: after the first step, pairs of rows, low columns in even registers.
	pairs(k.VPUNPCKLBW, k.VPUNPCKHBW, 0, 8, 1, x)
	pairs(k.VPUNPCKLWD, k.VPUNPCKHWD, 8, 0, 2, x)
	pairs(k.VPUNPCKLDQ, k.VPUNPCKHDQ, 0, 8, 4, x)
	// Bit 0 of the register is bit 3 of the column, bit 1 is bit 2, bit 2 is bit 1; bit 0 is the half of the register.
	for c := 0; c < 16; c += 8 {
		k.LEAQ(at(RDI, 0).Idx(R9, 4), RDX)
		for i, row := range eight(RDI, RDX, R9, R11) {
			column := c + i
			r := x(8 + column>>3&1 + column>>2&1*2 + column>>1&1*4)
			if column&1 == 0 {
				k.VMOVQ(r, row)
			} else {
				k.VPEXTRQ(n(1), r, row)
			}
		}
		k.LEAQ(at(RDI, 0).Idx(R9, 8), RDI)
	}
	k.ADDQ(n(16), RSI)
}

// blockOfReals is 8 rows of 8 reals.
func (k *kernel) blockOfReals() {
	for i, row := range eight(RSI, RDX, R8, R10) {
		k.VMOVUPS(row, y(i))
	}
	pairs(k.VUNPCKLPS, k.VUNPCKHPS, 0, 8, 1, y)
	pairs(k.VUNPCKLPD, k.VUNPCKHPD, 8, 0, 2, y)
	for i := range 4 { // of 4 rows and of the other 4, the columns of half a register
		k.VPERM2F128(n(0x20), y(4+i), y(i), y(8+i))
		k.VPERM2F128(n(0x31), y(4+i), y(i), y(12+i))
	}
	k.LEAQ(at(RDI, 0).Idx(R9, 4), RDX)
	for column, row := range eight(RDI, RDX, R9, R11) {
		k.VMOVUPS(y(8+column&4+column>>1&1+column&1*2), row)
	}
	k.LEAQ(at(RDI, 0).Idx(R9, 8), RDI)
	k.ADDQ(n(32), RSI)
}

// interleave takes an element of each of two rows in turn, of count pairs of rows; n is at least those in 16 bytes.
//
// Registers:
//
//	DI dst    CX n                  R8 pairs of rows left
//	SI a      AX columns done       R9 dstNext, in bytes
//	DX b      BX the last 16 bytes  R10 srcNext, in bytes
func (k *kernel) interleave(name, element string, size int, low, high func(ops ...Op)) {
	k.function(name+"AVX2", "(dst, a, b *"+element+", n, count, dstNext, srcNext int)", 0)
	k.params(RDI, RSI, RDX, RCX, R8, R9, R10)
	if size > 1 {
		k.SHLQ(n(2), R9)
		k.SHLQ(n(2), R10)
	}
	k.LEAQ(at(RCX, -16/size), RBX)
	k.loop("rows")
	k.XORQ(RAX, RAX)
	k.loop("columns")
	k.VMOVUPS(at(RSI, 0).Idx(RAX, uint8(size)), x(0))
	k.VMOVUPS(at(RDX, 0).Idx(RAX, uint8(size)), x(1))
	low(x(1), x(0), x(2))
	high(x(1), x(0), x(3))
	k.VMOVUPS(x(2), at(RDI, 0).Idx(RAX, uint8(2*size)))
	k.VMOVUPS(x(3), at(RDI, 16).Idx(RAX, uint8(2*size)))
	k.ADDQ(n(16/size), RAX)
	k.CMPQ(RAX, RBX)
	k.JLE(LabelRef("columns"))
	k.CMPQ(RAX, RCX)
	k.JGE(LabelRef("next"))
	k.MOVQ(RBX, RAX) // the last columns, of which some are there
	k.JMP(LabelRef("columns"))
	k.Label("next")
	k.ADDQ(R9, RDI)
	k.ADDQ(R10, RSI)
	k.ADDQ(R10, RDX)
	k.DECQ(R8)
	k.JNZ(LabelRef("rows"))
	k.end()
}
