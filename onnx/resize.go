package onnx

import (
	"maps"
	"math"
	"slices"

	"linquant/graph"
)

// upsample is a Resize with the rules of opset 10. Its scales are an attribute before opset 9, then an input.
func (s site) upsample() error {
	if s.opset >= 9 {
		scales, ok := s.reals(1)
		if !ok {
			return s.notConstant(1)
		}
		s.n.Attrs["scales"] = scales
	}
	return s.oldResize()
}

// oldResize: until opset 10 there is one kind of coordinates, and the nearest position is the one before, or behind
// where a dimension becomes smaller, as ONNX Runtime has it.
func (s site) oldResize() error {
	scales, _ := s.n.Attrs["scales"].([]float32)
	mode := s.n.Attrs.Str("mode", "nearest")
	if mode == "bilinear" {
		mode = "linear"
	}
	attrs := graph.Attrs{"mode": mode, "scales": scales, "coordinate_transformation_mode": "asymmetric"}
	if mode == "nearest" {
		smaller := slices.ContainsFunc(scales, func(x float32) bool { return x < 1 })
		larger := slices.ContainsFunc(scales, func(x float32) bool { return x > 1 })
		shrink, grow := slices.Clone(scales), slices.Clone(scales)
		for d, x := range scales {
			shrink[d], grow[d] = min(x, 1), max(x, 1)
		}
		attrs["scales"], attrs["nearest_mode"] = shrink, "ceil"
		switch {
		case smaller && larger:
			var err error
			if s.n.Inputs[0], err = s.emit("smaller", graph.Resize, maps.Clone(attrs), s.n.Inputs[0]); err != nil {
				return err
			}
		case smaller:
			return s.turn(graph.Resize, attrs, s.n.Inputs[0])
		}
		attrs["scales"], attrs["nearest_mode"] = grow, "floor"
	}
	return s.turn(graph.Resize, attrs, s.n.Inputs[0])
}

// resize: scales or sizes, and the region of interest, are inputs, of which the others are missing or empty. Since opset
// 18 they may be for some axes only.
func (s site) resize() error {
	if s.opset < 11 {
		scales, ok := s.reals(1)
		if !ok {
			return s.notConstant(1)
		}
		s.n.Attrs["scales"] = scales
		return s.oldResize()
	}
	axes, policy := s.n.Attrs.Ints("axes"), s.n.Attrs.Str("keep_aspect_ratio_policy", "stretch")
	for _, name := range []string{"axes", "keep_aspect_ratio_policy"} {
		delete(s.n.Attrs, name)
	}
	if s.n.Attrs.Str("coordinate_transformation_mode", "") != "tf_crop_and_resize" {
		delete(s.n.Attrs, "extrapolation_value")
	} else if roi, ok := s.reals(1); ok {
		s.n.Attrs["roi"] = roi
	} else {
		return s.notConstant(1)
	}
	if err := s.target(); err != nil {
		return err
	}
	if axes != nil {
		if err := s.spread(axes); err != nil {
			return err
		}
	}
	if s.n.Attrs["sizes"] != nil && policy != "stretch" {
		if err := s.keepRatio(policy, axes); err != nil {
			return err
		}
	}
	s.n.Inputs = s.n.Inputs[:1]
	return nil
}

// keepRatio gives all axes (all dimensions, where none are named) the scale that makes none larger than its size, or none
// smaller.
func (s site) keepRatio(policy string, axes []int) error {
	pick := map[string]func(a, b float32) float32{
		"not_larger":  func(a, b float32) float32 { return min(a, b) },
		"not_smaller": func(a, b float32) float32 { return max(a, b) },
	}[policy]
	if pick == nil {
		return s.errorf("keep_aspect_ratio_policy is %q: it is stretch, not_larger or not_smaller", policy)
	}
	dims, err := s.dims(0)
	if err != nil {
		return err
	}
	shape, sizes := dimensions(dims), slices.Clone(s.n.Attrs.Ints("sizes"))
	if len(shape) != len(sizes) {
		return s.errorf("it has %d sizes for %d dimensions", len(sizes), len(shape))
	}
	kept := make([]bool, len(shape))
	for _, a := range axes {
		kept[(a+len(shape))%len(shape)] = true // spread has checked them
	}
	scale, scales := float32(0), slices.Repeat([]float32{1}, len(shape))
	for d := range shape {
		one := float32(sizes[d]) / float32(shape[d])
		switch {
		case axes != nil && !kept[d]:
		case scale == 0:
			scale = one
		default:
			scale = pick(scale, one)
		}
	}
	for d, n := range shape {
		if axes != nil && !kept[d] {
			continue
		}
		if scales[d] = scale; n != graph.Batch {
			sizes[d] = int(math.Round(float64(scale * float32(n))))
		}
	}
	s.n.Attrs["scales"], s.n.Attrs["sizes"] = scales, sizes
	return nil
}

// target makes the scales or the sizes an attribute.
func (s site) target() error {
	if s.n.Input(2) != "" {
		scales, ok := s.reals(2)
		if !ok {
			return s.notConstant(2)
		}
		if len(scales) > 0 {
			s.n.Attrs["scales"] = scales
			return nil
		}
	}
	l, ok := s.list(3)
	if !ok || len(l) == 0 || slices.Contains(l, unknownSize) {
		return s.notConstant(3)
	}
	sizes, batched := make([]int, len(l)), s.im.facts[s.n.Input(0)].batched
	for i, d := range l {
		sizes[i] = clamp(d)
		if i == 0 && batched && (d == batchSize || d == s.im.batch && d > 0) && s.n.Attrs["axes"] == nil {
			sizes[0] = graph.Batch
		} else if d == batchSize {
			return s.errorf("size %d is the batch: it must be the first", i)
		}
	}
	s.n.Attrs["sizes"] = sizes
	return nil
}

// spread gives what is for some axes a number for every dimension.
func (s site) spread(axes []int) error {
	dims, err := s.dims(0)
	if err != nil {
		return err
	}
	shape := dimensions(dims)
	rank := len(shape)
	at := make([]int, len(axes))
	for i, a := range axes {
		if at[i] = a; a < 0 {
			at[i] += rank
		}
		if at[i] < 0 || at[i] >= rank {
			return s.errorf("axis %d is no dimension of %q, which has %d", a, s.n.Input(0), rank)
		}
	}
	misfit := func(what string, n int) error {
		return s.errorf("it has %d %s for the axes %v", n, what, axes)
	}
	if scales, ok := s.n.Attrs["scales"].([]float32); ok {
		all := slices.Repeat([]float32{1}, rank)
		if len(scales) != len(at) {
			return misfit("scales", len(scales))
		}
		for i, d := range at {
			all[d] = scales[i]
		}
		s.n.Attrs["scales"] = all
	}
	if sizes := s.n.Attrs.Ints("sizes"); sizes != nil {
		if len(sizes) != len(at) {
			return misfit("sizes", len(sizes))
		}
		for i, d := range at {
			shape[d] = sizes[i]
		}
		s.n.Attrs["sizes"] = shape
	}
	if roi, ok := s.n.Attrs["roi"].([]float32); ok {
		all := append(make([]float32, rank), slices.Repeat([]float32{1}, rank)...)
		if len(roi) != 2*len(at) {
			return misfit("numbers in roi", len(roi))
		}
		for i, d := range at {
			all[d], all[rank+d] = roi[i], roi[len(at)+i]
		}
		s.n.Attrs["roi"] = all
	}
	return nil
}
