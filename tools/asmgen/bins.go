package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// bins writes calib's search for the bins of elements: the place of x is
//
//	uint16(int32(x*perWidth) + int32(bits(x))>>31 - base)
//
// and of the zeros, which are counted, 2048 + i%lanes.
//
// Registers:
//
//	DI  found          AX  zeros      0  x, and then its bin    and perWidth, base, 0, zeroBins
//	SI  x              BX  scratch    1  int32(bits(x))>>31
//	CX  elements left                 2, K1  x == 0
func bins(k *kernel) {
	places := make([]uint32, 16)
	for i := range places {
		places[i] = uint32(2048 + i)
	}
	zeroBins := k.constants("zeroBins", places...)
	for _, k.lanes = range []int{avx512, avx2} {
		k.findBins(zeroBins)
	}
}

func (k *kernel) findBins(zeroBins Mem) {
	first := 16
	if k.lanes == avx2 {
		first = 4
	}
	v, sign := k.v(0), k.v(1)
	perWidth, base, zero, bins := k.v(first), k.v(first+1), k.v(first+2), k.v(first+3)
	k.function("findBins"+k.suffix(), "(found *uint16, x *float32, n int, perWidth float32, base int32) (zeros int)", 0)
	k.params(RDI, RSI, RCX)
	k.VBROADCASTSS(k.param("perWidth"), perWidth)
	k.MOVL(k.param("base"), EBX)
	if k.lanes == avx2 {
		k.VMOVD(EBX, X5)
		k.VPBROADCASTD(X5, base)
		k.zero(zero)
		k.VMOVDQU(zeroBins, bins)
	} else {
		k.VPBROADCASTD(EBX, base)
		k.zero(zero)
		k.VMOVDQU32(zeroBins, bins)
	}
	k.XORL(EAX, EAX)

	k.Label("loop") // for CX = n; CX > 0; CX -= lanes
	k.VMOVUPS(at(RSI, 0), v)
	isZero := k.compare(equal, zero, v, 2)
	k.VPSRAD(n(31), v, sign)
	k.VMULPS(perWidth, v, v)
	k.VCVTTPS2DQ(v, v)
	k.VPADDD(sign, v, v)
	k.VPSUBD(base, v, v)
	if k.lanes == avx2 {
		k.VPBLENDVB(isZero, bins, v, v)
		k.storeWords(0, 1, at(RDI, 0))
		k.VMOVMSKPS(isZero, EBX)
	} else {
		k.VMOVDQA32(bins, isZero, v)
		k.storeWords(0, 1, at(RDI, 0))
		k.KMOVW(isZero, EBX)
	}
	k.POPCNTL(EBX, EBX)
	k.ADDQ(RBX, RAX)
	k.ADDQ(n(4*k.lanes), RSI)
	k.ADDQ(n(2*k.lanes), RDI)
	k.SUBQ(n(k.lanes), RCX)
	k.JG(LabelRef("loop"))
	k.MOVQ(RAX, k.param("zeros"))
	k.end()
}
