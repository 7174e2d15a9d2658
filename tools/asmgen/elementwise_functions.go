package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// functions writes elementwise's functions of reals, which are computed in float64, four at a time: the operations that
// package arith defines, in its order. Chains of them are long, so eight elements go through them side by side, in registers
// of their own.
//
// Registers:
//
//	DI dst   SI src   CX n   R8 constants   Y15 alpha   X14 the elements that are left
//	Y0 … Y7, Y8 … Y15 those of four elements, or Y0 … Y6, Y7 … Y13: 0 the value, others what parts of it need
func functions(k *kernel) {
	all := ^uint32(0)
	masks := laneMasks{floats: k.constants("laneMasks32", all, all, all, all, 0, 0, 0, 0)}
	k.realFunction("exp", masks, join(k.limitTo("least", "most"), k.exponential()))
	k.realFunction("sigmoid", masks, join(steps{
		func(v lane) { k.VXORPD(constant("signs", 0), v.r[0], v.r[0]) },
	}, k.limitTo("least", "most"), k.exponential(), steps{
		func(v lane) { k.VADDPD(constant("one", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VMOVUPD(constant("one", 0), v.r[1]) },
		func(v lane) { k.VDIVPD(v.r[0], v.r[1], v.r[0]) },
	}))
	k.realFunction("swish", masks, join(steps{
		func(v lane) { k.VMOVAPD(v.r[0], v.r[6]) },
		func(v lane) { k.VMULPD(Y15, v.r[0], v.r[0]) },
	}, k.overOneAndExponential()))
	k.realFunction("tanh", masks, join(steps{
		func(v lane) { k.VANDPD(constant("signs", 0), v.r[0], v.r[6]) },
		func(v lane) { k.VANDPD(constant("magnitude", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VMULPD(constant("minusTwo", 0), v.r[0], v.r[0]) },
	}, k.limitTo("least", "most"), k.exponentialParts(), steps{
		func(v lane) { k.VMULPD(v.r[2], v.r[1], v.r[2]) },
		func(v lane) { k.VSUBPD(constant("one", 0), v.r[1], v.r[1]) },
		func(v lane) { k.VADDPD(v.r[1], v.r[2], v.r[0]) },
		func(v lane) { k.VADDPD(constant("two", 0), v.r[0], v.r[1]) },
		func(v lane) { k.VDIVPD(v.r[1], v.r[0], v.r[0]) },
		func(v lane) { k.VANDPD(constant("magnitude", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VORPD(v.r[6], v.r[0], v.r[0]) },
	}))
	k.realFunction("erf", masks, join(k.limitTo("leastErf", "mostErf"), steps{
		func(v lane) { k.VMOVAPD(v.r[0], v.r[6]) },
		func(v lane) { k.VMULPD(v.r[0], v.r[0], v.r[4]) },
		func(v lane) { k.VMULPD(v.r[4], v.r[4], v.r[0]) },
	}, k.ratio("erfUpper", "erfLower", 0, 4), steps{
		func(v lane) { k.VMULPD(v.r[7], v.r[6], v.r[0]) },
	}))
	k.realFunction("gelu", masks, join(steps{
		func(v lane) { k.VANDPD(constant("magnitude", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VMOVUPD(constant("mostTail", 0), v.r[1]) },
		func(v lane) { k.VMINPD(v.r[0], v.r[1], v.r[6]) },
		func(v lane) { k.VMULPD(v.r[6], v.r[6], v.r[0]) },
	}, k.ratio("tail", "under", 1, 6), steps{
		func(v lane) { k.VMULPD(constant("minusHalf", 0), v.r[0], v.r[0]) },
	}, k.exponential(), steps{
		func(v lane) { k.VMULPD(v.r[7], v.r[0], v.r[0]) },
		func(v lane) { k.VMULPD(v.r[6], v.r[0], v.r[0]) },
		func(v lane) { k.VCVTPS2PD(k.fourAt(v, v.x[1]), v.r[1]) }, // the value again
		func(v lane) { k.VXORPD(v.r[2], v.r[2], v.r[2]) },
		func(v lane) { k.VMAXPD(v.r[1], v.r[2], v.r[1]) }, // 0 where it is less, the value where it is a NaN
		func(v lane) { k.VSUBPD(v.r[0], v.r[1], v.r[0]) },
	}))
	k.realFunction("geluTanh", masks, join(steps{
		func(v lane) { k.VMOVAPD(v.r[0], v.r[6]) },
		func(v lane) { k.VMULPD(v.r[0], v.r[0], v.r[1]) },
		func(v lane) { k.VMULPD(constant("geluCubic", 0), v.r[1], v.r[1]) },
		func(v lane) { k.VADDPD(constant("geluLinear", 0), v.r[1], v.r[1]) },
		func(v lane) { k.VMULPD(v.r[1], v.r[0], v.r[0]) },
	}, k.overOneAndExponential()))
	k.mostOfRow(masks)
	k.expSum(masks)
	k.narrow(masks)
}

// A lane is where four elements go through a function: in registers, x being the lower halves of r, from at floats behind SI on.
type lane struct {
	r, x []Register
	at   int
}

// lanesOf returns two lanes of so many registers.
func lanesOf(count int) [2]lane {
	var l [2]lane
	for i := range 2 * count {
		l[i/count].r, l[i/count].x = append(l[i/count].r, y(i)), append(l[i/count].x, x(i))
	}
	l[1].at = 4
	return l
}

// steps are instructions for a lane, one each.
type steps []func(v lane)

func join(parts ...steps) steps { return slices.Concat(parts...) }

// eights does steps for eight elements side by side while there are so many, and then byFours. Pointers move on.
func (k *kernel) eights(masks laneMasks, lanes [2]lane, s steps, pointers ...pointer) {
	k.SUBQ(n(8), RCX)
	k.JLT(LabelRef("fours"))
	k.Label("eights")
	for _, step := range s {
		step(lanes[0])
		step(lanes[1])
	}
	for _, p := range pointers {
		k.ADDQ(n(8*p.size), p.Register)
	}
	k.SUBQ(n(8), RCX)
	k.JGE(LabelRef("eights"))
	k.Label("fours")
	k.ADDQ(n(8), RCX)
	k.byFours(masks, X14, func() {
		for _, step := range s {
			step(lanes[0])
		}
		for _, p := range pointers {
			if k.mask == nil {
				k.ADDQ(n(4*p.size), p.Register)
			}
		}
	})
}

// constant is a vector of the structure constants at which R8 points, or one of the vectors of an array.
func constant(name string, i int) Mem { return field("constants_"+name, R8).Offset(32 * i) }

// realFunction is dst[i] = float32(f(float64(src[i]))).
func (k *kernel) realFunction(name string, masks laneMasks, f steps) {
	k.function(name+"RealsAVX2", "(dst, src *float32, n int, alpha float32, c *constants)", 0)
	k.params(RDI, RSI, RCX)
	k.MOVQ(k.param("c"), R8)
	if name == "swish" {
		k.VBROADCASTSS(k.param("alpha"), X15)
		k.VCVTPS2PD(X15, Y15)
		k.VXORPD(constant("signs", 0), Y15, Y15)
	}
	registers := 8
	if name == "swish" {
		registers = 7
	}
	k.eights(masks, lanesOf(registers), join(steps{
		func(v lane) { k.VCVTPS2PD(k.fourAt(v, v.x[0]), v.r[0]) },
	}, f, steps{
		func(v lane) { k.VCVTPD2PSY(v.r[0], v.x[0]) },
		func(v lane) { k.storeFour(v.x[0], at(RDI, 4*v.at)) },
	}), pointer{RSI, 4}, pointer{RDI, 4})
	k.end()
}

// fourAt is four floats of a lane, those of them that exist in x.
func (k *kernel) fourAt(v lane, x Register) Op {
	if k.mask == nil {
		return at(RSI, 4*v.at)
	}
	return k.four(RSI, x)
}

// storeFour stores those of four floats that exist.
func (k *kernel) storeFour(x Register, to Mem) {
	if k.mask == nil {
		k.VMOVUPS(x, to)
	} else {
		k.VMASKMOVPS(x, k.mask, to)
	}
}

// limitTo takes 0 to at least and at most constants; a NaN stays. It needs 1.
func (k *kernel) limitTo(least, most string) steps {
	return join(k.atLeast(least), steps{
		func(v lane) { k.VMOVUPD(constant(most, 0), v.r[1]) },
		func(v lane) { k.VMINPD(v.r[0], v.r[1], v.r[0]) },
	})
}

func (k *kernel) atLeast(least string) steps {
	return steps{
		func(v lane) { k.VMOVUPD(constant(least, 0), v.r[1]) },
		func(v lane) { k.VMAXPD(v.r[0], v.r[1], v.r[0]) },
	}
}

// exponentialParts sets 1 to 2**k and 2 to 2ᶠ − 1 for 0 being (k + f)·ln 2. It needs 3 and 4.
func (k *kernel) exponentialParts() steps {
	series := func(i int) Mem { return constant("series", i) }
	return steps{
		func(v lane) { k.VMULPD(constant("log2e", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VADDPD(constant("magic", 0), v.r[0], v.r[1]) },
		func(v lane) { k.VSUBPD(constant("magic", 0), v.r[1], v.r[2]) },
		func(v lane) { k.VSUBPD(v.r[2], v.r[0], v.r[0]) },
		func(v lane) { k.VPSLLQ(n(52), v.r[1], v.r[1]) },
		func(v lane) { k.VMULPD(v.r[0], v.r[0], v.r[2]) },
		func(v lane) { k.VMULPD(series(7), v.r[0], v.r[4]) },
		func(v lane) { k.VMULPD(series(5), v.r[0], v.r[5]) },
		func(v lane) { k.VMULPD(series(3), v.r[0], v.r[3]) },
		func(v lane) { k.VADDPD(series(6), v.r[4], v.r[4]) },
		func(v lane) { k.VADDPD(series(4), v.r[5], v.r[5]) },
		func(v lane) { k.VADDPD(series(2), v.r[3], v.r[3]) },
		func(v lane) { k.VMULPD(v.r[2], v.r[4], v.r[4]) },
		func(v lane) { k.VADDPD(v.r[4], v.r[5], v.r[5]) },
		func(v lane) { k.VMULPD(series(1), v.r[0], v.r[4]) },
		func(v lane) { k.VMULPD(v.r[2], v.r[3], v.r[3]) },
		func(v lane) { k.VMULPD(v.r[2], v.r[2], v.r[2]) },
		func(v lane) { k.VADDPD(series(0), v.r[4], v.r[4]) },
		func(v lane) { k.VMULPD(v.r[2], v.r[5], v.r[5]) },
		func(v lane) { k.VADDPD(v.r[4], v.r[3], v.r[3]) },
		func(v lane) { k.VADDPD(v.r[5], v.r[3], v.r[3]) },
		func(v lane) { k.VMULPD(v.r[3], v.r[0], v.r[2]) },
	}
}

// exponential sets 0 to its exponential. It needs 1 … 4.
func (k *kernel) exponential() steps {
	return append(k.exponentialParts(),
		func(v lane) { k.VADDPD(constant("one", 0), v.r[2], v.r[2]) },
		func(v lane) { k.VMULPD(v.r[2], v.r[1], v.r[0]) },
	)
}

// overOneAndExponential sets 0 to 5 / (1 + e**0).
func (k *kernel) overOneAndExponential() steps {
	return join(k.limitTo("least", "most"), k.exponential(), steps{
		func(v lane) { k.VADDPD(constant("one", 0), v.r[0], v.r[0]) },
		func(v lane) { k.VDIVPD(v.r[0], v.r[6], v.r[0]) },
	})
}

// ratio sets 6 to the quotient of two polynomials of register x, of which 0 is the square. The upper one begins with so many
// zeros, 0 or 1. It needs 1, 2 and 3.
func (k *kernel) ratio(upper, lower string, zeros, x int) steps {
	var s steps
	polynomial := func(name string, first, even, odd int) {
		s = append(s,
			func(v lane) { k.VMULPD(constant(name, 1), v.r[0], v.r[even]) },
		)
		if first == 0 {
			s = append(s, func(v lane) { k.VMULPD(constant(name, 0), v.r[0], v.r[odd]) })
		} else {
			s = append(s, func(v lane) { k.VMOVUPD(constant(name, 2), v.r[odd]) })
		}
		for i := 2; i < 8; i += 2 {
			if i > 2 || first == 0 {
				s = append(s, func(v lane) { k.VADDPD(constant(name, i), v.r[odd], v.r[odd]) })
			}
			s = append(s, func(v lane) { k.VADDPD(constant(name, i+1), v.r[even], v.r[even]) })
			if i < 6 {
				s = append(s,
					func(v lane) { k.VMULPD(v.r[0], v.r[odd], v.r[odd]) },
					func(v lane) { k.VMULPD(v.r[0], v.r[even], v.r[even]) })
			}
		}
		s = append(s,
			func(v lane) { k.VMULPD(v.r[x], v.r[odd], v.r[odd]) },
			func(v lane) { k.VADDPD(v.r[odd], v.r[even], v.r[even]) })
	}
	polynomial(lower, 0, 2, 3)
	polynomial(upper, zeros, 7, 1)
	return append(s, func(v lane) { k.VDIVPD(v.r[2], v.r[7], v.r[7]) })
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
//	DI e   SI x   CX n   DX s   R8 constants   X14 the elements that are left, Y13 where they are doubles
//	Y12 sums   Y15 most
//	Y0 … Y5, Y6 … Y11 those of four elements
func (k *kernel) expSum(masks laneMasks) {
	k.function("expSumAVX2", "(e *float64, x *float32, n int, most float64, s *[4]float64, c *constants)", 0)
	k.params(RDI, RSI, RCX)
	k.VBROADCASTSD(k.param("most"), Y15)
	k.MOVQ(k.param("s"), RDX)
	k.MOVQ(k.param("c"), R8)
	k.VMOVUPD(at(RDX, 0), Y12)
	k.eights(masks, lanesOf(6), join(steps{
		func(v lane) { k.VCVTPS2PD(k.fourAt(v, v.x[0]), v.r[0]) },
		func(v lane) { k.VSUBPD(Y15, v.r[0], v.r[0]) },
	}, k.atLeast("least"), k.exponential(), steps{
		func(v lane) {
			if k.mask != nil {
				k.VPMOVSXDQ(k.mask, Y13)
				k.VANDPD(Y13, v.r[0], v.r[0])
			}
		},
		func(v lane) { k.VADDPD(v.r[0], Y12, Y12) },
		func(v lane) { k.VMOVUPD(v.r[0], at(RDI, 8*v.at)) },
	}), pointer{RSI, 4}, pointer{RDI, 8})
	k.VMOVUPD(Y12, at(RDX, 0))
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
		k.storeFour(X0, at(RDI, 0))
		k.ADDQ(n(32), RSI)
	}, RDI)
	k.end()
}
