package quant

import (
	"fmt"

	"linquant/tensor"
)

// Quantize fills dst with the codes of src:
//
//	code = clamp(RoundToEven(x / scale) + zeroPoint, qmin, qmax)
//
// with a true float32 division, and rounding before the zero point is added (the original's linear_quantize). What lies
// beyond the range saturates, infinities included. A NaN has no code: it becomes the zero point, the code of real 0.
//
// dst and src have the same length, and shape is theirs; with a single scale it may be nil. Errors: lengths or shape
// that do not agree, codes that do not fit a Q, unusable parameters. It allocates nothing.
func Quantize[Q Code](dst []Q, src []float32, shape tensor.Shape, p Params) error {
	s, err := checkElements(dst, src, shape, p)
	if err != nil {
		return err
	}
	qmin, qmax := p.Type.Range()
	v := vectorsFor(len(dst))
	if s.scales() == 1 && len(src) > 0 {
		quantizeRun(v, dst, src, p.Scale[0], p.ZeroPointOf(0), qmin, qmax)
		return nil
	}
	if s.columns() {
		quantizeColumns(v.tier, dst, src, p.Scale, p.ZeroPoint, qmin, qmax)
		return nil
	}
	s.each(len(src), func(k, lo, hi int) {
		quantizeRun(v, dst[lo:hi], src[lo:hi], p.Scale[k], p.ZeroPointOf(k), qmin, qmax)
	})
	return nil
}

// Dequantize fills dst with the real values of the codes in src: float32(code − zeroPoint) × scale, the product rounded
// once. Shapes and errors are as in Quantize; that src holds codes of p.Type only is not checked.
func Dequantize[Q Code](dst []float32, src []Q, shape tensor.Shape, p Params) error {
	s, err := checkElements(src, dst, shape, p)
	if err != nil {
		return err
	}
	v := vectorsFor(len(dst))
	if s.columns() {
		dequantizeColumns(v.tier, dst, src, p.Scale, p.ZeroPoint)
		return nil
	}
	s.each(len(src), func(k, lo, hi int) {
		dequantizeRun(v, dst[lo:hi], src[lo:hi], p.Scale[k], p.ZeroPointOf(k))
	})
	return nil
}

// QuantizeAffine chooses AffineParams for x and fills dst with its codes: in one step what linear_quantize_feature of the
// original does with one scale per tensor. Shapes and errors are those of AffineParams and Quantize.
func QuantizeAffine[Q Code](dst []Q, x []float32, shape tensor.Shape, t Type, l Layout, includeZero bool) (Params, error) {
	p, err := AffineParams(x, shape, t, l, includeZero)
	if err != nil {
		return Params{}, err
	}
	return p, Quantize(dst, x, shape, p)
}

// QuantizeSymmetric chooses SymmetricParams for the weights w and fills dst with their codes: in one step what
// linear_quantize_weight_per_channel of the original does with one scale per channel of axis 0. Shapes and errors are those
// of SymmetricParams and Quantize.
func QuantizeSymmetric[Q Code](dst []Q, w []float32, shape tensor.Shape, t Type, l Layout) (Params, error) {
	p, err := SymmetricParams(w, shape, t, l)
	if err != nil {
		return Params{}, err
	}
	return p, Quantize(dst, w, shape, p)
}

func checkElements[Q Code](codes []Q, reals []float32, shape tensor.Shape, p Params) (split, error) {
	if err := checkStorage[Q](p.Type); err != nil {
		return split{}, err
	}
	if len(codes) != len(reals) {
		return split{}, fmt.Errorf("%d codes for %d real values", len(codes), len(reals))
	}
	return p.check(shape, len(reals))
}
