// Package convert brings nodes of a file to the form that the graph has for them: what was other in an old opset, what is
// an input there and an attribute here, and operators that others stand for.
package convert

import (
	"maps"
	"math"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
)

// The methods here bring the forms that an operator had in different opsets to the one of the graph.

func batchNormalization(s build.Node) error {
	if s.Raw.Int("spatial") != 1 {
		return s.Errorf("spatial is 0, statistics for every pixel: only those for a channel are supported")
	}
	if s.Raw.Int("training_mode") != 0 || len(s.Raw.Outputs) > 1 {
		return s.Errorf("it is in training mode: export the model for inference (model.eval())")
	}
	delete(s.Raw.Attrs, "spatial")
	delete(s.Raw.Attrs, "training_mode")
	return nil
}

func dropout(s build.Node) error {
	if err := parameters(s); err != nil {
		return err
	}
	if s.Raw.Int("training_mode") != 0 {
		return s.Errorf("it is in training mode: export the model for inference (model.eval())")
	}
	delete(s.Raw.Attrs, "training_mode")
	return nil
}

// pad: everything is attributes before opset 11, then inputs; since 18 the pads may be for some axes only.
func pad(s build.Node) error {
	if err := parameters(s); err != nil {
		return err
	}
	if axes := s.Raw.Ints("axes"); s.Raw.Attrs["axes"] != nil {
		pads, err := padAxes(s, s.Raw.Ints("pads"), axes)
		if err != nil {
			return err
		}
		s.Raw.Attrs["pads"] = pads
		delete(s.Raw.Attrs, "axes")
	}
	return crop(s)
}

// crop makes a Slice before a Pad of what it pads by less than nothing.
func crop(s build.Node) error {
	pads := slices.Clone(s.Raw.Ints("pads"))
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
	if mode := s.Raw.Str("mode"); mode != "constant" {
		return s.Errorf("its pads are below 0 with mode %q: only constant padding can crop", mode)
	}
	cropped, err := s.Insert("cropped", graph.Slice, graph.Attrs{
		"starts": starts, "ends": ends, "axes": axes, "steps": slices.Repeat([]int{1}, len(axes)),
	}, s.Raw.Inputs[0])
	s.Raw.Inputs[0], s.Raw.Attrs["pads"] = cropped, pads
	return err
}

// padAxes spreads the pads of some axes over all. Only the rank is missing for that.
func padAxes(s build.Node, pads, axes []int) ([]int, error) {
	shape := s.Net.Inferred(s.Raw.Input(0))
	if shape == nil {
		return nil, s.Errorf("it pads the axes %v of %q, whose shape is not known here: give pads for all axes", axes, s.Raw.Input(0))
	}
	rank := len(shape)
	if len(pads) != 2*len(axes) {
		return nil, s.Errorf("it has %d pads for the axes %v: there must be two for each", len(pads), axes)
	}
	all, seen := make([]int, 2*rank), make([]bool, rank)
	for i, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank || seen[a] {
			return nil, s.Errorf("axis %d is no dimension of %q, which has %d, or is named twice", axes[i], s.Raw.Input(0), rank)
		}
		seen[a] = true
		all[a], all[rank+a] = pads[i], pads[len(axes)+i]
	}
	return all, nil
}

// reshape: a first dimension with the number that the file has for the batch is the batch.
func reshape(s build.Node) error {
	l, ok := elements.Int64s(s.Raw.Ints("shape")), true
	if len(s.Raw.Inputs) > 1 {
		l, ok = s.List(1)
	}
	if !ok {
		return s.NotConstant(1)
	}
	batched := s.Net.Facts[s.Raw.Input(0)].Batched
	shape, free := make([]int, len(l)), 0
	for i, d := range l {
		shape[i] = elements.Clamp(d)
		switch {
		case d == arrays.BatchSize && i == 0, i == 0 && batched && d == s.Net.Batch && d > 0:
			shape[i] = graph.Batch
		case d == arrays.UnknownSize, d == arrays.BatchSize:
			shape[i] = -1 // there is one way to fill it in, as long as there is one of them
		}
		if shape[i] == -1 && i > 0 {
			free++
		}
	}
	if free > 1 {
		return s.Errorf("its shape has %d dimensions that are computed: export the model with fixed shapes", free)
	}
	s.Raw.Attrs["shape"] = shape
	s.Raw.Inputs = s.Raw.Inputs[:1]
	return nil
}

// slice: everything is attributes before opset 10, then inputs.
func slice(s build.Node) error {
	if err := parameters(s); err != nil {
		return err
	}
	n := len(s.Raw.Ints("starts"))
	if s.Raw.Attrs["axes"] == nil {
		axes := make([]int, n)
		for i := range axes {
			axes[i] = i
		}
		s.Raw.Attrs["axes"] = axes
	}
	if s.Raw.Attrs["steps"] == nil {
		s.Raw.Attrs["steps"] = slices.Repeat([]int{1}, n)
	}
	return nil
}

// softmax: that of opset 12 and before is over all dimensions from axis on together, and where they are several it
// stands between two Reshapes.
func softmax(s build.Node) error {
	if s.Opset >= 13 {
		return nil
	}
	return flatSoftmax(s, 1) // the default was another
}

// qlinearSoftmax: ONNX Runtime's own operator says for itself of which opset it is.
func qlinearSoftmax(s build.Node) error {
	opset, ok := s.Raw.Attrs["opset"].(int)
	if !ok {
		return s.Errorf("it has no attribute opset, which says what its axis means: write the model again with ONNX Runtime's own tools")
	}
	if opset >= 13 {
		return nil
	}
	return flatSoftmax(s, -1)
}

// flatSoftmax takes all dimensions from the axis on as one.
func flatSoftmax(s build.Node, axis int) error {
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	shape := build.Dimensions(dims)
	if s.Raw.Attrs["axis"] != nil {
		axis = s.Raw.Int("axis")
	}
	if axis < 0 {
		axis += len(shape)
	}
	s.Raw.Attrs["axis"] = axis
	if axis < 0 || axis >= len(shape)-1 || shape[axis] == graph.Batch {
		return nil // what is wrong with it, graph says
	}
	flat := append(slices.Clone(shape[:axis]), 1)
	for _, d := range shape[axis:] {
		flat[axis] *= d
	}
	x, err := s.Insert("flat", graph.Reshape, graph.Attrs{"shape": flat}, s.Raw.Inputs[0])
	if err != nil {
		return err
	}
	attrs := maps.Clone(s.Raw.Attrs)
	if x, err = s.Insert("softmax", s.Raw.Op, attrs, append([]string{x}, s.Raw.Inputs[1:]...)...); err != nil {
		return err
	}
	return s.Become(graph.Reshape, graph.Attrs{"shape": shape}, x)
}
