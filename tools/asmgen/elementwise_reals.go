package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// reals writes elementwise's sums, products, differences, quotients and clamping of floats.
//
// Registers:
//
//	DI dst   SI a   DX b   CX left   0 the values   3 lo   4 hi
func reals(k *kernel) {
	v := k.v(0)
	for _, f := range []struct {
		name string
		op   func(...Op)
	}{{"addReals", k.VADDPS}, {"mulReals", k.VMULPS}, {"subReals", k.VSUBPS}, {"divReals", k.VDIVPS}} {
		k.function(f.name+k.suffix(), "(dst, a, b *float32, n int, lo, hi float32)", 0)
		k.params(RDI, RSI, RDX, RCX)
		k.limits()
		k.elements(K1, func() {
			k.load(at(RSI, 0), v)
			f.op(k.floats(at(RDX, 0), k.v(1)), v, v)
			k.clamp(v, k.v(3), k.v(4))
			k.store(v, at(RDI, 0))
		}, pointer{RSI, 4}, pointer{RDX, 4}, pointer{RDI, 4})
	}

	k.function("clampReals"+k.suffix(), "(dst, src *float32, n int, lo, hi float32)", 0)
	k.params(RDI, RSI, RCX)
	k.limits()
	k.elements(K1, func() {
		k.load(at(RSI, 0), v)
		k.clamp(v, k.v(3), k.v(4))
		k.store(v, at(RDI, 0))
	}, pointer{RSI, 4}, pointer{RDI, 4})
	if k.lanes == avx2 {
		k.gateReals()
	}
}

// gateReals writes HardSigmoid and HardSwish: y = max(0, min(1, alpha·x + beta)), or x·y.
//
//	DI dst   SI src   CX left   AX whether x·y   0 x   1 y   2 alpha   3 beta   4 1   5 0
func (k *kernel) gateReals() {
	x, y := k.v(0), k.v(1)
	k.function("gateRealsAVX2", "(dst, src *float32, n int, alpha, beta float32, swish bool)", 0)
	k.params(RDI, RSI, RCX)
	k.VBROADCASTSS(k.param("alpha"), k.v(2))
	k.VBROADCASTSS(k.param("beta"), k.v(3))
	k.MOVBLZX(k.param("swish"), EAX)
	k.VPCMPEQD(k.v(4), k.v(4), k.v(4)) // 1 is 0x3f800000
	k.VPSRLD(n(25), k.v(4), k.v(4))
	k.VPSLLD(n(23), k.v(4), k.v(4))
	k.zero(k.v(5))
	k.elements(K1, func() {
		k.load(at(RSI, 0), x)
		k.VMULPS(x, k.v(2), y)
		k.VADDPS(k.v(3), y, y)
		k.VMINPS(y, k.v(4), y) // y where one is NaN
		k.VMAXPS(y, k.v(5), y)
		k.VADDPS(k.v(5), y, y) // -0 is 0
		k.TESTL(EAX, EAX)
		k.JZ(LabelRef("store"))
		k.VMULPS(x, y, y)
		k.Label("store")
		k.store(y, at(RDI, 0))
	}, pointer{RSI, 4}, pointer{RDI, 4})
}

func (k *kernel) limits() {
	k.VBROADCASTSS(k.param("lo"), k.v(3))
	k.VBROADCASTSS(k.param("hi"), k.v(4))
}

// dynamic writes elementwise's kernels for scales that are known only when a network runs.
func dynamic(k *kernel) {
	k.realExtremes()
	k.scaled()
	k.centred()
	k.dequantizeCodes()
}

// realExtremes finds the least and the greatest element and 0; where one is NaN or infinite both are NaN.
//
// Registers:
//
//	SI x   CX left   0 … 3 smallest   4 … 7 largest   8 … 11 the values   12 … 15 0, or NaN once there was no finite number
func (k *kernel) realExtremes() {
	lo, hi, v, odd := k.vs(0, 4), k.vs(4, 4), k.vs(8, 4), k.vs(12, 4)
	k.function("extremesAVX2", "(x *float32, n int) (lo, hi float32)", 0)
	k.params(RSI, RCX)
	for _, r := range slices.Concat(lo, hi, odd) {
		k.VXORPS(r, r, r)
	}
	k.SUBQ(n(32), RCX)
	k.JLT(LabelRef("rest"))
	k.Label("whole") // for CX = n - 32; CX >= 0; CX -= 32
	for i := range v {
		k.VMOVUPS(at(RSI, 32*i), v[i])
	}
	for i := range v {
		k.VMINPS(lo[i], v[i], lo[i]) // x if x < …: a NaN is no less
	}
	for i := range v {
		k.VMAXPS(hi[i], v[i], hi[i])
	}
	for i := range v {
		k.VFMADD213PS(odd[i], v[i], odd[i]) // 0·x + 0
	}
	k.ADDQ(n(128), RSI)
	k.SUBQ(n(32), RCX)
	k.JGE(LabelRef("whole"))
	k.rest(32, nil, func() {
		k.VMOVUPS(at(RSI, 0), v[0])
		k.VMINPS(lo[0], v[0], lo[0])
		k.VMAXPS(hi[0], v[0], hi[0])
		k.VFMADD213PS(odd[0], v[0], odd[0])
		k.ADDQ(n(32), RSI)
	})
	k.foldFloats(k.VMINPS, lo) // no NaN is left, and no -0
	k.foldFloats(k.VMAXPS, hi)
	k.foldFloats(k.VADDPS, odd)
	k.VEXTRACTF128(n(1), Y0, X1)
	k.VEXTRACTF128(n(1), Y4, X5)
	k.VEXTRACTF128(n(1), Y12, X13)
	for _, order := range []int{0x4e, 0xb1, 0} {
		k.VMINPS(X1, X0, X0)
		k.VMAXPS(X5, X4, X4)
		k.VADDPS(X13, X12, X12)
		if order != 0 {
			k.VPERMILPS(n(order), X0, X1)
			k.VPERMILPS(n(order), X4, X5)
			k.VPERMILPS(n(order), X12, X13)
		}
	}
	k.VADDSS(X12, X0, X0)
	k.VADDSS(X12, X4, X4)
	k.VMOVSS(X0, k.param("lo"))
	k.VMOVSS(X4, k.param("hi"))
	k.end()
}

// foldFloats takes four registers to the first.
func (k *kernel) foldFloats(op func(...Op), v []Register) {
	op(v[1], v[0], v[0])
	op(v[3], v[2], v[2])
	op(v[2], v[0], v[0])
}

// scaled is clamp(float32(sum − zero·row)·scale + bias).
//
// Registers:
//
//	DI dst   SI sums   DX scale   R8 bias   R9 zero   CX left   AX, 2 row   0,1 the values   3 lo   4 hi
func (k *kernel) scaled() {
	v := k.v(0)
	k.function("scaledAVX2", "(dst *float32, sums *int32, scale, bias *float32, zero *int32, row int32, n int, lo, hi float32)", 0)
	k.params(RDI, RSI, RDX, R8, R9)
	k.MOVL(k.param("row"), EAX)
	k.VMOVD(EAX, X2)
	k.VPBROADCASTD(X2, Y2)
	k.MOVQ(k.param("n"), RCX)
	k.limits()
	k.elements(nil, func() {
		k.VPMULLD(at(R9, 0), Y2, Y1)
		k.VMOVDQU(at(RSI, 0), v)
		k.VPSUBD(Y1, v, v)
		k.VCVTDQ2PS(v, v)
		k.VMULPS(at(RDX, 0), v, v)
		k.VADDPS(at(R8, 0), v, v)
		k.clamp(v, k.v(3), k.v(4))
		k.VMOVUPS(v, at(RDI, 0))
	}, pointer{RSI, 4}, pointer{RDX, 4}, pointer{R8, 4}, pointer{R9, 4}, pointer{RDI, 4})
}

// centred is RNE(clamp(x/scale, lo, hi)) as a float, 0 for a NaN: adding 1.5·2^23 rounds to an integer, ties to even.
//
// Registers:
//
//	DI dst   SI src   CX left   0,1 the values   2 scale   3 lo   4 hi   5 magic
func (k *kernel) centred() {
	v, magic := k.v(0), k.constants("magic", 0x4b400000)
	k.function("centredAVX2", "(dst, src *float32, n int, q *Quantizer)", 0)
	k.params(RDI, RSI, RCX, RAX)
	k.VBROADCASTSS(field("Quantizer_Scale", RAX), Y2)
	k.VBROADCASTSS(field("Quantizer_Lo", RAX), Y3)
	k.VBROADCASTSS(field("Quantizer_Hi", RAX), Y4)
	k.VBROADCASTSS(magic, Y5)
	k.elements(nil, func() {
		k.VMOVUPS(at(RSI, 0), v)
		k.VDIVPS(Y2, v, v)
		k.VANDPS(k.compare(ordered, v, v, 1), v, v)
		k.clamp(v, Y3, Y4)
		k.VADDPS(Y5, v, v)
		k.VSUBPS(Y5, v, v)
		k.VMOVUPS(v, at(RDI, 0))
	}, pointer{RSI, 4}, pointer{RDI, 4})
}

// dequantizeCodes is float32(code − zero)·scale.
//
// Registers:
//
//	DI dst   SI codes   CX left   AX, 1 zero   2 scale   0 the values
func (k *kernel) dequantizeCodes() {
	k.function("dequantizeAVX2", "(dst *float32, codes *byte, n int, zero int32, scale float32)", 0)
	k.params(RDI, RSI, RCX)
	k.MOVL(k.param("zero"), EAX)
	k.VMOVD(EAX, X1)
	k.VPBROADCASTD(X1, Y1)
	k.VBROADCASTSS(k.param("scale"), Y2)
	k.elements(nil, func() {
		k.VPMOVZXBD(at(RSI, 0), Y0)
		k.VPSUBD(Y1, Y0, Y0)
		k.VCVTDQ2PS(Y0, Y0)
		k.VMULPS(Y2, Y0, Y0)
		k.VMOVUPS(Y0, at(RDI, 0))
	}, pointer{RSI, 1}, pointer{RDI, 4})
}
