package onnx

import (
	"encoding/json"
	"errors"
	"fmt"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/quant"
	"linquant/tensor"
)

// The keys of the metadata that say what ONNX has no place for, beside bitsKey.
const (
	keyRequant    = "linquant.requant"    // quant.Convention
	keyPreprocess = "linquant.preprocess" // graph.Preprocess as JSON
	keyVersion    = "linquant.version"    // of linquant
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
		case keyPreprocess:
			p, err := parsePreprocess(e.Value)
			if err != nil {
				return fmt.Errorf("metadata %s does not read (%w): correct or remove it", e.Key, err)
			}
			im.g.Input = p
		default:
			im.g.Metadata[e.Key] = e.Value
		}
	}
	return nil
}

// preprocess is graph.Preprocess as the metadata has it.
type preprocess struct {
	Divisor      float32   `json:"divisor,omitempty"`
	Mean         []float32 `json:"mean,omitempty"`
	Std          []float32 `json:"std,omitempty"`
	BGR          bool      `json:"bgr,omitempty"`
	ChannelsLast bool      `json:"channels_last,omitempty"`
	Labels       []string  `json:"labels,omitempty"`
}

func parsePreprocess(s string) (graph.Preprocess, error) {
	var p preprocess
	err := json.Unmarshal([]byte(s), &p)
	return graph.Preprocess(p), err
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
	im.g.AddConst(name, v)
	im.g.Values[name].Quant = e.params()
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
		if err := im.input(v); err != nil {
			return fmt.Errorf("input %q: %w", v.Name, err)
		}
	}
	if len(im.g.Inputs) == 0 {
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
		return fmt.Errorf("it has elements of %s: networks here take float, or codes of int8 or uint8", e.name)
	}
	if !v.HasShape || len(v.Dims) == 0 {
		return errors.New("it has no shape: export the model with one, such as [N, 3, 32, 32]")
	}
	if len(v.Dims) > maxRank {
		return fmt.Errorf("it has %d dimensions: more than %d are not supported", len(v.Dims), maxRank)
	}
	shape := tensor.Shape{graph.Batch}
	for i, d := range v.Dims {
		if i == 0 {
			if d.Value > 0 && im.batch > 0 && d.Value != im.batch {
				return fmt.Errorf("its first dimension, the batch, is %d, and that of another input %d: they must be "+
					"equal", d.Value, im.batch)
			}
			im.batch = max(im.batch, d.Value)
			continue
		}
		if d.Value < 1 || int64(int(d.Value)) != d.Value {
			return fmt.Errorf("dimension %d has no fixed length (%q): export the model with a number there; only the "+
				"batch may vary", i, d.Param)
		}
		shape = append(shape, int(d.Value))
	}
	im.g.AddInput(v.Name, shape)
	im.g.Values[v.Name].DType, im.g.Values[v.Name].Quant = e.store, e.params()
	im.facts[v.Name] = fact{batched: true, rank: len(shape)}
	return nil
}

func (im *importer) outputs(infos []onnxpb.ValueInfo) error {
	for i := range infos {
		name := infos[i].Name
		if im.g.Values[name] == nil {
			if _, ok := im.arrays[name]; ok {
				return fmt.Errorf("output %q is a shape: only tensors that the network computes can be outputs", name)
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
