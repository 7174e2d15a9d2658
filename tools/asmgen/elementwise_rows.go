package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rows writes elementwise's steps of LayerNormalization on one row: in float64, with four sums side by side.
func rows(k *kernel) {
	all := ^uint32(0)
	masks := laneMasks{
		floats:  k.constants("laneMasks32", all, all, all, all, 0, 0, 0, 0),
		doubles: k.constants("laneMasks", all, all, all, all, all, all, all, all, 0, 0, 0, 0, 0, 0, 0, 0),
	}
	k.sumRow(masks)
	k.sumSquares(masks)
	k.scaleRow(masks)
}

// laneMasks[4-r:] has all bits of the first r of 4 numbers.
type laneMasks struct{ floats, doubles Mem }

// byFours is for CX = n; CX > 0; CX -= 4, of which the last may be fewer: then mask, of 128 bits, has those that exist.
func (k *kernel) byFours(masks laneMasks, mask Register, body func(), pointers ...Register) {
	k.SUBQ(n(4), RCX)
	k.JLT(LabelRef("rest"))
	k.Label("loop")
	body()
	for _, p := range pointers {
		k.ADDQ(n(16), p)
	}
	k.SUBQ(n(4), RCX)
	k.JGE(LabelRef("loop"))
	k.Label("rest")
	k.ADDQ(n(4), RCX)
	k.JEQ(LabelRef("done"))
	k.NEGQ(RCX)
	k.LEAQ(masks.floats.Offset(16), RBX)
	k.VMOVUPS(at(RBX, 0).Idx(RCX, 4), mask)
	k.mask = mask
	body()
	k.Label("done")
}

// four is four floats, those of them that exist in x.
func (k *kernel) four(from Register, x Register) Op {
	if k.mask == nil {
		return at(from, 0)
	}
	k.VMASKMOVPS(at(from, 0), k.mask, x)
	return x
}

// sumRow is s[i%4] += x[i]; the 0 behind the end changes no sum.
//
// Registers:
//
//	SI x   CX n   DX s   Y0 sums   Y1 a step   X2 the elements that are left
func (k *kernel) sumRow(masks laneMasks) {
	k.function("sumAVX2", "(x *float32, n int, s *[4]float64)", 0)
	k.params(RSI, RCX, RDX)
	k.VMOVUPD(at(RDX, 0), Y0)
	k.byFours(masks, X2, func() {
		k.VCVTPS2PD(k.four(RSI, X1), Y1)
		k.VADDPD(Y1, Y0, Y0)
	}, RSI)
	k.VMOVUPD(Y0, at(RDX, 0))
	k.end()
}

// sumSquares is s[i%4] += (x[i] - mean)², and 0 behind the end.
//
// Registers:
//
//	SI x   CX n   DX s   Y0 sums   Y1 a step   Y2 the elements that are left   Y3 mean
func (k *kernel) sumSquares(masks laneMasks) {
	k.function("squaresAVX2", "(x *float32, n int, mean float64, s *[4]float64)", 0)
	k.params(RSI, RCX)
	k.VBROADCASTSD(k.param("mean"), Y3)
	k.MOVQ(k.param("s"), RDX)
	k.VMOVUPD(at(RDX, 0), Y0)
	k.byFours(masks, X2, func() {
		x := k.four(RSI, X1)
		if k.mask != nil {
			k.LEAQ(masks.doubles.Offset(32), RBX)
			k.VMOVUPD(at(RBX, 0).Idx(RCX, 8), Y2)
		}
		k.VCVTPS2PD(x, Y1)
		k.VSUBPD(Y3, Y1, Y1)
		k.VMULPD(Y1, Y1, Y1)
		if k.mask != nil {
			k.VANDPD(Y2, Y1, Y1)
		}
		k.VADDPD(Y1, Y0, Y0)
	}, RSI)
	k.VMOVUPD(Y0, at(RDX, 0))
	k.end()
}

// scaleRow is dst[i] = float32((x[i]-mean)·factor·scale[i] + shift[i]).
//
// Registers:
//
//	DI dst   SI x   R8 scale   R9 shift   CX n
//	Y1 a step   Y2 others   X3 the elements that are left   Y4 mean   Y5 factor
func (k *kernel) scaleRow(masks laneMasks) {
	k.function("scaleAVX2", "(dst, x, scale, shift *float32, n int, mean, factor float64)", 0)
	k.params(RDI, RSI, R8, R9, RCX)
	k.VBROADCASTSD(k.param("mean"), Y4)
	k.VBROADCASTSD(k.param("factor"), Y5)
	k.byFours(masks, X3, func() {
		k.VCVTPS2PD(k.four(RSI, X1), Y1)
		k.VSUBPD(Y4, Y1, Y1)
		k.VMULPD(Y5, Y1, Y1)
		k.VCVTPS2PD(k.four(R8, X2), Y2)
		k.VMULPD(Y2, Y1, Y1)
		k.VCVTPS2PD(k.four(R9, X2), Y2)
		k.VADDPD(Y2, Y1, Y1)
		k.VCVTPD2PSY(Y1, X1)
		k.storeFour(X1, at(RDI, 0))
	}, RSI, RDI, R8, R9)
	k.end()
}
