package fuse

import (
	"context"
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/follow"
	"linquant/onnx/internal/raw"
)

// known makes constants of what operators with parameters read that follows from constants alone: codes that a QuantizeLinear makes of
// a weight and a Clip narrows, scales that are computed. What a DequantizeLinear makes stays for the layers that compute with
// its codes.
func known(ctx context.Context, g *raw.Graph, left *elements.Budget) {
	makers := g.Producers()
	values := follow.New(ctx, g, func(name string) *raw.Node { return makers[name] }, left)
	named := map[string]string{}
	changed := false
	for _, n := range g.Nodes {
		if !raw.HasParameters(n.Op) {
			continue
		}
		for i, name := range n.Inputs {
			if makers[name] == nil || raw.IsDynamic(n.Op) && i == 0 {
				continue
			}
			as, ok := named[name]
			if !ok {
				if c, follows := values.Of(name); follows {
					as = g.Unused(name+"_known", nil)
					g.AddConst(as, c.Tensor).Type = c.Type
				}
				named[name] = as
			}
			if as == "" {
				continue
			}
			if !changed || len(n.Inputs) > 0 {
				n.Inputs = slices.Clone(n.Inputs)
			}
			n.Inputs[i], changed = as, true
		}
	}
	if changed {
		g.RemoveDead()
	}
}

// dequantizedConstant takes a DequantizeLinear of a constant whose parameters have no form here: scales that are negative or 0,
// blocks along any axis, codes of 16 bits. Codes of up to 8 bits stay codes, with other codes where a scale is negative, and in
// rows of blocks; others become the reals that they stand for.
func (f *fuser) dequantizedConstant(n *raw.Node) error {
	c, err := f.positive(n)
	if err != nil {
		return err
	}
	if c == nil {
		return f.dequantizedReals(n)
	}
	out := n.Outputs[0]
	if c.block == 0 {
		v := f.addCodes(f.fresh(n.Inputs[0]+"_positive"), c.codes, c.params)
		f.values[out] = operand{kind: view, name: v.Name, node: n.Name}
		return nil
	}
	v := f.addCodes(f.fresh(n.Inputs[0]+"_rows"), c.codes, c.params)
	if !c.moved {
		f.values[out] = operand{kind: view, name: v.Name, node: n.Name}
		return nil
	}
	x := f.fresh(out + "_rows")
	f.emit(graph.DequantizeLinear, n.Name, nil, []string{v.Name}, x, nil)
	if len(c.shape) != 2 {
		y := f.fresh(out + "_reshaped")
		f.emit(graph.Reshape, y, graph.Attrs{"shape": []int(c.shape)}, []string{x}, y, nil)
		x = y
	}
	f.emit(graph.Transpose, f.fresh(out+"_Transpose"), graph.Attrs{"perm": c.perm}, []string{x}, out, nil)
	f.values[out] = operand{kind: real, name: out}
	return nil
}

// dequantizedReals makes a constant of reals.
func (f *fuser) dequantizedReals(n *raw.Node) error {
	q, scale, zero := f.raw.Const(n.Inputs[0]), f.raw.Const(n.Input(1)), f.raw.Const(n.Input(2))
	if zero != nil && zero.DType != q.DType {
		return fmt.Errorf("zero point %q is %v, the codes are %v: make the types agree", n.Input(2), zero.DType, q.DType)
	}
	s, err := scale.Float32s()
	if err != nil {
		return err
	}
	for i, x := range s {
		if !(math.Abs(float64(x)) <= math.MaxFloat32) {
			return fmt.Errorf("scale %q is %v at index %d: quantize the model again", n.Input(1), x, i)
		}
	}
	if err := f.spend(q.Elements()); err != nil {
		return err
	}
	t, err := follow.Dequantize(*q, *scale, zero, n.Int("axis"), n.Int("block_size"))
	if err != nil {
		return err
	}
	out := n.Outputs[0]
	f.out.AddConst(out, t)
	f.values[out] = operand{kind: real, name: out}
	return nil
}
