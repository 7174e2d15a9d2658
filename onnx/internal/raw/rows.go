package raw

import (
	"maps"
	"slices"
	"strings"

	"linquant/graph"
)

// only has the rows of the operators that files have and graphs do not: reading makes others of them, or computes them of
// constants and shapes.
var only = map[graph.Op]*graph.Operator{}

func init() {
	for _, o := range slices.Concat(replaced, computed, withParameters()) {
		only[o.Op] = &o
	}
}

// Lookup returns the row of an operator that is read, by its name in the raw form: that of package graph, or of an
// operator that only files have.
func Lookup(op graph.Op) (*graph.Operator, bool) {
	if o, ok := graph.Lookup(op); ok {
		return o, true
	}
	o, ok := only[op]
	return o, ok
}

// Operators returns the rows of all operators that are read, in the order of their names.
func Operators() []*graph.Operator {
	rows := append(graph.Operators(), slices.Collect(maps.Values(only))...)
	slices.SortFunc(rows, func(a, b *graph.Operator) int { return strings.Compare(string(a.Op), string(b.Op)) })
	return rows
}

// between is a number of inputs.
func between(least, most int) graph.Arity { return graph.Arity{Least: least, Most: most} }

// The attributes of the rows are written with these. Defaults are those of ONNX, or of ONNX Runtime for its own domain.

type attributes = []graph.Attribute

func integer(name string, missing int) graph.Attribute {
	return graph.Attribute{Name: name, Kind: graph.KindInt, Default: missing}
}

func float(name string, missing float32) graph.Attribute {
	return graph.Attribute{Name: name, Kind: graph.KindFloat, Default: missing}
}

func text(name, missing string) graph.Attribute {
	return graph.Attribute{Name: name, Kind: graph.KindString, Default: missing}
}

func list(name string, kind graph.Kind) graph.Attribute {
	return graph.Attribute{Name: name, Kind: kind}
}

func required(a graph.Attribute) graph.Attribute { a.Required = true; return a }
func ignored(a graph.Attribute) graph.Attribute  { a.Scope = graph.ScopeIgnored; return a }

// from is an attribute that came with an opset.
func from(opset int, a graph.Attribute) graph.Attribute { a.Since = opset; return a }

// input is an attribute that is input i since an opset.
func input(i, opset int, a graph.Attribute) graph.Attribute {
	a.Input, a.InputSince = i, opset
	return a
}

// of returns the attributes that an operator of package graph has in files.
func of(op graph.Op) attributes {
	o, _ := graph.Lookup(op)
	return slices.DeleteFunc(slices.Clone(o.Attrs), func(a graph.Attribute) bool { return a.Scope == graph.ScopeGraph })
}

// attending returns what all attention of ONNX Runtime's has; a scale of 0 stands for one by the square root of the size.
func attending() attributes {
	return attributes{required(integer("num_heads", 0)), integer("unidirectional", 0), float("mask_filter_value", -10000), float("scale", 0)}
}

func attendingItself() attributes {
	return append(attending(), integer("do_rotary", 0), integer("past_present_share_buffer", 0), ignored(integer("rotary_embedding_dim", 0)))
}

// replaced are the operators that others stand for.
var replaced = []graph.Operator{
	{
		Op: "CastLike", Since: 15, File: between(2, 2),
		Attrs: attributes{ignored(from(19, integer("saturate", 1))), ignored(from(24, text("round_mode", "up")))},
	},
	{Op: "Constant", Since: 1, File: between(0, 0)}, // its attributes are its value
	{
		Op: "ConvTranspose", Since: 1, File: between(2, 3),
		Attrs: append(of(graph.Conv), list("output_padding", graph.KindInts), list("output_shape", graph.KindInts)),
	},
	{
		Op: "DepthToSpace", Since: 1, File: between(1, 1),
		Attrs: attributes{required(integer("blocksize", 0)), from(11, text("mode", "DCR"))},
	},
	{
		Op: "LRN", Since: 1, File: between(1, 1),
		Attrs: attributes{float("alpha", 1e-4), float("beta", 0.75), float("bias", 1), required(integer("size", 0))},
	},
	{
		Op: "LpNormalization", Since: 1, File: between(1, 1),
		Attrs: attributes{integer("axis", -1), integer("p", 2)},
	},
	{Op: "OneHot", Since: 9, File: between(3, 3), Attrs: attributes{integer("axis", -1)}},
	{Op: "Scatter", Since: 9, File: between(3, 3), Attrs: attributes{integer("axis", 0)}},
	{Op: "ConvInteger", Since: 10, File: between(2, 4), Attrs: of(graph.Conv)},
	{Op: "DynamicQuantizeLinear", Since: 11, File: between(1, 1)},
	{Op: "MatMulInteger", Since: 10, File: between(2, 4)},
	{
		Op: MSGatherBlocks, Since: 1, File: between(3, 4),
		Attrs: attributes{integer("bits", 4), integer("block_size", 128), integer("gather_axis", 0), integer("quantize_axis", 1)},
	},
	{
		Op: MSMatMulNBits, Since: 1, File: between(3, 6),
		Attrs: attributes{
			required(integer("K", 0)), required(integer("N", 0)), integer("bits", 4), required(integer("block_size", 0)),
			ignored(integer("accuracy_level", 0)), ignored(integer("weight_prepacked", 0)),
		},
	},
	{Op: MSMatMulIntegerFloat, Since: 1, File: between(4, 7)},
	{Op: "If", Since: 1, File: between(1, 1)}, // its branches are attributes
	{Op: "Mean", Since: 1, File: between(1, graph.Many)},
	{
		// RMSNormalization, as ONNX Runtime had it first, in ONNX's own domain.
		Op: SimplifiedNorm, Since: 1, File: between(2, 2),
		Attrs: attributes{integer("axis", -1), float("epsilon", 1e-5), ignored(integer("stash_type", 1))},
	},
	{Op: Scaler, Since: 1, File: between(1, 1), Attrs: attributes{list("offset", graph.KindFloats), list("scale", graph.KindFloats)}},
	{Op: "SpaceToDepth", Since: 1, File: between(1, 1), Attrs: attributes{required(integer("blocksize", 0))}},
	{
		Op: "Split", Since: 1, File: between(1, 2), // opset 1 has the parts as an input too
		Attrs: attributes{
			integer("axis", 0), input(1, 13, list("split", graph.KindInts)),
			{Name: "num_outputs", Kind: graph.KindInt, Since: 18}, // without it: as many as there are
		},
	},
	{Op: "Sum", Since: 1, File: between(1, graph.Many)},
	{
		Op: "Upsample", Since: 7, File: between(1, 2),
		Attrs: attributes{text("mode", "nearest"), required(input(1, 9, list("scales", graph.KindFloats)))},
	},
	{Op: MSAttention, Since: 1, File: between(1, 7), Attrs: append(attendingItself(), list("qkv_hidden_sizes", graph.KindInts))},
	{Op: MSQAttention, Since: 1, File: between(5, 9), Attrs: attendingItself()},
	{Op: MSMultiHead, Since: 1, File: between(1, 10), Attrs: attending()},
	{
		Op: MSEmbedNorm, Since: 1, File: between(7, 9),
		Attrs: attributes{float("epsilon", 1e-12), ignored(integer("mask_index_type", 0))},
	},
	{Op: MSBiasGelu, Since: 1, File: between(2, 2)},
	{
		Op: MSFusedConv, Since: 1, File: between(2, 4),
		Attrs: append(of(graph.Conv), text("activation", ""), list("activation_params", graph.KindFloats)),
	},
	{
		Op: MSFusedGemm, Since: 1, File: between(2, 3),
		Attrs: append(of(graph.Gemm), text("activation", ""), float("activation_alpha", 0), float("activation_beta", 0),
			ignored(float("activation_gamma", 0))),
	},
	{
		Op: MSFusedMatMul, Since: 1, File: between(2, 2),
		Attrs: attributes{
			float("alpha", 1), integer("transA", 0), integer("transB", 0), integer("transBatchA", 0), integer("transBatchB", 0),
		},
	},
	{Op: MSSkipLayerNorm, Since: 1, File: between(3, 5), Attrs: attributes{float("epsilon", 1e-12)}},
	{Op: MSSkipRMSNorm, Since: 1, File: between(3, 4), Attrs: attributes{float("epsilon", 1e-12)}},
	{Op: MSFastGelu, Since: 1, File: between(1, 2)},
	{Op: MSGelu, Since: 1, File: between(1, 1)},
	{Op: MSQuickGelu, Since: 1, File: between(1, 1), Attrs: attributes{float("alpha", 1.702)}},
}

// computed are the operators that are computed while a model is read, of constants and shapes alone. Those of
// ClassBinary broadcast, which files of old opsets ask for.
var computed = []graph.Operator{
	{Op: "BitShift", Since: 11, File: between(2, 2), Class: graph.ClassBinary, Attrs: attributes{required(text("direction", ""))}},
	{Op: "ConstantOfShape", Since: 9, File: between(1, 1)},                                                  // its attribute is its value
	{Op: "EyeLike", Since: 9, File: between(1, 1), Attrs: attributes{integer("dtype", 0), integer("k", 0)}}, // type 0: the input's
	{Op: "NonZero", Since: 9, File: between(1, 1)},
	{Op: "Range", Since: 11, File: between(3, 3)},
	{
		Op: "Shape", Since: 1, File: between(1, 1), // without an end: all dimensions
		Attrs: attributes{from(15, integer("start", 0)), {Name: "end", Kind: graph.KindInt, Since: 15}},
	},
	{Op: "Size", Since: 1, File: between(1, 1)},
}

// withParameters returns the operators with scales and zero points among their inputs. They have the attributes of the
// operator on reals.
func withParameters() []graph.Operator {
	gemm := slices.DeleteFunc(of(graph.Gemm), func(a graph.Attribute) bool { return a.Name == "beta" })
	boundary := attributes{integer("axis", 1), integer("block_size", 0)}
	lstm := slices.DeleteFunc(of(graph.LSTM), func(a graph.Attribute) bool { return a.Name == "layout" })
	for _, name := range []string{graph.OutputAttr, graph.EndedAttr} {
		lstm = append(lstm, graph.Attribute{Name: name, Kind: graph.KindInt, Default: 0, Scope: graph.ScopeGraph})
	}
	return []graph.Operator{
		{Op: DynamicConv, Since: 0, File: between(3, 5), Attrs: of(graph.Conv)},
		{Op: DynamicMatMul, Since: 1, File: between(3, 5)},
		{Op: QLinearConv, Since: 10, File: between(8, 9), Attrs: of(graph.Conv)},
		{Op: QLinearMatMul, Since: 10, File: between(8, 8)},
		{Op: MSDequantizeLinear, Since: 1, File: between(2, 3), Attrs: boundary},
		{Op: MSDynamicLSTM, Since: 1, File: between(12, 12), Attrs: lstm},
		{Op: MSQGemm, Since: 1, File: between(6, 9), Attrs: gemm},
		{Op: MSQLinearAdd, Since: 1, File: between(7, 8)},
		{Op: MSQLinearAveragePool, Since: 1, File: between(4, 5), Attrs: append(of(graph.AveragePool), integer("channels_last", 0))},
		{Op: MSQLinearConcat, Since: 1, File: between(5, graph.Many), Attrs: of(graph.Concat)},
		{Op: MSQLinearGlobalAverage, Since: 1, File: between(4, 5), Attrs: attributes{integer("channels_last", 0)}},
		{Op: MSQLinearLeakyRelu, Since: 1, File: between(4, 5), Attrs: of(graph.LeakyRelu)},
		{Op: MSQLinearMul, Since: 1, File: between(7, 8)},
		{Op: MSQLinearSigmoid, Since: 1, File: between(4, 5)},
		{Op: MSQLinearSoftmax, Since: 1, File: between(4, 5), Attrs: append(of(graph.Softmax), integer("opset", 0))},
		{Op: MSQuantizeLinear, Since: 1, File: between(2, 3), Attrs: boundary},
	}
}
