package graph

import (
	"math"

	"linquant/tensor"
)

// scatterKinds and the like are strings that attributes can be; what else they are, shapes refuse.

func init() {
	isBool, ofFirst := typeOf(tensor.Bool), typeOfInput(0)
	pair := func(op Op, since, written int, f func(a, b float32) bool) Operator {
		return Operator{
			Op: op, Since: since, Written: written, FloatOnly: true, types: isBool, shape: site.pair,
			eval: func(s site, c call) (array, error) {
				return s.evalPair(c, func(a, b float32) float32 { return truth(f(a, b)) })
			},
		}
	}
	test := func(op Op, since int, f func(n *Node, x float32) bool, attrs ...Attribute) Operator {
		return Operator{
			Op: op, Since: since, Inputs: Arity{1, 1}, FloatOnly: true, types: isBool, Attrs: attrs,
			eval: func(s site, c call) (array, error) {
				return s.evalUnary(c, func(x float32) float32 { return truth(f(s.n, x)) })
			},
		}
	}
	add(ClassReference, Arity{2, 2}, []Operator{
		// Before opset 7 the shapes had to be equal, or attributes said otherwise; Equal has floats since 11.
		pair(And, 1, 7, func(a, b float32) bool { return a != 0 && b != 0 }),
		pair(Equal, 1, 11, func(a, b float32) bool { return a == b }),
		pair(Greater, 1, 9, func(a, b float32) bool { return a > b }),
		pair(GreaterOrEqual, 12, 12, func(a, b float32) bool { return a >= b }),
		pair(Less, 1, 9, func(a, b float32) bool { return a < b }),
		pair(LessOrEqual, 12, 12, func(a, b float32) bool { return a <= b }),
		pair(Or, 1, 7, func(a, b float32) bool { return a != 0 || b != 0 }),
		pair(Xor, 1, 7, func(a, b float32) bool { return (a != 0) != (b != 0) }),
		{
			Op: Mod, Since: 10, FloatOnly: true, types: ofFirst, shape: site.pair, eval: site.evalMod,
			Attrs: []Attribute{intAttr("fmod", 0)},
		},
	}...)

	infinite := []Attribute{intAttr("detect_negative", 1), intAttr("detect_positive", 1)}
	add(ClassReference, Arity{1, 1}, []Operator{
		test(Not, 1, func(_ *Node, x float32) bool { return x == 0 }),
		test(IsNaN, 9, func(_ *Node, x float32) bool { return x != x }),
		test(IsInf, 10, func(n *Node, x float32) bool {
			return n.Int("detect_negative") != 0 && math.IsInf(float64(x), -1) || n.Int("detect_positive") != 0 && math.IsInf(float64(x), 1)
		}, infinite...),
		{
			Op: Cast, Since: 1, Written: 6, FloatOnly: true, types: site.castType, eval: site.evalCast,
			Attrs: []Attribute{
				intAttr("to", 0).required(), intAttr("saturate", 1).from(19).in(ScopeIgnored), strAttr("round_mode", "up").from(24).in(ScopeIgnored),
			},
		},
		{Op: ArgMax, Since: 1, FloatOnly: true, types: typeOf(tensor.Int64), shape: site.argShape, eval: site.evalArg, Attrs: argAttrs},
		{Op: ArgMin, Since: 1, FloatOnly: true, types: typeOf(tensor.Int64), shape: site.argShape, eval: site.evalArg, Attrs: argAttrs},
		{
			Op: CumSum, Since: 11, FloatOnly: true, types: ofFirst, shape: site.alongAxis, eval: site.evalCumSum,
			Attrs: []Attribute{intAttr("axis", 0).from(11).input(1, 11).required(), intAttr("exclusive", 0), intAttr("reverse", 0)},
		},
		{Op: Hardmax, Since: 1, FloatOnly: true, types: ofFirst, shape: site.alongAxis, eval: site.evalHardmax, Attrs: []Attribute{intAttr("axis", -1)}},
		{
			Op: TopK, Since: 1, Written: 11, FloatOnly: true, types: site.topKType, shape: site.topK, eval: site.evalTopK,
			Attrs: []Attribute{
				intAttr("axis", -1), intAttr("k", 0).input(1, 10).required(), intAttr("largest", 1).from(11), intAttr("sorted", 1).from(11), whichOutput,
			},
		},
		{
			Op: Trilu, Since: 14, FloatOnly: true, types: ofFirst, shape: site.trilu, eval: site.evalTrilu,
			Attrs: []Attribute{intAttr("k", 0).from(14).input(1, 14), intAttr("upper", 1)},
		},
	}...)

	add(ClassReference, Arity{2, 2}, []Operator{
		{
			Op: GatherElements, Since: 11, FloatOnly: true, types: ofFirst, shape: site.gatherElements, eval: site.evalGatherElements,
			Attrs: []Attribute{intAttr("axis", 0)},
		},
		{
			Op: GatherND, Since: 11, FloatOnly: true, types: ofFirst, shape: site.gatherND, eval: site.evalGatherND,
			Attrs: []Attribute{intAttr("batch_dims", 0).from(12)},
		},
		{
			Op: ScatterElements, Since: 11, Inputs: Arity{3, 3}, FloatOnly: true, types: ofFirst, shape: site.scatterElements,
			eval: site.evalScatterElements, Attrs: []Attribute{intAttr("axis", 0), strAttr("reduction", "none").from(16)},
		},
		{
			Op: ScatterND, Since: 11, Inputs: Arity{3, 3}, FloatOnly: true, types: ofFirst, shape: site.scatterND, eval: site.evalScatterND,
			Attrs: []Attribute{strAttr("reduction", "none").from(16)},
		},
		{
			Op: GridSample, Since: 16, FloatOnly: true, types: typeOf(tensor.Float32), shape: site.gridSample, eval: site.evalGridSample,
			Attrs: []Attribute{intAttr("align_corners", 0), strAttr("mode", "linear"), strAttr("padding_mode", "zeros")},
		},
		{
			Op: ReverseSequence, Since: 10, FloatOnly: true, types: ofFirst, shape: site.reverseSequence, eval: site.evalReverseSequence,
			Attrs: []Attribute{intAttr("batch_axis", 1), intAttr("time_axis", 0)},
		},
		{
			Op: Einsum, Since: 12, Inputs: Arity{1, Many}, FloatOnly: true, types: ofFirst, shape: site.einsum, eval: site.evalEinsum,
			Attrs: []Attribute{strAttr("equation", "").required()},
		},
	}...)
}

var argAttrs = []Attribute{intAttr("axis", 0), intAttr("keepdims", 1), intAttr("select_last_index", 0).from(12)}

// outputAttr says which of several outputs of its operator a node computes, 0 being the first: a node has one, and several are
// nodes of the same operands.
const outputAttr = "output"

var whichOutput = intAttr(outputAttr, 0).in(ScopeGraph)

// OutputAttr is the attribute that says which output of its operator a node of ClassReference is; absent from operators that
// have one.
const OutputAttr = outputAttr

func init() {
	common := []Attribute{
		floatsAttr("activation_alpha"), floatsAttr("activation_beta"), strAttr("activations", ""), floatAttr("clip", 0),
		strAttr("direction", "forward"), intAttr("hidden_size", 0), intAttr("layout", 0).from(14), whichOutput,
	}
	add(ClassReference, Arity{3, 6}, []Operator{
		{
			Op: GRU, Since: 1, Written: 7, FloatOnly: true, types: typeOf(tensor.Float32), shape: site.recur, eval: site.evalRecurrent,
			Attrs: append(common[:len(common):len(common)], intAttr("linear_before_reset", 0).from(3)),
		},
		{
			Op: LSTM, Since: 1, Written: 7, Inputs: Arity{3, 8}, FloatOnly: true, types: typeOf(tensor.Float32), shape: site.recur, eval: site.evalRecurrent,
			Attrs: append(common[:len(common):len(common)], intAttr("input_forget", 0), dynamic, intAttr(EndedAttr, 0).in(ScopeGraph)),
		},
		{Op: RNN, Since: 1, Written: 7, FloatOnly: true, types: typeOf(tensor.Float32), shape: site.recur, eval: site.evalRecurrent, Attrs: common},
	}...)
}
