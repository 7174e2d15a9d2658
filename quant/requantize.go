package quant

import (
	"fmt"
	"math"

	"linquant/internal/cpu"
)

// Convention is one of the ways in use to bring an int32 accumulator to an output code: code = clamp(round(M·acc) +
// zeroPoint) with M = Sx·Sw/Sy. They differ in where they round, hence by one step in rare cases.
type Convention uint8

// The conventions of requantization. f32 rounds to float32, RNE is to an integer with ties to even.
const (
	// ONNX is clamp(RNE(f32(f32(acc)·M))) + zeroPoint, the bounds moved by the zero point: rounded first, then shifted.
	// ONNX QLinear operators, ONNX Runtime, XNNPACK.
	ONNX Convention = iota
	// Torch is clamp(RNE(f32(f32(f32(acc)·M) + zeroPoint))): shifted first, then rounded. PyTorch's reference and the
	// original's quantized_linear.
	Torch
	// Fixed is integer arithmetic with one rounding, ties up: M = m0·2^-(31+s) with m0 in [2^30, 2^31), and (acc·m0 +
	// 2^(30+s)) >> (31+s). Jacob et al. 2018, eq. 6; TensorFlow Lite with single rounding.
	Fixed
	// FixedDouble is integer arithmetic with two roundings: a saturating rounding doubling high multiply by m0, then a
	// rounding shift by s with ties away from zero. gemmlowp; TensorFlow Lite's default.
	FixedDouble
)

var conventionNames = [...]string{"onnx", "torch", "fixed", "fixed-double"}

// String returns "onnx", "torch", "fixed" or "fixed-double".
func (c Convention) String() string {
	if int(c) < len(conventionNames) {
		return conventionNames[c]
	}
	return fmt.Sprintf("Convention(%d)", uint8(c))
}

// ParseConvention is the inverse of String.
func ParseConvention(s string) (Convention, error) {
	for i, name := range conventionNames {
		if s == name {
			return Convention(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no requantization convention: use onnx, torch, fixed or fixed-double", s)
}

// Multiplier returns M = input·weight/output as the convention computes it: ONNX and Torch round the product and the
// quotient to float32, Fixed and FixedDouble keep float64.
func (c Convention) Multiplier(input, weight, output float32) float64 {
	if c == Fixed || c == FixedDouble {
		return float64(input) * float64(weight) / float64(output)
	}
	return float64(float32(input*weight) / output)
}

// Requantizer is the output stage of an integer layer: it turns accumulators into codes. It is immutable once made.
type Requantizer struct {
	Convention Convention
	ZeroPoint  int32
	Lo, Hi     int32 // the codes are clamped to [Lo, Hi]; a Relu narrows it

	multiplier []float32    // ONNX, Torch
	fixed      []fixedPoint // Fixed, FixedDouble
}

// fixedPoint is a multiplier m0·2^-(31+shift), m0 in [2^30, 2^31); 0 if m0 is.
type fixedPoint struct {
	m0    int32
	shift int
}

// NewRequantizer returns the output stage for a layer whose output has the parameters out (one scale) and whose
// accumulators have one multiplier per channel, or one for all. A multiplier that is not positive, finite and normal in
// float32 is an error.
func NewRequantizer(c Convention, multiplier []float64, out Params) (*Requantizer, error) {
	if int(c) >= len(conventionNames) {
		return nil, fmt.Errorf("%v is no requantization convention", c)
	}
	if out.Per != PerTensor {
		return nil, fmt.Errorf("an output quantized per %v cannot be requantized: it has one scale for the whole tensor", out.Per)
	}
	if _, err := out.check(nil, 0); err != nil {
		return nil, err
	}
	if out.Type.Bits > 8 {
		return nil, fmt.Errorf("a layer's output has 2 to 8 bits, not %d", out.Type.Bits)
	}
	if len(multiplier) == 0 {
		return nil, fmt.Errorf("no multiplier for the accumulators")
	}
	r := &Requantizer{Convention: c, ZeroPoint: out.ZeroPointOf(0)}
	r.Lo, r.Hi = out.Type.Range()
	for channel, m := range multiplier {
		if err := checkScale(float32(m)); err != nil {
			return nil, fmt.Errorf("the multiplier of output channel %d: %w", channel, err)
		}
		if c == ONNX || c == Torch {
			r.multiplier = append(r.multiplier, float32(m))
		} else {
			r.fixed = append(r.fixed, newFixedPoint(m))
		}
	}
	return r, nil
}

// newFixedPoint writes m as m0·2^-(31+shift) with m0 rounded half away from zero.
func newFixedPoint(m float64) fixedPoint {
	fraction, exponent := math.Frexp(m)
	m0, shift := int64(math.Round(fraction*(1<<31))), -exponent
	if m0 == 1<<31 {
		m0, shift = 1<<30, shift-1
	}
	if shift > 31 {
		return fixedPoint{}
	}
	return fixedPoint{int32(m0), shift}
}

// Channels returns the number of multipliers: that of the output channels, or 1 for all; 0 only for the zero value.
func (r *Requantizer) Channels() int { return max(len(r.multiplier), len(r.fixed)) }

// Code returns the output code of one accumulator of an output channel (0 where there is one multiplier).
func (r *Requantizer) Code(acc int32, channel int) int32 {
	switch r.Convention {
	case ONNX:
		v := float32(float32(acc) * r.multiplier[channel])
		return roundClamp(v, r.Lo-r.ZeroPoint, r.Hi-r.ZeroPoint) + r.ZeroPoint
	case Torch:
		v := float32(float32(acc)*r.multiplier[channel]) + float32(r.ZeroPoint)
		return roundClamp(v, r.Lo, r.Hi)
	case Fixed:
		return r.clamp(r.fixed[channel].single(acc))
	default:
		return r.clamp(r.fixed[channel].double(acc))
	}
}

// roundClamp returns clamp(RNE(v), lo, hi) for bounds that float32 holds.
func roundClamp(v float32, lo, hi int32) int32 {
	v = min(max(v, float32(lo)), float32(hi))
	return int32(math.Float32bits(v+magic)) - magicBits
}

func (r *Requantizer) clamp(v int64) int32 {
	return int32(min(max(v+int64(r.ZeroPoint), int64(r.Lo)), int64(r.Hi)))
}

// single rounds acc·m0·2^-(31+shift) once, ties up.
func (f fixedPoint) single(acc int32) int64 {
	a, shift := f.shiftLeft(acc)
	return (a*int64(f.m0) + 1<<(30+shift)) >> (31 + shift)
}

// double rounds acc·m0·2^-31 (ties up, as the truncating division makes it), and then that times 2^-shift (ties away
// from zero).
func (f fixedPoint) double(acc int32) int64 {
	a, shift := f.shiftLeft(acc)
	product, nudge := a*int64(f.m0), int64(1<<30)
	if product < 0 {
		nudge = 1 - 1<<30
	}
	high := (product + nudge) / (1 << 31)
	mask := int64(1)<<shift - 1
	threshold := mask >> 1
	if high < 0 {
		threshold++
	}
	rounded := high >> shift
	if high&mask > threshold {
		rounded++
	}
	return rounded
}

// shiftLeft moves a negative shift, which stands for a multiplier of 1 or more, into the accumulator, with saturation
// to int32.
func (f fixedPoint) shiftLeft(acc int32) (int64, int) {
	if f.shift >= 0 {
		return int64(acc), f.shift
	}
	// Beyond 31 every accumulator but 0 has saturated already.
	a := int64(acc) << min(-f.shift, 31)
	return min(max(a, math.MinInt32), math.MaxInt32), 0
}

// Requantize fills dst with the codes of the accumulators acc, both [rows, channels] with the channels of r innermost
// (with one multiplier, any shape). Errors: lengths that differ or do not divide into channels, codes that do not fit a
// Q.
func Requantize[Q int8 | uint8](dst []Q, acc []int32, r *Requantizer) error {
	channels := r.Channels()
	if channels == 0 {
		return fmt.Errorf("the output stage has no multiplier: make it with NewRequantizer")
	}
	if len(dst) != len(acc) || len(acc)%channels != 0 {
		return fmt.Errorf("%d accumulators of %d channels do not fill %d codes", len(acc), channels, len(dst))
	}
	if int32(Q(r.Lo)) != r.Lo || int32(Q(r.Hi)) != r.Hi {
		return fmt.Errorf("codes in [%d, %d] do not fit a slice of %T", r.Lo, r.Hi, Q(0))
	}
	requantizeRows(cpu.Chosen(), dst, acc, r)
	return nil
}
