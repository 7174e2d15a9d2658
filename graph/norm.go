package graph

import (
	"linquant/internal/arith"
	"linquant/tensor"
)

// NormOf returns how a node normalizes a value of the given shape, of which the batch does not matter. Shapes that do
// not fit the node are an error.
func NormOf(n *Node, shape tensor.Shape) (arith.Norm, error) {
	s := site{nil, n}
	norm := arith.Norm{Repeat: 1, Groups: 1, Epsilon: n.Float("epsilon"), Center: n.Op != RMSNormalization}
	switch n.Op {
	case LayerNormalization, RMSNormalization:
		axis, err := s.axis("axis", len(shape))
		if err != nil {
			return norm, err
		}
		if axis == 0 && batched(shape) {
			return norm, s.errorf("axis 0 of %s is the batch: it would mix examples; use axis 1", show(shape))
		}
		norm.Length = perExample(shape[axis:])
		return norm, nil
	}
	if len(shape) < 3 {
		return norm, s.errorf("input %q is %s: it must be [batch, channels, …] with one dimension more at least", n.Inputs[0], show(shape))
	}
	channels := shape[1]
	norm.Repeat, norm.Groups = perExample(shape[2:]), channels
	if n.Op == GroupNormalization {
		norm.Groups = n.Int("num_groups")
	}
	if norm.Groups < 1 || channels%norm.Groups != 0 {
		return norm, s.errorf("num_groups is %d: it must divide the %d channels of %s", norm.Groups, channels, show(shape))
	}
	norm.Length = channels / norm.Groups * norm.Repeat
	return norm, nil
}

// norm checks the shapes of a normalization.
func (s site) norm() (tensor.Shape, error) {
	x := s.shape(0)
	norm, err := NormOf(s.n, x)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(s.n.Inputs); i++ {
		if s.n.Inputs[i] == "" {
			continue
		}
		if s.n.Op == InstanceNormalization || s.n.Op == GroupNormalization {
			if err := s.bias(i, x[1]); err != nil {
				return nil, err
			}
			continue
		}
		rows := x[s.normAxis(len(x)):]
		if v := s.shape(i); batched(v) || len(v) > len(rows) || !fitsInto(v, rows) {
			return nil, s.errorf("%q is %s and does not broadcast to the %d elements of a row, %s", s.n.Inputs[i], show(v), norm.Length, show(rows))
		}
	}
	return x, nil
}

func (s site) normAxis(rank int) int {
	axis, _ := s.axis("axis", rank) // NormOf has checked it
	return axis
}

// fitsInto reports whether a value of shape from broadcasts to the shape to.
func fitsInto(from, to tensor.Shape) bool {
	for i, d := range from {
		if at := len(to) - len(from) + i; at < 0 || d != 1 && d != to[at] {
			return false
		}
	}
	return true
}

// NormWeights returns scale or shift of a normalization with one element for each that a row scales apart: those of
// LayerNormalization broadcast to a row. shape is that of the value which is normalized.
func NormWeights(n *Node, weights []float32, own, shape tensor.Shape) []float32 {
	if n.Op == InstanceNormalization || n.Op == GroupNormalization {
		return weights
	}
	rows := shape[site{nil, n}.normAxis(len(shape)):]
	return take(weights, gather(rows, broadcastSteps(own, rows)), 0)
}

func (s site) evalNorm(c call) (array, error) {
	in := c.in
	x := in[0]
	norm, err := NormOf(s.n, x.shape)
	if err != nil {
		return array{}, err
	}
	scale := NormWeights(s.n, in[1].real, in[1].shape, x.shape)
	var shift []float32
	if in[2].real != nil {
		shift = NormWeights(s.n, in[2].real, in[2].shape, x.shape)
	}
	y, part := make([]float32, len(x.real)), norm.Length/norm.Repeat
	for r := range len(y) / norm.Length {
		at, row := r%norm.Groups*part, r*norm.Length
		var b []float32
		if shift != nil {
			b = shift[at:][:part]
		}
		norm.Row(y[row:][:norm.Length], x.real[row:][:norm.Length], scale[at:][:part], b)
	}
	return array{shape: x.shape, real: y}, nil
}
