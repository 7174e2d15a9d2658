package graph

import (
	"fmt"

	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// Binary returns the function of two reals that an operator applies to pairs of elements, and whether it is of that
// kind: Add, Sub, Mul, Div, Pow, Max, Min, and PRelu, whose second operand is the slope. Results are rounded to float32
// once and have the same bits on every processor. Max and Min of a NaN are NaN.
func Binary(op Op) (f func(a, b float32) float32, ok bool) {
	if o := table[op]; o != nil && o.Binary != nil {
		return o.Binary, true
	}
	return nil, false
}

func prelu(x, slope float32) float32 {
	if x < 0 {
		return float32(slope * x)
	}
	return x
}

// PairCode returns the function of two codes that a node with an operator of Binary is: an Adder for Add, and for the
// others, in every convention c,
//
//	clamp(RNE(f(Sa·(qa−za), Sb·(qb−zb)) / Sy) + zy)
//
// with every step rounded to float32, and the zero point for a NaN; or what IsQLinear says. The operands x and y and the
// output have parameters with one scale each, and the operands shapes.
func PairCode(n *Node, c quant.Convention, x, y, output *Value) (func(qa, qb int32) int32, error) {
	f, ok := Binary(n.Op)
	if !ok {
		return nil, fmt.Errorf("%v is no operator on pairs of elements", n.Op)
	}
	if IsQLinear(n) {
		return qlinearCode(n, x, y, output)
	}
	a, b, out := *x.Quant, *y.Quant, *output.Quant
	if n.Op == Add {
		s, err := integer.NewAdder(c, a, b, out)
		if err != nil {
			return nil, err
		}
		return s.Code, nil
	}
	for i, p := range []quant.Params{a, b, out} {
		if err := integer.CheckOperand(p); err != nil {
			return nil, fmt.Errorf("%s: %w", [...]string{"first operand", "second operand", "result"}[i], err)
		}
	}
	return func(qa, qb int32) int32 { return integer.Code(f(integer.Real(qa, &a), integer.Real(qb, &b)), &out) }, nil
}

// prelu: the slope broadcasts to the input, and not the other way.
func (s site) prelu() (tensor.Shape, error) {
	x, slope := s.shape(0), s.shape(1)
	if out, err := s.broadcast(x, slope); err != nil || !out.Equal(x) {
		return nil, s.errorf("the slope %q is %s and does not broadcast to %s", s.n.Inputs[1], show(slope), show(x))
	}
	return x, nil
}
