package graph

import (
	"math"

	"linquant/tensor"
)

// Reduction returns what a Reduce operator makes of the elements that it reduces to one, and whether it is a Reduce
// operator. Sums and products are computed in float64 and rounded once; the same bits on every processor. There is at
// least one element.
func Reduction(op Op) (reduce func(x []float32) float32, ok bool) {
	if o := table[op]; o != nil && o.Reduce != nil {
		return o.Reduce, true
	}
	return nil, false
}

func sumOfMagnitudes(x []float32) float32 {
	sum := 0.0
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	return float32(sum)
}

func length(x []float32) float32 { return float32(math.Sqrt(squaresOf(x, 0))) }

func logSumExp(x []float32) float32 {
	most, sum := expSum(x)
	if math.IsInf(float64(most), 0) {
		return most
	}
	return float32(float64(most) + log(sum))
}

func productOf(x []float32) float32 {
	p := 1.0
	for _, v := range x {
		p *= float64(v)
	}
	return float32(p)
}

// sumOf returns the sum of every fourth element and of those beside them, added up: four chains take a quarter of the
// time of one.
func sumOf(x []float32) float64 {
	var s [4]float64
	for ; len(x) >= 4; x = x[4:] {
		s[0] += float64(x[0])
		s[1] += float64(x[1])
		s[2] += float64(x[2])
		s[3] += float64(x[3])
	}
	for i, v := range x {
		s[i] += float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// squaresOf is sumOf for the squares of the elements less mean.
func squaresOf(x []float32, mean float64) float64 {
	var s [4]float64
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d := float64(x[0])-mean, float64(x[1])-mean, float64(x[2])-mean, float64(x[3])-mean
		s[0] += float64(a * a)
		s[1] += float64(b * b)
		s[2] += float64(c * c)
		s[3] += float64(d * d)
	}
	for i, v := range x {
		d := float64(v) - mean
		s[i] += float64(d * d)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// minOf returns the smallest element, a NaN if there is one.
func minOf(x []float32) float32 {
	least := x[0]
	for _, v := range x[1:] {
		least = min(least, v)
	}
	return least
}

// ReducedDims returns which dimensions of a value with that many a Reduce node reduces to one. It is an error where the
// attribute axes names none or one twice.
func ReducedDims(n *Node, rank int) ([]bool, error) {
	axes, reduced := n.Ints("axes"), make([]bool, rank)
	s := site{nil, n}
	if len(axes) == 0 && n.Int("noop_with_empty_axes") == 0 {
		for d := range reduced {
			reduced[d] = true
		}
	}
	for _, a := range axes {
		d, err := s.dimension("axes:", a, rank)
		if err != nil {
			return nil, err
		}
		if reduced[d] {
			return nil, s.errorf("axes %v names dimension %d twice", axes, d)
		}
		reduced[d] = true
	}
	return reduced, nil
}

func (s site) reduce() (tensor.Shape, error) {
	x := s.shape(0)
	reduced, err := ReducedDims(s.n, len(x))
	if err != nil {
		return nil, err
	}
	if batched(x) && reduced[0] {
		return nil, s.errorf("axes %v of %s include the batch: it would mix examples; reduce the other dimensions",
			s.n.Ints("axes"), show(x))
	}
	keep, out := s.n.Int("keepdims") != 0, tensor.Shape{}
	for d, length := range x {
		switch {
		case !reduced[d]:
			out = append(out, length)
		case keep:
			out = append(out, 1)
		}
	}
	return out, nil
}

// evalReduce gathers the elements of each result in the order in which they are counted.
func (s site) evalReduce(c call, reduce func([]float32) float32) (array, error) {
	x := c.in[0]
	reduced, err := ReducedDims(s.n, len(x.shape))
	if err != nil {
		return array{}, err
	}
	var kept, rows tensor.Shape
	var keptSteps, rowSteps [][]int
	for d, stride := range strides(x.shape) {
		steps := make([]int, x.shape[d])
		for i := range steps {
			steps[i] = i * stride
		}
		if reduced[d] {
			rows, rowSteps = append(rows, x.shape[d]), append(rowSteps, steps)
		} else {
			kept, keptSteps = append(kept, x.shape[d]), append(keptSteps, steps)
		}
	}
	y := array{shape: c.shape}
	row, index := make([]float32, perExample(rows)), gather(rows, rowSteps)
	for _, first := range gather(kept, keptSteps) {
		for i, at := range index {
			row[i] = x.real[first+at]
		}
		y.real = append(y.real, reduce(row))
	}
	return y, nil
}
