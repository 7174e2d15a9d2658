package elementwise

import (
	"math"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Pair adds or multiplies two values of codes by way of the reals that they stand for:
//
//	a' = float32(a − ZeroA)·ScaleA    b' = float32(b − ZeroB)·ScaleB
//	byte(RNE(clamp((a' ± b') / Scale, Lo, Hi)) + Offset)
//
// where ± is + or, with Mul, ·, and every step is rounded to float32. A NaN counts as 0.
type Pair struct {
	ZeroA, ZeroB   int32 // zero points as they are stored
	ScaleA, ScaleB float32

	Scale, Lo, Hi float32 // of the result; the bounds are whole numbers in [−255, 255], less the zero point
	Offset        int32   // zero point of the result as it is stored
	Mul           bool
}

// Apply fills dst, which may be a or b. All three are equally long.
func (p *Pair) Apply(dst, a, b []byte, tier cpu.Tier) {
	n := len(dst)
	a, b = a[:n], b[:n]
	k, pair := kernelsOf(tier), kernel.NoEscape(p)
	done := whole(n, k.reals)
	switch {
	case done == 0:
	case p.Mul:
		k.mulCodes.Get()(&dst[0], &a[0], &b[0], done, pair)
	default:
		k.sums.Get()(k, pair, dst[:done], a[:done], b[:done])
	}
	p.generic(dst[done:], a[done:], b[done:])
}

func (p *Pair) generic(dst, a, b []byte) {
	a, b = a[:len(dst)], b[:len(dst)]
	zeroA, zeroB, scaleA, scaleB := p.ZeroA, p.ZeroB, p.ScaleA, p.ScaleB
	q := Quantizer{p.Scale, p.Lo, p.Hi, p.Offset}
	if p.Mul {
		for i := range dst {
			x, y := float32(float32(int32(a[i])-zeroA)*scaleA), float32(float32(int32(b[i])-zeroB)*scaleB)
			dst[i] = q.Code(float32(x * y))
		}
		return
	}
	for i := range dst {
		x, y := float32(float32(int32(a[i])-zeroA)*scaleA), float32(float32(int32(b[i])-zeroB)*scaleB)
		dst[i] = q.Code(x + y)
	}
}

// Code returns the stored code of the result of two.
func (p *Pair) Code(a, b byte) byte {
	x, y := float32(float32(int32(a)-p.ZeroA)*p.ScaleA), float32(float32(int32(b)-p.ZeroB)*p.ScaleB)
	if p.Mul {
		x = float32(x * y)
	} else {
		x += y
	}
	q := Quantizer{p.Scale, p.Lo, p.Hi, p.Offset}
	return q.Code(x)
}

// Quantizer makes codes of reals:
//
//	byte(RNE(clamp(x / Scale, Lo, Hi)) + Offset)
//
// the quotient rounded to float32. A NaN counts as 0.
type Quantizer struct {
	Scale, Lo, Hi float32 // the bounds are whole numbers in [−255, 255], less the zero point
	Offset        int32   // zero point as it is stored
}

// magic is 1.5 × 2^23: adding it to a float32 of magnitude at most 2^22 rounds to an integer, ties to even, which then
// stands in the low bits of the sum.
const (
	magic     = 0x1.8p23
	magicBits = 0x4b400000
)

// Code returns the stored code of x.
func (q *Quantizer) Code(x float32) byte {
	v := x / q.Scale
	if v != v {
		v = 0
	}
	// Not comparisons: a processor cannot foresee them where half of the values are clamped, as by a Relu.
	v = min(max(v, q.Lo), q.Hi)
	return byte(int32(math.Float32bits(v+magic)) - magicBits + q.Offset)
}

// Codes fills dst with the codes of src, equally many.
func (q *Quantizer) Codes(dst []byte, src []float32, tier cpu.Tier) {
	src = src[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.quantize.Get()(&dst[0], &src[0], done, kernel.NoEscape(q))
	}
	for i := done; i < len(src); i++ {
		dst[i] = q.Code(src[i])
	}
}

// Colours fills dst with the codes of red, green and blue, equally many, in pixels of three bytes, or of four of which the
// last is 0.
func (q *Quantizer) Colours(dst []byte, red, green, blue []float32, pixel int, tier cpu.Tier) {
	n := len(red)
	green, blue, dst = green[:n], blue[:n], dst[:n*pixel]
	k, step := kernelsOf(tier), 0
	if k.colours.Has() {
		step = 8
	}
	parts, count := spans(n, step)
	for _, s := range parts[:count] {
		at := s.first
		k.colours.Get()(&dst[at*pixel], &red[at], &green[at], &blue[at], s.count, pixel, kernel.NoEscape(q))
	}
	if count > 0 {
		return
	}
	for i, r := range red {
		to := dst[i*pixel:][:pixel]
		to[0], to[1], to[2] = q.Code(r), q.Code(green[i]), q.Code(blue[i])
		if pixel == 4 {
			to[3] = 0
		}
	}
}

// AddReals fills dst[i] = clamp(a[i] + b[i], lo, hi). dst may be a or b. All three are equally long. A NaN stays one.
func AddReals(dst, a, b []float32, lo, hi float32, tier cpu.Tier) {
	a, b = a[:len(dst)], b[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.addReals.Get()(&dst[0], &a[0], &b[0], done, lo, hi)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp(a[i]+b[i], lo, hi)
	}
}

// MulReals is AddReals for products.
func MulReals(dst, a, b []float32, lo, hi float32, tier cpu.Tier) {
	a, b = a[:len(dst)], b[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.mulReals.Get()(&dst[0], &a[0], &b[0], done, lo, hi)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp(float32(a[i]*b[i]), lo, hi)
	}
}

// SubReals is AddReals for differences.
func SubReals(dst, a, b []float32, lo, hi float32, tier cpu.Tier) {
	a, b = a[:len(dst)], b[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.subReals.Get()(&dst[0], &a[0], &b[0], done, lo, hi)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp(a[i]-b[i], lo, hi)
	}
}

// DivReals is AddReals for quotients.
func DivReals(dst, a, b []float32, lo, hi float32, tier cpu.Tier) {
	a, b = a[:len(dst)], b[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.divReals.Get()(&dst[0], &a[0], &b[0], done, lo, hi)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp(a[i]/b[i], lo, hi)
	}
}

// ClampReals fills dst[i] = clamp(src[i], lo, hi). dst may be src, and is as long. A NaN stays one.
func ClampReals(dst, src []float32, lo, hi float32, tier cpu.Tier) {
	src = src[:len(dst)]
	k := kernelsOf(tier)
	done := whole(len(dst), k.reals)
	if done > 0 {
		k.clampReals.Get()(&dst[0], &src[0], done, lo, hi)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp(src[i], lo, hi)
	}
}

// clamp is hi where the bounds are exchanged. Not min and max: these comparisons are what VMAXPS and VMINPS do with NaN
// and with -0.
func clamp(v, lo, hi float32) float32 {
	if v < lo {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return v
}

// GateReals fills dst[i] with y = max(0, min(1, alpha·x + beta)) of x = src[i], every step rounded to float32, or with x·y:
// HardSigmoid and HardSwish. The two slices may be one.
func GateReals(dst, src []float32, alpha, beta float32, swish bool, tier cpu.Tier) {
	src = src[:len(dst)]
	done := 0
	if k := kernelsOf(tier); k.gate.Has() {
		if done = len(dst) &^ 7; done > 0 {
			k.gate.Get()(&dst[0], &src[0], done, alpha, beta, swish)
		}
	}
	for i := done; i < len(dst); i++ {
		x := src[i]
		y := max(0, min(1, float32(alpha*x)+beta))
		if swish {
			y *= x
		}
		dst[i] = y
	}
}
