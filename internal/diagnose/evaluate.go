package diagnose

import (
	"context"
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// evaluator computes a part of a network from known values, by rules. Sums of products are kept from one set of rules
// to the next.
type evaluator struct {
	ctx   context.Context
	g     *graph.Graph
	known map[string]codes
	batch int
	sums  map[sumKey][]int64
}

// sumKey names sums that were computed: those of a node on known inputs.
type sumKey struct {
	node string
	products
}

// run computes the nodes, in order, and returns the value of the last.
func (e *evaluator) run(nodes []*graph.Node, r *rules) (codes, error) {
	values := map[string]codes{}
	var y codes
	for _, n := range nodes {
		if err := ended.Err(e.ctx); err != nil {
			return y, err
		}
		in := make([]codes, max(len(n.Inputs), 3))
		fresh := true // all of its operands are known
		for i, name := range n.Inputs {
			if name == "" {
				continue
			}
			if v, ok := values[name]; ok {
				in[i], fresh = v, false
				continue
			}
			var err error
			if in[i], err = e.value(name); err != nil {
				return y, err
			}
		}
		var err error
		if y, err = e.node(n, in, r, fresh); err != nil {
			return y, fmt.Errorf("%v: %w", n, err)
		}
		values[n.Outputs[0]] = y
	}
	return y, nil
}

// value returns a known value or a constant.
func (e *evaluator) value(name string) (codes, error) {
	if v, ok := e.known[name]; ok {
		return v, nil
	}
	v := e.g.Values[name]
	if v == nil || v.Const == nil {
		return codes{}, fmt.Errorf("value %q is not known", name)
	}
	return codesOf(*v.Const, v.Quant)
}

// codesOf returns a tensor's elements: codes where there are parameters.
func codesOf(t tensor.Tensor, p *quant.Params) (codes, error) {
	c := codes{shape: t.Shape, quant: p}
	var err error
	if p == nil {
		c.real, err = t.Float32s()
		return c, err
	}
	c.code, err = integers(t)
	return c, err
}

// shape returns the output's shape with the number of examples.
func (e *evaluator) shape(n *graph.Node) tensor.Shape {
	s := slices.Clone(e.g.Values[n.Outputs[0]].Shape)
	if len(s) > 0 && s[0] == graph.Batch {
		s[0] = e.batch
	}
	return s
}

// node computes one node.
func (e *evaluator) node(n *graph.Node, in []codes, r *rules, fresh bool) (codes, error) {
	p := e.g.Values[n.Outputs[0]].Quant
	if p == nil {
		return e.reference(n, in)
	}
	shape := e.shape(n)
	size, err := shape.Elements()
	if err != nil {
		return codes{}, err
	}
	y := codes{shape: shape, quant: p}
	t := targetOf(p)
	switch n.Op {
	case graph.QuantizeLinear:
		y.code = make([]int32, size)
		for i, v := range in[0].real {
			y.code[i] = r.quantize(float64(v), t)
		}
		return y, nil
	case graph.Conv, graph.Gemm, graph.MatMul:
		y.code, err = e.layer(n, in, y, r, fresh)
		if err == nil && r.clampSoon {
			e.clampSoon(n, y)
		}
		return y, err
	case graph.AveragePool, graph.GlobalAveragePool:
		y.code, err = e.averages(n, in[0], y, r)
		return y, err
	case graph.MaxPool:
		if r.padCode {
			y.code, err = e.maxima(n, in[0], y)
			return y, err
		}
	case graph.Pad:
		if r.padCode && n.Str("mode") == "constant" {
			padded := *p
			padded.ZeroPoint = nil
			return e.referenceWith(n, in, &padded)
		}
	case graph.Concat:
		return e.concat(n, in, r)
	}
	if _, ok := graph.Binary(n.Op); ok {
		y.code, err = e.pairs(n, in, y, r)
		if err == nil && r.clampSoon {
			e.clampSoon(n, y)
		}
		return y, err
	}
	if f, ok := graph.Unary(n); ok {
		y.code, err = unary(n, f, in[0], p, r)
		return y, err
	}
	return e.reference(n, in)
}

// unary applies a function of one real to codes.
func unary(n *graph.Node, f func(float32) float32, x codes, p *quant.Params, r *rules) ([]int32, error) {
	clamps := n.Op == graph.Relu || n.Op == graph.Clip
	same := graph.SameParams(x.quant, p)
	lo, hi := p.Type.Range()
	switch {
	case clamps && r.noClamp:
		f = func(v float32) float32 { return v }
	case clamps && same:
		lo, hi = graph.ClampBounds(n, *p)
	}
	t := targetOf(p)
	out := make([]int32, len(x.code))
	for i, q := range x.code {
		if same && (clamps || n.Op == graph.Identity || n.Op == graph.Dropout) {
			out[i] = min(max(q, lo), hi)
			continue
		}
		out[i] = r.quantize(float64(f(float32(r.dequantize(q, x.quant)))), t)
	}
	return out, nil
}

// clampSoon applies the Relu or Clip that reads the layer's output.
func (e *evaluator) clampSoon(n *graph.Node, y codes) {
	for _, reader := range e.g.Consumers()[n.Outputs[0]] {
		if reader.Op != graph.Relu && reader.Op != graph.Clip {
			continue
		}
		lo, hi := graph.ClampBounds(reader, *y.quant)
		for i, q := range y.code {
			y.code[i] = min(max(q, lo), hi)
		}
		return
	}
}

// reference computes a node as graph.Eval does: those for which there are no deviations.
func (e *evaluator) reference(n *graph.Node, in []codes) (codes, error) {
	return e.referenceWith(n, in, nil)
}

// referenceWith is reference with other parameters for all codes.
func (e *evaluator) referenceWith(n *graph.Node, in []codes, p *quant.Params) (codes, error) {
	g := graph.New(e.g.Name)
	g.Requant = e.g.Requant
	g.Nodes, g.Outputs = []*graph.Node{n}, n.Outputs[:1]
	given := map[string]tensor.Tensor{}
	for _, name := range append(slices.Clone(n.Inputs), n.Outputs[0]) {
		if name == "" {
			continue
		}
		v := *e.g.Values[name]
		if p != nil {
			v.Quant = p
		}
		g.Values[name] = &v
		at := slices.Index(n.Inputs, name)
		if at < 0 || v.Const != nil || given[name].Data != nil {
			continue
		}
		var err error
		if given[name], err = in[at].tensor(v.DType); err != nil {
			return codes{}, err
		}
		g.Inputs = append(g.Inputs, name)
	}
	out, err := graph.Eval(e.ctx, g, given, nil)
	if err != nil {
		return codes{}, err
	}
	return codesOf(out[n.Outputs[0]], e.g.Values[n.Outputs[0]].Quant)
}

// tensor returns the elements as they are stored.
func (c codes) tensor(dtype tensor.DType) (tensor.Tensor, error) {
	if c.quant == nil {
		return tensor.Of(c.shape, c.real)
	}
	if c.quant.Type.Bits > 8 {
		return tensor.Of(c.shape, c.code)
	}
	data := make([]byte, len(c.code))
	for i, q := range c.code {
		data[i] = byte(q)
	}
	return tensor.New(dtype, c.shape, data)
}
