package write

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Operators that an opset does not have are written as the ones that they are made of. Reading recognizes them: those
// on codes in a quantized network (graph.Graph.RecognizeFunctions), the others when it is folded (graph.Recognize).

// LastCommon is the newest opset that a network is written in only because it has an operator for what can be spelled.
const LastCommon = 20

// Has reports whether an opset has the operator as a graph means it.
func Has(opset int, op graph.Op) bool {
	row, ok := graph.Lookup(op)
	return !ok || row.FirstWritten() <= opset
}

// Decomposable reports whether a node can be written as others. In a quantized network it can be if it is recognized again,
// so that it remains one rounding to codes.
func Decomposable(n *graph.Node, quantized bool) bool {
	switch n.Op {
	case graph.Gelu, graph.Mish:
		return true
	case graph.Swish:
		return !quantized || n.Float("alpha") == 1
	case graph.LayerNormalization, graph.RMSNormalization:
		return !quantized
	}
	return false
}

// Decompose spells out the nodes of the raw graph that the opset does not have.
func Decompose(g *raw.Graph, opset int) {
	if !slices.ContainsFunc(g.Nodes, func(n *raw.Node) bool { return !Has(opset, n.Op) }) {
		return
	}
	nodes := g.Nodes
	g.Nodes = nil
	for _, n := range nodes {
		if Has(opset, n.Op) || !Decomposable(n.InGraph(), false) {
			g.Nodes = append(g.Nodes, n)
			continue
		}
		s := decomposer{g, n}
		x := n.Inputs[0]
		switch n.Op {
		case graph.Swish:
			gate := x
			if alpha := n.Float("alpha"); alpha != 1 {
				gate = s.add(graph.Mul, x, s.number(alpha))
			}
			s.end(graph.Mul, x, s.add(graph.Sigmoid, gate))
		case graph.Mish:
			s.end(graph.Mul, x, s.add(graph.Tanh, s.add(graph.Softplus, x)))
		case graph.Gelu:
			s.gelu(x)
		case graph.LayerNormalization, graph.RMSNormalization:
			s.norm(x)
		}
	}
}

// decomposer appends nodes that compute what a node does.
type decomposer struct {
	g *raw.Graph
	n *raw.Node
}

// add appends a node on elements, and returns what it computes: as many as the first input has.
func (s *decomposer) add(op graph.Op, inputs ...string) string {
	name := s.g.Unused(s.n.Outputs[0]+"_"+string(op), nil)
	s.g.AddNode(op, name, name, nil, inputs...)
	s.g.Values[name].Shape = s.g.Values[inputs[0]].Shape
	return name
}

// end appends the node that computes the output.
func (s *decomposer) end(op graph.Op, inputs ...string) {
	s.g.AddNode(op, s.n.Name, s.n.Outputs[0], nil, inputs...)
}

// number adds a constant.
func (s *decomposer) number(x float32) string {
	name := s.g.Unused(s.n.Outputs[0]+"_number", nil)
	t, _ := tensor.Of(tensor.Shape{}, []float32{x}) // a scalar has one element
	s.g.AddConst(name, t)
	return name
}

func (s *decomposer) gelu(x string) {
	var gate string
	if s.n.Str("approximate") == "tanh" {
		cube := s.add(graph.Mul, s.add(graph.Mul, s.add(graph.Mul, x, x), x), s.number(0.044715))
		gate = s.add(graph.Tanh, s.add(graph.Mul, s.add(graph.Add, x, cube), s.number(float32(math.Sqrt(2/math.Pi)))))
	} else {
		gate = s.add(graph.Erf, s.add(graph.Mul, x, s.number(math.Sqrt2/2)))
	}
	s.end(graph.Mul, s.add(graph.Mul, x, s.add(graph.Add, gate, s.number(1))), s.number(0.5))
}

// norm spells a LayerNormalization or RMSNormalization.
func (s *decomposer) norm(x string) {
	shape := s.g.Values[x].Shape
	axis := elements.FromFront([]int{s.n.Int("axis")}, len(shape))[0]
	centered := x
	if s.n.Op == graph.LayerNormalization {
		centered = s.add(graph.Sub, x, s.mean(x, shape, axis))
	}
	variance := s.mean(s.add(graph.Mul, centered, centered), shape, axis)
	deviation := s.add(graph.Sqrt, s.add(graph.Add, variance, s.number(s.n.Float("epsilon"))))
	quotient := s.add(graph.Div, centered, deviation)
	if s.n.Input(2) == "" {
		s.end(graph.Mul, quotient, s.n.Inputs[1])
		return
	}
	s.end(graph.Add, s.add(graph.Mul, quotient, s.n.Inputs[1]), s.n.Inputs[2])
}

// mean appends the mean over the dimensions from axis on, which stay as 1.
func (s *decomposer) mean(x string, shape tensor.Shape, axis int) string {
	name := s.add(graph.ReduceMean, x)
	axes, one := []int{}, slices.Clone(shape)
	for d := axis; d < len(shape); d++ {
		axes, one[d] = append(axes, d), 1
	}
	s.g.Nodes[len(s.g.Nodes)-1].Attrs = graph.Attrs{"axes": axes}
	s.g.Values[name].Shape = one
	return name
}
