package graph

import (
	"math"
	"slices"

	"linquant/tensor"
)

// ResizeAxis says how a Resize computes one dimension: output position i is the sum over t of input position
// From[i·Taps + t] times Weight[i·Taps + t], each product and each sum rounded to float32, in this order. A Resize of
// several dimensions computes one after the other, but for that of the planes of pictures (Bilinear).
type ResizeAxis struct {
	Dim     int
	Taps    int
	From    []int
	Weight  []float32 // nil for the nearest position alone, which is copied
	Outside []bool    // positions that are Fill instead; nil for none
	Fill    float32
}

// ResizesByCopy reports whether the node is a Resize that only copies elements, so that it does the same to codes as to
// reals.
func ResizesByCopy(n *Node) bool {
	return n.Op == Resize && n.Str("mode") == "nearest" &&
		n.Str("coordinate_transformation_mode") != "tf_crop_and_resize"
}

// resizeType: integers and booleans are copied as they are, and mixed they would be none.
func (s site) resizeType() (tensor.DType, error) {
	d, err := typeOfInput(0)(s)
	if Counts(d) && !ResizesByCopy(s.n) {
		return d, s.errorf("input %q has elements of %v, and with mode %q it computes with reals: put a Cast before it", s.value(0).Name, d, s.n.Str("mode"))
	}
	return d, err
}

// maxShrink bounds how many neighbours an element is made of.
const maxShrink = 1000

// The values that attributes of a Resize can have.
var (
	resizeModes     = []string{"nearest", "linear", "cubic"}
	coordinateModes = []string{
		"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
		"tf_half_pixel_for_nn", "tf_crop_and_resize",
	}
	nearestModes = []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}
)

// resize checks a Resize node and returns the shape of its output.
func (s site) resize() (tensor.Shape, error) {
	for _, a := range []struct {
		name    string
		allowed []string
	}{{"mode", resizeModes}, {"coordinate_transformation_mode", coordinateModes}, {"nearest_mode", nearestModes}} {
		if v := s.n.Str(a.name); !slices.Contains(a.allowed, v) {
			return nil, s.errorf("%s is %q: use one of %q", a.name, v, a.allowed)
		}
	}
	x := s.shape(0)
	if roi := s.roi(); roi != nil && len(roi) != 2*len(x) {
		return nil, s.errorf("roi has %d numbers for %s: it has a start and an end for each dimension, %d", len(roi), show(x), 2*len(x))
	}
	if s.crops() && (s.roi() == nil || batched(x) && !s.wholeRoi(0)) {
		return nil, s.errorf("tf_crop_and_resize needs the attribute roi, from 0 to 1 for the batch")
	}
	scales := s.n.Floats("scales")
	sizes := s.n.Ints("sizes")
	if scales == nil && sizes == nil || scales != nil && len(scales) != len(x) || sizes != nil && len(sizes) != len(x) {
		return nil, s.errorf("%d scales and %d sizes for %s: give one of them, with a number for each dimension", len(scales), len(sizes), show(x))
	}
	out := make(tensor.Shape, len(x))
	for d, in := range x {
		switch {
		case in == Batch && (sizes != nil && sizes[d] == Batch || scales != nil && scales[d] == 1):
			out[d] = Batch
		case in == Batch:
			return nil, s.errorf("it would change the number of examples: the first scale must be 1, and the first size graph.Batch")
		case sizes != nil && (scales == nil || scales[d] > 0):
			out[d] = sizes[d]
		case !(scales[d] > 0 && float64(scales[d])*float64(in) < maxElements):
			return nil, s.errorf("scales are %v for %s: they are positive, and the result has at most %d elements", scales, show(x), maxElements)
		default:
			out[d] = int(math.Floor(float64(float32(scales[d] * float32(in)))))
		}
		if s.n.Int("antialias") != 0 && in != Batch && out[d] > 0 && int64(out[d])*maxShrink < int64(in) {
			return nil, s.errorf("it makes %d elements %d, and antialias works up to a factor of %d: use two nodes", in, out[d], maxShrink)
		}
	}
	return out, nil
}

func (s site) roi() []float32 {
	roi := s.n.Floats("roi")
	return roi
}

// wholeRoi reports whether no part of dimension d is cut out.
func (s site) wholeRoi(d int) bool {
	roi := s.roi()
	return !s.crops() || roi[d] == 0 && roi[len(roi)/2+d] == 1
}

func (s site) crops() bool {
	return s.n.Str("coordinate_transformation_mode") == "tf_crop_and_resize"
}

// ResizeOf returns the dimensions that a Resize node changes for an input and an output of these shapes, which have been
// inferred: first those that become smaller, so that no value between is larger than the input or the output.
func ResizeOf(n *Node, in, out tensor.Shape) []ResizeAxis {
	var smaller, larger []ResizeAxis
	s := site{nil, n}
	scales := n.Floats("scales")
	for d := range in {
		if in[d] == Batch || d == 0 && n.Ints("sizes") != nil && n.Ints("sizes")[0] == Batch {
			continue
		}
		scale := float32(out[d]) / float32(in[d])
		if scales != nil {
			scale = scales[d]
		}
		if scale == 1 && in[d] == out[d] && s.wholeRoi(d) {
			continue
		}
		if a := s.resizeAxis(d, in[d], out[d], scale); out[d] < in[d] {
			smaller = append(smaller, a)
		} else {
			larger = append(larger, a)
		}
	}
	return append(smaller, larger...)
}

// Bilinear returns the rows and the columns of a Resize that makes each element of a picture of four neighbours at once: a
// linear one of the last two dimensions and no other. Element (i, j) is, rounded to float32 after each product and each sum,
//
//	((r₀c₀·x₀₀ + r₀c₁·x₀₁) + r₁c₀·x₁₀) + r₁c₁·x₁₁
//
// with the two weights r of row i and c of column j. That is the order of ONNX Runtime: codes behind it are often made of values
// that lie in the middle between two, where the last bit decides. Where both neighbours are the same element, at the edges, each
// weight is ½, as there.
func Bilinear(n *Node, in, out tensor.Shape) (rows, columns ResizeAxis, ok bool) {
	s := site{nil, n}
	if n.Str("mode") != "linear" || n.Int("antialias") != 0 || s.crops() || len(in) < 3 {
		return rows, columns, false
	}
	axes := ResizeOf(n, in, out)
	slices.SortFunc(axes, func(a, b ResizeAxis) int { return a.Dim - b.Dim })
	if len(axes) != 2 || axes[0].Dim != len(in)-2 || axes[1].Dim != len(in)-1 {
		return rows, columns, false
	}
	for _, a := range axes {
		for t := 0; t < len(a.From); t += 2 {
			if a.From[t] == a.From[t+1] {
				a.Weight[t], a.Weight[t+1] = 0.5, 0.5
			}
		}
	}
	return axes[0], axes[1], true
}

// PlaneWeights returns the weights of row i and column j of a Resize that is Bilinear, in the order of the sum.
func PlaneWeights(rows, columns *ResizeAxis, i, j int) [4]float32 {
	r, c := rows.Weight[2*i:][:2], columns.Weight[2*j:][:2]
	return [4]float32{r[0] * c[0], r[0] * c[1], r[1] * c[0], r[1] * c[1]}
}

// resizeAxis finds what the positions of one dimension are made of. Coordinates are computed in float32, as other
// runtimes do, so that the nearest position is theirs.
func (s site) resizeAxis(d, in, out int, scale float32) ResizeAxis {
	a := ResizeAxis{Dim: d, Taps: 1, Fill: s.n.Float("extrapolation_value")}
	weights := s.weightsOf(scale)
	for i := range out {
		x := s.coordinate(d, i, in, out, scale)
		if s.crops() {
			a.Outside = append(a.Outside, !(x >= 0 && x <= float32(in-1)))
		}
		if weights == nil {
			a.From = append(a.From, min(max(s.nearest(x), 0), in-1))
			continue
		}
		first, w := weights(x, in)
		a.Taps = len(w)
		total := 0.0
		for t := range w {
			if at := first + t; s.n.Int("exclude_outside") != 0 && (at < 0 || at >= in) {
				w[t] = 0
			}
			total += w[t]
		}
		for t := range w {
			a.From = append(a.From, min(max(first+t, 0), in-1))
			a.Weight = append(a.Weight, float32(w[t]/total))
		}
	}
	return a
}

// evalResize computes one dimension after the other, or planes at once.
func (s site) evalResize(c call) (array, error) {
	x, shape := c.in[0], c.shape
	if rows, columns, ok := Bilinear(s.n, x.shape, shape); ok {
		return array{shape: shape, real: resizedPlanes(x.real, &rows, &columns, x.shape, shape)}, nil
	}
	for _, a := range ResizeOf(s.n, x.shape, shape) {
		to := slices.Clone(x.shape)
		to[a.Dim] = shape[a.Dim]
		if x.quant != nil {
			x.code = resized(x.code, &a, x.shape, to)
		} else {
			x.real = resizedReals(x.real, &a, x.shape, to)
		}
		x.shape = to
	}
	return x, nil
}

// resized copies the nearest elements.
func resized[T number](x []T, a *ResizeAxis, from, to tensor.Shape) []T {
	inner, in, out := perExample(from[a.Dim+1:]), from[a.Dim], to[a.Dim]
	y := make([]T, 0, perExample(to))
	for o := range perExample(from[:a.Dim]) {
		for i := range out {
			y = append(y, x[(o*in+a.From[i])*inner:][:inner]...)
		}
	}
	return y
}

func resizedReals(x []float32, a *ResizeAxis, from, to tensor.Shape) []float32 {
	inner, in, out := perExample(from[a.Dim+1:]), from[a.Dim], to[a.Dim]
	y := make([]float32, 0, perExample(to))
	for o := range perExample(from[:a.Dim]) {
		for i := range out {
			for j := range inner {
				y = append(y, a.at(i, func(from int) float32 { return x[(o*in+from)*inner+j] }))
			}
		}
	}
	return y
}

// resizedPlanes is a Resize that is Bilinear.
func resizedPlanes(x []float32, rows, columns *ResizeAxis, from, to tensor.Shape) []float32 {
	width := from[columns.Dim]
	plane, y := from[rows.Dim]*width, make([]float32, 0, perExample(to))
	for p := range perExample(from[:rows.Dim]) {
		for i := range to[rows.Dim] {
			above, below := x[p*plane+rows.From[2*i]*width:], x[p*plane+rows.From[2*i+1]*width:]
			for j := range to[columns.Dim] {
				w, left, right := PlaneWeights(rows, columns, i, j), columns.From[2*j], columns.From[2*j+1]
				sum := float32(w[0]*above[left]) + float32(w[1]*above[right])
				sum += float32(w[2] * below[left])
				y = append(y, sum+float32(w[3]*below[right]))
			}
		}
	}
	return y
}

// at returns position i of the output, for the elements at the positions of the input.
func (a *ResizeAxis) at(i int, x func(from int) float32) float32 {
	switch {
	case a.Outside != nil && a.Outside[i]:
		return a.Fill
	case a.Weight == nil:
		return x(a.From[i])
	}
	sum := float32(a.Weight[i*a.Taps] * x(a.From[i*a.Taps]))
	for t := i*a.Taps + 1; t < (i+1)*a.Taps; t++ {
		sum += float32(a.Weight[t] * x(a.From[t]))
	}
	return sum
}
