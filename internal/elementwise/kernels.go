package elementwise

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// kernels are what a tier computes with, and how much at a time its kernels take. What is left, and what a tier has no
// kernel for, is computed in Go, which defines the result.
type kernels struct {
	reals int // elements, a power of two, of which kernels take multiples; 0 where there are none

	addCodes, mulCodes kernel.Func[pairKernel]
	sums               kernel.Func[func(k *kernels, p *Pair, dst, a, b []byte)] // with these
	sums512            kernel.Func[func(dst, a, b *byte, n int, p *Pair, s *sum)]
	sums256            kernel.Func[func(dst, a, b *byte, n int, s *sum) (done int)]
	quantize           kernel.Func[func(dst *byte, src *float32, n int, q *Quantizer)]
	addReals, mulReals kernel.Func[func(dst, a, b *float32, n int, lo, hi float32)]
	subReals, divReals kernel.Func[func(dst, a, b *float32, n int, lo, hi float32)]
	clampReals         kernel.Func[func(dst, src *float32, n int, lo, hi float32)]
	maxCodes           [3]codesKernel // the first whose step is not more than there are channels
	maxReals           kernel.Func[maxKernel[float32]]
	meanReals          kernel.Func[meanKernel]
	depthwiseCodes     kernel.Func[func(dst, src *byte, p *codeParams)]
	depthwiseSums      kernel.Func[func(dst *int32, src *byte, p *codeParams)]
	depthwiseReals     kernel.Func[func(dst, src *float32, p *realParams)]
	quads              kernel.Func[func(p *quadParams)]
	pairs, nine        kernel.Func[func(p *quadParams)] // nine for nine taps
	lookup             lookupKernel
	transposeCodes     transposer[byte]
	transposeReals     transposer[float32]
	gather             [4]gatherKernel // the first that takes lines of a length copies them

	// Of multiples of 8 elements.
	extremes   kernel.Func[func(x *float32, n int) (lo, hi float32)]
	gate       kernel.Func[func(dst, src *float32, n int, alpha, beta float32, swish bool)]
	scaled     kernel.Func[func(dst *float32, sums *int32, scale, bias *float32, zero *int32, row int32, n int, lo, hi float32)]
	centred    kernel.Func[func(dst, src *float32, n int, q *Quantizer)]
	dequantize kernel.Func[func(dst *float32, codes *byte, n int, zero int32, scale float32)]
	colours    kernel.Func[func(dst *byte, red, green, blue *float32, n, pixel int, q *Quantizer)]

	mulRows kernel.Func[func(dst, a *byte, y *float32, n, rows int, p *rowParams)] // of at least rowBlock elements

	functions [functions]kernel.Func[func(dst, src *float32, n int, alpha float32, c *constants)]

	// Of rows.
	most    kernel.Func[func(x *float32, n int) float32]
	expSum  kernel.Func[func(e *float64, x *float32, n int, most float64, s *[4]float64, c *constants)]
	narrow  kernel.Func[func(dst *float32, e *float64, n int, by float64)]
	sum     kernel.Func[func(x *float32, n int, s *[4]float64)]
	squares kernel.Func[func(x *float32, n int, mean float64, s *[4]float64)]
	scale   kernel.Func[func(dst, x, scale, shift *float32, n int, mean, factor float64)]
}

// Kernels that have a type of their own; kernels_amd64.go says what they do.
type (
	pairKernel       = func(dst, a, b *byte, n int, p *Pair)
	maxKernel[T any] = func(dst, src *T, channels, pixels, step int, taps *int, count, stride int)
	meanKernel       = func(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32, stride int)
)

// codesKernel takes multiples of step codes.
type codesKernel struct {
	step int // a power of two
	run  kernel.Func[maxKernel[byte]]
}

// gatherKernel copies lines of least to most bytes.
type gatherKernel struct {
	least, most int
	run         kernel.Func[func(dst, src *byte, p *Gather)]
}

// kernelsOf returns those of a tier.
func kernelsOf(tier cpu.Tier) *kernels { return tables.Of(tier) }

// whole returns how many of n elements kernels take that take multiples of step.
func whole(n, step int) int {
	if step == 0 {
		return 0
	}
	return n &^ (step - 1)
}

// A span is some of the elements of a line.
type span struct{ first, count int }

// spans returns what kernels that take multiples of step elements are to be given of n, so that all are computed: the whole
// steps and then, where elements are left, the last step of the line, of which some are computed again. So what is computed must not
// depend on what was written. There are none where n is less than step, or step is 0.
func spans(n, step int) (s [2]span, count int) {
	done := whole(n, step)
	switch {
	case done == 0:
		return s, 0
	case done == n:
		return [2]span{{0, n}}, 1
	}
	return [2]span{{0, done}, {n - step, step}}, 2
}
