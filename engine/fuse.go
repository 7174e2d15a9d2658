package engine

import (
	"math"

	"linquant/graph"
)

// A Relu or Clip that is alone in reading the output of a layer or of an Add becomes part of that: a clamp of a clamp
// is a clamp.

// clampFloats makes the Relus and Clips that follow the node part of it, and returns the bounds of its outputs.
func (s *lowerer) clampFloats() (lo, hi float32) {
	lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	for {
		next := s.follower()
		if next == nil {
			return lo, hi
		}
		a, b := bounds(next)
		lo, hi = clampTo(lo, a, b), clampTo(hi, a, b)
		s.fold(next)
	}
}

// clampCodes makes the Relus and Clips that follow the node part of it, where they leave the parameters as they are,
// and returns the bounds of its codes.
func (s *lowerer) clampCodes() (lo, hi int32) {
	lo, hi = s.out.quant.Type.Range()
	for {
		next := s.follower()
		if next == nil || !graph.SameParams(s.out.quant, s.g.Values[next.Outputs[0]].Quant) {
			return lo, hi
		}
		a, b := graph.ClampBounds(next, *s.out.quant)
		lo, hi = clampTo(lo, a, b), clampTo(hi, a, b)
		s.fold(next)
	}
}

// follower returns the Relu or Clip that alone reads the output, nil where there is none.
func (s *lowerer) follower() *graph.Node {
	if !s.hidden(s.value) {
		return nil
	}
	next := s.consumers[s.value][0]
	if next.Op != graph.Relu && next.Op != graph.Clip {
		return nil
	}
	return next
}

// addedBias returns the constant of one real a channel that an Add, which alone reads the output, adds to it, and makes the
// Add part of the node; nil where there is none. The channels are the output's last dimension.
func (s *lowerer) addedBias(channels int) ([]float32, error) {
	if !s.hidden(s.value) {
		return nil, nil
	}
	next := s.consumers[s.value][0]
	if next.Op != graph.Add || s.g.Values[next.Outputs[0]].Quant != nil {
		return nil, nil
	}
	for i, name := range next.Inputs {
		v := s.g.Values[name]
		if v.Const == nil || next.Inputs[1-i] != s.value {
			continue
		}
		shape, out := v.Const.Shape, s.g.Values[next.Outputs[0]].Shape
		if n := len(shape); n == 0 || shape[n-1] != channels || v.Const.Elements() != channels || len(out) != 1+len(s.out.shape) {
			return nil, nil
		}
		if err := s.read(channels); err != nil {
			return nil, s.errorf("%w", err)
		}
		bias, err := s.realsOf(v)
		if err != nil {
			return nil, s.errorf("constant %q: %w", v.Name, err)
		}
		s.fold(next)
		return bias, nil
	}
	return nil, nil
}

// fold makes the node's output that of the next.
func (s *lowerer) fold(next *graph.Node) {
	s.folded[next] = true
	s.value = next.Outputs[0]
	p := *s.out
	p.name = s.value
	s.out = &p
	s.fusedOps += "+" + string(next.Op)
}

// bounds returns what a Relu or Clip clamps to.
func bounds(n *graph.Node) (lo, hi float32) {
	if n.Op == graph.Relu {
		return 0, float32(math.Inf(1))
	}
	return n.Float("min"), n.Float("max")
}

// clampTo returns min(max(v, lo), hi), as ONNX defines Clip: hi where the bounds are exchanged.
func clampTo[T int32 | float32](v, lo, hi T) T {
	if v < lo {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return v
}
