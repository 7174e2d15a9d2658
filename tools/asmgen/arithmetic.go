package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// lowBytes sets register i to 0x000000ff in each dword, which storeBytes wants on AVX2.
func (k *kernel) lowBytes(i int) {
	if k.lanes == avx2 {
		k.VPCMPEQD(y(i), y(i), y(i))
		k.VPSRLD(n(24), y(i), y(i))
	}
}

// storeBytes stores the low bytes of the dwords of register i.
func (k *kernel) storeBytes(i, lowBytes, scratch int, to Mem) {
	k.bytes(i, lowBytes, scratch)
	switch {
	case k.mask != nil:
		k.VMOVDQU8(x(i), k.mask, to)
	case k.lanes == avx512:
		k.VMOVDQU(x(i), to)
	default:
		k.VMOVQ(x(i), to)
	}
}

func (k *kernel) bytes(i, lowBytes, scratch int) {
	if k.lanes == avx512 {
		k.VPMOVDB(k.v(i), x(i))
		return
	}
	k.VPAND(y(lowBytes), y(i), y(i))
	k.VEXTRACTI128(n(1), y(i), x(scratch))
	k.VPACKUSDW(x(scratch), x(i), x(i))
	k.VPACKUSWB(x(i), x(i), x(i))
}

// storeWords stores the low words of the dwords of register i, none of which is greater.
func (k *kernel) storeWords(i, scratch int, to Mem) {
	if k.lanes == avx512 {
		k.VPMOVDW(k.v(i), y(i))
		k.VMOVDQU(y(i), to)
		return
	}
	k.VEXTRACTI128(n(1), y(i), x(scratch))
	k.VPACKUSDW(x(scratch), x(i), x(i))
	k.VMOVDQU(x(i), to)
}

// broadcast sets all dwords of v to a value, on AVX-512.
func (k *kernel) broadcast(value uint32, v Register) {
	k.MOVL(U32(value), EAX)
	k.VPBROADCASTD(EAX, v)
}

// How floats can compare.
const (
	equal   = U8(0)
	ordered = U8(7)
)

// compare returns where a and b compare so: all bits of the elements of register i, or mask K1.
func (k *kernel) compare(how U8, a, b Op, i int) Register {
	where := Register(K1)
	if k.lanes == avx2 {
		where = y(i)
	}
	k.VCMPPS(how, a, b, where)
	return where
}

// clampOrdered takes v to at least lo and at most hi, and to 0 where it was a NaN.
func (k *kernel) clampOrdered(v, lo, hi, notNaN Register) {
	k.VMAXPS(lo, v, v)
	if k.lanes == avx2 {
		k.VMINPS(hi, v, v)
		k.VANDPS(notNaN, v, v)
	} else {
		k.VMINPS_Z(hi, v, notNaN, v)
	}
}

// requantize makes codes of sums as floats: RNE(clamp(v·mult + before, lo, hi)) + after.
func (k *kernel) requantize(v Register, mult Op, before, lo, hi, after Op) {
	k.VMULPS(mult, v, v)
	k.VADDPS(before, v, v)
	k.VMAXPS(lo, v, v)
	k.VMINPS(hi, v, v)
	k.VCVTPS2DQ(v, v)
	k.VPADDD(after, v, v)
}

// clamp is lo if v < lo, hi if v > hi; a NaN stays.
func (k *kernel) clamp(v, lo, hi Register) {
	k.VMAXPS(v, lo, v)
	k.VMINPS(v, hi, v)
}
