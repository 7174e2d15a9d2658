package graph

import (
	"cmp"
	"math"
	"slices"

	"linquant/tensor"
)

// The operators here look at the elements along one dimension.

// axisApart returns the attribute axis for the first input, which must not be the batch.
func (s site) axisApart(name string) (int, error) {
	x := s.shape(0)
	axis, err := s.axis(name, len(x))
	if err == nil && axis == 0 && batched(x) {
		err = s.errorf("%s 0 of %s is the batch: it would mix examples; use another dimension", name, show(x))
	}
	return axis, err
}

// alongAxis is the shape of an operator along an axis.
func (s site) alongAxis() (tensor.Shape, error) {
	_, err := s.axisApart("axis")
	return s.shape(0), err
}

// lines calls visit with the index of the first element of every line along a dimension, and how far apart its elements are,
// as long as the context goes on.
func (c call) lines(shape tensor.Shape, axis int, visit func(first, step int)) error {
	pace, step := c.pace(), perExample(shape[axis+1:])
	for outer := range perExample(shape[:axis]) {
		for inner := range step {
			if err := pace.done(shape[axis]); err != nil {
				return err
			}
			visit(outer*shape[axis]*step+inner, step)
		}
	}
	return nil
}

func (s site) argShape() (tensor.Shape, error) {
	axis, err := s.axisApart("axis")
	if err != nil {
		return nil, err
	}
	out := slices.Clone(s.shape(0))
	if s.n.Int("keepdims") == 0 {
		return slices.Delete(out, axis, axis+1), nil
	}
	out[axis] = 1
	return out, nil
}

// evalArg finds the largest or smallest element of each line, of equals the first or the last.
func (s site) evalArg(c call) (array, error) {
	x := c.in[0]
	axis, last := AxisOf(s.n, len(x.shape)), s.n.Int("select_last_index") != 0
	y := array{shape: c.shape}
	err := c.lines(x.shape, axis, func(first, step int) {
		best, at := x.real[first], 0
		for i := 1; i < x.shape[axis]; i++ {
			v := x.real[first+i*step]
			better := v > best
			if s.n.Op == ArgMin {
				better = v < best
			}
			if better || last && v == best {
				best, at = v, i
			}
		}
		y.real = append(y.real, float32(at))
	})
	return y, err
}

func (s site) evalCumSum(c call) (array, error) {
	x := c.in[0]
	axis, exclusive, reverse := AxisOf(s.n, len(x.shape)), s.n.Int("exclusive") != 0, s.n.Int("reverse") != 0
	y := array{shape: c.shape, real: make([]float32, len(x.real))}
	err := c.lines(x.shape, axis, func(first, step int) {
		sum := float32(0) // in the order of the elements, as ONNX Runtime does
		for i := range x.shape[axis] {
			if reverse {
				i = x.shape[axis] - 1 - i
			}
			at := first + i*step
			if exclusive {
				y.real[at] = sum
			}
			if sum += x.real[at]; !exclusive {
				y.real[at] = sum
			}
		}
	})
	return y, err
}

// evalHardmax is 1 at the first of the largest elements of each line.
func (s site) evalHardmax(c call) (array, error) {
	x := c.in[0]
	axis := AxisOf(s.n, len(x.shape))
	y := array{shape: c.shape, real: make([]float32, len(x.real))}
	err := c.lines(x.shape, axis, func(first, step int) {
		at := first
		for i := range x.shape[axis] {
			if x.real[first+i*step] > x.real[at] {
				at = first + i*step
			}
		}
		y.real[at] = 1
	})
	return y, err
}

func (s site) topKType() (tensor.DType, error) {
	if s.n.Int(outputAttr) == 1 {
		return tensor.Int64, nil
	}
	return typeOfInput(0)(s)
}

func (s site) topK() (tensor.Shape, error) {
	axis, err := s.axisApart("axis")
	if err != nil {
		return nil, err
	}
	out, k := slices.Clone(s.shape(0)), s.n.Int("k")
	if k < 1 || k > out[axis] {
		return nil, s.errorf("k is %d, and dimension %d of %s has %d elements: use 1 to that", k, axis, show(out), out[axis])
	}
	out[axis] = k
	return out, nil
}

// evalTopK: of equal elements the first come first, and what is no number counts as larger than all, as in ONNX Runtime.
func (s site) evalTopK(c call) (array, error) {
	x := c.in[0]
	axis, k, largest := AxisOf(s.n, len(x.shape)), s.n.Int("k"), s.n.Int("largest") != 0
	y := array{shape: c.shape, real: make([]float32, perExample(c.shape))}
	from, to := x.shape[axis], perExample(c.shape[axis+1:])
	order := make([]int, from)
	line := 0
	err := c.lines(x.shape, axis, func(first, step int) {
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			va, vb := float64(x.real[first+a*step]), float64(x.real[first+b*step])
			by := cmp.Compare(va, vb)
			if math.IsNaN(va) != math.IsNaN(vb) {
				by = -by // cmp has them below all
			}
			if largest {
				by = -by
			}
			return cmp.Or(by, cmp.Compare(a, b))
		})
		base := line/to*k*to + line%to
		for i := range k {
			v := float32(order[i])
			if s.n.Int(outputAttr) == 0 {
				v = x.real[first+order[i]*step]
			}
			y.real[base+i*to] = v
		}
		line++
	})
	return y, err
}

func (s site) trilu() (tensor.Shape, error) {
	x := s.shape(0)
	if len(x) < 2 || len(x) == 2 && batched(x) {
		return nil, s.errorf("its input is %s: it must be matrices, of each example one or more", show(x))
	}
	return x, nil
}

// evalTrilu keeps the elements on and above, or below, a diagonal.
func (s site) evalTrilu(c call) (array, error) {
	x, k, upper := c.in[0], s.n.Int("k"), s.n.Int("upper") != 0
	y := array{shape: c.shape, real: slices.Clone(x.real)}
	rank := len(x.shape)
	rows, columns := x.shape[rank-2], x.shape[rank-1]
	for i := range y.real {
		row, column := i/columns%rows, i%columns
		if upper && column-row < k || !upper && column-row > k {
			y.real[i] = 0
		}
	}
	return y, nil
}

func (s site) reverseSequence() (tensor.Shape, error) {
	x, lengths := s.shape(0), s.shape(1)
	if len(x) < 2 || len(lengths) != 1 {
		return nil, s.errorf("its inputs are %s and %s: two dimensions or more, and a length for each of a batch", show(x), show(lengths))
	}
	batch, time := s.n.Int("batch_axis"), s.n.Int("time_axis")
	if batch+time != 1 || batch < 0 || time < 0 {
		return nil, s.errorf("batch_axis is %d and time_axis %d: use 0 for one and 1 for the other", batch, time)
	}
	if batched(x) && (time == 0 || !batched(lengths)) || batched(lengths) && !batched(x) || x[batch] != lengths[0] {
		return nil, s.errorf("%s lengths do not suit %s with batch_axis %d", show(lengths), show(x), batch)
	}
	return x, nil
}

// evalReverseSequence turns the first elements of every sequence around.
func (s site) evalReverseSequence(c call) (array, error) {
	x, lengths, batch := c.in[0], c.in[1], s.n.Int("batch_axis")
	y := array{shape: c.shape, real: make([]float32, len(x.real))}
	time := 1 - batch
	inner := perExample(x.shape[2:])
	for b, l := range lengths.real {
		if !(l >= 0 && int(l) <= x.shape[time]) {
			return y, s.errorf("a sequence has the length %g, and there are %d steps", l, x.shape[time])
		}
		for t := range x.shape[time] {
			from := t
			if t < int(l) {
				from = int(l) - 1 - t
			}
			at := func(t int) int {
				if batch == 0 {
					return (b*x.shape[1] + t) * inner
				}
				return (t*x.shape[1] + b) * inner
			}
			copy(y.real[at(t):][:inner], x.real[at(from):][:inner])
		}
	}
	return y, nil
}
