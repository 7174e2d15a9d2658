package onnx

import (
	"errors"
	"fmt"

	"linquant/internal/onnxpb"
	"linquant/quant"
	"linquant/tensor"
)

// The keys of the metadata that say what ONNX has no place for, beside bitsKey.
const (
	keyRequant = "linquant.requant" // quant.Convention
	keyVersion = "linquant.version" // of linquant
)

func (im *importer) metadata(entries []onnxpb.Entry) error {
	for _, e := range entries {
		switch e.Key {
		case keyRequant:
			c, err := quant.ParseConvention(e.Value)
			if err != nil {
				return fmt.Errorf("metadata %s: %w", e.Key, err)
			}
			im.g.Requant = c
		default:
			im.g.Metadata[e.Key] = e.Value
		}
	}
	return nil
}

// constants adds the initializers.
func (im *importer) constants(tensors []onnxpb.Tensor) error {
	for i := range tensors {
		t := &tensors[i]
		if t.Name == "" {
			return fmt.Errorf("initializer %d has no name: the model is damaged", i)
		}
		if im.g.Values[t.Name] != nil {
			return fmt.Errorf("there are two initializers %q: every name must be unique", t.Name)
		}
		if err := im.constant(t.Name, t); err != nil {
			return fmt.Errorf("initializer %q: %w", t.Name, err)
		}
	}
	return nil
}

func (im *importer) constant(name string, t *onnxpb.Tensor) error {
	v, e, err := decode(t, im.ext, &im.left)
	if err != nil {
		return err
	}
	im.g.AddConst(name, v).Type = e.codes()
	return nil
}

// inputs adds the inputs that are no initializers, which old files list with them.
func (im *importer) inputs(infos []onnxpb.ValueInfo) error {
	for i := range infos {
		v := &infos[i]
		if old := im.g.Values[v.Name]; old != nil && old.Const != nil {
			continue
		}
		if im.g.Values[v.Name] != nil || v.Name == "" {
			return fmt.Errorf("there are two inputs %q, or one without a name: every name must be unique", v.Name)
		}
		var err error
		if t, ok := im.cfg.Constants[v.Name]; ok {
			err = im.bind(v, t)
		} else {
			err = im.input(v)
		}
		if err != nil {
			return fmt.Errorf("input %q: %w", v.Name, err)
		}
	}
	if len(im.g.Inputs) == 0 && len(im.bound) == 0 && !im.cfg.Fixed {
		return errors.New("the network has no inputs: everything in it is constant")
	}
	return nil
}

func (im *importer) input(v *onnxpb.ValueInfo) error {
	if v.NoTensor {
		return errors.New("it is a sequence, a map or an optional: only tensors are supported")
	}
	e, err := supported(v.Type)
	if err != nil {
		return err
	}
	if e.store != tensor.Float32 && e.store != tensor.Int8 && e.store != tensor.Uint8 {
		return fmt.Errorf("it has elements of %s: networks here take float, or codes of int8 or uint8; give "+
			"it as a constant (ImportConfig.Constants)", e.name)
	}
	shape, err := im.shape(v)
	if err != nil {
		return err
	}
	im.g.AddInput(v.Name, shape)
	im.g.Values[v.Name].DType, im.g.Values[v.Name].Type = e.store, e.codes()
	im.facts[v.Name] = fact{batched: !im.cfg.Fixed, rank: len(shape)}
	return nil
}

func (im *importer) outputs(infos []onnxpb.ValueInfo) error {
	if len(infos) > maxNames {
		return fmt.Errorf("it has %d outputs: more than %d are not supported", len(infos), maxNames)
	}
	for i := range infos {
		name := infos[i].Name
		if im.g.Values[name] == nil {
			if _, ok := im.arrays[name]; ok {
				if im.materialize(name) == nil {
					return fmt.Errorf("output %q is a shape with the batch in it: only tensors that the network computes "+
						"can be outputs", name)
				}
				im.g.Outputs = append(im.g.Outputs, name)
				continue
			}
			if wait, ok := im.turned[name]; ok {
				return fmt.Errorf("output %q is transposed by %v, which moves the batch: let the permutation start with 0", name, wait.perm)
			}
			return fmt.Errorf("output %q is made by no node", name)
		}
		im.g.Outputs = append(im.g.Outputs, name)
	}
	if len(im.g.Outputs) == 0 {
		return errors.New("the network has no outputs")
	}
	return nil
}

// prune removes the constants that became attributes.
func (im *importer) prune() {
	used := map[string]bool{}
	for _, n := range im.g.Nodes {
		for _, in := range n.Inputs {
			used[in] = true
		}
	}
	for _, out := range im.g.Outputs {
		used[out] = true
	}
	for name, v := range im.g.Values {
		if v.Const != nil && !used[name] {
			delete(im.g.Values, name)
		}
	}
}
