package read

import (
	"errors"
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

func metadata(im *build.Network, entries []onnxpb.Entry) error {
	for _, e := range entries {
		switch e.Key {
		case raw.KeyRequant:
			c, err := quant.ParseConvention(e.Value)
			if err != nil {
				return fmt.Errorf("metadata %s: %w", e.Key, err)
			}
			im.Graph.Requant = c
		case raw.KeyWhole: // read already
		default:
			im.Graph.Metadata[e.Key] = e.Value
		}
	}
	return nil
}

// constants adds the initializers.
func constants(im *build.Network, tensors []onnxpb.Tensor) error {
	for i := range tensors {
		t := &tensors[i]
		if t.Name == "" {
			return fault.Errorf("initializer %d has no name: the model is damaged", i)
		}
		if im.Graph.Values[t.Name] != nil {
			return fault.Errorf("there are two initializers %q: every name must be unique", t.Name)
		}
		if err := im.Constant(t.Name, t); err != nil {
			return fmt.Errorf("initializer %q: %w", t.Name, err)
		}
	}
	return nil
}

// inputs adds the inputs that are no initializers, which old files list with them.
func inputs(im *build.Network, infos []onnxpb.ValueInfo) error {
	for i := range infos {
		v := &infos[i]
		if old := im.Graph.Values[v.Name]; old != nil && old.Const != nil {
			continue
		}
		if im.Graph.Values[v.Name] != nil || v.Name == "" {
			return fault.Errorf("there are two inputs %q, or one without a name: every name must be unique", v.Name)
		}
		var err error
		if t, ok := im.Cfg.Constants[v.Name]; ok {
			err = bind(im, v, t)
		} else {
			err = input(im, v)
		}
		if err != nil {
			return fmt.Errorf("input %q: %w", v.Name, err)
		}
	}
	if len(im.Graph.Inputs) == 0 && len(im.Bound) == 0 && !im.Cfg.Fixed {
		return errors.New("the network has no inputs: everything in it is constant")
	}
	return nil
}

func input(im *build.Network, v *onnxpb.ValueInfo) error {
	if v.NoTensor {
		return errors.New("it is a sequence, a map or an optional: only tensors are supported")
	}
	e, err := elements.Supported(v.Type)
	if err != nil {
		return err
	}
	shape, err := shape(im, v)
	if err != nil {
		return err
	}
	im.Graph.AddInput(v.Name, shape)
	im.Graph.Values[v.Name].DType, im.Graph.Values[v.Name].Type = e.Store, e.Codes()
	im.Facts[v.Name] = build.Fact{Batched: !im.Cfg.Fixed, Rank: len(shape)}
	return nil
}

func outputs(im *build.Network, infos []onnxpb.ValueInfo) error {
	if len(infos) > maxNames {
		return fmt.Errorf("it has %d outputs: more than %d are not supported", len(infos), maxNames)
	}
	for i := range infos {
		name := infos[i].Name
		if im.Graph.Values[name] == nil {
			if _, ok := im.Arrays[name]; ok {
				if im.Materialize(name) == nil {
					return fmt.Errorf("output %q is a shape with the batch in it: only tensors that the network computes "+
						"can be outputs", name)
				}
				im.Graph.Outputs = append(im.Graph.Outputs, name)
				continue
			}
			if wait, ok := im.Pending[name]; ok {
				return fmt.Errorf("output %q is transposed by %v, which moves the batch: %w", name, wait.Perm, ErrBatch)
			}
			return fmt.Errorf("output %q is made by no node", name)
		}
		if as, ok := im.Numbers[name]; ok {
			if err := integers(im, name, as); err != nil {
				return err
			}
		}
		im.Graph.Outputs = append(im.Graph.Outputs, name)
	}
	if len(im.Graph.Outputs) == 0 {
		return errors.New("the network has no outputs")
	}
	return nil
}

// integerTypes are the types of integers that values can have which hold them as reals.
var integerTypes = map[tensor.DType]onnxpb.DataType{
	tensor.Uint8: onnxpb.Uint8, tensor.Int8: onnxpb.Int8, tensor.Uint16: onnxpb.Uint16, tensor.Int16: onnxpb.Int16, tensor.Int32: onnxpb.Int32,
}

// integers gives an output that holds integers as reals their type.
func integers(im *build.Network, name string, as build.Number) error {
	n := im.Producers[name]
	to, ok := integerTypes[as.DType]
	if n == nil || !ok {
		return nil
	}
	reals := im.Fresh(name + "_numbers")
	for _, m := range im.Graph.Nodes {
		for i, in := range m.Inputs {
			if in == name {
				m.Inputs[i] = reals
			}
		}
	}
	n.Outputs[slices.Index(n.Outputs, name)] = reals
	v := *im.Graph.Values[name]
	v.Name = reals
	im.Graph.Values[reals] = &v
	im.Producers[reals] = n
	im.Facts[reals] = im.Facts[name]
	delete(im.Producers, name)
	delete(im.Numbers, name)
	s := build.Node{Net: im, File: &onnxpb.Node{Name: name, Op: "Cast"}, Least: 1}
	s.Raw = &raw.Node{Name: name, Op: graph.Cast, Inputs: []string{reals}, Outputs: []string{name}, Attrs: graph.Attrs{"to": int(to)}}
	return s.Add()
}

// prune removes the constants that became attributes.
func prune(im *build.Network) {
	used := map[string]bool{}
	for _, n := range im.Graph.Nodes {
		for _, in := range n.Inputs {
			used[in] = true
		}
	}
	for _, out := range im.Graph.Outputs {
		used[out] = true
	}
	for name, v := range im.Graph.Values {
		if v.Const != nil && !used[name] {
			delete(im.Graph.Values, name)
		}
	}
}
