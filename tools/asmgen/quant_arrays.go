package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// arrays writes quant's kernels for arrays with one scale.
func arrays(k *kernel) {
	if k.lanes == avx2 {
		k.quantizeArrayAVX2()
		k.dequantizeArray(8, 9, 10)
	} else {
		k.quantizeArrayAVX512()
		k.dequantizeArray(16, 17, 18)
	}
}

// ahead is how far ahead lines are fetched, in bytes: a page, as the processor does not look that far.
const ahead = 4096

// A quotient keeps what the quotients of an array by one scale need: registers, and the first of the scratch ones.
type quotient struct{ inverse, residue, lo, hi, after, flip, order, scratch int }

// divide makes register i RNE(clamp(x, lo, hi)/scale) as integers, 0 for a NaN; see quant's quantizer.
func (k *kernel) divide(q quotient, i int) {
	x, t := k.v(i), k.v(q.scratch+i)
	notNaN := t
	if k.lanes == avx512 {
		notNaN = []Register{K1, K2, K3, K4}[i]
	}
	k.VCMPPS(ordered, x, x, notNaN)
	k.clampOrdered(x, k.v(q.lo), k.v(q.hi), notNaN)
	k.VMULPS(k.v(q.residue), x, t)
	k.VFMADD231PS(k.v(q.inverse), x, t)
	k.VCVTPS2DQ(t, x)
}

// codes makes register to the codes of four vectors, that begin offset bytes behind SI.
func (k *kernel) codes(q quotient, offset, to int) {
	v := k.vs(0, 4)
	for i := range v {
		k.VMOVUPS(at(RSI, offset+4*k.lanes*i), v[i])
	}
	for i := range v {
		k.divide(q, i)
	}
	k.VPACKSSDW(v[1], v[0], v[0])
	k.VPACKSSDW(v[3], v[2], v[2])
	k.VPADDW(k.v(q.after), v[0], v[0])
	k.VPADDW(k.v(q.after), v[2], v[2])
	k.VPACKUSWB(v[2], v[0], v[0])
	k.VPERMD(v[0], k.v(q.order), v[0]) // packing interleaves the parts of its operands
	k.xor(k.v(q.flip), v[0], k.v(to))
}

func (k *kernel) fetch(offset, lines int) {
	for i := range lines {
		k.PREFETCHT0(at(RSI, offset+ahead+64*i))
	}
}

// beginQuantize is, up to the vectors that are done by fours,
//
//	dst[i] = byte(RNE(clamp(src[i], p.lo, p.hi)/p.scale) + p.after) ^ byte(p.flip)
//
// Registers:
//
//	DI  dst    CX  elements left    0 … 3  the values    and those of the quotient
//	SI  src    R8  stream           4 … 7  quotients     8  half a line
func (k *kernel) beginQuantize(q quotient) {
	k.function("quantize"+k.suffix(), "(dst *byte, src *float32, n int, p *quantizer, stream bool)", 0)
	k.params(RDI, RSI, RCX, RDX)
	k.MOVBLZX(k.param("stream"), R8L)
	k.VBROADCASTSS(field("quantizer_inverse", RDX), k.v(q.inverse))
	k.VBROADCASTSS(field("quantizer_residue", RDX), k.v(q.residue))
	k.VBROADCASTSS(field("quantizer_lo", RDX), k.v(q.lo))
	k.VBROADCASTSS(field("quantizer_hi", RDX), k.v(q.hi))
	k.VPBROADCASTW(field("quantizer_after", RDX), k.v(q.after))
	k.VPBROADCASTD(field("quantizer_flip", RDX), k.v(q.flip))
}

// constants are dwords that the function finds in memory.
func (k *kernel) constants(name string, dwords ...uint32) Mem {
	m := k.StaticGlobal(name)
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, d := range dwords {
		k.AddDatum(4*i, U32(d))
	}
	return m
}

func (k *kernel) quantizeArrayAVX2() {
	q := quotient{inverse: 9, residue: 10, lo: 11, hi: 12, after: 13, flip: 14, order: 15, scratch: 4}
	halves := k.constants("halves", 0, 4, 1, 5, 2, 6, 3, 7)
	k.beginQuantize(q)
	k.VMOVDQU(halves, k.v(q.order))
	k.SUBQ(n(64), RCX)
	k.JL(LabelRef("rest"))

	k.Label("lines") // for CX = n - 64; CX >= 0; CX -= 64
	k.fetch(0, 4)
	k.codes(q, 0, 8)
	k.codes(q, 128, 0)
	k.eitherWay(256, 64, 64, k.VMOVDQU, k.VMOVNTDQ, Y8, Y0)

	k.rest(64, nil, func() {
		k.VMOVUPS(at(RSI, 0), Y0)
		k.divide(q, 0)
		k.VEXTRACTI128(n(1), Y0, X1)
		k.VPACKSSDW(X1, X0, X0)
		k.VPADDW(X13, X0, X0)
		k.VPACKUSWB(X0, X0, X0)
		k.VPXOR(X14, X0, X0)
		k.VMOVQ(X0, at(RDI, 0))
		k.ADDQ(n(32), RSI)
		k.ADDQ(n(8), RDI)
	})
	k.end()
}

// eitherWay stores registers one after the other, past the caches where R8 says so, ends the loop lines, and jumps to
// rest, or goes on there.
func (k *kernel) eitherWay(from, to, elements int, cached, past func(from, to Op), regs ...Register) {
	step := func(move func(from, to Op)) {
		for i, r := range regs {
			move(r, at(RDI, 4*k.lanes*i))
		}
		k.ADDQ(n(from), RSI)
		k.ADDQ(n(to), RDI)
		k.SUBQ(n(elements), RCX)
		k.JGE(LabelRef("lines"))
	}
	k.CMPL(R8L, n(0))
	k.JNE(LabelRef("past"))
	step(cached)
	k.JMP(LabelRef("rest"))
	k.Label("past")
	step(past)
	k.SFENCE() // before anything that tells others about dst
}

func (k *kernel) quantizeArrayAVX512() {
	q := quotient{inverse: 17, residue: 18, lo: 19, hi: 20, after: 21, flip: 22, order: 23, scratch: 4}
	quarters := k.constants("quarters", 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
	k.beginQuantize(q)
	k.SUBQ(n(64), RCX)
	k.JL(LabelRef("rest"))
	k.VMOVDQU32(quarters, k.v(q.order))
	k.CMPL(R8L, n(0))
	k.JEQ(LabelRef("lines"))

	k.Label("past") // for CX = n - 64; CX >= 64; CX -= 128
	k.CMPQ(RCX, n(64))
	k.JL(LabelRef("last"))
	for i := range 2 {
		k.fetch(256*i, 4)
		k.codes(q, 256*i, 0)
		k.VMOVNTDQ(Z0, at(RDI, 64*i))
	}
	k.ADDQ(n(512), RSI)
	k.ADDQ(n(128), RDI)
	k.SUBQ(n(128), RCX)
	k.JMP(LabelRef("past"))

	k.Label("last")
	k.SFENCE() // before anything that tells others about dst
	k.TESTQ(RCX, RCX)
	k.JL(LabelRef("rest"))

	k.Label("lines") // for ; CX >= 0; CX -= 64
	k.fetch(0, 4)
	k.codes(q, 0, 0)
	k.VMOVDQU32(Z0, at(RDI, 0))
	k.ADDQ(n(256), RSI)
	k.ADDQ(n(64), RDI)
	k.SUBQ(n(64), RCX)
	k.JGE(LabelRef("lines"))

	k.rest(64, func() { k.VPBROADCASTD(field("quantizer_after", RDX), k.v(q.after)) }, func() {
		k.load(at(RSI, 0), Z0)
		k.divide(q, 0)
		k.VPADDD(k.v(q.after), Z0, Z0)
		k.VPMOVDB(Z0, X0)
		k.VPXORD(registers[q.flip].AsX(), X0, X0)
		k.VMOVDQU8(X0, k.mask, at(RDI, 0))
		k.ADDQ(n(64), RSI)
		k.ADDQ(n(16), RDI)
	})
	k.end()
}

// dequantizeArray is
//
//	dst[i] = float32(int32(src[i]^byte(p.flip)) - p.before) * p.scale
//
// Registers:
//
//	DI  dst    CX  elements left    0 … 3  the values    those of scale, before and flip, of one code a dword
//	SI  src    R8  stream
func (k *kernel) dequantizeArray(scale, before, flip int) {
	k.function("dequantize"+k.suffix(), "(dst *float32, src *byte, n int, p *dequantizer, stream bool)", 0)
	k.params(RDI, RSI, RCX, RDX)
	k.MOVBLZX(k.param("stream"), R8L)
	k.VBROADCASTSS(field("dequantizer_scale", RDX), k.v(scale))
	k.VPBROADCASTD(field("dequantizer_before", RDX), k.v(before))
	k.VPBROADCASTD(field("dequantizer_flip", RDX), k.v(flip))
	k.VPSRLD(n(24), k.v(flip), k.v(flip))
	k.SUBQ(n(4*k.lanes), RCX)
	k.JL(LabelRef("rest"))
	reals := func(i int) {
		k.widenCodes(at(RSI, k.lanes*i), i)
		k.xor(k.v(flip), k.v(i), k.v(i))
		k.VPSUBD(k.v(before), k.v(i), k.v(i))
		k.VCVTDQ2PS(k.v(i), k.v(i))
		k.VMULPS(k.v(scale), k.v(i), k.v(i))
	}

	k.Label("lines") // for CX = n - 4 vectors; CX >= 0
	k.fetch(0, 1)
	for i := range 4 {
		reals(i)
	}
	k.eitherWay(4*k.lanes, 16*k.lanes, 4*k.lanes, func(v, m Op) { k.VMOVUPS(v, m) }, k.VMOVNTPS, k.vs(0, 4)...)

	k.rest(4*k.lanes, func() {}, func() {
		reals(0)
		k.store(k.v(0), at(RDI, 0))
		k.ADDQ(n(k.lanes), RSI)
		k.ADDQ(n(4*k.lanes), RDI)
	})
	k.end()
}
