package ptq

import (
	"errors"

	"linquant/quant"
	"linquant/tensor"
)

// scheme is how a weight becomes codes, in a checkpoint or in a network.
type scheme struct {
	typ    quant.Type
	layout quant.Layout
	affine bool // from minimum to maximum, with a zero point
	choose WeightRange
}

var errAffineSearch = errors.New("the search for the least squared error is for symmetric weights: leave out either it " +
	"or the zero points")

// quantize chooses the parameters of a weight and fills codes with its codes. Symmetric codes are those of the
// magnitudes up to the largest code: the most negative one stays unused.
func (s scheme) quantize(codes []int8, real []float32, shape tensor.Shape) (quant.Params, error) {
	switch {
	case s.affine && s.choose != AbsMax:
		return quant.Params{}, errAffineSearch
	case s.affine:
		return quant.QuantizeAffine(codes, real, shape, s.typ, s.layout, true)
	case s.choose == AbsMax:
		return quant.QuantizeSymmetric(codes, real, shape, s.typ, s.layout)
	}
	p, err := leastSquaresParams(real, shape, s.typ, s.layout)
	if err != nil {
		return quant.Params{}, err
	}
	return p, quantizeWith(codes, real, shape, p)
}

// quantizeWith fills codes with the codes of a symmetric weight whose parameters are known.
func quantizeWith(codes []int8, real []float32, shape tensor.Shape, p quant.Params) error {
	if err := quant.Quantize(codes, real, shape, p); err != nil {
		return err
	}
	qmin, qmax := p.Type.Range()
	for i, q := range codes {
		if q == int8(qmin) {
			codes[i] = int8(-qmax)
		}
	}
	return nil
}
