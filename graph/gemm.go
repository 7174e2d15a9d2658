package graph

import (
	"strings"

	"linquant/tensor"
)

// canonicalGemm brings fully-connected layers to one form, in which calibration, quantization and the engine look for
// them: a Gemm with alpha = beta = 1, transA = 0, transB = 1, a constant B [out, in] and a constant C [out] or none.
//
//   - A MatMul of a matrix with a constant matrix, whose only reader adds a constant vector or is a BatchNormalization,
//     becomes a Gemm; it takes the Add's output and keeps its own name.
//   - A Gemm with a constant B and a constant C or none has alpha and beta multiplied into the constants, and B
//     transposed.
//
// Layers whose operands are computed stay as they are. Shapes must have been inferred.
func (g *Graph) canonicalGemm() error {
	u := usesOf(g)
	removed := map[*Node]bool{}
	for _, n := range g.Nodes {
		s := site{g, n}
		if n.Op == MatMul {
			s.matMulToGemm(u, removed)
		}
		if n.Op == Gemm {
			s.canonicalGemm(u)
		}
	}
	g.removeNodes(removed)
	return nil
}

func (g *Graph) removeNodes(removed map[*Node]bool) {
	kept := make([]*Node, 0, len(g.Nodes)-len(removed))
	for _, n := range g.Nodes {
		if !removed[n] {
			kept = append(kept, n)
		}
	}
	g.Nodes = kept
}

// matMulToGemm turns the node into a Gemm where its only reader allows that.
func (s site) matMulToGemm(u uses, removed map[*Node]bool) {
	x, w := s.shape(0), s.shape(1)
	if !isReal(s.value(1)) || len(x) != 2 || len(w) != 2 {
		return
	}
	result := s.n.Outputs[0]
	reader := u.sole(result)
	if reader == nil {
		return
	}
	switch reader.Op {
	case BatchNormalization:
		if reader.Inputs[0] != result {
			return
		}
	case Add:
		bias := reader.Inputs[0]
		if bias == result {
			bias = reader.Inputs[1]
		}
		b := s.g.Values[bias]
		if !isReal(b) || bias == result || !rowVector(b.Const.Shape, w[1]) {
			return
		}
		s.n.Inputs = append(s.n.Inputs[:2], bias)
		s.n.Outputs[0] = reader.Outputs[0]
		delete(s.g.Values, result)
		removed[reader] = true
		for i, r := range u.readers[bias] {
			if r == reader {
				u.readers[bias][i] = s.n
			}
		}
	default:
		return
	}
	s.n.Op, s.n.Attrs = Gemm, Attrs{}
}

// rowVector reports whether a constant of this shape adds the same to every row of n elements.
func rowVector(shape tensor.Shape, n int) bool {
	switch len(shape) {
	case 0:
		return true
	case 1:
		return shape[0] == n || shape[0] == 1
	case 2:
		return shape[0] == 1 && (shape[1] == n || shape[1] == 1)
	}
	return false
}

// canonicalGemm multiplies alpha and beta into constant operands and transposes B.
func (s site) canonicalGemm(u uses) {
	w, ok := floats(s.value(1))
	shape := s.shape(1)
	if !ok || len(shape) != 2 || s.n.Int("transA") != 0 {
		return
	}
	alpha, beta, transposed := s.n.Float("alpha"), s.n.Float("beta"), s.n.Int("transB") != 0
	in, out := shape[0], shape[1]
	if transposed {
		in, out = out, in
	}
	hasBias := s.n.Input(2) != ""
	bias, ok := floats(s.value(2))
	if hasBias && (!ok || !rowVector(s.shape(2), out)) {
		return
	}
	stem := stem(s.n.Inputs[1])
	if !transposed || alpha != 1 {
		canonical := make([]float32, len(w))
		for o := range out {
			for i := range in {
				from := o*in + i
				if !transposed {
					from = i*out + o
				}
				canonical[o*in+i] = alpha * w[from]
			}
		}
		u.setConst(s.g, s.n, 1, stem+"_gemm", tensor.Shape{out, in}, canonical)
	}
	if hasBias && (beta != 1 || len(s.shape(2)) != 1 || len(bias) != out) {
		vector := make([]float32, out)
		for o := range vector {
			vector[o] = beta * bias[min(o, len(bias)-1)]
		}
		u.setConst(s.g, s.n, 2, stem+"_gemm_bias", tensor.Shape{out}, vector)
	}
	s.n.Attrs = Attrs{"transB": 1}
}

// plainGemm reports whether a Gemm neither scales its operands nor transposes the first.
func plainGemm(n *Node) bool {
	return n.Float("alpha") == 1 && n.Float("beta") == 1 && n.Int("transA") == 0
}

// stem is a weight's name without the word weight, to name its bias after.
func stem(weight string) string { return strings.TrimSuffix(weight, ".weight") }
