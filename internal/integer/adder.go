package integer

import (
	"fmt"
	"math"

	"linquant/quant"
)

// Adder is the sum of two quantized values. It is immutable once made.
//
// The conventions ONNX and Torch dequantize, add and quantize, every step rounded to float32:
//
//	clamp(RNE((Sa·(qa−za) + Sb·(qb−zb)) / Sy) + zy)
//
// Fixed and FixedDouble use integers only, as Jacob et al. 2018, appendix A.2, and TensorFlow Lite: both operands are
// shifted left by 20 bits and brought to the common scale 2·max(Sa, Sb) by multipliers of at most 1/2, added, and
// brought to the output's scale by a third multiplier. Each multiplication rounds as the convention does.
type Adder struct {
	a, b, out quant.Params
	lo, hi    int32

	toCommonA, toCommonB, toOut *quant.Requantizer // Fixed, FixedDouble
}

// headroom is the left shift of the operands: 8 bits of code and 20 of fraction leave three for the sum and its sign.
const headroom = 20

// NewAdder returns the sum of values with the parameters a and b, one scale each, as codes of out. Scales that differ
// so much that a multiplier is no normal float32 are an error.
func NewAdder(c quant.Convention, a, b, out quant.Params) (*Adder, error) {
	if err := checkOperands(a, b, out); err != nil {
		return nil, err
	}
	s := &Adder{a: a, b: b, out: out}
	s.lo, s.hi = out.Type.Range()
	if c == quant.ONNX || c == quant.Torch {
		return s, nil
	}
	common := 2 * math.Max(float64(a.Scale[0]), float64(b.Scale[0]))
	var err error
	if s.toCommonA, err = rescale(c, float64(a.Scale[0])/common); err != nil {
		return nil, fmt.Errorf("first operand: %w", err)
	}
	if s.toCommonB, err = rescale(c, float64(b.Scale[0])/common); err != nil {
		return nil, fmt.Errorf("second operand: %w", err)
	}
	if s.toOut, err = rescale(c, common/((1<<headroom)*float64(out.Scale[0]))); err != nil {
		return nil, fmt.Errorf("sum: %w", err)
	}
	return s, nil
}

// rescale returns a multiplication from int32 to int32 that rounds as the convention does.
func rescale(c quant.Convention, multiplier float64) (*quant.Requantizer, error) {
	r, err := quant.NewRequantizer(c, []float64{multiplier}, quant.TensorParams(quant.Int(8), 1, 0))
	if err != nil {
		return nil, err
	}
	r.Lo, r.Hi = math.MinInt32, math.MaxInt32
	return r, nil
}

// Code returns the code of the sum of two codes.
func (s *Adder) Code(qa, qb int32) int32 {
	if s.toOut == nil {
		sum := Real(qa, &s.a) + Real(qb, &s.b)
		return Nearest(sum/s.out.Scale[0], s.out.ZeroPointOf(0), s.lo, s.hi)
	}
	a := s.toCommonA.Code((qa-s.a.ZeroPointOf(0))<<headroom, 0)
	b := s.toCommonB.Code((qb-s.b.ZeroPointOf(0))<<headroom, 0)
	code := int64(s.toOut.Code(a+b, 0)) + int64(s.out.ZeroPointOf(0))
	return int32(min(max(code, int64(s.lo)), int64(s.hi)))
}

// checkOperands is CheckOperand for those of a pair and its result.
func checkOperands(a, b, out quant.Params) error {
	for i, p := range []quant.Params{a, b, out} {
		if err := CheckOperand(p); err != nil {
			return fmt.Errorf("%s: %w", [...]string{"first operand", "second operand", "result"}[i], err)
		}
	}
	return nil
}
