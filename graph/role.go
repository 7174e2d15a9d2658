package graph

import (
	"fmt"
	"math"

	"linquant/tensor"
)

// Role is what a node is to quantization.
type Role uint8

// The roles.
const (
	RoleIsland Role = iota // it stays in floating point
	RoleLayer              // it multiplies by weights: the accumulator is brought to parameters of the output's own
	RoleClamp              // Relu, Clip: shares its input's parameters where nobody else reads the input
	RolePass               // it moves or selects codes: the output has the input's parameters
	RoleJoin               // Concat: its inputs share the output's parameters where nobody else reads them
	RoleOwn                // it computes from codes; the output has parameters of its own
)

// RoleOf returns the role that a node can have by itself, and why it is an island where it is one. Shapes must have
// been inferred.
//
// Islands are, though codes can go through a table, functions with a step or a pole: there a step of a code, which is
// nothing to a network, becomes a large one (Floor, Sign, Div, Reciprocal, Log, Pow), or the result needs more digits
// than a code has (Exp, Sqrt). Div by a number is no worse than Mul.
func RoleOf(g *Graph, n *Node) (r Role, why string) {
	s, o := site{g, n}, of(n)
	constant := true
	for i, in := range n.Inputs {
		constant = constant && (in == "" || s.constant(i))
	}
	counts := counted(g.Values[n.Outputs[0]])
	for i := range n.Inputs {
		counts = counts || counted(s.value(i))
	}
	switch {
	case counts && !constant:
		return RoleIsland, "it computes with integers or booleans, which are no codes"
	case constant:
		return RoleIsland, "all its inputs are constants: fold the network first (graph.Fold)"
	case o.role != nil:
		return o.role(s)
	case o.Role != RoleIsland && !FloatOnly(n):
		return o.Role, ""
	case o.Why != "":
		return RoleIsland, o.Why
	case FloatOnly(n):
		return RoleIsland, fmt.Sprintf("%s has no integer form", n.Op)
	}
	return RoleIsland, s.coarse()
}

func (s site) coarse() string { return fmt.Sprintf("%s of 8-bit codes is too coarse", s.n.Op) }

// FloatOnly reports whether the node has no form on codes: it computes with reals, between a DequantizeLinear and a
// QuantizeLinear where the network around it is quantized. A Resize has one where it only copies.
func FloatOnly(n *Node) bool {
	o := of(n)
	return o.FloatOnly || o.floatOnly != nil && o.floatOnly(n)
}

// constant reports whether input i is a constant.
func (s site) constant(i int) bool {
	v := s.value(i)
	return v != nil && v.Const != nil
}

// divRole: by one number it is a product.
func (s site) divRole() (Role, string) {
	if s.constant(1) && s.value(1).Const.Elements() == 1 {
		return RoleOwn, ""
	}
	return RoleIsland, s.coarse()
}

// layerRole is that of a Conv, Gemm or MatMul.
func (s site) layerRole() (Role, string) {
	if s.n.Op == MatMul && !s.constant(0) && !s.constant(1) {
		return s.productRole()
	}
	if why := s.noLayer(); why != "" {
		return RoleIsland, why
	}
	return RoleLayer, ""
}

// productRole is that of a MatMul whose second operand is computed, as attention has them: integers, unless so many
// products are summed that the sum could leave an int32.
func (s site) productRole() (Role, string) {
	shape := s.shape(1)
	if len(shape) == 0 {
		return RoleIsland, "the shape of its second operand is not known: fold the network first (graph.Fold)"
	}
	const most = math.MaxInt32 / (255 * 255)
	if depth := shape[max(0, len(shape)-2)]; depth > most {
		return RoleIsland, fmt.Sprintf("its sums of %d products can leave an int32", depth)
	}
	return RoleOwn, ""
}

// NoLayer says why a node is no layer whose constant weight can become codes; "" where it is one.
func NoLayer(g *Graph, n *Node) string {
	if of(n).Class != ClassLayer {
		return "it has no weights"
	}
	return site{g, n}.noLayer()
}

func (s site) noLayer() string {
	if s.constant(0) {
		return "its first input is a constant"
	}
	if !s.constant(1) {
		return "its weight is not a constant"
	}
	shape := s.value(1).Const.Shape
	rank := 2
	if s.n.Op == Conv {
		rank = 4
	}
	if len(shape) != rank {
		return fmt.Sprintf("its weight has the shape %v, and only those of %d dimensions have an integer form", shape, rank)
	}
	if s.n.Op == Gemm && (s.n.Int("transB") != 1 || !plainGemm(s.n)) {
		return "it is not X·Wᵀ + b: fold the network first (graph.Fold)"
	}
	if s.n.Input(2) == "" || s.n.Op == MatMul {
		return ""
	}
	if !s.constant(2) {
		return "its bias is not a constant"
	}
	if b := s.value(2).Const.Shape; !perChannel(b, shape[0], s.n.Op) {
		return fmt.Sprintf("its bias has the shape %v, not one element for each of %d outputs", b, shape[0])
	}
	return ""
}

// perChannel reports whether a bias of that shape is one constant per output, by the broadcasting of the operator.
func perChannel(bias tensor.Shape, channels int, op Op) bool {
	if op == Conv {
		return len(bias) == 1 && bias[0] == channels
	}
	for i, d := range bias {
		if d != 1 && (i != len(bias)-1 || d != channels) {
			return false
		}
	}
	return len(bias) <= 2
}
