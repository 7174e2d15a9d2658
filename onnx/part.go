package onnx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/near"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/read"
	"linquant/tensor"
)

// CutError is the error of a network that is refused for nodes of it, and that can be read without them and what depends on them.
type CutError struct {
	Outputs []string // the last values before these nodes, for ImportConfig.Outputs
	Err     error    // why it is refused
}

// Error is one line.
func (e *CutError) Error() string {
	return fmt.Sprintf("%v; what comes before, up to %s, can be read alone", e.Err, near.List(e.Outputs))
}

// Unwrap returns Err.
func (e *CutError) Unwrap() error { return e.Err }

// UnknownValueError is the error of a value of ImportConfig.Outputs or Inputs that the file does not have, or that cannot be one.
type UnknownValueError = fault.Unknown

// cutBefore returns the error of a model that was refused, with the values up to which it can be read if that is so.
func (c ImportConfig) cutBefore(ctx context.Context, data []byte, external func() *elements.External, refused error) error {
	const most, tries = 32, 4     // values to name, and readings
	c.Assumed, c.Noted = nil, nil // it is on trial
	bad, err := map[string]bool{}, refused
	for range tries {
		values := c.refusedValues(err)
		if len(values) == 0 {
			return refused
		}
		for _, name := range values {
			bad[name] = true
		}
		m, e := onnxpb.Read(data)
		if e != nil || m.Graph == nil {
			return refused
		}
		part := c
		if part.Outputs = c.before(m.Graph, bad); len(part.Outputs) == 0 || len(part.Outputs) > most {
			return refused
		}
		var ext *elements.External
		if _, ext, err = part.importPart(ctx, data, external); ext != nil {
			_ = ext.Close()
		}
		switch {
		case err == nil:
			return &CutError{part.Outputs, refused}
		case ended.Err(ctx) != nil:
			return err
		}
	}
	return refused
}

// before returns the values up to which a network can be computed without others.
func (c ImportConfig) before(g *onnxpb.Graph, bad map[string]bool) []string {
	if c.Outputs != nil {
		g.Outputs = nil
		for _, name := range c.Outputs {
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: name})
		}
	}
	return file.Before(g, c.Inputs, bad)
}

// refusedValues returns what the nodes make for which a model is refused; none where it is damaged, or something else is wrong
// with it than a node.
func (c ImportConfig) refusedValues(err error) []string {
	var unsupported *fault.Unsupported
	var at *fault.At
	switch {
	case errors.Is(err, ErrDamaged), errors.As(err, new(*OpenShapeError)):
	case errors.As(err, &unsupported) && len(unsupported.Values) > 0 && !errors.As(err, &at):
		return unsupported.Values
	case errors.As(err, &at) && at.Value != "":
		return []string{at.Value}
	}
	return nil
}

// declare returns what is known of the values that become inputs.
func (c ImportConfig) declare(ctx context.Context, data []byte, external func() *elements.External) (map[string]onnxpb.ValueInfo, error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, read.Refuse(data, err)
	}
	if _, err := file.PartOf(m.Graph, c.Inputs, c.Outputs); err != nil {
		return nil, err
	}
	known := map[string]onnxpb.ValueInfo{}
	for _, list := range [][]onnxpb.ValueInfo{m.Graph.Values, m.Graph.Outputs, m.Graph.Inputs} {
		for i := range list {
			known[list[i].Name] = list[i]
		}
	}
	declared, open := map[string]onnxpb.ValueInfo{}, []string{}
	for _, name := range c.Inputs {
		v := known[name]
		v.Name = name
		declared[name] = v
		if c.Shapes[name] == nil && !closed(v) || v.Type == 0 {
			open = append(open, name)
		}
	}
	if len(open) == 0 {
		return declared, nil
	}
	computed := slices.DeleteFunc(slices.Clone(open), func(name string) bool {
		return slices.ContainsFunc(m.Graph.Inputs, func(v onnxpb.ValueInfo) bool { return v.Name == name })
	})
	before := ImportConfig{Fixed: c.Fixed, Constants: map[string]tensor.Tensor{}, Shapes: map[string]tensor.Shape{}}
	for _, v := range m.Graph.Inputs {
		if s, ok := c.Shapes[v.Name]; ok {
			before.Shapes[v.Name] = s
		}
		if t, ok := c.Constants[v.Name]; ok {
			before.Constants[v.Name] = t
		}
	}
	inferred, _, err := before.inferAny(ctx, data, external, m.Graph, computed)
	if err != nil && ended.Err(ctx) != nil {
		return nil, err
	}
	for name, v := range inferred {
		if old := declared[name]; old.Type != 0 {
			v.Type = old.Type
		}
		declared[name] = v
	}
	for _, name := range open { // of which nothing else is known
		if v := declared[name]; v.Type == 0 {
			v.Type = onnxpb.Float
			declared[name] = v
		}
	}
	return declared, nil
}

// closed reports whether a file says all that an input needs.
func closed(v onnxpb.ValueInfo) bool {
	return v.HasShape && !slices.ContainsFunc(v.Dims[min(1, len(v.Dims)):], func(d onnxpb.Dim) bool { return d.Value < 1 })
}

// infer returns the types and shapes of values that the network computes, as far as it can be read up to them.
func (c ImportConfig) infer(ctx context.Context, data []byte, external func() *elements.External, names []string) (map[string]onnxpb.ValueInfo, error) {
	if len(names) == 0 {
		return nil, nil
	}
	c.Outputs, c.Noted = names, nil
	g, ext, err := c.importPart(ctx, data, external)
	if ext != nil {
		defer ext.Close()
	}
	if err != nil {
		return nil, err
	}
	inferred := map[string]onnxpb.ValueInfo{}
	for _, name := range names {
		v := g.Value(name)
		if v == nil || v.Shape == nil {
			continue
		}
		inferred[name] = infoOf(name, v)
	}
	return inferred, nil
}

// inferAny is infer for whatever number of examples there are: a dimension that follows from a first dimension which is assumed has no
// number. It is not sure of the numbers where the network can be read with what is assumed alone. g is the file's network.
func (c ImportConfig) inferAny(
	ctx context.Context, data []byte, external func() *elements.External, g *onnxpb.Graph, names []string,
) (inferred map[string]onnxpb.ValueInfo, sure bool, err error) {
	var assumed []Assumption
	c.Assumed = func(a Assumption) { assumed = append(assumed, a) }
	inferred, err = c.infer(ctx, data, external, names)
	if err != nil {
		return nil, false, err
	}
	if len(assumed) == 0 {
		for name, v := range inferred {
			inferred[name] = withBatch(g, v)
		}
		return inferred, true, nil
	}
	const examples = 2 // in place of 1
	c.Assumed, c.Shapes = nil, maps.Clone(c.Shapes)
	if c.Shapes == nil {
		c.Shapes = map[string]tensor.Shape{}
	}
	symbol := assumed[0].Symbol
	for _, a := range assumed {
		c.Shapes[a.Input] = append(tensor.Shape{examples}, c.shapeOf(g, a.Input)[1:]...)
		if a.Symbol != symbol {
			symbol = ""
		}
	}
	other, err := c.infer(ctx, data, external, names)
	if err != nil {
		return inferred, false, ended.Err(ctx)
	}
	for name, v := range inferred {
		two := other[name]
		if two.Type != v.Type || len(two.Dims) != len(v.Dims) {
			delete(inferred, name)
			continue
		}
		for i := range v.Dims {
			switch one := v.Dims[i].Value; {
			case one == 1 && two.Dims[i].Value == examples:
				v.Dims[i] = onnxpb.Dim{Value: -1, Param: symbol}
			case one != two.Dims[i].Value:
				v.Dims[i] = onnxpb.Dim{Value: -1}
			}
		}
	}
	return inferred, true, nil
}

// shapeOf is the shape that an input is read with, whose first dimension has no number.
func (c ImportConfig) shapeOf(g *onnxpb.Graph, name string) tensor.Shape {
	if s := c.Shapes[name]; len(s) > 0 {
		return s
	}
	v, ok := c.declared[name]
	if i := slices.IndexFunc(g.Inputs, func(v onnxpb.ValueInfo) bool { return v.Name == name }); i >= 0 && !ok {
		v = g.Inputs[i]
	}
	s := tensor.Shape{graph.Batch}
	for _, d := range v.Dims[min(1, len(v.Dims)):] {
		s = append(s, int(d.Value))
	}
	return s
}

// withBatch gives a declaration that was inferred, whose batch has no number, what the file's inputs have for it.
func withBatch(g *onnxpb.Graph, v onnxpb.ValueInfo) onnxpb.ValueInfo {
	if len(v.Dims) == 0 || v.Dims[0].Value >= 0 {
		return v
	}
	v.Dims = slices.Clone(v.Dims)
	v.Dims[0] = onnxpb.Dim{Value: -1, Param: "N"}
	for i := range g.Inputs {
		if in := &g.Inputs[i]; len(in.Dims) > 0 && (in.Dims[0].Value > 0 || in.Dims[0].Param != "") {
			v.Dims[0] = in.Dims[0]
			break
		}
	}
	return v
}

// infoOf is a value as a file declares it; a batch has no number.
func infoOf(name string, v *graph.Value) onnxpb.ValueInfo {
	info := onnxpb.ValueInfo{Name: name, HasShape: true}
	for t, e := range elements.Types {
		if e.File == v.DType && e.Bits >= 8 {
			info.Type = t
		}
	}
	for _, d := range v.Shape {
		dim := onnxpb.Dim{Value: int64(d)}
		if d == graph.Batch {
			dim = onnxpb.Dim{Value: -1}
		}
		info.Dims = append(info.Dims, dim)
	}
	return info
}
