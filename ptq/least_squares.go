package ptq

import (
	"context"
	"errors"
	"math"

	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// LeastSquares is the WeightMethod that searches for the scale with the least squared error of the weights, which may clip
// large ones: a hundred fractions of the largest magnitude, then steps of Lloyd's algorithm from the best. Codes are the
// nearest. The error is never more than AbsMax's, that of the network's outputs may be. It is for symmetric weights.
type LeastSquares struct{}

// String returns "mse".
func (LeastSquares) String() string { return "mse" }

// Needs returns nothing.
func (LeastSquares) Needs(w *LayerWeight) ([]Watch, error) {
	if w.Affine {
		return nil, errors.New("the search for the least squared error is for symmetric weights: leave out either it or the zero points")
	}
	return nil, nil
}

// Quantize does it.
func (LeastSquares) Quantize(ctx context.Context, w *LayerWeight, codes []int8) (quant.Params, []float32, error) {
	p, err := leastSquaresParams(ctx, w.Real, w.Shape, w.Type, w.Layout)
	if err != nil {
		return quant.Params{}, nil, err
	}
	return p, nil, nearest(codes, w.Real, w.Shape, p)
}

// leastSquaresSteps is how many fractions of the largest magnitude the search tries. A hundredth of the range is a
// quarter of a step of the coarsest codes, and the fit that follows is finer than any grid.
const leastSquaresSteps = 100

// leastSquaresParams returns symmetric parameters for the weights w, one scale per tensor, channel or group as the
// layout says, each the best of a search for the least squared error Σ (w − scale·code)².
func leastSquaresParams(ctx context.Context, w []float32, shape tensor.Shape, t quant.Type, l quant.Layout) (quant.Params, error) {
	p, err := quant.SymmetricParams(w, shape, t, l) // checks everything
	if err != nil || len(w) == 0 {
		return p, err
	}
	_, qmax := t.Range()
	floor, err := quant.SymmetricScale(0, t) // that of an all-zero weight
	if err != nil {
		return quant.Params{}, err
	}
	for k, x := range shares(w, shape, l) {
		if p.Scale[k], err = leastSquaresScale(ctx, x, p.Scale[k], float32(floor), qmax); err != nil {
			return quant.Params{}, err
		}
	}
	return p, nil
}

// leastSquaresScale returns the scale with the least squared error that the search finds for the weights x, whose
// largest magnitude divided by qmax is top. It tries the fractions top·k/100, then improves the best of them as Lloyd's
// algorithm does: given the codes, the best scale is Σ x·code / Σ code²; given the scale, the best codes are the
// nearest. Every candidate is judged by the error of the float32 values that its codes stand for, and top is one of
// them, so the result is never worse than the absolute maximum. No scale below floor is tried. ctx is looked at before each candidate.
func leastSquaresScale(ctx context.Context, x []float32, top, floor float32, qmax int32) (float32, error) {
	best, least := top, squaredError(x, top, qmax, math.Inf(1))
	for k := leastSquaresSteps - 1; k > 0; k-- {
		scale := float32(float64(top) * float64(k) / leastSquaresSteps)
		if scale < floor {
			break
		}
		if err := ended.Err(ctx); err != nil {
			return 0, err
		}
		if e := squaredError(x, scale, qmax, least); e < least {
			best, least = scale, e
		}
	}
	for least > 0 {
		if err := ended.Err(ctx); err != nil {
			return 0, err
		}
		scale := fittedScale(x, best, qmax)
		if !(scale >= floor) {
			break
		}
		e := squaredError(x, scale, qmax, least)
		if !(e < least) {
			break
		}
		best, least = scale, e
	}
	return best, nil
}

// code returns the code of a weight as quantize stores it: the most negative one stays unused.
func code(x, scale float32, qmax int32) float32 {
	q := float32(math.RoundToEven(float64(x / scale)))
	return min(max(q, float32(-qmax)), float32(qmax))
}

// squaredError returns Σ (x − scale·code)² in float64, or a part of it that is at least enough.
func squaredError(x []float32, scale float32, qmax int32, enough float64) float64 {
	const block = 64 // elements between two looks at the sum: most candidates are far too bad
	var sum float64
	for start := 0; start < len(x) && sum < enough; start += block {
		for _, v := range x[start:min(start+block, len(x))] {
			d := float64(v) - float64(float32(code(v, scale, qmax)*scale))
			sum += float64(d * d)
		}
	}
	return sum
}

// fittedScale returns the scale with the least squared error for the codes that x has at the given scale; 0 where all
// codes are 0.
func fittedScale(x []float32, scale float32, qmax int32) float32 {
	var xq, qq float64
	for _, v := range x {
		q := float64(code(v, scale, qmax))
		xq += float64(float64(v) * q)
		qq += float64(q * q)
	}
	if qq == 0 {
		return 0
	}
	return float32(xq / qq)
}

// shares returns the weights that share each scale, in the order of the scales.
func shares(w []float32, shape tensor.Shape, l quant.Layout) [][]float32 {
	if l.Per == quant.PerTensor {
		return [][]float32{w}
	}
	inner := 1
	for _, d := range shape[l.Axis+1:] {
		inner *= d
	}
	channels := shape[l.Axis]
	depth := len(w) / channels
	byChannel := make([][]float32, channels)
	if depth == inner { // the channels are contiguous
		for c := range byChannel {
			byChannel[c] = w[c*depth : (c+1)*depth]
		}
	} else {
		for c := range byChannel {
			byChannel[c] = make([]float32, 0, depth)
		}
		for start := 0; start < len(w); start += inner {
			c := start / inner % channels
			byChannel[c] = append(byChannel[c], w[start:start+inner]...)
		}
	}
	if l.Per == quant.PerChannel {
		return byChannel
	}
	var groups [][]float32
	for _, x := range byChannel {
		for len(x) > 0 {
			n := min(l.GroupSize, len(x))
			groups, x = append(groups, x[:n]), x[n:]
		}
	}
	return groups
}
