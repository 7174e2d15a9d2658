// Package follow computes values of a raw graph that follow from constants alone, while the file is read and where its
// quantization is fused: parameters, scales, codes of weights. What package graph folds later, it leaves alone.
package follow

import (
	"context"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Value is what follows from constants. Type is as raw.Value has it.
type Value struct {
	tensor.Tensor
	Type quant.Type
}

// Values computes them, each once.
type Values struct {
	ctx   context.Context // of the call that reads
	graph *raw.Graph
	maker func(name string) *raw.Node // nil for what no node computes
	left  *elements.Budget            // what is made takes from it
	known map[string]*Value           // nil for those that do not follow
	spent bool                        // the budget was too small: nothing more is computed
}

// New returns the values of a graph, of which nothing is computed yet. Nodes may be added to the graph meanwhile.
func New(ctx context.Context, g *raw.Graph, maker func(name string) *raw.Node, left *elements.Budget) *Values {
	return &Values{ctx: ctx, graph: g, maker: maker, left: left, known: map[string]*Value{}}
}

// Of returns the value of that name; ok is false where it does not follow from constants, or would take more memory or time than a
// file of this size should.
func (v *Values) Of(name string) (Value, bool) {
	type visit struct {
		name string
		next int // input of its node to look at
	}
	stack := []visit{{name: name}}
	open := map[string]bool{}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if v.settled(top.name) {
			stack = stack[:len(stack)-1]
			continue
		}
		n := v.maker(top.name)
		open[top.name] = true
		if in := n.Inputs; top.next < len(in) {
			at := in[top.next]
			top.next++
			if at == "" || v.settled(at) && v.known[at] != nil {
				continue
			}
			if v.settled(at) || open[at] {
				v.known[top.name] = nil
				continue
			}
			stack = append(stack, visit{name: at})
			top = &stack[len(stack)-2]
			top.next-- // to look at the result
			continue
		}
		v.known[top.name] = v.compute(n)
	}
	k := v.known[name]
	if k == nil {
		return Value{}, false
	}
	return *k, true
}

// settled reports whether it is known of a value if it follows: of constants and of what no node computes it is now.
func (v *Values) settled(name string) bool {
	if k, ok := v.known[name]; ok && k != nil {
		return true
	} else if ok && v.maker(name) != nil {
		return true
	}
	if c := v.graph.Values[name]; c != nil && c.Const != nil {
		v.known[name] = &Value{*c.Const, c.Type}
		return true
	}
	if n := v.maker(name); n == nil || v.spent || len(n.Outputs) != 1 || !computed(n) {
		v.known[name] = nil
		return true
	}
	return false
}

// computed reports whether nodes of the operator are computed: those that cost little for each element.
func computed(n *raw.Node) bool {
	if isQuantize(n) || isDequantize(n) {
		return true
	}
	row, ok := graph.Lookup(n.Op)
	if !ok {
		return false
	}
	switch row.Class {
	case graph.ClassUnary, graph.ClassBinary, graph.ClassReduction, graph.ClassReshape, graph.ClassMove, graph.ClassJoin, graph.ClassSelect:
		return true
	case graph.ClassReference:
		switch n.Op {
		case graph.LSTM, graph.GRU, graph.RNN, graph.Einsum:
			return false
		}
		return true
	}
	return n.Op == graph.Softmax || n.Op == graph.LogSoftmax
}

func isQuantize(n *raw.Node) bool {
	return n.Op == graph.QuantizeLinear || n.Op == raw.MSQuantizeLinear
}

func isDequantize(n *raw.Node) bool {
	return n.Op == graph.DequantizeLinear || n.Op == raw.MSDequantizeLinear
}

// compute returns the output of a node of constants, nil where it cannot.
func (v *Values) compute(n *raw.Node) *Value {
	in := make([]Value, len(n.Inputs))
	for i, name := range n.Inputs {
		if name != "" {
			in[i] = *v.known[name]
		}
	}
	var out Value
	var ok bool
	switch {
	case isDequantize(n):
		out.Tensor, ok = v.dequantize(n, in)
	case isQuantize(n):
		out, ok = v.quantize(n, in)
	default:
		out, ok = v.evaluate(n, in)
	}
	if !ok {
		return nil
	}
	return &out
}

// Move returns codes of up to 8 bits as a node leaves them that moves its one input's elements; ok is false where it cannot.
func (v *Values) Move(n *raw.Node, codes Value) (moved tensor.Tensor, ok bool) {
	one := n.Clone()
	one.Inputs = one.Inputs[:1]
	y, ok := v.evaluate(one, []Value{codes})
	return y.Tensor, ok && y.DType == codes.DType
}

// take takes bytes from the budget.
func (v *Values) take(bytes int) bool {
	if v.left.Take(int64(bytes)) != nil {
		v.spent = true
	}
	return !v.spent
}

// evaluate computes a node of package graph as that folds it. Codes, of constants alone, are moved and clamped as such.
func (v *Values) evaluate(n *raw.Node, in []Value) (Value, bool) {
	g := graph.New("")
	var params *quant.Params
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		g.AddConst(name, in[i].Tensor)
		if in[i].DType.Size() != 1 || in[i].DType == tensor.Bool {
			continue
		}
		if !codes.Kept(n.InGraph()) || i > 0 && n.Op != graph.Concat {
			return Value{}, false
		}
		t, ok := (&raw.Value{DType: in[i].DType, Type: in[i].Type}).Codes()
		if !ok {
			return Value{}, false
		}
		p := quant.TensorParams(t, 1, 0)
		params = &p
		g.Values[name].Quant = params
	}
	out := n.Outputs[0]
	g.AddNode(n.Op, n.Name, out, n.Attrs, n.Inputs...)
	g.Outputs = []string{out}
	if params != nil {
		g.Values[out].Quant, g.Values[out].DType = params, params.Type.Storage()
	}
	r, err := graph.Resolve(v.ctx, g, true)
	if err != nil {
		return Value{}, false
	}
	y := r.Values[out]
	if y == nil || y.Const == nil || !v.take(len(y.Const.Data)) {
		return Value{}, false
	}
	result := Value{Tensor: *y.Const}
	if params != nil {
		result.Type = in[0].Type
		return result, true
	}
	if d := v.graph.Values[out].DType; graph.Counts(d) && result.DType == tensor.Float32 {
		x, err := result.Float32s()
		if err != nil || graph.CheckIntegers(x) != nil {
			return Value{}, false
		}
		if result.Tensor, err = graph.CountsOf(result.Shape, x, d); err != nil {
			return Value{}, false
		}
	}
	return result, true
}
