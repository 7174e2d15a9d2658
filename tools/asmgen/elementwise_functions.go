package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// functions writes elementwise's functions of reals, which are computed in float64, four at a time: the operations that
// package arith defines, in its order.
//
// Registers:
//
//	DI dst   SI src   CX n   R8 constants   Y13 alpha   X14 the elements that are left
//	Y0 the value   Y1 … Y9 what parts of it need
func functions(k *kernel) {
	all := ^uint32(0)
	masks := laneMasks{floats: k.constants("laneMasks32", all, all, all, all, 0, 0, 0, 0)}
	k.realFunction("exp", masks, func() {
		k.limitTo(Y0, Y1, "least", "most")
		k.exponential()
	})
	k.realFunction("sigmoid", masks, func() {
		k.VXORPD(constant("signs", 0), Y0, Y0)
		k.limitTo(Y0, Y1, "least", "most")
		k.exponential()
		k.VADDPD(constant("one", 0), Y0, Y0)
		k.VMOVUPD(constant("one", 0), Y1)
		k.VDIVPD(Y0, Y1, Y0)
	})
	k.realFunction("swish", masks, func() {
		k.VMOVAPD(Y0, Y7)
		k.VMULPD(Y13, Y0, Y0)
		k.overOneAndExponential()
	})
	k.realFunction("tanh", masks, func() {
		k.VANDPD(constant("signs", 0), Y0, Y7)
		k.VANDPD(constant("magnitude", 0), Y0, Y0)
		k.VMULPD(constant("minusTwo", 0), Y0, Y0)
		k.limitTo(Y0, Y1, "least", "most")
		k.exponentialParts()
		k.VMULPD(Y2, Y1, Y2)
		k.VSUBPD(constant("one", 0), Y1, Y1)
		k.VADDPD(Y1, Y2, Y0)
		k.VADDPD(constant("two", 0), Y0, Y1)
		k.VDIVPD(Y1, Y0, Y0)
		k.VANDPD(constant("magnitude", 0), Y0, Y0)
		k.VORPD(Y7, Y0, Y0)
	})
	k.realFunction("erf", masks, func() {
		k.limitTo(Y0, Y1, "leastErf", "mostErf")
		k.VMULPD(Y0, Y0, Y7)
		k.ratio("erfUpper", "erfLower", Y7, 0, Y8, Y9)
		k.VMULPD(Y8, Y0, Y0)
	})
	k.realFunction("gelu", masks, func() {
		k.VXORPD(Y1, Y1, Y1)
		k.VMAXPD(Y0, Y1, Y10) // 0 where it is less, the value where it is a NaN
		k.VANDPD(constant("magnitude", 0), Y0, Y0)
		k.VMOVUPD(constant("mostTail", 0), Y1)
		k.VMINPD(Y0, Y1, Y7)
		k.ratio("tail", "under", Y7, 1, Y8, Y9)
		k.VMULPD(Y7, Y7, Y0)
		k.VMULPD(constant("minusHalf", 0), Y0, Y0)
		k.exponential()
		k.VMULPD(Y8, Y0, Y0)
		k.VMULPD(Y7, Y0, Y0)
		k.VSUBPD(Y0, Y10, Y0)
	})
	k.realFunction("geluTanh", masks, func() {
		k.VMOVAPD(Y0, Y7)
		k.VMULPD(Y0, Y0, Y1)
		k.VMULPD(constant("geluCubic", 0), Y1, Y1)
		k.VADDPD(constant("geluLinear", 0), Y1, Y1)
		k.VMULPD(Y1, Y0, Y0)
		k.overOneAndExponential()
	})
	k.mostOfRow(masks)
	k.expSum(masks)
	k.narrow(masks)
}

// constant is a vector of the structure constants at which R8 points, or one of the vectors of an array.
func constant(name string, i int) Mem { return field("constants_"+name, R8).Offset(32 * i) }

// realFunction is dst[i] = float32(f(float64(src[i]))).
func (k *kernel) realFunction(name string, masks laneMasks, f func()) {
	k.function(name+"RealsAVX2", "(dst, src *float32, n int, alpha float32, c *constants)", 0)
	k.params(RDI, RSI, RCX)
	k.MOVQ(k.param("c"), R8)
	if name == "swish" {
		k.VBROADCASTSS(k.param("alpha"), X13)
		k.VCVTPS2PD(X13, Y13)
		k.VXORPD(constant("signs", 0), Y13, Y13)
	}
	k.byFours(masks, X14, func() {
		k.VCVTPS2PD(k.four(RSI, X0), Y0)
		f()
		k.VCVTPD2PSY(Y0, X0)
		k.storeFour(X0, RDI)
	}, RSI, RDI)
	k.end()
}

// storeFour stores those of four floats that exist.
func (k *kernel) storeFour(x Register, to Register) {
	if k.mask == nil {
		k.VMOVUPS(x, at(to, 0))
	} else {
		k.VMASKMOVPS(x, k.mask, at(to, 0))
	}
}

// limitTo takes v to at least and at most constants; a NaN stays.
func (k *kernel) limitTo(v, scratch Register, least, most string) {
	k.VMOVUPD(constant(least, 0), scratch)
	k.VMAXPD(v, scratch, v)
	k.VMOVUPD(constant(most, 0), scratch)
	k.VMINPD(v, scratch, v)
}

// exponentialParts sets Y1 to 2**k and Y2 to eʳ − 1 for Y0 = k·ln 2 + r. It needs Y3 … Y6.
func (k *kernel) exponentialParts() {
	series := func(i int) Mem { return constant("series", i) }
	k.VMULPD(constant("log2e", 0), Y0, Y1)
	k.VMOVUPD(constant("magic", 0), Y2)
	k.VADDPD(Y2, Y1, Y1)
	k.VSUBPD(Y2, Y1, Y2)
	k.VPSLLQ(n(52), Y1, Y1)
	k.VMULPD(constant("ln2Hi", 0), Y2, Y3)
	k.VMULPD(constant("ln2Lo", 0), Y2, Y2)
	k.VSUBPD(Y3, Y0, Y0)
	k.VSUBPD(Y2, Y0, Y0)
	k.VMULPD(Y0, Y0, Y3)
	k.VMULPD(series(6), Y3, Y4)
	k.VMULPD(series(7), Y3, Y5)
	for i := 4; i >= 0; i -= 2 {
		k.VADDPD(series(i), Y4, Y4)
		k.VADDPD(series(i+1), Y5, Y5)
		if i > 0 {
			k.VMULPD(Y3, Y4, Y4)
			k.VMULPD(Y3, Y5, Y5)
		}
	}
	k.VMULPD(Y0, Y5, Y5)
	k.VADDPD(Y5, Y4, Y4)
	k.VMULPD(Y4, Y0, Y2)
}

// exponential sets Y0 to its exponential. It needs Y1 … Y6.
func (k *kernel) exponential() {
	k.exponentialParts()
	k.VADDPD(constant("one", 0), Y2, Y2)
	k.VMULPD(Y2, Y1, Y0)
}

// overOneAndExponential sets Y0 to Y7 / (1 + e**Y0).
func (k *kernel) overOneAndExponential() {
	k.limitTo(Y0, Y1, "least", "most")
	k.exponential()
	k.VADDPD(constant("one", 0), Y0, Y0)
	k.VDIVPD(Y0, Y7, Y0)
}

// ratio sets p to the quotient of two polynomials of v, of which the upper one begins with so many zeros. It needs q.
func (k *kernel) ratio(upper, lower string, v Register, zeros int, p, q Register) {
	k.VMOVUPD(constant(upper, zeros), p)
	k.VMOVUPD(constant(lower, 0), q)
	for i := 1; i < 8; i++ {
		k.VMULPD(v, q, q)
		k.VADDPD(constant(lower, i), q, q)
		if i > zeros {
			k.VMULPD(v, p, p)
			k.VADDPD(constant(upper, i), p, p)
		}
	}
	k.VDIVPD(q, p, p)
}

// mostOfRow is the largest element; where one is a NaN it may be any.
//
// Registers:
//
//	SI x   CX n   X0 … X3 the largest of every fourth element   Y4 … those of eight
func (k *kernel) mostOfRow(masks laneMasks) {
	k.function("mostAVX2", "(x *float32, n int) (most float32)", 0)
	k.params(RSI, RCX)
	k.VBROADCASTSS(at(RSI, 0), Y0)
	k.VMOVAPS(Y0, Y1)
	k.SUBQ(n(16), RCX)
	k.JLT(LabelRef("short"))
	k.Label("long")
	k.VMAXPS(at(RSI, 0), Y0, Y0)
	k.VMAXPS(at(RSI, 32), Y1, Y1)
	k.ADDQ(n(64), RSI)
	k.SUBQ(n(16), RCX)
	k.JGE(LabelRef("long"))
	k.Label("short")
	k.ADDQ(n(16), RCX)
	k.VMAXPS(Y1, Y0, Y0)
	k.VEXTRACTF128(n(1), Y0, X1)
	k.VMAXPS(X1, X0, X0)
	k.VMOVAPS(X0, X2)
	k.byFours(masks, X3, func() {
		if k.mask == nil {
			k.VMAXPS(at(RSI, 0), X0, X0)
			return
		}
		k.VMASKMOVPS(at(RSI, 0), k.mask, X1)
		k.VBLENDVPS(k.mask, X1, X2, X1)
		k.VMAXPS(X1, X0, X0)
	}, RSI)
	for _, order := range []int{0x4e, 0xb1} {
		k.VPERMILPS(n(order), X0, X1)
		k.VMAXPS(X1, X0, X0)
	}
	k.VMOVSS(X0, k.param("most"))
	k.end()
}

// expSum is e[i] = e**(x[i] − most), s[i%4] += e[i]. What lies behind the end of e, up to a multiple of 4, is set to 0.
//
// Registers:
//
//	DI e   SI x   CX n   DX s   R8 constants   Y11 sums   Y12 most   Y10 the elements that are left   Y0 … Y6 a step
func (k *kernel) expSum(masks laneMasks) {
	k.function("expSumAVX2", "(e *float64, x *float32, n int, most float64, s *[4]float64, c *constants)", 0)
	k.params(RDI, RSI, RCX)
	k.VBROADCASTSD(k.param("most"), Y12)
	k.MOVQ(k.param("s"), RDX)
	k.MOVQ(k.param("c"), R8)
	k.VMOVUPD(at(RDX, 0), Y11)
	k.byFours(masks, X14, func() {
		k.VCVTPS2PD(k.four(RSI, X0), Y0)
		k.VSUBPD(Y12, Y0, Y0)
		k.limitTo(Y0, Y1, "least", "most")
		k.exponential()
		if k.mask != nil {
			k.VPMOVSXDQ(k.mask, Y10)
			k.VANDPD(Y10, Y0, Y0)
		}
		k.VADDPD(Y0, Y11, Y11)
		k.VMOVUPD(Y0, at(RDI, 0))
		k.ADDQ(n(32), RDI)
	}, RSI)
	k.VMOVUPD(Y11, at(RDX, 0))
	k.end()
}

// narrow is dst[i] = float32(e[i] · by). Of e it reads up to a multiple of 4.
//
// Registers:
//
//	DI dst   SI e   CX n   Y1 by   X14 the elements that are left
func (k *kernel) narrow(masks laneMasks) {
	k.function("narrowAVX2", "(dst *float32, e *float64, n int, by float64)", 0)
	k.params(RDI, RSI, RCX)
	k.VBROADCASTSD(k.param("by"), Y1)
	k.byFours(masks, X14, func() {
		k.VMULPD(at(RSI, 0), Y1, Y0)
		k.VCVTPD2PSY(Y0, X0)
		k.storeFour(X0, RDI)
		k.ADDQ(n(32), RSI)
	}, RDI)
	k.end()
}
