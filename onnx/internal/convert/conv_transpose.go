package convert

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/sequences"
	"linquant/tensor"
)

// convTranspose becomes a Conv with the kernel turned by 180° and its channels exchanged, of the picture with strides−1
// zeros between its pixels: each output pixel is the sum of the same products. (Dumoulin and Visin, A guide to
// convolution arithmetic for deep learning, 2016, section 4.)
func convTranspose(s build.Node) error {
	rank, err := s.Rank(1)
	if err != nil {
		return err
	}
	flat := rank == 3 // of sequences
	if rank != 4 && !flat {
		return sequences.Refuse3D(s)
	}
	x, w := s.Raw.Inputs[0], s.Raw.Inputs[1]
	if flat {
		if x, err = sequences.Picture(s, x); err != nil {
			return err
		}
		if err := sequences.Kernel(s, 1); err != nil {
			return err
		}
		w = s.Raw.Inputs[1]
	}
	planar := s
	planar.Raw = s.Raw.Clone()
	planar.Raw.Inputs[0], planar.Raw.Inputs[1] = x, w
	dims, err := planar.Dims(0)
	if err != nil {
		return err
	}
	t := transposed2d{Node: planar, flat: flat}
	if len(dims) != 4 {
		return s.Errorf("its input %q has %d dimensions, and its weight %d", s.Raw.Inputs[0], len(dims), rank)
	}
	if err := t.attributes(build.Dimensions(dims)); err != nil {
		return err
	}
	if t.tiles() {
		return tiled(s, &t, x, build.Dimensions(dims))
	}
	if x, err = t.spread(x, build.Dimensions(dims)); err != nil {
		return err
	}
	if x, err = t.crop(x); err != nil {
		return err
	}
	if w, err = t.kernelOf(); err != nil {
		return err
	}
	s.Raw.Op, s.Raw.Inputs[0], s.Raw.Inputs[1] = graph.Conv, x, w
	s.Raw.Attrs = graph.Attrs{"group": t.group, "dilations": t.dilations[:], "pads": slices.Concat(t.before[:], t.after[:])}
	if !flat {
		return nil
	}
	picture := s
	picture.Raw = s.Raw.Clone()
	picture.Raw.Outputs = []string{s.Net.Fresh(s.Raw.Outputs[0] + "_2d")}
	if err := picture.Add(); err != nil {
		return err
	}
	s.Net.Pictures[s.Raw.Outputs[0]] = picture.Raw.Outputs[0]
	return s.Become(graph.Squeeze, graph.Attrs{"axes": []int{2}}, picture.Raw.Outputs[0])
}

// transposed2d is a ConvTranspose of pictures, with its parameters for height and width.
type transposed2d struct {
	build.Node
	flat                                      bool // the attributes are for the width alone
	group                                     int
	weight                                    tensor.Tensor // [in, out/group, height, width]
	strides, dilations, kernel, before, after [2]int        // the last two: zeros around the picture, some below 0
}

// pair returns an attribute for height and width.
func (t *transposed2d) pair(name string, fallback int) (p [2]int, err error) {
	p = [2]int{fallback, fallback}
	v := t.Raw.Ints(name)
	switch {
	case v == nil:
	case t.flat && len(v) == 1:
		p[1] = v[0]
	case !t.flat && len(v) == 2:
		p = [2]int(v)
	default:
		return p, t.Errorf("%s has %d numbers: it has one for each dimension of the kernel", name, len(v))
	}
	if t.flat {
		p[0] = fallback
	}
	for _, n := range p {
		if n < fallback || n > 1<<20 {
			return p, t.Errorf("%s %v: numbers are at least %d", name, v, fallback)
		}
	}
	return p, nil
}

func (t *transposed2d) attributes(x []int) error {
	var known bool
	if t.weight, _, known = weightOf(t.Node, t.Raw.Inputs[1]); !known || len(t.weight.Shape) != 4 {
		return t.Errorf("its weight %q is no constant: only those are supported", t.Raw.Inputs[1])
	}
	t.group = t.Raw.Int("group")
	shape := t.weight.Shape
	if t.group < 1 || shape[0]%t.group != 0 || shape[0] != x[1] {
		return t.Errorf("an input of %d channels and a weight %v do not fit with group %d", x[1], shape, t.group)
	}
	t.kernel = [2]int{shape[2], shape[3]}
	var extra [2]int
	var err error
	for _, a := range []struct {
		to       *[2]int
		name     string
		fallback int
	}{{&t.strides, "strides", 1}, {&t.dilations, "dilations", 1}, {&extra, "output_padding", 0}} {
		if *a.to, err = t.pair(a.name, a.fallback); err != nil {
			return err
		}
	}
	begin, end, err := t.pads(x, extra)
	if err != nil {
		return err
	}
	for d := range 2 {
		reach := product(t.dilations[d], t.kernel[d]-1)
		if most := 1 << 24; max(reach, begin[d], end[d]) > most || min(begin[d], end[d]) < -most {
			return t.Errorf("it reaches %d elements and cuts %d and %d off: at most %d are supported", reach, begin[d], end[d], most)
		}
		t.before[d] = reach - begin[d]
		t.after[d] = reach - end[d] + extra[d] - (t.strides[d] - 1) // spread leaves zeros behind the last pixel too
	}
	return nil
}

// pads returns what is cut off the output: as the attribute says, or such that the output has a shape.
func (t *transposed2d) pads(x []int, extra [2]int) (begin, end [2]int, err error) {
	auto, want := t.Raw.Str("auto_pad"), t.Raw.Ints("output_shape")
	if auto != "SAME_UPPER" && auto != "SAME_LOWER" && want == nil {
		p := t.Raw.Ints("pads")
		switch {
		case p == nil || auto == "VALID":
		case t.flat && len(p) == 2:
			begin[1], end[1] = p[0], p[1]
		case !t.flat && len(p) == 4:
			begin, end = [2]int(p[:2]), [2]int(p[2:])
		default:
			err = t.Errorf("pads has %d numbers: it has two for each dimension of the kernel", len(p))
		}
		return begin, end, err
	}
	shape := [2]int{product(x[2], t.strides[0]), product(x[3], t.strides[1])}
	if n := len(want); n > 0 {
		first := 0
		if t.flat {
			shape[0], first = x[2], 1
		}
		if n < 2-first {
			return begin, end, t.Errorf("output_shape %v has too few numbers", want)
		}
		copy(shape[first:], want[n-(2-first):])
	}
	for d := range 2 {
		total := elements.Clamp(int64(t.strides[d])*int64(x[2+d]-1) + int64(extra[d]) + int64(product(t.kernel[d]-1, t.dilations[d])) +
			1 - int64(shape[d]))
		if total < 0 { // the output is larger than what the kernel reaches: zeros behind it
			end[d] = total
			continue
		}
		half := total / 2
		if begin[d], end[d] = half, total-half; auto != "SAME_UPPER" {
			begin[d], end[d] = total-half, half
		}
	}
	return begin, end, nil
}

// product does not leave 32 bits; what would is no shape, and refused as one.
func product(a, b int) int { return elements.Clamp(int64(a) * int64(b)) }

// spread puts zeros between pixels, and behind the last one.
func (t *transposed2d) spread(x string, shape []int) (string, error) {
	if t.strides == [2]int{1, 1} {
		return x, nil
	}
	x, err := t.Insert("apart", graph.Unsqueeze, graph.Attrs{"axes": []int{3, 5}}, x)
	if err != nil {
		return "", err
	}
	pads := make([]int, 12)
	pads[6+3], pads[6+5] = t.strides[0]-1, t.strides[1]-1
	if x, err = t.Insert("zeros", graph.Pad, graph.Attrs{"pads": pads}, x); err != nil {
		return "", err
	}
	target := []int{shape[0], shape[1], product(shape[2], t.strides[0]), product(shape[3], t.strides[1])}
	return t.Insert("spread", graph.Reshape, graph.Attrs{"shape": target}, x)
}

// crop cuts off what the padding of the Conv would have to take away.
func (t *transposed2d) crop(x string) (string, error) {
	starts, ends := []int{0, 0}, []int{1<<31 - 1, 1<<31 - 1}
	need := false
	for d := range 2 {
		if t.before[d] < 0 {
			starts[d], t.before[d], need = -t.before[d], 0, true
		}
		if t.after[d] < 0 {
			ends[d], t.after[d], need = t.after[d], 0, true
		}
	}
	if !need {
		return x, nil
	}
	return t.Insert("crop", graph.Slice, graph.Attrs{"starts": starts, "ends": ends, "axes": []int{2, 3}, "steps": []int{1, 1}}, x)
}

// kernelOf adds the kernel of the Conv: [out, in/group, height, width], each turned by 180°.
func (t *transposed2d) kernelOf() (string, error) {
	in, out, area := t.weight.Shape[0]/t.group, t.weight.Shape[1], t.kernel[0]*t.kernel[1]
	shape := tensor.Shape{t.group * out, in, t.kernel[0], t.kernel[1]}
	return reordered(t.Node, t.Raw.Inputs[1], "turned", shape, func(i int) int {
		pixel, c, m := i%area, i/area%in, i/area/in
		return ((m/out*in+c)*out+m%out)*area + area - 1 - pixel
	}, func(m int) int { return m % out })
}
