package onnx

import (
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
		return nil
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
	return nil
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
	all := make([]int, 2*rank)
	for i, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank {
			return nil, s.errorf("axis %d is no dimension of %q, which has %d", axes[i], s.n.Input(0), rank)
		}
		all[a], all[rank+a] = pads[i], pads[len(axes)+i]
	}
	return all, nil
}

// reshape: a first dimension with the number that the file has for the batch is the batch.
func (s site) reshape() error {
	l, ok := s.list(1)
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

// coerced marks a Softmax as opset 12 and before define it: over all dimensions from axis on together. uncoerce
// removes it, once the shape is known.
const coerced = "coerced"

func (s site) softmax() error {
	if s.opset >= 13 {
		s.n.Attrs["axis"] = s.n.Attrs.Int("axis", -1)
		return nil
	}
	s.n.Attrs["axis"] = s.n.Attrs.Int("axis", 1)
	s.n.Attrs[coerced] = 1
	return nil
}

// reduceMean is an average pool where it reduces height and width, as PyTorch exports x.mean((2, 3)).
func (s site) reduceMean() error {
	axes := s.n.Attrs.Ints("axes")
	if s.n.Input(1) != "" {
		var err error
		if axes, err = s.ints(1); err != nil {
			return err
		}
	}
	axes = slices.Clone(axes)
	slices.Sort(axes)
	if !slices.Equal(axes, []int{2, 3}) && !slices.Equal(axes, []int{-2, -1}) {
		return s.errorf("it reduces the axes %v: only the mean over height and width, [2, 3], is supported", axes)
	}
	keep := s.n.Attrs.Int("keepdims", 1) != 0
	out := s.n.Outputs[0]
	s.n.Op, s.n.Inputs, s.n.Attrs = graph.GlobalAveragePool, s.n.Inputs[:1], graph.Attrs{}
	if keep {
		return nil
	}
	pooled := s.im.fresh(out + "_pooled")
	pool := s
	pool.n = s.n.Clone()
	pool.n.Name, pool.n.Outputs = s.n.Name+"_pool", []string{pooled}
	s.n.Op, s.n.Inputs, s.n.Attrs = graph.Flatten, []string{pooled}, graph.Attrs{"axis": 1}
	return pool.add()
}

// fresh returns a name that no value of the file has, like the one that is wanted.
func (im *importer) fresh(name string) string {
	for {
		_, made := im.made[name]
		if !made && im.g.Values[name] == nil {
			return name
		}
		name += "_"
	}
}
