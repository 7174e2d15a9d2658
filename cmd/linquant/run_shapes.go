package main

import (
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/tensor"
)

// begin returns the inputs of the model, among them the values of it that --input gives, at which the part begins that is run: the values of
// --output are all that is computed then.
func (cfg *runConfig) begin(model string, t *targets) ([]pipeline.Input, error) {
	inputs, err := pipeline.Inputs(model)
	if err != nil || inputs == nil {
		return nil, nil // which opening it says
	}
	values, err := pipeline.Values(model)
	if err != nil {
		return nil, err
	}
	for _, given := range cfg.inputs {
		for _, v := range values {
			if name, _, ok := strings.Cut(given, "="); ok && name == v.Name {
				cfg.Inputs = append(cfg.Inputs, name)
				if v.Dims != nil {
					inputs = append(inputs, v)
				}
			}
		}
	}
	if len(cfg.Inputs) > 0 && len(t.names) > 0 {
		cfg.Outputs = t.names
	}
	return inputs, nil
}

// mayCut reports whether a model that was refused could be run for the values of --output alone.
func (t *targets) mayCut(model string, refused error) bool {
	values, err := pipeline.Values(model)
	if refused == nil || err != nil || len(t.names) == 0 {
		return false
	}
	for _, name := range t.names {
		if !slices.ContainsFunc(values, func(v pipeline.Input) bool { return v.Name == name }) {
			return false
		}
	}
	return true
}

// bound returns the shapes of the inputs that the model leaves open, as the arrays have them that --input names; nil where
// none is open. What is wrong with the arrays is said when they are read.
func bound(inputs []pipeline.Input, given []string) map[string]tensor.Shape {
	if !slices.ContainsFunc(inputs, func(in pipeline.Input) bool { return in.Dims == nil || slices.Contains(in.Dims, -1) }) {
		return nil
	}
	shapes := map[string]tensor.Shape{}
	for _, text := range given {
		name, path := "", text
		for _, in := range inputs {
			if rest, ok := strings.CutPrefix(text, in.Name+"="); ok {
				name, path = in.Name, rest
			}
		}
		f, err := checkpoint.Open(path)
		if err != nil {
			return nil
		}
		all := f.Tensors()
		var of []pipeline.Input
		var names, arrays []string
		for _, in := range inputs {
			if name == "" || name == in.Name {
				of, names = append(of, in), append(names, in.Name)
			}
		}
		for _, t := range all {
			arrays = append(arrays, t.Name)
		}
		for i, at := range dataset.Match(arrays, names) {
			if in := of[i]; at >= 0 && (in.Dims == nil || slices.Contains(in.Dims, -1)) {
				if shape, ok := fits(in.Dims, all[at].Shape); ok {
					shapes[in.Name] = shape
				}
			}
		}
		f.Close()
	}
	return shapes
}

// fits returns the shape of an input of an array's shape, with the number of examples before it or without.
func fits(dims []int, shape tensor.Shape) (tensor.Shape, bool) {
	shape = slices.Clone(shape)
	if len(dims) == len(shape)+1 {
		shape = append(tensor.Shape{graph.Batch}, shape...)
	}
	if dims != nil && len(dims) != len(shape) {
		return nil, false
	}
	for i, d := range dims[min(1, len(dims)):] {
		if d > 0 && d != shape[i+1] {
			return nil, false
		}
	}
	return shape, !slices.Contains(shape, 0)
}
