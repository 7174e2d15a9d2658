package graph

import (
	"slices"

	"linquant/tensor"
)

// image returns input 0's shape if it is [batch, channels, height, width].
func (s site) image() (tensor.Shape, error) {
	x := s.shape(0)
	if len(x) != 4 {
		return nil, s.errorf("input %q is %s: it must be [batch, channels, height, width]; insert a Reshape before it", s.n.Inputs[0], show(x))
	}
	return x, nil
}

func (s site) conv() (tensor.Shape, error) {
	x, err := s.image()
	if err != nil {
		return nil, err
	}
	w, err := WindowOf(s.g, s.n, x[2], x[3])
	if err != nil {
		return nil, err
	}
	weight := s.shape(1)
	if batched(weight) {
		return nil, s.errorf("its weight %q depends on the input: make it a constant", s.n.Inputs[1])
	}
	if x[1]%w.Group != 0 || x[1]/w.Group != weight[1] || weight[0]%w.Group != 0 {
		return nil, s.errorf("an input %s and a weight %s do not fit with group %d: the weight is [out, %d/group, height, width] and group divides both channel counts",
			show(x), show(weight), w.Group, x[1])
	}
	if err := s.bias(2, weight[0]); err != nil {
		return nil, err
	}
	return tensor.Shape{x[0], weight[0], w.Out[0], w.Out[1]}, nil
}

// bias checks that input i, if there is one, is a vector with one element per channel.
func (s site) bias(i, channels int) error {
	if s.n.Input(i) == "" {
		return nil
	}
	if b := s.shape(i); len(b) != 1 || b[0] != channels {
		return s.errorf("%q is %s: it must be [%d], one element for each channel", s.n.Inputs[i], show(b), channels)
	}
	return nil
}

func (s site) pool() (tensor.Shape, error) {
	x, err := s.image()
	if err != nil {
		return nil, err
	}
	w, err := WindowOf(s.g, s.n, x[2], x[3])
	if err != nil {
		return nil, err
	}
	return tensor.Shape{x[0], x[1], w.Out[0], w.Out[1]}, nil
}

func (s site) globalPool() (tensor.Shape, error) {
	x, err := s.image()
	if err != nil {
		return nil, err
	}
	return tensor.Shape{x[0], x[1], 1, 1}, nil
}

func (s site) batchNorm() (tensor.Shape, error) {
	x := s.shape(0)
	if len(x) < 2 {
		return nil, s.errorf("input %q is %s: channels are dimension 1, so it must have two dimensions or more", s.n.Inputs[0], show(x))
	}
	for i := 1; i < 5; i++ {
		if err := s.bias(i, x[1]); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// stackedAttr makes the first operand of a Gemm a stack of matrices, one for each example: OneExample makes such Gemms,
// whose weights are constants, for the engine.
const stackedAttr = "stacked"

func (s site) gemm() (tensor.Shape, error) {
	a, b := s.shape(0), s.shape(1)
	if s.n.Int(stackedAttr) != 0 && len(a) == 3 && batched(a) {
		a = a[1:]
	}
	if len(a) != 2 || len(b) != 2 {
		return nil, s.errorf("inputs are %s and %s: both must be matrices; insert a Flatten before it, or use MatMul", show(a), show(b))
	}
	if batched(b) || batched(a) && s.n.Int("transA") != 0 {
		return nil, s.errorf("inputs %s and %s: the sum would run over the batch; transpose the other operand", show(a), show(b))
	}
	m, k := a[0], a[1]
	if s.n.Int("transA") != 0 {
		m, k = k, m
	}
	kB, n := b[0], b[1]
	if s.n.Int("transB") != 0 {
		kB, n = n, kB
	}
	if k != kB {
		return nil, s.errorf("A %s and B %s (transA %d, transB %d) do not fit: their inner dimensions are %d and %d",
			show(a), show(b), s.n.Int("transA"), s.n.Int("transB"), k, kB)
	}
	out := tensor.Shape{m, n}
	if s.n.Input(2) != "" {
		c := s.shape(2)
		sum, err := s.broadcast(out, c)
		if err != nil || !sum.Equal(out) {
			return nil, s.errorf("C %q is %s and does not broadcast to the output %s", s.n.Inputs[2], show(c), show(out))
		}
	}
	if len(s.shape(0)) == 3 {
		out = append(tensor.Shape{Batch}, out...)
	}
	return out, nil
}

func (s site) matMul() (tensor.Shape, error) {
	a, b := s.shape(0), s.shape(1)
	if len(a) == 0 || len(b) == 0 {
		return nil, s.errorf("inputs are %s and %s: a scalar has no product of matrices; use Mul", show(a), show(b))
	}
	if len(a) == 1 && batched(a) || len(b) <= 2 && batched(b) {
		return nil, s.errorf("inputs %s and %s: the sum would run over the batch", show(a), show(b))
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = tensor.Shape{1, a[0]}
	}
	if column {
		b = tensor.Shape{b[0], 1}
	}
	if len(a) == 2 && batched(a) && len(b) > 2 {
		return nil, s.errorf("inputs %s and %s: the batch would move from dimension 0; insert an Unsqueeze", show(a), show(b))
	}
	k, kB := a[len(a)-1], b[len(b)-2]
	if k != kB {
		return nil, s.errorf("inputs %s and %s do not fit: their inner dimensions are %d and %d", show(s.shape(0)), show(s.shape(1)), k, kB)
	}
	out := tensor.Shape{}
	if len(a) > 2 || len(b) > 2 {
		stack, err := s.broadcast(a[:len(a)-2], b[:len(b)-2])
		if err != nil {
			return nil, err
		}
		out = slices.Clone(stack)
	}
	if !row {
		out = append(out, a[len(a)-2])
	}
	if !column {
		out = append(out, b[len(b)-1])
	}
	return out, nil
}

// broadcast returns the shape of an operator on elements of a and b, by numpy's rules. The batch meets the batch, a 1,
// or nothing.
func (s site) broadcast(a, b tensor.Shape) (tensor.Shape, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	misfit := func() error {
		return s.errorf("%s and %s do not broadcast: aligned at the right, dimensions are equal or one of them is 1", show(a), show(b))
	}
	if len(b) < len(a) && batched(b) {
		return nil, s.errorf("%s and %s: the batch would move from dimension 0; give both operands the same number of dimensions", show(a), show(b))
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == d || d == 1:
		case out[at] == 1:
			out[at] = d
		case out[at] == Batch || d == Batch:
			return nil, s.errorf("%s and %s: the batch does not broadcast with a fixed number of examples; make that dimension 1", show(a), show(b))
		default:
			return nil, misfit()
		}
	}
	return out, nil
}
