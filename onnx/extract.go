package onnx

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/read"
	"linquant/tensor"
)

// Extract writes the part of the model at path that c has, Inputs to Outputs, as ONNX: the nodes, initializers and metadata of the file as
// they stand there, whether this package can read the network or not. Elements that are in files of external data are written into the
// model. Constants become initializers, and Shapes change what is said of inputs. Types and shapes of new inputs and outputs are those of
// the file, or follow from the network as far as it can be read; unknown are the outputs of which neither is known, and whose declaration
// so has none, which some tools refuse.
//
// Errors: those of Open about files and about what c names; an input whose shape is not known; a part of 2 GiB.
func (c ImportConfig) Extract(ctx context.Context, path string, w io.Writer) (unknown []string, err error) {
	content, err := mmap.Open(ctx, path)
	if err != nil {
		return nil, err // names the path
	}
	defer content.Close()
	if unknown, err = c.extract(ctx, content.Bytes, path, w); err != nil && ended.Err(ctx) == nil {
		err = fileError(path, err)
	}
	return unknown, err
}

func (c ImportConfig) extract(ctx context.Context, data []byte, path string, w io.Writer) (unknown []string, err error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, read.Refuse(data, err)
	}
	external := func() *elements.External { return elements.NewExternal(ctx, path) }
	if c.declared, err = c.declare(ctx, data, external); err != nil {
		return nil, err
	}
	whole := *m.Graph
	part, err := file.PartOf(&whole, c.Inputs, c.Outputs)
	if err != nil {
		return nil, err
	}
	part.Apply(m.Graph, func(name string) onnxpb.ValueInfo { return c.declared[name] })
	e := &extraction{ImportConfig: c, whole: &whole, part: m.Graph, declared: map[string]bool{}}
	cut := &onnxpb.Cut{
		Node: func(i int) bool { return part.Nodes[i] }, Renamed: part.Renamed, Declared: func(name string) bool { return e.declared[name] },
	}
	if err := e.inputs(ctx, cut, data, external); err != nil {
		return nil, err
	}
	if unknown, err = e.outputs(ctx, cut, data, external); err != nil {
		return nil, err
	}
	ext := external()
	defer ext.Close()
	if err := e.initializers(cut, ext, int64(len(data))); err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for i := range m.Graph.Nodes {
		for _, out := range m.Graph.Nodes[i].Outputs {
			made[out] = len(c.Shapes) == 0 // else what the file says of them need not be so
		}
	}
	for i := range m.Graph.Initializers {
		made[m.Graph.Initializers[i].Name] = true
	}
	cut.Value = func(name string) bool { return made[name] }
	return unknown, cut.Write(w, data)
}

// extraction is on its way to be written.
type extraction struct {
	ImportConfig
	whole, part *onnxpb.Graph
	declared    map[string]bool // inputs and outputs whose declarations are the file's
}

// known returns what the file declares of the value, if it has a type there.
func (e *extraction) known(name string) (v onnxpb.ValueInfo, ok bool) {
	for _, list := range [][]onnxpb.ValueInfo{e.whole.Inputs, e.whole.Outputs, e.whole.Values} {
		for i := range list {
			if list[i].Name == name && (list[i].Type != 0 || list[i].NoTensor) {
				return list[i], true
			}
		}
	}
	return v, false
}

// isKnown reports whether the file declares the value, with a type.
func (e *extraction) isKnown(name string) bool {
	_, ok := e.known(name)
	return ok
}

// inputs declares the inputs, without those that are constants.
func (e *extraction) inputs(ctx context.Context, cut *onnxpb.Cut, data []byte, external func() *elements.External) error {
	known := map[string]bool{}
	for i := range e.whole.Inputs {
		known[e.whole.Inputs[i].Name] = true
	}
	for _, name := range e.Inputs {
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(e.Shapes)) {
		if !known[name] {
			return fmt.Errorf("a shape is given for %q, and the network has no input of that name", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Constants)) {
		if !known[name] {
			return fmt.Errorf("a constant is given for %q, and the network has no input of that name", name)
		}
	}
	for _, v := range e.part.Inputs {
		if _, bound := e.Constants[v.Name]; bound {
			continue
		}
		s, given := e.Shapes[v.Name]
		switch {
		case given:
			if v.HasShape && len(v.Dims) != len(s) {
				return fmt.Errorf("input %q: a shape of %d dimensions is given for it, and it has %d", v.Name, len(s), len(v.Dims))
			}
			v = shaped(v, s)
		case e.isKnown(v.Name):
			e.declared[v.Name] = true
		case !v.HasShape:
			before := ImportConfig{Shapes: e.Shapes, Constants: e.Constants}
			if is, ok := before.probe(ctx, data, external, e.whole, []string{v.Name})[v.Name]; ok {
				v = is
				break
			}
			return fmt.Errorf("input %q: %w", v.Name, &OpenShapeError{Input: v.Name, Dimension: -1})
		}
		cut.Inputs = append(cut.Inputs, v)
	}
	return nil
}

// shaped returns a declaration with other dimensions; the batch keeps what the file has for it.
func shaped(v onnxpb.ValueInfo, s tensor.Shape) onnxpb.ValueInfo {
	first := onnxpb.Dim{Value: -1, Param: "N"}
	if len(v.Dims) > 0 {
		first = v.Dims[0]
	}
	v.HasShape, v.Dims = true, nil
	for i, d := range s {
		dim := onnxpb.Dim{Value: int64(d)}
		if d == graph.Batch && i == 0 {
			dim = first
		}
		v.Dims = append(v.Dims, dim)
	}
	return v
}

// outputs declares the outputs, and returns those of which nothing is known.
func (e *extraction) outputs(ctx context.Context, cut *onnxpb.Cut, data []byte, external func() *elements.External) (unknown []string, err error) {
	var open []string
	for _, v := range e.part.Outputs {
		if e.isKnown(v.Name) && len(e.Shapes) == 0 {
			e.declared[v.Name] = true
		} else {
			open = append(open, v.Name)
		}
	}
	var inferred map[string]onnxpb.ValueInfo
	sure := true
	if len(open) > 0 {
		inferred, sure, err = e.inferAny(ctx, data, external, e.whole, open)
		if err != nil && ended.Err(ctx) != nil {
			return nil, err
		}
	}
	if len(open) > 0 && inferred == nil {
		inferred, sure = e.probe(ctx, data, external, e.whole, open), true
	}
	for _, v := range e.part.Outputs {
		is, ok := inferred[v.Name]
		said, known := e.known(v.Name)
		switch {
		case ok && sure:
			v = is
		case ok: // the numbers are not the file's
			v = opened(is)
		case e.declared[v.Name]:
		case known && said.NoTensor:
			e.declared[v.Name] = true
		case known: // numbers of other shapes than those given
			v = opened(said)
		default:
			unknown = append(unknown, v.Name)
			v = onnxpb.ValueInfo{Name: v.Name}
		}
		cut.Outputs = append(cut.Outputs, v)
	}
	return unknown, nil
}

// opened returns a declaration of as many dimensions, without numbers.
func opened(v onnxpb.ValueInfo) onnxpb.ValueInfo {
	v.Dims = slices.Clone(v.Dims)
	for i := range v.Dims {
		v.Dims[i] = onnxpb.Dim{Value: -1}
	}
	return v
}

// probe returns what is known of values whatever numbers stand for dimensions that the file leaves open: what comes of two of them.
func (c ImportConfig) probe(ctx context.Context, data []byte, external func() *elements.External, g *onnxpb.Graph, names []string) map[string]onnxpb.ValueInfo {
	given := c.Shapes
	with := func(size int) map[string]onnxpb.ValueInfo {
		c.Shapes = map[string]tensor.Shape{}
		for i := range g.Inputs {
			v := &g.Inputs[i]
			if s, ok := given[v.Name]; ok {
				c.Shapes[v.Name] = s
				continue
			}
			if !v.HasShape || len(v.Dims) == 0 || closed(*v) {
				continue
			}
			s := tensor.Shape{graph.Batch}
			for _, d := range v.Dims[1:] {
				if d.Value < 1 {
					d.Value = int64(size)
				}
				s = append(s, int(d.Value))
			}
			c.Shapes[v.Name] = s
		}
		inferred, _, err := c.inferAny(ctx, data, external, g, names)
		if err != nil {
			return nil
		}
		return inferred
	}
	for _, size := range []int{64, 320, 512, 21} { // what networks take
		one := with(size)
		if one == nil {
			continue
		}
		two := with(2 * size)
		for name, v := range one {
			other, ok := two[name]
			if !ok || other.Type != v.Type || len(other.Dims) != len(v.Dims) {
				delete(one, name)
				continue
			}
			for i := range v.Dims {
				if v.Dims[i] != other.Dims[i] {
					v.Dims[i] = onnxpb.Dim{Value: -1}
				}
			}
		}
		return one
	}
	return nil
}

// initializers keeps those that the part has, with the elements that are in other files, and adds the constants.
func (e *extraction) initializers(cut *onnxpb.Cut, ext *elements.External, size int64) error {
	kept := map[string]bool{}
	left := elements.NewBudget(size)
	for i := range e.part.Initializers {
		t := e.part.Initializers[i]
		if kept[t.Name] = !t.Outside; kept[t.Name] {
			continue
		}
		raw, err := ext.Elements(&t, &left)
		if err != nil {
			return fmt.Errorf("initializer %q: %w", t.Name, err)
		}
		cut.Tensors = append(cut.Tensors, onnxpb.Tensor{Name: t.Name, Dims: t.Dims, Type: t.Type, Raw: raw})
	}
	cut.Tensor = func(name string) bool { return kept[name] }
	for _, v := range e.part.Inputs {
		c, ok := e.Constants[v.Name]
		if !ok {
			continue
		}
		t := onnxpb.Tensor{Name: v.Name, Type: v.Type, Raw: c.Data}
		if elements.Types[v.Type].File != c.DType {
			return fmt.Errorf("input %q: the constant for it has elements of %v, and the file says %s", v.Name, c.DType, elements.Name(v.Type))
		}
		for _, d := range c.Shape {
			t.Dims = append(t.Dims, int64(d))
		}
		cut.Tensors = append(cut.Tensors, t)
	}
	return nil
}
