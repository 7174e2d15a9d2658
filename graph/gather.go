package graph

import (
	"slices"

	"linquant/tensor"
)

// The operators here take and put elements at indices that are computed while the network runs. Indices below 0 count from
// the end; others that are none are errors.

// index resolves an index of a dimension of that length.
func (s site) index(v float32, length int) (int, error) {
	i := int(v)
	if i < 0 {
		i += length
	}
	if i < 0 || i >= length || float32(int(v)) != v {
		return 0, s.errorf("index %g is not in a dimension of %d: use %d to %d", v, length, -length, length-1)
	}
	return i, nil
}

// gatherComputed is the shape of a Gather whose indices are its second input.
func (s site) gatherComputed() (tensor.Shape, error) {
	x, at := s.shape(0), s.shape(1)
	axis, err := s.axis("axis", len(x))
	if err != nil {
		return nil, err
	}
	if batched(x) && (axis == 0 || batched(at)) || batched(at) && axis != 0 {
		return nil, s.errorf("indices %s along axis %d of %s would mix examples", show(at), axis, show(x))
	}
	return slices.Concat(x[:axis], at, x[axis+1:]), nil
}

// evalGather: indices that are known are picks.
func (s site) evalGather(c call) (array, error) {
	if s.n.Input(1) == "" {
		return s.evalPick(c)
	}
	x, at := c.in[0], c.in[1]
	axis := AxisOf(s.n, len(x.shape))
	inner, length, pace := perExample(x.shape[axis+1:]), x.shape[axis], c.pace()
	y := array{shape: c.shape, real: make([]float32, 0, perExample(c.shape))}
	for outer := range perExample(x.shape[:axis]) {
		for _, v := range at.real {
			i, err := s.index(v, length)
			if err != nil {
				return y, err
			}
			if err := pace.done(inner); err != nil {
				return y, err
			}
			y.real = append(y.real, x.real[(outer*length+i)*inner:][:inner]...)
		}
	}
	return y, nil
}

func (s site) gatherElements() (tensor.Shape, error) {
	x, at := s.shape(0), s.shape(1)
	axis, err := s.axisApart("axis")
	if err != nil {
		return nil, err
	}
	ok := len(x) == len(at) && batched(x) == batched(at)
	for d := range x {
		ok = ok && (d == axis || at[d] <= x[d])
	}
	if !ok {
		return nil, s.errorf("indices %s do not suit %s: they have as many dimensions, none but axis %d longer", show(at), show(x), axis)
	}
	return at, nil
}

// elementsAt calls visit for every index of at, with where the element of x is that it names.
func (s site) elementsAt(c call, x, at array, axis int, visit func(i, from int)) error {
	stride, pace := strides(x.shape), c.pace()
	for i, base := range gather(at.shape, broadcastSteps2(at.shape, stride)) {
		position := i / perExample(at.shape[axis+1:]) % at.shape[axis]
		k, err := s.index(at.real[i], x.shape[axis])
		if err != nil {
			return err
		}
		if err := pace.done(1); err != nil {
			return err
		}
		visit(i, base+(k-position)*stride[axis])
	}
	return nil
}

// broadcastSteps2 returns the steps of gather for a corner of that shape of a value with those strides.
func broadcastSteps2(shape tensor.Shape, stride []int) [][]int {
	steps := make([][]int, len(shape))
	for d, n := range shape {
		for i := range n {
			steps[d] = append(steps[d], i*stride[d])
		}
	}
	return steps
}

func (s site) evalGatherElements(c call) (array, error) {
	y := array{shape: c.shape, real: make([]float32, len(c.in[1].real))}
	err := s.elementsAt(c, c.in[0], c.in[1], AxisOf(s.n, len(c.in[0].shape)), func(i, from int) { y.real[i] = c.in[0].real[from] })
	return y, err
}

// reduction returns what an element that is there and one that is put there make, by the attribute reduction.
func (s site) reduction() (func(old, v float32) float32, error) {
	switch kind := s.n.Str("reduction"); kind {
	case "none":
		return func(_, v float32) float32 { return v }, nil
	case "add":
		return func(old, v float32) float32 { return old + v }, nil
	case "mul":
		return func(old, v float32) float32 { return old * v }, nil
	case "max":
		return func(old, v float32) float32 { return max(old, v) }, nil
	case "min":
		return func(old, v float32) float32 { return min(old, v) }, nil
	default:
		return nil, s.errorf("reduction is %q: use none, add, mul, max or min", kind)
	}
}

func (s site) scatterElements() (tensor.Shape, error) {
	x, at := s.shape(0), s.shape(1)
	if _, err := s.axisApart("axis"); err != nil {
		return nil, err
	}
	if _, err := s.reduction(); err != nil {
		return nil, err
	}
	ok := len(x) == len(at) && batched(x) == batched(at) && at.Equal(s.shape(2))
	for d := range x {
		ok = ok && at[d] <= x[d]
	}
	if !ok {
		return nil, s.errorf("indices %s and updates %s do not suit %s: they have one shape, in no dimension longer", show(at), show(s.shape(2)), show(x))
	}
	return x, nil
}

func (s site) evalScatterElements(c call) (array, error) {
	y := array{shape: c.shape, real: slices.Clone(c.in[0].real)}
	put, err := s.reduction()
	if err != nil {
		return y, err
	}
	err = s.elementsAt(c, c.in[0], c.in[1], AxisOf(s.n, len(c.in[0].shape)), func(i, to int) { y.real[to] = put(y.real[to], c.in[2].real[i]) })
	return y, err
}

// tuples returns how many of the first dimensions the last one of the indices of a GatherND or ScatterND names, beyond so many
// that are common.
func (s site) tuples(common int) (int, error) {
	x, at := s.shape(0), s.shape(1)
	n := 0
	if len(at) > 0 {
		n = at[len(at)-1]
	}
	if n < 1 || common < 0 || common > len(at)-1 || common+n > len(x) {
		return 0, s.errorf("indices %s do not suit %s: the last dimension has a number for each of the first dimensions that are chosen from",
			show(at), show(x))
	}
	return n, nil
}

func (s site) gatherND() (tensor.Shape, error) {
	x, at, common := s.shape(0), s.shape(1), s.n.Int("batch_dims")
	n, err := s.tuples(common)
	if err != nil {
		return nil, err
	}
	if !x[:common].Equal(at[:common]) {
		return nil, s.errorf("the first %d dimensions of %s and %s are not the same", common, show(x), show(at))
	}
	if batched(x) && common == 0 {
		return nil, s.errorf("indices %s of %s would mix examples", show(at), show(x))
	}
	return slices.Concat(at[:len(at)-1], x[common+n:]), nil
}

// tuple returns where the part of x begins that a tuple of indices names, its first dimensions being behind common ones.
func (s site) tuple(x array, common int, at []float32) (int, error) {
	first, stride := 0, strides(x.shape)
	for d, v := range at {
		i, err := s.index(v, x.shape[common+d])
		if err != nil {
			return 0, err
		}
		first += i * stride[common+d]
	}
	return first, nil
}

func (s site) evalGatherND(c call) (array, error) {
	x, at, common := c.in[0], c.in[1], s.n.Int("batch_dims")
	n := at.shape[len(at.shape)-1]
	size, groups := perExample(x.shape[common+n:]), perExample(x.shape[:common])
	y := array{shape: c.shape, real: make([]float32, 0, perExample(c.shape))}
	tuples, pace := len(at.real)/n, c.pace()
	for i := range tuples {
		if err := pace.done(size); err != nil {
			return y, err
		}
		first, err := s.tuple(x, common, at.real[i*n:][:n])
		if err != nil {
			return y, err
		}
		first += i / (tuples / groups) * perExample(x.shape[common:])
		y.real = append(y.real, x.real[first:][:size]...)
	}
	return y, nil
}

func (s site) scatterND() (tensor.Shape, error) {
	x, at := s.shape(0), s.shape(1)
	n, err := s.tuples(0)
	if err != nil {
		return nil, err
	}
	if _, err := s.reduction(); err != nil {
		return nil, err
	}
	if want := slices.Concat(at[:len(at)-1], x[n:]); !s.shape(2).Equal(want) {
		return nil, s.errorf("updates are %s: for indices %s of %s they are %s", show(s.shape(2)), show(at), show(x), show(want))
	}
	if batched(x) || batched(at) {
		return nil, s.errorf("indices %s of %s would mix examples", show(at), show(x))
	}
	return x, nil
}

func (s site) evalScatterND(c call) (array, error) {
	at := c.in[1]
	y := array{shape: c.shape, real: slices.Clone(c.in[0].real)}
	put, err := s.reduction()
	if err != nil {
		return y, err
	}
	n := at.shape[len(at.shape)-1]
	size, pace := perExample(c.shape[n:]), c.pace()
	for i := range len(at.real) / n {
		if err := pace.done(size); err != nil {
			return y, err
		}
		first, err := s.tuple(c.in[0], 0, at.real[i*n:][:n])
		if err != nil {
			return y, err
		}
		for k, v := range c.in[2].real[i*size:][:size] {
			y.real[first+k] = put(y.real[first+k], v)
		}
	}
	return y, nil
}
