package diagnose

import (
	"linquant/graph"
	"linquant/internal/integer"
	"linquant/quant"
)

// pairs computes an operator on pairs of elements.
func (e *evaluator) pairs(n *graph.Node, in []codes, y codes, r *rules) ([]int32, error) {
	size, err := y.shape.Elements()
	if err != nil {
		return nil, err
	}
	a, b, t := in[0], in[1], targetOf(y.quant)
	var code func(qa, qb int32) int32
	if value := e.g.Values; graph.IsQLinear(n) && r.plainPair() && r.convention == e.g.Requant {
		code, err = graph.PairCode(n, r.convention, value[n.Inputs[0]], value[n.Inputs[1]], value[n.Outputs[0]])
	} else {
		code, err = pairCode(n.Op, a.quant, b.quant, t, r)
	}
	if err != nil {
		return nil, err
	}
	out := make([]int32, size)
	for i := range out {
		out[i] = code(a.code[source(i, y.shape, a.shape)], b.code[source(i, y.shape, b.shape)])
	}
	return out, nil
}

func pairCode(op graph.Op, a, b *quant.Params, t target, r *rules) (func(qa, qb int32) int32, error) {
	if op == graph.Add {
		if (r.convention == quant.Fixed || r.convention == quant.FixedDouble) && r.plainPair() {
			s, err := integer.NewAdder(r.convention, *a, *b, *t.p)
			if err != nil {
				return nil, err
			}
			return s.Code, nil
		}
		if r.paired != dequantized {
			return ratioSum(a, b, t, r), nil
		}
	}
	f, _ := graph.Binary(op)
	return func(qa, qb int32) int32 {
		va, vb := r.dequantize(qa, a), r.dequantize(qb, b)
		if r.double && op == graph.Add {
			return r.quantize(va+vb, t)
		}
		return r.quantize(float64(f(float32(va), float32(vb))), t)
	}, nil
}

// plainPair reports whether a sum is computed as its convention says.
func (r *rules) plainPair() bool {
	return r.round == nil && r.zero == asDefined && !r.reciprocal && !r.wrap && !r.double && r.paired == dequantized
}

// ratioSum adds operands that are multiplied by the ratio of their scale and the sum's.
func ratioSum(a, b *quant.Params, t target, r *rules) func(qa, qb int32) int32 {
	fused := integer.NewRatios(*a, *b, *t.p)
	ra, rb := fused.A, fused.B
	za, zb, zy := float32(a.ZeroPointOf(0)), float32(b.ZeroPointOf(0)), float32(t.p.ZeroPointOf(0))
	constant := zy - float32(float32(ra*za)+float32(rb*zb))
	return func(qa, qb int32) int32 {
		switch r.paired {
		case ratios:
			v := float32((float32(qa)-za)*ra) + float32((float32(qb)-zb)*rb)
			return r.code(float64(v), t, false)
		case fusedRatios:
			return r.code(float64(fused.Sum(qa, qb))-float64(zy), t, true)
		}
		v := float32(float32(qa)*ra) + float32(float32(float32(qb)*rb)+constant)
		return r.code(float64(v)-float64(zy), t, true)
	}
}

// concat brings each part to the output's parameters and joins them.
func (e *evaluator) concat(n *graph.Node, in []codes, r *rules) (codes, error) {
	p := e.g.Values[n.Outputs[0]].Quant
	parts := make([]codes, len(n.Inputs))
	for i := range n.Inputs {
		parts[i] = in[i]
		if graph.SameParams(in[i].quant, p) {
			continue
		}
		parts[i].code, parts[i].quant = make([]int32, len(in[i].code)), p
		for k, q := range in[i].code {
			parts[i].code[k] = r.quantize(r.dequantize(q, in[i].quant), targetOf(p))
		}
	}
	y := codes{shape: e.shape(n), quant: p}
	axis := graph.AxisOf(n, len(y.shape))
	outer, inner := 1, 1
	for d, length := range y.shape {
		if d < axis {
			outer *= length
		} else if d > axis {
			inner *= length
		}
	}
	for o := range outer {
		for _, x := range parts {
			run := x.shape[axis] * inner
			at := o * run % max(len(x.code), 1) // a part that every example has begins anew
			y.code = append(y.code, x.code[at:at+run]...)
		}
	}
	return y, nil
}
