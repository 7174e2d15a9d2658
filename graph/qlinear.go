package graph

import (
	"maps"

	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// qlinearAttr marks an Add, Mul, AveragePool or GlobalAveragePool on codes that rounds as ONNX Runtime's own operator of the domain
// com.microsoft (QLinearAdd and so on) does, whatever the graph's convention.
const qlinearAttr = "qlinear"

var qlinear = intAttr(qlinearAttr, 0).in(ScopeGraph)

// IsQLinear reports whether the node rounds as ONNX Runtime's QLinearAdd, QLinearMul, QLinearAveragePool or
// QLinearGlobalAveragePool:
//
//	Add                clamp(RNE(fma(qa, Sa/Sy, fma(qb, Sb/Sy, c))))    c = zy − fma(Sa/Sy, za, Sb/Sy·zb)
//	Mul                clamp(RNE((qa−za)·(qb−zb)·(Sa·Sb/Sy) + zy))
//	AveragePool        clamp(RNE(ΣSx·(q−zx)/n/Sy + zy))
//	GlobalAveragePool  clamp(RNE(Σ(q−zx)·(Sx/(Sy·n))) + zy)
//
// every step rounded to float32. The operands of Add are exchanged where the first has one element for a row of the
// second, as they are there.
func IsQLinear(n *Node) bool {
	switch n.Op {
	case Add, Mul, AveragePool, GlobalAveragePool:
		return n.Int(qlinearAttr) != 0
	}
	return false
}

// SetQLinear makes the attributes of an Add, Mul, AveragePool or GlobalAveragePool those of one for which IsQLinear
// holds, in a copy; those of another operator stay.
func SetQLinear(op Op, attrs Attrs) Attrs {
	switch op {
	case Add, Mul, AveragePool, GlobalAveragePool:
		marked := maps.Clone(attrs)
		if marked == nil {
			marked = Attrs{}
		}
		marked[qlinearAttr] = 1
		return marked
	}
	return attrs
}

// ClearQLinear removes what SetQLinear added.
func ClearQLinear(attrs Attrs) { delete(attrs, qlinearAttr) }

// qlinearCode is PairCode for nodes of IsQLinear.
func qlinearCode(n *Node, a, b, out *Value) (func(qa, qb int32) int32, error) {
	if n.Op == Mul {
		return integer.QLinearMul(*a.Quant, *b.Quant, *out.Quant)
	}
	if !oneForRow(a.Shape, b.Shape) {
		return integer.QLinearAdd(*a.Quant, *b.Quant, *out.Quant)
	}
	code, err := integer.QLinearAdd(*b.Quant, *a.Quant, *out.Quant)
	return func(qa, qb int32) int32 { return code(qb, qa) }, err
}

// oneForRow reports whether a has one element for each row of b: along the last dimension in which either is longer
// than 1, a is not.
func oneForRow(a, b tensor.Shape) bool {
	for i := 1; i <= len(b); i++ {
		n := 1
		if i <= len(a) {
			n = a[len(a)-i]
		}
		if m := b[len(b)-i]; n != 1 || m != 1 {
			return n == 1
		}
	}
	return false
}

// AverageStage returns the output stage of an AveragePool or GlobalAveragePool over n codes with the parameters in: the
// accumulator Σ(q−zx) times Sx/n/Sy (rounded to float32 twice by the conventions ONNX and Torch), or as IsQLinear says
// of GlobalAveragePool; an AveragePool of IsQLinear has none.
func AverageStage(node *Node, c quant.Convention, in, out quant.Params, n int) (*quant.Requantizer, error) {
	if IsQLinear(node) {
		return integer.QLinearGlobalAverage(in, out, n)
	}
	return integer.Average(c, in, out, n)
}
