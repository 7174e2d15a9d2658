package onnx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/onnx/internal/vary"
	"linquant/tensor"
)

// Varying is what a file says of the dimensions of its inputs for which it has no number, so that what is made of its network can be
// written with these dimensions open (ExportConfig.Varying). It refers to the file's content.
type Varying struct {
	ctx    context.Context // of the call that read it, without its end
	trace  *build.Trace
	bound  map[string]onnxpb.Tensor
	float  *graph.Graph            // as it was given
	differ map[string]bool         // outputs of its nodes that have other attributes for other shapes
	consts map[string]bool         // constants of it that are others for other shapes
	shapes map[string]tensor.Shape // of its inputs
	others map[string]tensor.Shape // of its inputs and outputs, for other shapes
}

// Computed returns the outputs of nodes of the network that have constants for operands which the file computes from shapes, such as a table of
// positions from which as many rows are taken as there are steps, with a reason for ptq.Config.Float: these are others for other shapes,
// and so would be their ranges.
func (v *Varying) Computed() map[string]string {
	floats := map[string]string{}
	if v == nil {
		return floats
	}
	computed := vary.Computed(vary.Config{Trace: v.trace, Bound: v.bound, Float: v.float, Other: v.consts})
	for _, n := range v.float.Nodes {
		for _, in := range n.Inputs {
			if computed[in] {
				floats[n.Outputs[0]] = fmt.Sprintf("its operand %q is another constant for inputs of other shapes", in)
			}
		}
	}
	return floats
}

// BoundError is why what is made of a network has the shapes that it was read with, though its file leaves dimensions open.
type BoundError = vary.BoundError

// Varying reads the file at path again, for other shapes than those that float, its network as graph.Fold made it, has, and compares. It is nil
// where the file leaves no dimension open but the batch of a network that has one. Errors: *BoundError where the network is another one
// for other shapes, or none; those of reading the file; ctx's.
func (c ImportConfig) Varying(ctx context.Context, path string, float *graph.Graph) (*Varying, error) {
	m, err := mmap.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer m.Close() // what refers to its content goes on doing so
	return c.varying(ctx, m.Bytes, func() *elements.External { return elements.NewExternal(ctx, path) }, float)
}

// VaryingOf is Varying for a model in memory.
func (c ImportConfig) VaryingOf(ctx context.Context, data []byte, float *graph.Graph) (*Varying, error) {
	return c.varying(ctx, data, func() *elements.External { return nil }, float)
}

func (c ImportConfig) varying(ctx context.Context, data []byte, external func() *elements.External, float *graph.Graph) (*Varying, error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, fmt.Errorf("the model is not what it was: %w", err)
	}
	open := c.open(m.Graph, float)
	if len(open) == 0 {
		return nil, nil
	}
	if len(c.Inputs) > 0 {
		return nil, &BoundError{Reason: "it is a part of the file that begins at values between nodes"}
	}
	v := &Varying{ctx: context.WithoutCancel(ctx), float: float, differ: map[string]bool{}, consts: map[string]bool{}, bound: map[string]onnxpb.Tensor{}, shapes: map[string]tensor.Shape{}}
	for _, name := range float.Inputs {
		v.shapes[name] = float.Value(name).Shape
	}
	for name, t := range c.Constants {
		if v.bound[name], err = boundTensor(name, t); err != nil {
			return nil, &BoundError{Reason: err.Error()}
		}
	}
	c.Assumed, c.Noted = nil, nil
	var refused error
	tried := 0
	for _, other := range others {
		if tried == 2 {
			break
		}
		g, trace, err := c.at(ctx, data, external, float, open, other)
		if e := ended.Err(ctx); e != nil {
			return nil, e
		}
		if err == nil {
			err = v.compare(g)
		}
		var bound *BoundError
		if errors.As(err, &bound) {
			return nil, err
		}
		if err != nil {
			if refused == nil {
				refused = err
			}
			continue
		}
		tried++
		v.trace, v.others = trace, map[string]tensor.Shape{}
		for _, name := range slices.Concat(g.Inputs, g.Outputs) {
			v.others[name] = g.Value(name).Shape
		}
	}
	if tried == 0 {
		return nil, &BoundError{Reason: fmt.Sprintf("it was read with other numbers, and is refused: %v", refused)}
	}
	return v, nil
}

// openDim is a dimension of an input for which the file has no number.
type openDim struct {
	input string
	at    int
	key   int // the same for those that the file calls by one name
}

// open lists the open dimensions: not the batch of a network that has one.
func (c ImportConfig) open(file *onnxpb.Graph, float *graph.Graph) []openDim {
	var list []openDim
	keys := map[string]int{}
	for i := range file.Inputs {
		v := &file.Inputs[i]
		in := float.Value(v.Name)
		if in == nil || in.Const != nil || !slices.Contains(float.Inputs, v.Name) {
			continue
		}
		for d := range in.Shape {
			if in.Shape[d] == graph.Batch || v.HasShape && d < len(v.Dims) && v.Dims[d].Value > 0 {
				continue
			}
			name := fmt.Sprintf("%d %s", d, v.Name)
			if v.HasShape && d < len(v.Dims) && v.Dims[d].Param != "" {
				name = "=" + v.Dims[d].Param
			}
			if _, ok := keys[name]; !ok {
				keys[name] = len(keys)
			}
			list = append(list, openDim{v.Name, d, keys[name]})
		}
	}
	return list
}

// others are numbers for open dimensions beside those that they have, for each of them another one, or for all that have one number
// another. Sizes of pictures may have to be multiples of something; what is small may be how many there are, and stays small.
var others = []func(now, key int) int{
	func(now, key int) int { return now + 3 + 2*key },
	func(now, key int) int { return now - min(now/4, 16) + ifSmall(now)*(2+key) - key },
	func(now, key int) int { return now + 32*(key+1) - ifSmall(now)*(31+30*key) },
	func(now, key int) int { return now + 64*(key+2) - ifSmall(now)*(63*(key+2)) },
	func(now, _ int) int { return now + 3 },
	func(now, _ int) int { return now + 32 - ifSmall(now)*30 },
	func(now, _ int) int { return 2*now + 1 },
	func(now, _ int) int { return 2 * now },
	func(now, _ int) int { return 3 * now },
}

// ifSmall is 1 for a number that may be how many there are, and 0 for others.
func ifSmall(now int) int {
	if now < 8 {
		return 1
	}
	return 0
}

// at reads the network for other shapes.
func (c ImportConfig) at(ctx context.Context, data []byte, external func() *elements.External, float *graph.Graph, open []openDim,
	other func(now, key int) int,
) (*graph.Graph, *build.Trace, error) {
	shapes := maps.Clone(c.Shapes)
	if shapes == nil {
		shapes = map[string]tensor.Shape{}
	}
	for _, name := range float.Inputs {
		shapes[name] = slices.Clone(float.Value(name).Shape)
	}
	for _, d := range open {
		shapes[d.input][d.at] = other(shapes[d.input][d.at], d.key)
	}
	trace := &build.Trace{}
	ext := external()
	defer func() { _ = ext.Close() }()
	g, err := importAs(ctx, build.Config{
		Fixed: float.Whole(), Shapes: shapes, Constants: c.Constants, Outputs: c.Outputs, Trace: trace,
		Assume: func(string, string) {}, Declare: func(string) onnxpb.ValueInfo { return onnxpb.ValueInfo{} }, Note: func(string, string, string) {},
	}, data, ext)
	if err != nil {
		return nil, nil, err
	}
	if !g.Quantized() {
		g, err = graph.Fold(ctx, g)
	}
	return g, trace, err
}

// compare notes which nodes are others in a network for other shapes.
func (v *Varying) compare(g *graph.Graph) error {
	if len(g.Nodes) != len(v.float.Nodes) {
		return &BoundError{Reason: fmt.Sprintf("it is %d nodes for these shapes, and %d for others", len(v.float.Nodes), len(g.Nodes))}
	}
	for i, n := range v.float.Nodes {
		m := g.Nodes[i]
		if n.Op != m.Op || !slices.Equal(n.Inputs, m.Inputs) || !slices.Equal(n.Outputs, m.Outputs) {
			return &BoundError{Reason: fmt.Sprintf("it is other nodes for other shapes: %v and %v", n, m)}
		}
		if len(n.Attrs)+len(m.Attrs) > 0 && !reflect.DeepEqual(n.Attrs, m.Attrs) {
			v.differ[n.Outputs[0]] = true
		}
		for _, in := range n.Inputs {
			a, b := v.float.Value(in), g.Value(in)
			if a == nil || b == nil || a.Const == nil && b.Const == nil {
				continue
			}
			if a.Const == nil || b.Const == nil || !a.Const.Shape.Equal(b.Const.Shape) || !bytes.Equal(a.Const.Data, b.Const.Data) {
				v.consts[in] = true
			}
		}
	}
	return nil
}

// apply gives a model that was written of a network the dimensions that the file has.
func (v *Varying) apply(m *onnxpb.Model, g *graph.Graph, r *raw.Graph, opset int) error {
	c := vary.Config{Trace: v.trace, Bound: v.bound, Float: v.float, Differ: v.differ, Other: v.consts, Made: g, Raw: r, Opset: int64(opset)}
	if err := vary.Apply(c, m.Graph); err != nil {
		return err
	}
	declared := map[string]onnxpb.ValueInfo{}
	for _, i := range slices.Concat(v.trace.Inputs, v.trace.Outputs) {
		declared[i.Name] = i
	}
	for i := range m.Graph.Inputs {
		v.dims(&m.Graph.Inputs[i], declared[m.Graph.Inputs[i].Name], true)
	}
	for i := range m.Graph.Outputs {
		v.dims(&m.Graph.Outputs[i], declared[m.Graph.Outputs[i].Name], false)
	}
	return nil
}

// dims opens the dimensions of a value, but those for which the file has the number that the network has; of an input those for which it has
// any.
func (v *Varying) dims(info *onnxpb.ValueInfo, file onnxpb.ValueInfo, input bool) {
	a := v.float.Value(info.Name)
	if a == nil || len(a.Shape) != len(info.Dims) {
		return
	}
	declared := file.HasShape && len(file.Dims) == len(info.Dims)
	for d := range info.Dims {
		switch {
		case declared && file.Dims[d].Value < 1 && file.Dims[d].Param != "":
			info.Dims[d] = onnxpb.Dim{Value: -1, Param: file.Dims[d].Param}
		case a.Shape[d] == graph.Batch, input && declared && file.Dims[d].Value > 0:
		case !declared || file.Dims[d].Value != int64(a.Shape[d]):
			info.Dims[d] = onnxpb.Dim{Value: -1}
		}
	}
}

// check reads a model back, for the shapes that the network has and for others, and compares it with the one that has fixed shapes.
func (v *Varying) check(m, fixed *onnxpb.Model) error {
	ctx := v.ctx
	if m.Size() >= onnxpb.MaxSize {
		return nil
	}
	var plan [3]map[string]int
	for i, c := range []struct {
		m      *onnxpb.Model
		shapes map[string]tensor.Shape
	}{{fixed, v.shapes}, {m, v.shapes}, {m, v.inputs()}} {
		var b bytes.Buffer
		if err := c.m.Write(&b); err != nil {
			return err
		}
		cfg := ImportConfig{Shapes: c.shapes, Fixed: v.float.Whole()}
		g, err := cfg.Import(ctx, b.Bytes(), "model")
		if err == nil {
			g, err = graph.Resolve(ctx, g, false)
		}
		var of *FileError
		if errors.As(err, &of) {
			err = of.Err
		}
		if err != nil {
			if e := ended.Err(ctx); e != nil {
				return e
			}
			return &BoundError{Reason: fmt.Sprintf("it does not read back with them open: %v", err)}
		}
		plan[i] = planOf(g)
		if i < 2 {
			continue
		}
		for _, out := range v.float.Outputs {
			if x := g.Value(out); x == nil || !x.Shape.Equal(v.others[out]) {
				return &BoundError{Reason: fmt.Sprintf("output %q has another shape with them open", out)}
			}
		}
	}
	for i := range plan[1:] {
		for what, n := range plan[0] {
			if plan[i+1][what] != n {
				return &BoundError{Reason: fmt.Sprintf("with them open it has %d times %s, and %d times without", plan[i+1][what], what, n)}
			}
		}
	}
	return nil
}

// planOf counts the nodes that a network runs, by what they are.
func planOf(g *graph.Graph) map[string]int {
	counts := map[string]int{}
	for _, n := range g.Nodes {
		what := string(n.Op)
		switch {
		case graph.IsDynamic(n):
			what = "dynamic " + what
		case g.Value(n.Outputs[0]).Quant != nil:
			what += " of codes"
		}
		counts[what]++
	}
	return counts
}

// inputs are the other shapes of the inputs.
func (v *Varying) inputs() map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for _, name := range v.float.Inputs {
		shapes[name] = v.others[name]
	}
	return shapes
}

// boundTensor is a constant that an input was bound to, as a file has it.
func boundTensor(name string, t tensor.Tensor) (onnxpb.Tensor, error) {
	types := map[tensor.DType]onnxpb.DataType{
		tensor.Float32: onnxpb.Float, tensor.Int64: onnxpb.Int64, tensor.Int32: onnxpb.Int32, tensor.Bool: onnxpb.Bool, tensor.Uint8: onnxpb.Uint8,
		tensor.Int8: onnxpb.Int8,
	}
	typ, ok := types[t.DType]
	if !ok {
		return onnxpb.Tensor{}, fmt.Errorf("the constant %q is of %v", name, t.DType)
	}
	return onnxpb.Tensor{Name: name, Dims: elements.Int64s(t.Shape), Type: typ, Raw: t.Data}, nil
}

// opset returns the file's.
func (v *Varying) opset() int { return int(v.trace.Opsets[""]) }
