package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// columns writes quant's kernels for rows of which each column has a scale, and perhaps a zero point, of its own.
func columns(k *kernel) {
	k.quantizeRow()
	k.dequantizeRow()
}

// quantizeRow is, with z = zeroPoint[c] or 0,
//
//	dst[c] = byte(RNE(clamp(src[c]/scale[c], p.lo-float32(z), p.hi-float32(z))) + z) // z for a NaN
//
// Registers:
//
//	DI  dst      R8  scale          0  the values       4  p.lo     5  p.hi
//	SI  src      R9  zeroPoint      1  z                6  not NaN, or scale
//	CX  elements left               2  p.lo - z         7  0x000000ff
//	                                3  p.hi - z
func (k *kernel) quantizeRow() {
	v, z := k.v(0), k.v(1)
	k.function("quantizeRow"+k.suffix(), "(dst *byte, src *float32, n int, scale *float32, zeroPoint *int32, p *quantizer)", 0)
	k.params(RDI, RSI, RCX, R8, R9, RDX)
	k.VBROADCASTSS(field("quantizer_lo", RDX), k.v(4))
	k.VBROADCASTSS(field("quantizer_hi", RDX), k.v(5))
	k.zero(z)
	k.VMOVAPS(k.v(4), k.v(2))
	k.VMOVAPS(k.v(5), k.v(3))
	k.lowBytes(7)
	k.vectors(func() {
		k.TESTQ(R9, R9)
		k.JE(LabelRef("symmetric"))
		k.loadInts(at(R9, 0), z)
		k.VCVTDQ2PS(z, k.v(3))
		k.VSUBPS(k.v(3), k.v(4), k.v(2))
		k.VSUBPS(k.v(3), k.v(5), k.v(3))
		k.ADDQ(n(4*k.lanes), R9)
		k.Label("symmetric")
		k.load(at(RSI, 0), v)
		k.VDIVPS(k.floats(at(R8, 0), k.v(6)), v, v)
		k.clampOrdered(v, k.v(2), k.v(3), k.compare(ordered, v, v, 6))
		k.VCVTPS2DQ(v, v)
		k.VPADDD(z, v, v)
		k.storeBytes(0, 7, 6, at(RDI, 0))
		k.ADDQ(n(4*k.lanes), RSI)
		k.ADDQ(n(4*k.lanes), R8)
		k.ADDQ(n(k.lanes), RDI)
	})
}

// dequantizeRow is
//
//	dst[c] = float32(int32(src[c]^byte(p.flip)) - p.before - zeroPoint[c]) * scale[c]
//
// Registers:
//
//	DI  dst      R8  scale          0  the values      2  p.flip, of one code a dword
//	SI  src      R9  zeroPoint      1  p.before        3  what is read
//	CX  elements left
func (k *kernel) dequantizeRow() {
	v := k.v(0)
	k.function("dequantizeRow"+k.suffix(), "(dst *float32, src *byte, n int, scale *float32, zeroPoint *int32, p *dequantizer)", 0)
	k.params(RDI, RSI, RCX, R8, R9, RDX)
	k.VPBROADCASTD(field("dequantizer_before", RDX), k.v(1))
	k.VPBROADCASTD(field("dequantizer_flip", RDX), k.v(2))
	k.VPSRLD(n(24), k.v(2), k.v(2))
	k.vectors(func() {
		k.widenCodes(at(RSI, 0), 0)
		k.xor(k.v(2), v, v)
		k.VPSUBD(k.v(1), v, v)
		k.TESTQ(R9, R9)
		k.JE(LabelRef("symmetric"))
		k.VPSUBD(k.ints(at(R9, 0), k.v(3)), v, v)
		k.ADDQ(n(4*k.lanes), R9)
		k.Label("symmetric")
		k.VCVTDQ2PS(v, v)
		k.VMULPS(k.floats(at(R8, 0), k.v(3)), v, v)
		k.store(v, at(RDI, 0))
		k.ADDQ(n(k.lanes), RSI)
		k.ADDQ(n(4*k.lanes), R8)
		k.ADDQ(n(4*k.lanes), RDI)
	})
}

// widenCodes loads codes, one a dword.
func (k *kernel) widenCodes(from Mem, i int) {
	if k.mask == nil {
		k.VPMOVZXBD(from, k.v(i))
		return
	}
	k.VMOVDQU8_Z(from, k.mask, x(i))
	k.VPMOVZXBD(x(i), k.v(i))
}

// requantizeSums writes requantize: with m = multiplier[c], or multiplier[0] if there is a single one,
//
//	dst[c] = byte(RNE(clamp(float32(float32(acc[c])*m)+p.before, p.lo, p.hi)) + p.after)
//
// Registers:
//
//	DI  dst            R8  multiplier     0  the values        3  p.lo      5  p.before
//	SI  acc            R9  single         1  multipliers       4  p.hi      6  p.after
//	CX  elements left                     2  scratch           7  0x000000ff
func requantizeSums(k *kernel) {
	v, mult := k.v(0), k.v(1)
	k.function("requantize"+k.suffix(), "(dst *byte, acc *int32, n int, multiplier *float32, single bool, p *rounding)", 0)
	k.params(RDI, RSI, RCX, R8)
	k.MOVBLZX(k.param("single"), R9L)
	k.MOVQ(k.param("p"), RDX)
	k.VBROADCASTSS(field("rounding_lo", RDX), k.v(3))
	k.VBROADCASTSS(field("rounding_hi", RDX), k.v(4))
	k.VBROADCASTSS(field("rounding_before", RDX), k.v(5))
	k.VPBROADCASTD(field("rounding_after", RDX), k.v(6))
	k.lowBytes(7)
	k.VBROADCASTSS(at(R8, 0), mult) // the one multiplier, or replaced below
	k.vectors(func() {
		k.CMPL(R9L, n(0))
		k.JNE(LabelRef("single"))
		k.load(at(R8, 0), mult)
		k.ADDQ(n(4*k.lanes), R8)
		k.Label("single")
		k.VCVTDQ2PS(k.ints(at(RSI, 0), v), v)
		k.requantize(v, mult, k.v(5), k.v(3), k.v(4), k.v(6))
		k.storeBytes(0, 7, 2, at(RDI, 0))
		k.ADDQ(n(4*k.lanes), RSI)
		k.ADDQ(n(k.lanes), RDI)
	})
}
