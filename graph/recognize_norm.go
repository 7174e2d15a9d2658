package graph

import "slices"

// layerNorm recognizes the normalized value times a constant: (x − mean) / √(variance + epsilon) · scale.
func (p pieces) layerNorm(n *Node) *Node {
	if n.Op != Mul {
		return nil
	}
	for i, name := range n.Inputs {
		scale := p.g.Values[n.Inputs[1-i]]
		x, axis, epsilon := p.normalized(name)
		if x == nil || !p.broadcastsFrom(scale, x, axis) {
			continue
		}
		return &Node{
			Op: LayerNormalization, Inputs: []string{x.Name, scale.Name},
			Attrs: Attrs{"axis": axis, "epsilon": float32(epsilon)},
		}
	}
	return nil
}

// layerNormBias recognizes the sum of a LayerNormalization without bias and a constant.
func (p pieces) layerNormBias(n *Node) *Node {
	if n.Op != Add {
		return nil
	}
	for i, name := range n.Inputs {
		norm, bias := p.made(name, LayerNormalization), p.g.Values[n.Inputs[1-i]]
		if norm == nil || norm.Input(2) != "" {
			continue
		}
		if x := p.g.Values[norm.Inputs[0]]; !p.broadcastsFrom(bias, x, norm.Int("axis")) {
			continue
		}
		r := norm.Clone()
		r.Inputs = append(r.Inputs[:2], bias.Name)
		return r
	}
	return nil
}

// broadcastsFrom reports whether a value is a constant of reals with exactly the dimensions of x from axis on.
func (p pieces) broadcastsFrom(c, x *Value, axis int) bool {
	if axis < 0 {
		axis += len(x.Shape)
	}
	return isReal(c) && axis >= 0 && axis < len(x.Shape) && c.Const.Shape.Equal(x.Shape[axis:])
}

// normalized returns x, the first dimension that the mean and the variance are over, and epsilon, where the value is
// (x − mean) / √(variance + epsilon); a nil x otherwise.
func (p pieces) normalized(name string) (x *Value, axis int, epsilon float64) {
	quotient := p.made(name, Div)
	if quotient == nil {
		return nil, 0, 0
	}
	deviation, root := p.made(quotient.Inputs[0], Sub), p.made(quotient.Inputs[1], Sqrt)
	if deviation == nil || root == nil {
		return nil, 0, 0
	}
	x = p.g.Values[deviation.Inputs[0]]
	axis, ok := p.mean(deviation.Inputs[1], x.Name, len(x.Shape))
	sum := p.made(root.Inputs[0], Add)
	if !ok || sum == nil {
		return nil, 0, 0
	}
	for i, in := range sum.Inputs {
		variance := p.average(sum.Inputs[1-i])
		if epsilon, ok = p.scalar(in); !ok || variance == nil {
			continue
		}
		again, ok := p.mean(sum.Inputs[1-i], variance.Inputs[0], len(x.Shape))
		if ok && again == axis && p.squares(variance.Inputs[0], quotient.Inputs[0]) {
			return x, axis, epsilon
		}
	}
	return nil, 0, 0
}

// average returns the node that computes a value as the mean over some dimensions, nil otherwise.
func (p pieces) average(name string) *Node {
	if n := p.made(name, ReduceMean); n != nil {
		return n
	}
	return p.made(name, GlobalAveragePool)
}

// mean reports whether a value is the mean of x over its last dimensions, which it keeps, and from which one on.
func (p pieces) mean(name, x string, rank int) (axis int, ok bool) {
	n := p.average(name)
	switch {
	case n == nil || n.Inputs[0] != x:
		return 0, false
	case n.Op == GlobalAveragePool:
		return 2, rank == 4
	}
	if n.Int("keepdims") != 1 || len(n.Ints("axes")) == 0 {
		return 0, false
	}
	axes := slices.Clone(n.Ints("axes"))
	for i, a := range axes {
		if a < 0 {
			axes[i] += rank
		}
	}
	slices.Sort(axes)
	for i, a := range axes {
		if a != rank-len(axes)+i {
			return 0, false
		}
	}
	return axes[0], true
}
