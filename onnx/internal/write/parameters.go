package write

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// parameters brings a node's attributes to the form that the opset of the file has for them: the inverse of package
// convert. It takes from attrs those that become inputs, as the rows of graph.Operators say.
func (e *writer) parameters(n *raw.Node, pb *onnxpb.Node, attrs graph.Attrs) error {
	row, ok := graph.Lookup(n.Op)
	if !ok || row.Class == graph.ClassBoundary { // an operator that only files have, or a form that only they have
		return nil
	}
	written := *n
	written.Attrs = attrs
	p := parameters{e, &written, pb, attrs}
	prepare := preparations[n.Op]
	if row.Class == graph.ClassReduction {
		prepare = parameters.reduce
	}
	if prepare != nil {
		if err := prepare(p); err != nil {
			return err
		}
	}
	return p.inputs(row)
}

// preparations bring the attributes of an operator to what files have, where that is not just what a graph has.
var preparations = map[graph.Op]func(parameters) error{
	graph.AveragePool: parameters.pool,
	graph.Clip:        parameters.clip,
	graph.Concat:      parameters.axis,
	graph.Expand:      parameters.expand,
	graph.Flatten:     parameters.axis,
	graph.GRU:         parameters.recurrent,
	graph.Gather:      parameters.gather,
	graph.Gemm:        parameters.gemm,
	graph.GridSample:  parameters.gridSample,
	graph.Hardmax:     parameters.axis,
	graph.LSTM:        parameters.recurrent,
	graph.LogSoftmax:  parameters.axis,
	graph.Max:         parameters.extreme,
	graph.MaxPool:     parameters.pool,
	graph.Min:         parameters.extreme,
	graph.RNN:         parameters.recurrent,
	graph.Reshape:     parameters.reshape,
	graph.Resize:      parameters.resize,
	graph.Slice:       parameters.slice,
	graph.Softmax:     parameters.axis,
	graph.Squeeze:     parameters.axes,
	graph.Unsqueeze:   parameters.axes,
	graph.Where:       parameters.where,
}

// inputs makes inputs of the attributes that are inputs in the opset, and leaves out those that it does not have yet.
func (p parameters) inputs(row *graph.Operator) error {
	for i := range row.Attrs {
		a := &row.Attrs[i]
		v := p.attrs[a.Name]
		switch {
		case v == nil || !a.InGraph():
		case p.cfg.Opset < a.Since:
			if v != a.Default {
				return p.tooOld(fmt.Sprintf("%v with %s", p.n.Op, a.Name), a.Since)
			}
			delete(p.attrs, a.Name)
		case a.Input != 0 && p.cfg.Opset >= a.InputSince:
			if missing := a.Input - len(p.pb.Inputs); missing > 0 {
				p.pb.Inputs = append(p.pb.Inputs, make([]string, missing)...)
			}
			write := p.ints
			switch a.Kind {
			case graph.KindFloat:
				write = p.scalar
			case graph.KindInt:
				write = p.integer
			}
			if err := write(a.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

type parameters struct {
	*writer
	n     *raw.Node // with attrs
	pb    *onnxpb.Node
	attrs graph.Attrs
}

func (p parameters) tooOld(what string, opset int) error {
	return operators.OpsetError{Text: fmt.Sprintf("opset %d has no %s: use %d or more", p.cfg.Opset, what, opset), Needs: opset}
}

// ints makes an attribute the next input.
func (p parameters) ints(name string) error {
	values := elements.Int64s(p.n.Ints(name))
	delete(p.attrs, name)
	t, err := tensor.Of(tensor.Shape{len(values)}, values)
	in, err := p.parameter(p.n, name, t, err)
	p.pb.Inputs = append(p.pb.Inputs, in)
	return err
}

// integer makes an attribute the next input: a vector of one for TopK, a scalar for others.
func (p parameters) integer(name string) error {
	shape := tensor.Shape{}
	if p.n.Op == graph.TopK {
		shape = tensor.Shape{1}
	}
	t, err := tensor.Of(shape, []int64{int64(p.n.Int(name))})
	delete(p.attrs, name)
	in, err := p.parameter(p.n, name, t, err)
	p.pb.Inputs = append(p.pb.Inputs, in)
	return err
}

// scalar makes an attribute the next input, in the type of the first.
func (p parameters) scalar(name string) error {
	x := p.n.Float(name)
	delete(p.attrs, name)
	var t tensor.Tensor
	var err error
	switch d := p.g.Values[p.n.Inputs[0]].DType; d {
	case tensor.Int8:
		t, err = tensor.Of(tensor.Shape{}, []int8{int8(min(max(x, math.MinInt8), math.MaxInt8))})
	case tensor.Uint8:
		t, err = tensor.Of(tensor.Shape{}, []uint8{uint8(min(max(x, 0), math.MaxUint8))})
	default:
		t, err = tensor.Of(tensor.Shape{}, []float32{x})
	}
	in, err := p.parameter(p.n, name, t, err)
	p.pb.Inputs = append(p.pb.Inputs, in)
	return err
}

func (p parameters) clip() error {
	if d := p.g.Values[p.n.Inputs[0]].DType; d != tensor.Float32 && p.cfg.Opset < 12 {
		return p.tooOld("Clip of integers", 12)
	}
	return nil
}

// reshape: -1 in the first place is the batch, which ONNX can copy from the input where there is another -1.
func (p parameters) reshape() error {
	shape := slices.Clone(p.n.Ints("shape"))
	if len(shape) > 0 && shape[0] == graph.Batch && slices.Contains(shape[1:], -1) {
		shape[0] = 0
	}
	delete(p.attrs, "allowzero") // no dimension is 0, so that a 0 is always a copy
	p.attrs["shape"] = shape
	return nil
}

func (p parameters) slice() error {
	starts := p.n.Ints("starts")
	if p.attrs["axes"] == nil { // ONNX would know what is missing before steps, but not every reader does
		axes := make([]int, len(starts))
		for i := range axes {
			axes[i] = i
		}
		p.attrs["axes"] = axes
	}
	p.attrs["axes"] = elements.FromFront(p.n.Ints("axes"), p.rank())
	if p.cfg.Opset < 10 {
		for _, s := range p.n.Ints("steps") {
			if s != 1 {
				return p.tooOld("Slice with steps", 10)
			}
		}
		delete(p.attrs, "steps")
		return nil
	}
	if p.attrs["steps"] == nil {
		p.attrs["steps"] = slices.Repeat([]int{1}, len(starts))
	}
	return nil
}

func (p parameters) axes() error {
	axes := p.n.Ints("axes")
	if axes == nil {
		return nil
	}
	rank := p.rank()
	if p.n.Op == graph.Unsqueeze {
		rank += len(axes)
	}
	p.attrs["axes"] = elements.FromFront(axes, rank)
	return nil
}

// rank returns the number of dimensions of the first input.
func (p parameters) rank() int { return len(p.g.Values[p.n.Inputs[0]].Shape) }

// axis counts from the front, and is written where defaults changed between opsets.
func (p parameters) axis() error {
	rank := p.rank()
	axis := elements.FromFront([]int{p.n.Int("axis")}, rank)[0]
	if p.n.Op != graph.Concat && p.n.Op != graph.Flatten && p.cfg.Opset < 13 && axis != rank-1 {
		return p.tooOld(fmt.Sprintf("%v over a dimension that is not the last", p.n.Op), 13)
	}
	p.attrs["axis"] = axis
	return nil
}

// pool leaves out what is the default and not every opset knows.
func (p parameters) pool() error {
	if !slices.ContainsFunc(p.n.Ints("dilations"), func(d int) bool { return d != 1 }) {
		delete(p.attrs, "dilations")
	}
	if p.n.Int("ceil_mode") == 0 {
		delete(p.attrs, "ceil_mode")
	}
	return nil
}

// gridSample: its modes had other names before opset 20.
func (p parameters) gridSample() error {
	if mode := p.n.Str("mode"); p.cfg.Opset < 20 {
		p.attrs["mode"] = cmp.Or(map[string]string{"linear": "bilinear", "cubic": "bicubic"}[mode], mode)
	}
	return nil
}

// recurrent says the size of the state, which follows from R, but ONNX Runtime asks for it.
func (p parameters) recurrent() error {
	if r := p.g.Values[p.n.Inputs[2]]; p.n.Int("hidden_size") == 0 && r != nil && len(r.Shape) == 3 {
		p.attrs["hidden_size"] = r.Shape[2]
	}
	return nil
}

func (p parameters) gemm() error {
	if len(p.n.Inputs) < 3 && p.cfg.Opset < 11 {
		return p.tooOld("a Gemm without C", 11)
	}
	return nil
}
