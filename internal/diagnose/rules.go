package diagnose

import (
	"math"

	"linquant/quant"
)

// rules are how a layer is computed. The zero value, with the graph's convention, is what the graph means; every other
// field is a deviation.
type rules struct {
	convention quant.Convention // of layers with accumulators, and of sums

	// Rounding.
	round      func(float64) float64 // instead of half to even
	zero       zeroPoint             // when it is added
	reciprocal bool                  // a multiplication by 1/scale instead of the division by it
	wrap       bool                  // the low 8 bits of a code out of range instead of the nearest in it
	double     bool                  // float64 instead of float32 between codes

	// Output stages.
	scaled func(acc float64, s scales) float64 // the accumulator in steps of the output, before it is rounded
	fixed  func(acc int64, s scales) int64     // the same, rounded: in integers
	paired pairing                             // how two operands become a sum

	// Accumulators.
	sum       products
	oneScale  bool    // the first channel's scale for all channels
	noBias    bool    // the bias is left out
	biasSteps []int64 // is added to the bias of each channel
	inReals   bool    // codes are dequantized, the layer is computed in reals, and the result quantized
	inputAxis bool    // the scales of a weight belong to its input channels; implies inReals
	padCount  bool    // the opposite of count_include_pad
	rawMean   bool    // the mean of the codes as they are, for equal scales
	noClamp   bool    // Relu and Clip do nothing
	clampSoon bool    // the Relu or Clip behind the layer is applied already
	padCode   bool    // 0 instead of the zero point as padding, in pooling and Pad; products has it for sums
	average   func(sx, sy float32, n int) float64
}

// zeroPoint says when an output's zero point is added.
type zeroPoint uint8

const (
	asDefined zeroPoint = iota
	beforeRounding
	afterRounding
)

// pairing is how the reals of two operands are brought to the output's codes.
type pairing uint8

const (
	dequantized pairing = iota
	ratios              // operands are multiplied by Sa/Sy and Sb/Sy
	constants           // the same with both zero points and the output's in one constant, as ONNX Runtime's QLinearAdd
	fusedRatios         // constants with fused multiply-adds
)

// scales are those of an accumulator: of the input, the weight and the output.
type scales struct{ x, w, y float32 }

// multiplier returns f32(f32(x·w) / y).
func (s scales) multiplier() float32 { return float32(s.x*s.w) / s.y }

// halfAway rounds half away from zero, as C's round.
func halfAway(v float64) float64 { return math.Round(v) }

// halfUp rounds half up, which is what adding a half and truncating or shifting does.
func halfUp(v float64) float64 { return math.Floor(v + 0.5) }

// target is where codes of an output lie.
type target struct {
	p      *quant.Params
	lo, hi int32
}

func targetOf(p *quant.Params) target {
	lo, hi := p.Type.Range()
	return target{p, lo, hi}
}

// code rounds v, in steps of the output and without its zero point, to a code. first says that the definition adds the
// zero point before rounding.
func (r *rules) code(v float64, t target, first bool) int32 {
	if v != v {
		return t.p.ZeroPointOf(0)
	}
	z := float64(t.p.ZeroPointOf(0))
	if r.zero != asDefined {
		first = r.zero == beforeRounding
	}
	round := r.round
	if round == nil {
		round = math.RoundToEven
	}
	if first {
		v += z
		if !r.double {
			v = float64(float32(v))
		}
		v = round(v)
	} else {
		v = round(v) + z
	}
	if r.wrap && math.Abs(v) < 1<<53 {
		if t.p.Type.Unsigned {
			return int32(uint8(int64(v)))
		}
		return int32(int8(int64(v)))
	}
	return int32(min(max(v, float64(t.lo)), float64(t.hi)))
}

// quantize returns the code of a real.
func (r *rules) quantize(x float64, t target) int32 {
	scale := t.p.Scale[0]
	var v float64
	switch {
	case r.reciprocal && r.double:
		v = float64(x * (1 / float64(scale)))
	case r.reciprocal:
		v = float64(float32(float32(x) * float32(1/scale)))
	case r.double:
		v = x / float64(scale)
	default:
		v = float64(float32(x) / scale)
	}
	return r.code(v, t, false)
}

// dequantize returns what a code stands for.
func (r *rules) dequantize(code int32, p *quant.Params) float64 {
	if r.double {
		return float64(float64(code-p.ZeroPointOf(0)) * float64(p.Scale[0])) // never fused with a sum
	}
	return float64(float32(float32(code-p.ZeroPointOf(0)) * p.Scale[0]))
}

// requantize returns the code of an accumulator. standard is the output stage that the graph means.
func (r *rules) requantize(acc int64, s scales, t target, standard *quant.Requantizer, channel int) int32 {
	switch {
	case r.fixed != nil:
		v := r.fixed(acc, s) + int64(t.p.ZeroPointOf(0))
		return int32(min(max(v, int64(t.lo)), int64(t.hi)))
	case r.plain() && acc == int64(int32(acc)):
		return standard.Code(int32(acc), channel)
	}
	first := r.convention == quant.Torch
	if r.scaled != nil {
		return r.code(r.scaled(float64(acc), s), t, first)
	}
	return r.code(float64(float32(float32(acc)*s.multiplier())), t, first)
}

// plain reports whether accumulators become codes as the convention says.
func (r *rules) plain() bool {
	integers := r.convention == quant.Fixed || r.convention == quant.FixedDouble // which add it to integers
	return r.round == nil && (r.zero == asDefined || integers) && !r.wrap && r.scaled == nil && r.fixed == nil
}
