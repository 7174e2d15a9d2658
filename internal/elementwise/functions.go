package elementwise

import (
	"linquant/internal/arith"
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Function is a function of one real that kernels compute, as package arith defines it.
type Function uint8

// The functions. The number that Reals takes is alpha of Swish, and nothing to the others.
const (
	Exp Function = iota
	Sigmoid
	Swish
	Tanh
	Erf
	Gelu
	GeluTanh
	functions
)

// of returns the function of one element, which defines the kernels.
func (f Function) of(alpha float32) func(float32) float32 {
	switch f {
	case Exp:
		return arith.Exp32
	case Sigmoid:
		return arith.Sigmoid32
	case Swish:
		return func(x float32) float32 { return arith.Swish32(x, alpha) }
	case Tanh:
		return arith.Tanh32
	case Erf:
		return arith.Erf32
	case Gelu:
		return arith.Gelu32
	default:
		return arith.GeluTanh32
	}
}

// Reals fills dst with the function of src, equally many. dst may be src.
func (f Function) Reals(dst, src []float32, alpha float32, tier cpu.Tier) {
	src = src[:len(dst)]
	k := kernelsOf(tier)
	if run := &k.functions[f]; run.Has() {
		if len(dst) > 0 {
			run.Get()(&dst[0], &src[0], len(dst), alpha, vectorConstants)
		}
		return
	}
	one := f.of(alpha)
	for i, x := range src {
		dst[i] = one(x)
	}
}

// softmaxRow is how many exponentials a Softmax keeps; of longer rows they are computed twice.
const softmaxRow = 1024

// Softmax is arith.Softmax on a row. dst may be x, and is as long.
func Softmax(dst, x []float32, tier cpu.Tier) {
	k, n := kernelsOf(tier), len(dst)
	x = x[:n]
	if n == 0 {
		return
	}
	if !k.most.Has() {
		softmax(dst, x)
		return
	}
	switch { // what a kernel does not write need not be cleared for it
	case n <= 32:
		var e [32]float64
		k.softmax(dst, x, e[:])
	case n <= 256:
		var e [256]float64
		k.softmax(dst, x, e[:])
	default:
		var e [softmaxRow]float64
		k.softmax(dst, x, e[:])
	}
}

// softmax is Softmax with room for exponentials, a multiple of 4 of them.
func (k *kernels) softmax(dst, x []float32, e []float64) {
	most := float64(k.most.Get()(&x[0], len(x)))
	var s [4]float64
	for rest := x; len(rest) > 0; {
		n := min(len(rest), len(e))
		k.expSum.Get()(kernel.NoEscape(&e[0]), &rest[0], n, most, kernel.NoEscape(&s), vectorConstants)
		rest = rest[n:]
	}
	scale := 1 / ((s[0] + s[1]) + (s[2] + s[3]))
	if len(x) <= len(e) {
		k.narrow.Get()(&dst[0], kernel.NoEscape(&e[0]), len(x), scale)
		return
	}
	for len(x) > 0 {
		n := min(len(x), len(e))
		k.expSum.Get()(kernel.NoEscape(&e[0]), &x[0], n, most, kernel.NoEscape(&s), vectorConstants)
		k.narrow.Get()(&dst[0], kernel.NoEscape(&e[0]), n, scale)
		x, dst = x[n:], dst[n:]
	}
}

// softmax is Softmax in Go.
func softmax(dst, x []float32) {
	if len(x) > softmaxRow {
		arith.Softmax(dst, x)
		return
	}
	most := float64(arith.Max(x))
	var e [softmaxRow]float64
	var s [4]float64
	for i, v := range x {
		e[i] = arith.ExpBelow(v, most)
		s[i%4] += e[i]
	}
	scale := 1 / ((s[0] + s[1]) + (s[2] + s[3]))
	for i, v := range e[:len(x)] {
		dst[i] = float32(v * scale)
	}
}

// constants are what kernels of functions read, each as often as a vector of 256 bits holds it.
type constants struct {
	log2e, magic                    [4]float64
	least, most                     [4]float64 // arguments of an exponential
	leastErf, mostErf               [4]float64
	mostTail                        [4]float64
	one, two, minusTwo, minusHalf   [4]float64
	geluLinear, geluCubic           [4]float64
	signs, magnitude                [4]uint64 // the sign of a float64, and all other bits
	series                          [8][4]float64
	erfUpper, erfLower, tail, under [8][4]float64
}

// vectorConstants is read and never written.
var vectorConstants = newConstants()

func newConstants() *constants {
	of := func(v float64) [4]float64 { return [4]float64{v, v, v, v} }
	all := func(v [8]float64) (list [8][4]float64) {
		for i := range v {
			list[i] = of(v[i])
		}
		return list
	}
	const sign, bits = 1 << 63, 1<<63 - 1
	return &constants{
		log2e: of(arith.Log2E), magic: of(arith.ExpMagic),
		least: of(arith.ExpLeast), most: of(arith.ExpMost),
		leastErf: of(-arith.ErfMost), mostErf: of(arith.ErfMost),
		mostTail: of(arith.TailMost),
		one:      of(1), two: of(2), minusTwo: of(-2), minusHalf: of(-0.5),
		geluLinear: of(arith.GeluLinear), geluCubic: of(arith.GeluCubic),
		signs: [4]uint64{sign, sign, sign, sign}, magnitude: [4]uint64{bits, bits, bits, bits},
		series:   all(arith.ExpSeries),
		erfUpper: all(arith.ErfSeries[0]), erfLower: all(arith.ErfSeries[1]),
		tail: all(arith.TailSeries[0]), under: all(arith.TailSeries[1]),
	}
}
