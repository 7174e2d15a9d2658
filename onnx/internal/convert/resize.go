package convert

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
)

// upsample is a Resize with the rules of opset 10. Its scales are an attribute before opset 9, then an input.
func upsample(s build.Node) error {
	if s.Opset >= 9 {
		scales, ok := s.Reals(1)
		if !ok {
			return s.NotConstant(1)
		}
		s.Raw.Attrs["scales"] = scales
	}
	return oldResize(s)
}

// oldResize: until opset 10 there is one kind of coordinates, and the nearest position is the one before, or behind
// where a dimension becomes smaller, as ONNX Runtime has it.
func oldResize(s build.Node) error {
	scales := s.Raw.Floats("scales")
	mode := s.Raw.Str("mode")
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
			if s.Raw.Inputs[0], err = s.Insert("smaller", graph.Resize, maps.Clone(attrs), s.Raw.Inputs[0]); err != nil {
				return err
			}
		case smaller:
			return s.Become(graph.Resize, attrs, s.Raw.Inputs[0])
		}
		attrs["scales"], attrs["nearest_mode"] = grow, "floor"
	}
	return s.Become(graph.Resize, attrs, s.Raw.Inputs[0])
}

// resize: scales or sizes, and the region of interest, are inputs, of which the others are missing or empty. Since opset
// 18 they may be for some axes only.
func resize(s build.Node) error {
	if s.Opset < 11 {
		scales, ok := s.Reals(1)
		if !ok {
			return s.NotConstant(1)
		}
		s.Raw.Attrs["scales"] = scales
		return oldResize(s)
	}
	axes, policy := s.Raw.Ints("axes"), s.Raw.Str("keep_aspect_ratio_policy")
	for _, name := range []string{"axes", "keep_aspect_ratio_policy"} {
		delete(s.Raw.Attrs, name)
	}
	if s.Raw.Str("coordinate_transformation_mode") != "tf_crop_and_resize" {
		delete(s.Raw.Attrs, "extrapolation_value")
	} else if roi, ok := s.Reals(1); ok {
		s.Raw.Attrs["roi"] = roi
	} else {
		return s.NotConstant(1)
	}
	if err := target(s); err != nil {
		return err
	}
	if axes != nil {
		if err := spread(s, axes); err != nil {
			return err
		}
	}
	if s.Raw.Attrs["sizes"] != nil && policy != "stretch" {
		if err := keepRatio(s, policy, axes); err != nil {
			return err
		}
	}
	s.Raw.Inputs = s.Raw.Inputs[:1]
	return nil
}

// keepRatio gives all axes (all dimensions, where none are named) the scale that makes none larger than its size, or none
// smaller.
func keepRatio(s build.Node, policy string, axes []int) error {
	pick := map[string]func(a, b float32) float32{
		"not_larger":  func(a, b float32) float32 { return min(a, b) },
		"not_smaller": func(a, b float32) float32 { return max(a, b) },
	}[policy]
	if pick == nil {
		return s.Errorf("keep_aspect_ratio_policy is %q: it is stretch, not_larger or not_smaller", policy)
	}
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	shape, sizes := build.Dimensions(dims), slices.Clone(s.Raw.Ints("sizes"))
	if len(shape) != len(sizes) {
		return s.Errorf("it has %d sizes for %d dimensions", len(sizes), len(shape))
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
		if n == graph.Batch && scale != 1 && !(s.Net.Batch == 1 && math.Round(float64(scale)) == 1) {
			return s.Errorf("keep_aspect_ratio_policy %q without axes scales the batch too, by %v: name the axes to resize", policy, scale)
		}
		if scales[d] = scale; n != graph.Batch {
			sizes[d] = int(math.Round(float64(scale * float32(n))))
		}
	}
	s.Raw.Attrs["scales"], s.Raw.Attrs["sizes"] = scales, sizes
	return nil
}

// target makes the scales or the sizes an attribute.
func target(s build.Node) error {
	if s.Raw.Input(2) != "" {
		scales, ok := s.Reals(2)
		if !ok {
			return s.NotConstant(2)
		}
		if len(scales) > 0 {
			s.Raw.Attrs["scales"] = scales
			return nil
		}
	}
	l, ok := s.List(3)
	if !ok || len(l) == 0 || slices.Contains(l, arrays.UnknownSize) {
		return s.NotConstant(3)
	}
	sizes, batched := make([]int, len(l)), s.Net.Facts[s.Raw.Input(0)].Batched
	for i, d := range l {
		sizes[i] = elements.Clamp(d)
		if i == 0 && batched && (d == arrays.BatchSize || d == s.Net.Batch && d > 0) && s.Raw.Attrs["axes"] == nil {
			sizes[0] = graph.Batch
		} else if d == arrays.BatchSize {
			return s.Errorf("size %d is the batch: it must be the first", i)
		}
	}
	s.Raw.Attrs["sizes"] = sizes
	return nil
}

// spread gives what is for some axes a number for every dimension.
func spread(s build.Node, axes []int) error {
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	shape := build.Dimensions(dims)
	rank := len(shape)
	at := make([]int, len(axes))
	for i, a := range axes {
		if at[i] = a; a < 0 {
			at[i] += rank
		}
		if at[i] < 0 || at[i] >= rank {
			return s.Errorf("axis %d is no dimension of %q, which has %d", a, s.Raw.Input(0), rank)
		}
	}
	misfit := func(what string, n int) error {
		return s.Errorf("it has %d %s for the axes %v", n, what, axes)
	}
	if scales := s.Raw.Floats("scales"); scales != nil {
		all := slices.Repeat([]float32{1}, rank)
		if len(scales) != len(at) {
			return misfit("scales", len(scales))
		}
		for i, d := range at {
			all[d] = scales[i]
		}
		s.Raw.Attrs["scales"] = all
	}
	if sizes := s.Raw.Ints("sizes"); sizes != nil {
		if len(sizes) != len(at) {
			return misfit("sizes", len(sizes))
		}
		for i, d := range at {
			shape[d] = sizes[i]
		}
		s.Raw.Attrs["sizes"] = shape
	}
	if roi := s.Raw.Floats("roi"); roi != nil {
		all := append(make([]float32, rank), slices.Repeat([]float32{1}, rank)...)
		if len(roi) != 2*len(at) {
			return misfit("numbers in roi", len(roi))
		}
		for i, d := range at {
			all[d], all[rank+d] = roi[i], roi[len(at)+i]
		}
		s.Raw.Attrs["roi"] = all
	}
	return nil
}

// gridSample: its modes had other names before opset 20.
func gridSample(s build.Node) error {
	if s.Opset < 20 {
		mode := s.Raw.Str("mode")
		if s.Raw.Attrs["mode"] == nil {
			mode = "bilinear"
		}
		s.Raw.Attrs["mode"] = cmp.Or(map[string]string{"bilinear": "linear", "bicubic": "cubic"}[mode], mode)
	}
	return nil
}
