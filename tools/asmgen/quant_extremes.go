package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// extremes writes quant's search for the least and the greatest element, and for the greatest pattern of bits without the
// sign, which is above that of infinity where there is a NaN. Four vectors are looked at side by side.
//
// Registers:
//
//	DI  e             0 … 3  the elements     8 … 11   e.hi of four parts
//	SI  x             4 … 7  e.lo of          12 … 15  e.top of four parts, or 14, of three
//	CX  elements left        four parts       15, 16   1<<31 - 1
func extremes(k *kernel) {
	v, lo, hi, top := k.vs(0, 4), k.vs(4, 4), k.vs(8, 4), k.vs(12, 4)
	magnitude := k.v(16)
	k.function("extremes"+k.suffix(), "(e *extent, x *float32, n int)", 0)
	k.params(RDI, RSI, RCX)
	if k.lanes == avx2 {
		magnitude = Y15
		top[3] = top[0]
		k.VPCMPEQD(magnitude, magnitude, magnitude)
		k.VPSRLD(n(24), magnitude, lo[0])
		k.VPSLLD(n(23), lo[0], lo[0])        // Inf
		k.VPSLLD(n(23), magnitude, hi[0])    // -Inf
		k.VPSRLD(n(1), magnitude, magnitude) // 1<<31 - 1
		k.copies(lo...)
		k.copies(hi...)
		k.zero(top[:3]...)
	} else {
		k.broadcast(0x7f800000, lo[0]) // Inf
		k.copies(lo...)
		k.broadcast(0xff800000, hi[0]) // -Inf
		k.copies(hi...)
		k.broadcast(0x7fffffff, magnitude)
		k.zero(top...)
	}
	k.SUBQ(n(4*k.lanes), RCX)
	k.JL(LabelRef("rest"))

	k.Label("four") // for CX = n - 4 vectors; CX >= 0
	for i := range v {
		k.VMOVUPS(at(RSI, 4*k.lanes*i), v[i])
	}
	each := func(op func(...Op), into []Register) {
		for i := range v {
			op(v[i], into[i], into[i])
		}
	}
	each(k.VMINPS, lo)
	each(k.VMAXPS, hi)
	for i := range v {
		k.and(magnitude, v[i], v[i])
	}
	for i := range v {
		k.VPMAXUD(v[i], top[i], top[i])
	}
	k.ADDQ(n(16*k.lanes), RSI)
	k.SUBQ(n(4*k.lanes), RCX)
	k.JGE(LabelRef("four"))

	k.rest(4*k.lanes, func() {}, func() {
		k.load(at(RSI, 0), v[0])
		k.VMINPS(k.merging(v[0], lo[0], lo[0])...)
		k.VMAXPS(k.merging(v[0], hi[0], hi[0])...)
		k.and(magnitude, v[0], v[0])
		k.VPMAXUD(v[0], top[0], top[0])
		k.ADDQ(n(4*k.lanes), RSI)
	})
	k.foldExtremes(top)
}

// foldExtremes takes the extremes of all parts, and of all elements of each, to those of the row.
func (k *kernel) foldExtremes(top []Register) {
	k.foldFloats(k.VMINPS, k.vs(4, 4))
	k.foldFloats(k.VMAXPS, k.vs(8, 4))
	k.VPMAXUD(top[1], top[0], top[0])
	if k.lanes == avx512 {
		k.VPMAXUD(top[3], top[2], top[2])
	}
	k.VPMAXUD(top[2], top[0], top[0])
	if k.lanes == avx512 {
		k.VEXTRACTF64X4(n(1), Z4, Y5)
		k.VEXTRACTF64X4(n(1), Z8, Y9)
		k.VEXTRACTI64X4(n(1), Z12, Y13)
		k.VMINPS(Y5, Y4, Y4)
		k.VMAXPS(Y9, Y8, Y8)
		k.VPMAXUD(Y13, Y12, Y12)
	}
	k.VEXTRACTF128(n(1), Y4, X5)
	k.VEXTRACTF128(n(1), Y8, X9)
	k.VEXTRACTI128(n(1), Y12, X13)
	for _, order := range []int{0x4e, 0xb1, 0} {
		k.VMINPS(X5, X4, X4)
		k.VMAXPS(X9, X8, X8)
		k.VPMAXUD(X13, X12, X12)
		if order != 0 {
			k.VPERMILPS(n(order), X4, X5)
			k.VPERMILPS(n(order), X8, X9)
			k.VPSHUFD(n(order), X12, X13)
		}
	}
	k.VMOVSS(X4, field("extent_lo", RDI))
	k.VMOVSS(X8, field("extent_hi", RDI))
	k.VMOVD(X12, field("extent_top", RDI))
	k.end()
}

// copies copies the first register to the others.
func (k *kernel) copies(regs ...Register) {
	for _, r := range regs[1:] {
		k.VMOVAPS(regs[0], r)
	}
}
