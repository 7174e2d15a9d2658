package read

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/near"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/tensor"
)

// ErrBatch is wrapped by errors about inputs and outputs that cannot be examples of one batch, but one example together.
var ErrBatch = errors.New("they are not examples of one batch")

var errScalar = fmt.Errorf("it is a scalar: %w", ErrBatch)

// check returns an error where the configuration names something that is no input.
func check(c build.Config, infos []onnxpb.ValueInfo) error {
	for _, given := range []struct {
		what  string
		names []string
	}{
		{"shape", slices.Sorted(maps.Keys(c.Shapes))},
		{"constant", slices.Sorted(maps.Keys(c.Constants))},
	} {
		for _, name := range given.names {
			if !slices.Contains(c.Inputs, name) && !slices.ContainsFunc(infos, func(v onnxpb.ValueInfo) bool { return v.Name == name }) {
				return fmt.Errorf("a %s is given for %q, and the network has no input of that name: its inputs are %s",
					given.what, name, namesOf(infos))
			}
		}
	}
	return nil
}

func namesOf(infos []onnxpb.ValueInfo) string {
	names := make([]string, len(infos))
	for i := range infos {
		names[i] = infos[i].Name
	}
	return near.List(names)
}

// bind makes an input a constant.
func bind(im *build.Network, v *onnxpb.ValueInfo, t tensor.Tensor) error {
	if _, err := tensor.New(t.DType, t.Shape, t.Data); err != nil {
		return err
	}
	e := elements.Types[v.Type]
	if e.Bits == 0 {
		_, err := elements.Supported(v.Type)
		return err
	}
	if t.DType != e.File && t.DType != e.Store {
		return fmt.Errorf("the constant for it has elements of %v, and the file says %s", t.DType, e.Name)
	}
	fits := !v.HasShape || len(v.Dims) == len(t.Shape)
	for i := 0; fits && v.HasShape && i < len(t.Shape); i++ {
		fits = v.Dims[i].Value < 0 || v.Dims[i].Value == int64(t.Shape[i])
	}
	if !fits {
		return fmt.Errorf("the constant for it has the shape %v, which is not what the file says", t.Shape)
	}
	im.Left += elements.NewBudget(int64(len(t.Data)))
	if t.DType != e.Store {
		var err error
		if t, err = elements.ToFloat32(t, &im.Left); err != nil {
			return err
		}
	}
	im.Bound[v.Name] = true
	im.Graph.AddConst(v.Name, t).Type = e.Codes()
	return nil
}

// shape returns an input's shape.
func shape(im *build.Network, v *onnxpb.ValueInfo) (tensor.Shape, error) {
	if s, ok := im.Cfg.Shapes[v.Name]; ok {
		if v.HasShape && len(v.Dims) != len(s) {
			return nil, fmt.Errorf("a shape of %d dimensions is given for it, and it has %d", len(s), len(v.Dims))
		}
		shape := slices.Clone(s)
		switch {
		case im.Cfg.One && len(s) > 0 && s[0] == graph.Batch:
			if v.HasShape && v.Dims[0].Value > 0 {
				shape[0] = elements.Clamp(v.Dims[0].Value)
				break
			}
			shape[0] = 1
			symbol := ""
			if v.HasShape {
				symbol = v.Dims[0].Param
			}
			im.Cfg.Assume(v.Name, symbol)
		case im.Cfg.Fixed:
		case len(s) == 0:
			return nil, errScalar
		default:
			if im.Batch = max(im.Batch, int64(s[0])); v.HasShape {
				im.Batch = max(im.Batch, v.Dims[0].Value) // which targets of Reshape can have
			}
			shape[0] = graph.Batch
		}
		return shape, nil
	}
	if !v.HasShape {
		return nil, &fault.Open{Input: v.Name, Dimension: -1}
	}
	if len(v.Dims) == 0 && !im.Cfg.Fixed {
		return nil, errScalar
	}
	if len(v.Dims) > elements.MaxRank {
		return nil, fmt.Errorf("it has %d dimensions: more than %d are not supported", len(v.Dims), elements.MaxRank)
	}
	shape := make(tensor.Shape, len(v.Dims))
	for i, d := range v.Dims {
		switch {
		case i == 0 && !im.Cfg.Fixed:
			if d.Value > 0 && im.Batch > 0 && d.Value != im.Batch {
				return nil, fmt.Errorf("its first dimension is %d, and that of another input %d: %w", d.Value, im.Batch, ErrBatch)
			}
			im.Batch = max(im.Batch, d.Value)
			shape[i] = graph.Batch
		case i == 0 && im.Cfg.One && d.Value < 1:
			shape[i] = 1
			im.Cfg.Assume(v.Name, d.Param)
		case d.Value < 1 || int64(int(d.Value)) != d.Value:
			return nil, &fault.Open{Input: v.Name, Dimension: i, Symbol: d.Param}
		default:
			shape[i] = int(d.Value)
		}
	}
	return shape, nil
}
