package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pair writes elementwise's sums and products of codes, as they are defined, and the quantization of floats.
//
// Registers:
//
//	DI dst   SI a   DX b   BX p   0,1  a', b'     4,5  ZeroA, ZeroB      8  Scale    9,10  Lo, Hi
//	CX left                       2    result     6,7  ScaleA, ScaleB   11  Offset   15    0x000000ff
func pair(k *kernel) {
	k.pairCodes("addCodes", k.VADDPS)
	k.pairCodes("mulCodes", k.VMULPS)

	k.function("quantize"+k.suffix(), "(dst *byte, src *float32, n int, q *Quantizer)", 0)
	k.params(RDI, RSI, RCX, RBX)
	k.quantizer("Quantizer")
	k.elements(K2, func() {
		k.load(at(RSI, 0), k.v(2))
		k.quotient()
	}, pointer{RSI, 4}, pointer{RDI, 1})
}

// pairCodes is RNE(clamp(op((a-ZeroA)·ScaleA, (b-ZeroB)·ScaleB)/Scale, Lo, Hi)) + Offset.
func (k *kernel) pairCodes(name string, op func(...Op)) {
	v := k.vs(0, 16)
	k.function(name+k.suffix(), "(dst, a, b *byte, n int, p *Pair)", 0)
	k.params(RDI, RSI, RDX, RCX, RBX)
	k.VPBROADCASTD(field("Pair_ZeroA", RBX), v[4])
	k.VPBROADCASTD(field("Pair_ZeroB", RBX), v[5])
	k.VBROADCASTSS(field("Pair_ScaleA", RBX), v[6])
	k.VBROADCASTSS(field("Pair_ScaleB", RBX), v[7])
	k.quantizer("Pair")
	k.elements(K2, func() {
		k.widen(at(RSI, 0), v[0])
		k.widen(at(RDX, 0), v[1])
		k.VPSUBD(v[4], v[0], v[0])
		k.VPSUBD(v[5], v[1], v[1])
		k.VCVTDQ2PS(v[0], v[0])
		k.VCVTDQ2PS(v[1], v[1])
		k.VMULPS(v[6], v[0], v[0])
		k.VMULPS(v[7], v[1], v[1])
		op(v[1], v[0], v[2])
		k.quotient()
	}, pointer{RSI, 1}, pointer{RDX, 1}, pointer{RDI, 1})
}

// quantizer loads what quotient needs, of a structure that BX points at.
func (k *kernel) quantizer(structure string) {
	k.VBROADCASTSS(field(structure+"_Scale", RBX), k.v(8))
	k.VBROADCASTSS(field(structure+"_Lo", RBX), k.v(9))
	k.VBROADCASTSS(field(structure+"_Hi", RBX), k.v(10))
	k.VPBROADCASTD(field(structure+"_Offset", RBX), k.v(11))
	k.lowBytes(15)
}

// quotient stores RNE(clamp(v/Scale, Lo, Hi)) + Offset, for the 0 that a NaN becomes too.
func (k *kernel) quotient() {
	v := k.v(2)
	k.VDIVPS(k.v(8), v, v)
	notNaN := k.compare(ordered, v, v, 3)
	if k.lanes == avx2 {
		k.VANDPS(notNaN, v, v)
	} else {
		k.VMOVAPS_Z(v, notNaN, v)
	}
	k.VMAXPS(k.v(9), v, v)
	k.VMINPS(k.v(10), v, v)
	k.VCVTPS2DQ(v, v)
	k.VPADDD(k.v(11), v, v)
	k.storeBytes(2, 15, 3, at(RDI, 0))
}
