package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// ImportConfig says how a model is read. The zero value is how Open and Import read it.
type ImportConfig struct {
	// Fixed makes the first dimension of inputs an ordinary one, with the number that the file or Shapes has for it,
	// where it is the batch otherwise. Operators may then do to it what they do to other dimensions, and the network
	// runs on inputs of exactly its shapes, in graph.Eval. The engine wants a batch.
	Fixed bool

	// Shapes are the shapes of inputs, by their names, in place of those in the file: for networks that take pictures
	// of any size. The first dimension is graph.Batch, or with Fixed a number. Inputs that are not named keep the
	// file's shape.
	Shapes map[string]tensor.Shape

	// Constants are inputs that are no inputs of the graph: they have these elements, of the type and shape that the
	// file gives them, and what follows from constants alone is computed while the model is read. So shapes, axes and
	// indices that a model takes as inputs are bound. The elements may be referred to by the graph and must not change.
	Constants map[string]tensor.Tensor

	// Outputs are the values that the network is run for, in place of the file's outputs: any that a node computes.
	// Nodes that none of them needs are left out, so that a network can be cut before operators that are not supported.
	Outputs []string
}

// check returns an error where the configuration names something that is no input.
func (c ImportConfig) check(infos []onnxpb.ValueInfo) error {
	for _, given := range []struct {
		what  string
		names []string
	}{
		{"shape", slices.Sorted(maps.Keys(c.Shapes))},
		{"constant", slices.Sorted(maps.Keys(c.Constants))},
	} {
		for _, name := range given.names {
			if !slices.ContainsFunc(infos, func(v onnxpb.ValueInfo) bool { return v.Name == name }) {
				return fmt.Errorf("a %s is given for %q, and the network has no input of that name: its inputs are %q",
					given.what, name, namesOf(infos))
			}
		}
	}
	return nil
}

func namesOf(infos []onnxpb.ValueInfo) []string {
	names := make([]string, len(infos))
	for i := range infos {
		names[i] = infos[i].Name
	}
	return names
}

// bind makes an input a constant.
func (im *importer) bind(v *onnxpb.ValueInfo, t tensor.Tensor) error {
	if _, err := tensor.New(t.DType, t.Shape, t.Data); err != nil {
		return err
	}
	e := elementTypes[v.Type]
	if e.bits == 0 {
		_, err := supported(v.Type)
		return err
	}
	if t.DType != e.file && t.DType != e.store {
		return fmt.Errorf("the constant for it has elements of %v, and the file says %s", t.DType, e.name)
	}
	fits := !v.HasShape || len(v.Dims) == len(t.Shape)
	for i := 0; fits && v.HasShape && i < len(t.Shape); i++ {
		fits = v.Dims[i].Value < 0 || v.Dims[i].Value == int64(t.Shape[i])
	}
	if !fits {
		return fmt.Errorf("the constant for it has the shape %v, which is not what the file says", t.Shape)
	}
	im.left += newBudget(int64(len(t.Data)))
	if t.DType != e.store {
		var err error
		if t, err = toFloat32(t, &im.left); err != nil {
			return err
		}
	}
	im.bound[v.Name] = true
	im.g.AddConst(v.Name, t).Type = e.codes()
	return nil
}

// shape returns an input's shape.
func (im *importer) shape(v *onnxpb.ValueInfo) (tensor.Shape, error) {
	if s, ok := im.cfg.Shapes[v.Name]; ok {
		if v.HasShape && len(v.Dims) != len(s) {
			return nil, fmt.Errorf("a shape of %d dimensions is given for it, and it has %d", len(s), len(v.Dims))
		}
		if !im.cfg.Fixed && (len(s) == 0 || s[0] != graph.Batch) {
			return nil, fmt.Errorf("the shape %v is given for it: the first dimension is the batch, graph.Batch", s)
		}
		if v.HasShape && len(v.Dims) > 0 {
			im.batch = max(im.batch, v.Dims[0].Value) // which targets of Reshape can have
		}
		return slices.Clone(s), nil
	}
	if !v.HasShape || len(v.Dims) == 0 && !im.cfg.Fixed {
		return nil, errors.New("it has no shape: give one, or export the model with one, such as [N, 3, 32, 32]")
	}
	if len(v.Dims) > maxRank {
		return nil, fmt.Errorf("it has %d dimensions: more than %d are not supported", len(v.Dims), maxRank)
	}
	shape := make(tensor.Shape, len(v.Dims))
	for i, d := range v.Dims {
		switch {
		case i == 0 && !im.cfg.Fixed:
			if d.Value > 0 && im.batch > 0 && d.Value != im.batch {
				return nil, fmt.Errorf("its first dimension, the batch, is %d, and that of another input %d: they must "+
					"be equal", d.Value, im.batch)
			}
			im.batch = max(im.batch, d.Value)
			shape[i] = graph.Batch
		case d.Value < 1 || int64(int(d.Value)) != d.Value:
			return nil, fmt.Errorf("dimension %d has no fixed length (%q): give the input a shape, or export the model "+
				"with a number there; only the batch may vary", i, d.Param)
		default:
			shape[i] = int(d.Value)
		}
	}
	return shape, nil
}
