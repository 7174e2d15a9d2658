package write

import (
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// parameters brings a node's attributes to the form that the opset of the file has for them: the inverse of the methods
// in package convert. It takes from attrs those that become inputs.
func (e *writer) parameters(n *raw.Node, pb *onnxpb.Node, attrs graph.Attrs) error {
	p := parameters{e, n, pb, attrs}
	switch n.Op {
	case graph.Clip:
		return p.clip()
	case graph.Pad:
		return p.pad()
	case graph.Reshape:
		return p.reshape()
	case graph.Where:
		return p.where()
	case graph.Gather, graph.Expand, graph.Tile:
		return p.pick()
	case graph.Slice:
		return p.slice()
	case graph.Squeeze, graph.Unsqueeze:
		return p.axes()
	case graph.Concat, graph.Softmax, graph.LogSoftmax, graph.Flatten:
		return p.axis()
	case graph.Resize:
		return p.resize()
	case graph.Max, graph.Min:
		return p.extreme()
	case graph.MaxPool, graph.AveragePool:
		return p.pool()
	case graph.Gemm:
		if len(n.Inputs) < 3 && e.cfg.Opset < 11 {
			return p.tooOld("a Gemm without C", 11)
		}
	}
	if _, ok := graph.Reduction(n.Op); ok {
		return p.reduce()
	}
	return nil
}

type parameters struct {
	*writer
	n     *raw.Node
	pb    *onnxpb.Node
	attrs graph.Attrs
}

func (p parameters) tooOld(what string, opset int) error {
	return fmt.Errorf("opset %d has no %s: use %d or more", p.cfg.Opset, what, opset)
}

// ints makes an attribute the next input.
func (p parameters) ints(name string) error {
	values := elements.Int64s(p.attrs.Ints(name))
	delete(p.attrs, name)
	t, err := tensor.Of(tensor.Shape{len(values)}, values)
	in, err := p.parameter(p.n, name, t, err)
	p.pb.Inputs = append(p.pb.Inputs, in)
	return err
}

// scalar makes an attribute the next input, in the type of the first; one that is missing is left out.
func (p parameters) scalar(name string) error {
	x, ok := p.attrs[name].(float32)
	if !ok {
		p.pb.Inputs = append(p.pb.Inputs, "")
		return nil
	}
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
	if p.cfg.Opset < 11 {
		return nil
	}
	if err := p.scalar("min"); err != nil {
		return err
	}
	if err := p.scalar("max"); err != nil {
		return err
	}
	p.pb.Inputs = raw.Trim(p.pb.Inputs)
	return nil
}

func (p parameters) pad() error {
	if p.cfg.Opset < 11 {
		return nil
	}
	if err := p.ints("pads"); err != nil {
		return err
	}
	if err := p.scalar("value"); err != nil {
		return err
	}
	p.pb.Inputs = raw.Trim(p.pb.Inputs)
	return nil
}

// reshape: -1 in the first place is the batch, which ONNX can copy from the input where there is another -1.
func (p parameters) reshape() error {
	shape := slices.Clone(p.attrs.Ints("shape"))
	if len(shape) > 0 && shape[0] == graph.Batch && slices.Contains(shape[1:], -1) {
		shape[0] = 0
	}
	delete(p.attrs, "allowzero") // no dimension is 0, so that a 0 is always a copy
	p.attrs["shape"] = shape
	return p.ints("shape")
}

func (p parameters) slice() error {
	starts := p.attrs.Ints("starts")
	if p.attrs["axes"] == nil { // ONNX would know what is missing before steps, but not every reader does
		axes := make([]int, len(starts))
		for i := range axes {
			axes[i] = i
		}
		p.attrs["axes"] = axes
	}
	p.attrs["axes"] = elements.FromFront(p.attrs.Ints("axes"), p.rank())
	if p.cfg.Opset < 10 {
		for _, s := range p.attrs.Ints("steps") {
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
	for _, name := range []string{"starts", "ends", "axes", "steps"} {
		if err := p.ints(name); err != nil {
			return err
		}
	}
	return nil
}

func (p parameters) axes() error {
	axes := p.attrs.Ints("axes")
	if axes == nil {
		return nil
	}
	rank := p.rank()
	if p.n.Op == graph.Unsqueeze {
		rank += len(axes)
	}
	p.attrs["axes"] = elements.FromFront(axes, rank)
	if p.cfg.Opset < 13 {
		return nil
	}
	return p.ints("axes")
}

// rank returns the number of dimensions of the first input.
func (p parameters) rank() int { return len(p.g.Values[p.n.Inputs[0]].Shape) }

// axis counts from the front, and is written where defaults changed between opsets.
func (p parameters) axis() error {
	rank, fallback := p.rank(), -1
	if p.n.Op == graph.Flatten {
		fallback = 1
	}
	axis := elements.FromFront([]int{p.attrs.Int("axis", fallback)}, rank)[0]
	if p.n.Op != graph.Concat && p.n.Op != graph.Flatten && p.cfg.Opset < 13 && axis != rank-1 {
		return p.tooOld(fmt.Sprintf("%v over a dimension that is not the last", p.n.Op), 13)
	}
	p.attrs["axis"] = axis
	return nil
}

// pool leaves out what an old opset does not know and is the default.
func (p parameters) pool() error {
	ceil, dilations := p.attrs.Int("ceil_mode", 0), p.attrs.Ints("dilations")
	dilated := slices.ContainsFunc(dilations, func(d int) bool { return d != 1 })
	since := 10
	if p.n.Op == graph.AveragePool {
		since = 19
	}
	switch {
	case dilated && p.cfg.Opset < since:
		return p.tooOld(fmt.Sprintf("%v with dilations", p.n.Op), since)
	case ceil != 0 && p.cfg.Opset < 10:
		return p.tooOld(fmt.Sprintf("%v with ceil_mode", p.n.Op), 10)
	}
	if !dilated {
		delete(p.attrs, "dilations")
	}
	if ceil == 0 {
		delete(p.attrs, "ceil_mode")
	}
	return nil
}
