package ptq

import (
	"fmt"
	"math"

	"linquant/graph"
	"linquant/tensor"
)

// role is what a node is to quantization.
type role uint8

const (
	island role = iota // it stays in floating point
	layer              // it multiplies by weights: the accumulator is brought to parameters of the output's own
	clamp              // Relu, Clip: shares its input's parameters where nobody else reads the input
	pass               // it moves or selects codes: the output has the input's parameters
	join               // Concat: its inputs share the output's parameters where nobody else reads them
	own                // it computes from codes; the output has parameters of its own
)

// roles finds the role of every node, and why those that stay in floating point do.
func roles(g *graph.Graph, all map[*graph.Node]*setting) (map[*graph.Node]role, map[*graph.Node]string) {
	rs, reasons := make(map[*graph.Node]role, len(g.Nodes)), map[*graph.Node]string{}
	for _, n := range g.Nodes {
		r, reason := roleOf(g, n)
		if r != island && all[n].float {
			r, reason = island, "left in floating point as the configuration asks"
		}
		if rs[n] = r; r == island {
			reasons[n] = reason
		}
	}
	for _, n := range stranded(g, rs) {
		rs[n], reasons[n] = island, "it stands among nodes in floating point, and no integer layer is beside it"
	}
	return rs, reasons
}

// roleOf returns the role that a node can have by itself.
func roleOf(g *graph.Graph, n *graph.Node) (r role, reason string) {
	constant := true
	for _, in := range n.Inputs {
		constant = constant && (in == "" || isConst(g, in))
	}
	if constant {
		return island, "all its inputs are constants: fold the network first (graph.Fold)"
	}
	switch n.Op {
	case graph.Conv, graph.Gemm, graph.MatMul:
		if n.Op == graph.MatMul && !isConst(g, n.Input(0)) && !isConst(g, n.Input(1)) {
			return ofProduct(g, n)
		}
		if reason := notLayer(g, n); reason != "" {
			return island, reason
		}
		return layer, ""
	}
	r, ok := operatorRoles[n.Op]
	switch {
	case ok:
		return r, ""
	case graph.ResizesByCopy(n):
		return pass, ""
	case n.Op == graph.Div && oneElement(g, n.Input(1)):
		return own, ""
	case n.Op == graph.BatchNormalization:
		return island, "a batch normalization that no layer took up has no integer form: fold the network first (graph.Fold)"
	case graph.FloatOnly(n):
		return island, fmt.Sprintf("%s has no integer form", n.Op)
	}
	return island, fmt.Sprintf("%s of 8-bit codes is too coarse", n.Op)
}

// operatorRoles are the roles of operators without weights. Not among them, though codes can go through a table, are
// functions with a step or a pole: there a step of a code, which is nothing to a network, becomes a large one (Floor,
// Sign, Div, Reciprocal, Log, Pow), or the result needs more digits than a code has (Exp, Sqrt). Div by a number is
// no worse than Mul.
var operatorRoles = map[graph.Op]role{
	graph.Relu: clamp, graph.Clip: clamp,

	graph.MaxPool: pass, graph.GlobalMaxPool: pass, graph.Flatten: pass, graph.Reshape: pass, graph.Transpose: pass,
	graph.Slice: pass, graph.Squeeze: pass, graph.Unsqueeze: pass, graph.Pad: pass, graph.Identity: pass,
	graph.Dropout: pass, graph.Gather: pass, graph.Expand: pass, graph.Tile: pass,

	graph.Concat: join,

	graph.Add: own, graph.Sub: own, graph.Mul: own, graph.Max: own, graph.Min: own, graph.PRelu: own,
	graph.AveragePool: own, graph.GlobalAveragePool: own,
	graph.Abs: own, graph.Celu: own, graph.Elu: own, graph.Erf: own, graph.Gelu: own, graph.HardSigmoid: own,
	graph.HardSwish: own, graph.LeakyRelu: own, graph.Mish: own, graph.Neg: own, graph.Selu: own, graph.Sigmoid: own,
	graph.Softplus: own, graph.Softsign: own, graph.Swish: own, graph.Tanh: own, graph.ThresholdedRelu: own,
}

func oneElement(g *graph.Graph, name string) bool {
	return isConst(g, name) && g.Value(name).Const.Elements() == 1
}

// ofProduct is the role of a MatMul whose second operand is computed, as attention has them: integers, unless so many
// products are summed that the sum could leave an int32.
func ofProduct(g *graph.Graph, n *graph.Node) (role, string) {
	shape := g.Value(n.Input(1)).Shape
	if len(shape) == 0 {
		return island, "the shape of its second operand is not known: fold the network first (graph.Fold)"
	}
	const most = math.MaxInt32 / (255 * 255)
	if depth := shape[max(0, len(shape)-2)]; depth > most {
		return island, fmt.Sprintf("its sums of %d products can leave an int32", depth)
	}
	return own, ""
}

// notLayer says why a Conv, Gemm or MatMul is no integer layer; "" where it is one.
func notLayer(g *graph.Graph, n *graph.Node) string {
	if isConst(g, n.Input(0)) {
		return "its first input is a constant"
	}
	if !isConst(g, n.Input(1)) {
		return "its weight is not a constant"
	}
	shape := g.Value(n.Input(1)).Const.Shape
	rank := 2
	if n.Op == graph.Conv {
		rank = 4
	}
	if len(shape) != rank {
		return fmt.Sprintf("its weight has the shape %v, and only those of %d dimensions have an integer form", shape, rank)
	}
	if n.Op == graph.Gemm && (n.Attrs.Int("transA", 0) != 0 || n.Attrs.Int("transB", 0) != 1 ||
		n.Attrs.Float("alpha", 1) != 1 || n.Attrs.Float("beta", 1) != 1) {
		return "it is not X·Wᵀ + b: fold the network first (graph.Fold)"
	}
	bias := n.Input(2)
	if bias == "" || n.Op == graph.MatMul {
		return ""
	}
	if !isConst(g, bias) {
		return "its bias is not a constant"
	}
	if b := g.Value(bias).Const.Shape; !perChannel(b, shape[0], n.Op) {
		return fmt.Sprintf("its bias has the shape %v, not one element for each of %d outputs", b, shape[0])
	}
	return ""
}

// perChannel reports whether a bias of that shape is one constant per output, by the broadcasting of the operator.
func perChannel(bias tensor.Shape, channels int, op graph.Op) bool {
	if op == graph.Conv {
		return len(bias) == 1 && bias[0] == channels
	}
	for i, d := range bias {
		if d != 1 && (i != len(bias)-1 || d != channels) {
			return false
		}
	}
	return len(bias) <= 2
}

// stranded returns the nodes without weights that could run in integers but gain nothing by it: groups of neighbours
// that have an island beside them and no integer layer. A Reshape after a Softmax is one.
func stranded(g *graph.Graph, rs map[*graph.Node]role) []*graph.Node {
	producers, consumers := g.Producers(), g.Consumers()
	seen := map[*graph.Node]bool{}
	var found []*graph.Node
	for _, start := range g.Nodes {
		if seen[start] || rs[start] == island || rs[start] == layer {
			continue
		}
		seen[start] = true
		group := []*graph.Node{start}
		beside := map[role]bool{}
		for i := 0; i < len(group); i++ {
			for _, n := range neighbours(group[i], producers, consumers) {
				if r := rs[n]; r == island || r == layer {
					beside[r] = true
				} else if !seen[n] {
					seen[n] = true
					group = append(group, n)
				}
			}
		}
		if beside[island] && !beside[layer] {
			found = append(found, group...)
		}
	}
	return found
}

// neighbours returns the nodes that compute what n reads or read what n computes.
func neighbours(n *graph.Node, producers map[string]*graph.Node, consumers map[string][]*graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range n.Inputs {
		if p := producers[in]; p != nil {
			list = append(list, p)
		}
	}
	for _, out := range n.Outputs {
		list = append(list, consumers[out]...)
	}
	return list
}
