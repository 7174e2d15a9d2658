package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// half writes tensor's conversions between float32 and both formats of 16 bits, for whole vectors.
//
// Registers:
//
//	DI  dst    SI  src    CX  elements left    0  the values
func half(k *kernel) {
	v, half := k.v(0), x(0)
	if k.lanes == avx512 {
		half = y(0)
	}
	k.convert("widenFloat16", "(dst *float32, src *byte, n int)", 2, 4, func() {
		k.VCVTPH2PS(at(RSI, 0), v)
		k.VMOVUPS(v, at(RDI, 0))
	})
	k.convert("narrowFloat16", "(dst *byte, src *float32, n int)", 4, 2, func() {
		k.VMOVUPS(at(RSI, 0), v)
		k.VCVTPS2PH(n(0), v, half) // to nearest, ties to even
		k.VMOVDQU(half, at(RDI, 0))
	})
	k.convert("widenBFloat16", "(dst *float32, src *byte, n int)", 2, 4, func() {
		k.VPMOVZXWD(at(RSI, 0), v)
		k.VPSLLD(n(16), v, v) // src[i..] << 16
		k.VMOVUPS(v, at(RDI, 0))
	})
	k.narrowBFloat16()
}

// convert is the loop over all elements, of so many bytes.
func (k *kernel) convert(name, signature string, from, to int, vector func()) {
	k.function(name+k.suffix(), signature, 0)
	k.params(RDI, RSI, RCX)
	k.whole(from, to, vector)
}

// whole is for CX = n; CX > 0; CX -= lanes.
func (k *kernel) whole(from, to int, vector func()) {
	k.Label("loop")
	vector()
	k.ADDQ(n(k.lanes*from), RSI)
	k.ADDQ(n(k.lanes*to), RDI)
	k.SUBQ(n(k.lanes), RCX)
	k.JG(LabelRef("loop"))
	k.end()
}

// narrowBFloat16 is (b + 0x7fff + b>>16&1) >> 16, or b>>16 | 0x40 for a NaN, for the bits b of each element.
func (k *kernel) narrowBFloat16() {
	b, high, odd := k.v(0), k.v(1), k.v(2)
	one, almost, quiet := k.v(4), k.v(5), k.v(6) // 1, 0x7fff, 0x40
	k.function("narrowBFloat16"+k.suffix(), "(dst *byte, src *float32, n int)", 0)
	k.params(RDI, RSI, RCX)
	if k.lanes == avx2 {
		k.VPCMPEQD(Y7, Y7, Y7)
		k.VPSRLD(n(31), Y7, one)
		k.VPSRLD(n(17), Y7, almost)
		k.VPSLLD(n(6), one, quiet)
	} else {
		k.broadcast(1, one)
		k.broadcast(0x7fff, almost)
		k.broadcast(0x40, quiet)
	}
	k.whole(4, 2, func() {
		k.VMOVUPS(at(RSI, 0), b)
		k.VPSRLD(n(16), b, high)
		k.and(one, high, odd)
		isNaN := k.compare(unordered, b, b, 3)
		k.VPADDD(almost, b, b)
		k.VPADDD(odd, b, b)
		k.VPSRLD(n(16), b, b)
		if k.lanes == avx2 {
			k.or(quiet, high, high)
			k.VPBLENDVB(isNaN, high, b, b)
		} else {
			k.VPORD(quiet, high, isNaN, b)
		}
		k.storeWords(0, 1, at(RDI, 0))
	})
}
