package onnx

import (
	"fmt"
	"math"
	"slices"

	"linquant/graph"
)

// The methods here bring the forms that an operator had in different opsets to the one of the graph.

func (s site) batchNormalization() error {
	if s.n.Attrs.Int("spatial", 1) != 1 {
		return s.errorf("spatial is 0, statistics for every pixel: only those for a channel are supported")
	}
	if s.n.Attrs.Int("training_mode", 0) != 0 || len(s.n.Outputs) > 1 {
		return s.errorf("it is in training mode: export the model for inference (model.eval())")
	}
	delete(s.n.Attrs, "spatial")
	delete(s.n.Attrs, "training_mode")
	return nil
}

// clip: the bounds are attributes before opset 11, then inputs.
func (s site) clip() error {
	if s.opset >= 11 && len(s.n.Attrs) > 0 {
		return s.errorf("its bounds are attributes, which opset %d has as inputs", s.opset)
	}
	for i, name := range []string{1: "min", 2: "max"} {
		if i == 0 || s.n.Input(i) == "" {
			continue
		}
		v, err := s.scalar(i)
		if err != nil {
			return err
		}
		s.n.Attrs[name] = v
	}
	s.n.Inputs = s.n.Inputs[:1]
	return nil
}

// scalar returns input i, which is a constant of one element, as a float.
func (s site) scalar(i int) (float32, error) {
	v := s.im.g.Values[s.n.Input(i)]
	if v == nil || v.Const == nil {
		return 0, s.notConstant(i)
	}
	if v.Const.Elements() != 1 {
		return 0, s.errorf("input %d (%q) has the shape %v: it must be one number", i, v.Name, v.Const.Shape)
	}
	x, err := v.Const.Float32s()
	if err != nil {
		return 0, s.errorf("input %d (%q): %w", i, v.Name, err)
	}
	return x[0], nil
}

func (s site) dropout() error {
	if s.n.Input(2) != "" {
		training, err := s.scalar(2)
		if err != nil {
			return err
		}
		if training != 0 {
			return s.errorf("it is in training mode: export the model for inference (model.eval())")
		}
	}
	s.n.Inputs = s.n.Inputs[:1]
	return nil
}

// pad: everything is attributes before opset 11, then inputs; since 18 the pads may be for some axes only.
func (s site) pad() error {
	if s.opset < 11 {
		return s.crop()
	}
	pads, err := s.ints(1)
	if err != nil {
		return err
	}
	if s.n.Input(2) != "" {
		value, err := s.scalar(2)
		if err != nil {
			return err
		}
		s.n.Attrs["value"] = value
	}
	if s.n.Input(3) != "" {
		axes, err := s.ints(3)
		if err != nil {
			return err
		}
		if pads, err = s.padAxes(pads, axes); err != nil {
			return err
		}
	}
	s.n.Attrs["pads"] = pads
	s.n.Inputs = s.n.Inputs[:1]
	return s.crop()
}

// crop makes a Slice before a Pad of what it pads by less than nothing.
func (s site) crop() error {
	pads := slices.Clone(s.n.Attrs.Ints("pads"))
	rank := len(pads) / 2
	var starts, ends, axes []int
	for d := range rank {
		before, after := pads[d], pads[rank+d]
		if before >= 0 && after >= 0 {
			continue
		}
		end := math.MaxInt32
		if after < 0 {
			end = after
		}
		starts, ends, axes = append(starts, max(-max(before, -math.MaxInt32), 0)), append(ends, end), append(axes, d)
		pads[d], pads[rank+d] = max(before, 0), max(after, 0)
	}
	if axes == nil {
		return nil
	}
	if mode := s.n.Attrs.Str("mode", "constant"); mode != "constant" {
		return s.errorf("its pads are below 0 with mode %q: only constant padding can crop", mode)
	}
	cropped, err := s.emit("cropped", graph.Slice, graph.Attrs{
		"starts": starts, "ends": ends, "axes": axes, "steps": slices.Repeat([]int{1}, len(axes)),
	}, s.n.Inputs[0])
	s.n.Inputs[0], s.n.Attrs["pads"] = cropped, pads
	return err
}

// padAxes spreads the pads of some axes over all. Only the rank is missing for that.
func (s site) padAxes(pads, axes []int) ([]int, error) {
	shape := s.im.inferred(s.n.Input(0))
	if shape == nil {
		return nil, s.errorf("it pads the axes %v of %q, whose shape is not known here: give pads for all axes", axes, s.n.Input(0))
	}
	rank := len(shape)
	if len(pads) != 2*len(axes) {
		return nil, s.errorf("it has %d pads for the axes %v: there must be two for each", len(pads), axes)
	}
	all, seen := make([]int, 2*rank), make([]bool, rank)
	for i, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank || seen[a] {
			return nil, s.errorf("axis %d is no dimension of %q, which has %d, or is named twice", axes[i], s.n.Input(0), rank)
		}
		seen[a] = true
		all[a], all[rank+a] = pads[i], pads[len(axes)+i]
	}
	return all, nil
}

// reshape: a first dimension with the number that the file has for the batch is the batch.
func (s site) reshape() error {
	l, ok := int64s(s.n.Attrs.Ints("shape")), true
	if len(s.n.Inputs) > 1 {
		l, ok = s.list(1)
	}
	if !ok {
		return s.notConstant(1)
	}
	batched := s.im.facts[s.n.Input(0)].batched
	shape, free := make([]int, len(l)), 0
	for i, d := range l {
		shape[i] = clamp(d)
		switch {
		case d == batchSize && i == 0, i == 0 && batched && d == s.im.batch && d > 0:
			shape[i] = graph.Batch
		case d == unknownSize, d == batchSize:
			shape[i] = -1 // there is one way to fill it in, as long as there is one of them
		}
		if shape[i] == -1 && i > 0 {
			free++
		}
	}
	if free > 1 {
		return s.errorf("its shape has %d dimensions that are computed: export the model with fixed shapes", free)
	}
	s.n.Attrs["shape"] = shape
	s.n.Inputs = s.n.Inputs[:1]
	return nil
}

// slice: everything is attributes before opset 10, then inputs.
func (s site) slice() error {
	if s.opset >= 10 {
		if len(s.n.Inputs) < 3 {
			return s.errorf("it has no starts or no ends")
		}
		for i, name := range []string{1: "starts", 2: "ends", 3: "axes", 4: "steps"} {
			if i == 0 || s.n.Input(i) == "" {
				continue
			}
			v, err := s.ints(i)
			if err != nil {
				return err
			}
			s.n.Attrs[name] = v
		}
		s.n.Inputs = s.n.Inputs[:1]
	}
	n := len(s.n.Attrs.Ints("starts"))
	if s.n.Attrs["axes"] == nil {
		axes := make([]int, n)
		for i := range axes {
			axes[i] = i
		}
		s.n.Attrs["axes"] = axes
	}
	if s.n.Attrs["steps"] == nil {
		s.n.Attrs["steps"] = slices.Repeat([]int{1}, n)
	}
	return nil
}

// axes of Squeeze and Unsqueeze are an attribute before opset 13, then an input.
func (s site) axes() error {
	if s.opset >= 13 && s.n.Input(1) != "" {
		axes, err := s.ints(1)
		if err != nil {
			return err
		}
		s.n.Attrs["axes"] = axes
	}
	if s.n.Op == graph.Unsqueeze && s.n.Attrs["axes"] == nil {
		return s.errorf("it has no axes")
	}
	s.n.Inputs = s.n.Inputs[:1]
	return nil
}

// softmax: that of opset 12 and before is over all dimensions from axis on together, and where they are several it
// stands between two Reshapes.
func (s site) softmax() error {
	if s.opset >= 13 {
		return nil
	}
	dims, err := s.dims(0)
	if err != nil {
		return err
	}
	axis, shape := s.n.Attrs.Int("axis", 1), dimensions(dims)
	if axis < 0 {
		axis += len(shape)
	}
	s.n.Attrs["axis"] = axis
	if axis < 0 || axis >= len(shape)-1 || shape[axis] == graph.Batch {
		return nil // what is wrong with it, graph says
	}
	flat := append(slices.Clone(shape[:axis]), 1)
	for _, d := range shape[axis:] {
		flat[axis] *= d
	}
	x, err := s.emit("flat", graph.Reshape, graph.Attrs{"shape": flat}, s.n.Inputs[0])
	if err != nil {
		return err
	}
	if x, err = s.emit("softmax", s.n.Op, graph.Attrs{"axis": axis}, x); err != nil {
		return err
	}
	return s.turn(graph.Reshape, graph.Attrs{"shape": shape}, x)
}

// fresh returns a name that no value of the file has: the one that is wanted, or with a number behind it, which goes on
// from the last that this name got, so that many of one name take no more time than others.
func (im *importer) fresh(name string) string {
	for candidate := name; ; {
		if _, made := im.made[candidate]; !made && im.g.Values[candidate] == nil {
			return candidate
		}
		im.numbers[name]++
		candidate = fmt.Sprintf("%s_%d", name, im.numbers[name]+1)
	}
}
