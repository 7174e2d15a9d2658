package quant

import (
	"fmt"
	"math"

	"linquant/tensor"
)

const (
	// minAbsMax is the least magnitude that a symmetric scale is made for, so that an all-zero channel has one (the
	// original's 5e-7).
	minAbsMax = 5e-7

	// minScale is the smallest normal float32. Scales below it lose bits, or are 0.
	minScale = 0x1p-126
)

// checkScale returns an error unless a scale can be divided by: positive, finite and not subnormal in float32.
func checkScale(scale float32) error {
	if !(scale >= minScale && scale <= math.MaxFloat32) {
		return fmt.Errorf("%g is no usable scale: it must be positive, finite and at least %g, the smallest normal float32", scale, float32(minScale))
	}
	return nil
}

// IncludeZero extends the range [lo, hi] to contain 0, so that 0 has a code of its own and, for instance, padding costs
// no error. The original does not do this; most other tools do.
func IncludeZero(lo, hi float32) (float32, float32) { return min(lo, 0), max(hi, 0) }

// AffineScale returns the scale and zero point that spread the real range [lo, hi] over the codes of t:
//
//	scale = (hi − lo) / (qmax − qmin)
//	zeroPoint = clamp(RoundToEven(qmin − lo/scale), qmin, qmax)
//
// in float64 (Jacob et al. 2018, section 2.1; the original's get_quantization_scale_and_zero_point). lo == hi gives
// scale 1. A range so small that the scale would be subnormal in float32 gives the smallest normal float32 instead.
// NaN, infinities, and lo > hi are errors.
func AffineScale(lo, hi float32, t Type) (scale float64, zeroPoint int32, err error) {
	if err := t.Check(); err != nil {
		return 0, 0, err
	}
	if d := float32(lo-lo) + float32(hi-hi); d != 0 {
		return 0, 0, fmt.Errorf("[%v, %v] is no range: its ends must be finite", lo, hi)
	}
	if lo > hi {
		return 0, 0, fmt.Errorf("[%v, %v] is no range: its ends are exchanged", lo, hi)
	}
	qmin, qmax := t.Range()
	scale = 1.0
	if lo != hi {
		scale = max((float64(hi)-float64(lo))/(float64(qmax)-float64(qmin)), minScale)
	}
	z := math.RoundToEven(float64(qmin) - float64(lo)/scale)
	return scale, int32(min(max(z, float64(qmin)), float64(qmax))), nil
}

// AffineScaleOf returns AffineScale of the extremes of x.
func AffineScaleOf(x []float32, t Type) (scale float64, zeroPoint int32, err error) {
	lo, hi, err := Extremes(x)
	if err != nil {
		return 0, 0, err
	}
	return AffineScale(lo, hi, t)
}

// SymmetricScale returns the scale that maps ±absMax to the largest code of t: max(absMax, 5e-7) / qmax in float64,
// zero point 0 (the original's get_quantization_scale_for_weight). The code qmin of a signed type stays unused. For an
// unsigned type it maps [0, absMax]. A negative or non-finite absMax is an error.
func SymmetricScale(absMax float32, t Type) (float64, error) {
	if err := t.Check(); err != nil {
		return 0, err
	}
	if !(absMax >= 0 && absMax <= math.MaxFloat32) {
		return 0, fmt.Errorf("%v is no magnitude: it must be finite and not negative", absMax)
	}
	_, qmax := t.Range()
	return max(float64(absMax), minAbsMax) / float64(qmax), nil
}

// SymmetricParams returns symmetric parameters for the weights w of the given shape, one scale per tensor, channel or
// group as the layout says: SymmetricScale of the elements that share it, stored as float32. A NaN or an infinity is an
// error.
func SymmetricParams(w []float32, shape tensor.Shape, t Type, l Layout) (Params, error) {
	if err := t.Check(); err != nil {
		return Params{}, err
	}
	s, err := l.split(shape, len(w))
	if err != nil {
		return Params{}, err
	}
	p := Params{Type: t, Layout: l, Scale: make([]float32, s.scales())}
	if s.columns() {
		if !magnitudeColumns(p.Scale, w) {
			err = notFinite(w)
		}
	} else {
		s.each(len(w), func(k, lo, hi int) {
			m, e := AbsMax(w[lo:hi])
			if e != nil && err == nil {
				err = notFinite(w)
			}
			p.Scale[k] = max(p.Scale[k], m)
		})
	}
	if err != nil {
		return Params{}, err
	}
	for k, m := range p.Scale {
		scale, err := SymmetricScale(m, t)
		if err != nil {
			return Params{}, err
		}
		p.Scale[k] = float32(scale)
	}
	return p, nil
}

// AffineParams returns affine parameters for x, one scale and zero point per tensor, channel or group as the layout
// says: AffineScaleOf the elements that share them, after IncludeZero if that is asked for. Scales are stored as
// float32. A NaN, an infinity or an empty tensor is an error.
func AffineParams(x []float32, shape tensor.Shape, t Type, l Layout, includeZero bool) (Params, error) {
	if err := t.Check(); err != nil {
		return Params{}, err
	}
	s, err := l.split(shape, len(x))
	if err != nil {
		return Params{}, err
	}
	if _, _, err := Extremes(x); err != nil {
		return Params{}, err
	}
	type interval struct {
		lo, hi float32
		seen   bool
	}
	ranges := make([]interval, s.scales())
	run := func(k, i, j int) {
		lo, hi, _ := Extremes(x[i:j])
		if r := &ranges[k]; !r.seen {
			*r = interval{lo, hi, true}
		} else {
			r.lo, r.hi = min(r.lo, lo), max(r.hi, hi)
		}
	}
	if s.columns() {
		for rest := x; len(rest) > 0; rest = rest[len(ranges):] {
			for c, v := range rest[:len(ranges)] {
				v += 0 // as Extremes has it
				if r := &ranges[c]; !r.seen {
					*r = interval{v, v, true}
				} else {
					r.lo, r.hi = min(r.lo, v), max(r.hi, v)
				}
			}
		}
	} else {
		s.each(len(x), run)
	}
	p := Params{Type: t, Layout: l, Scale: make([]float32, len(ranges)), ZeroPoint: make([]int32, len(ranges))}
	for k, r := range ranges {
		if includeZero {
			r.lo, r.hi = IncludeZero(r.lo, r.hi)
		}
		scale, zeroPoint, err := AffineScale(r.lo, r.hi, t)
		if err != nil {
			return Params{}, err
		}
		p.Scale[k], p.ZeroPoint[k] = float32(scale), zeroPoint
	}
	return p, nil
}
