package operators

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
)

// only has the operators that files have and graphs do not: reading makes others of them, or computes them of constants
// and shapes.
var only = map[graph.Op]*graph.Operator{}

func init() {
	for _, o := range slices.Concat(written, computed, quantized()) {
		only[o.Op] = &o
	}
}

// between is a number of inputs.
func between(least, most int) graph.Arity { return graph.Arity{Least: least, Most: most} }

// attrs makes attributes of a kind, ones of which nothing is known but their type.
func attrs(kind graph.Kind, names ...string) []graph.Attribute {
	list := make([]graph.Attribute, len(names))
	for i, name := range names {
		list[i] = graph.Attribute{Name: name, Kind: kind}
	}
	return list
}

func ints(names ...string) []graph.Attribute   { return attrs(graph.KindInt, names...) }
func lists(names ...string) []graph.Attribute  { return attrs(graph.KindInts, names...) }
func floats(names ...string) []graph.Attribute { return attrs(graph.KindFloat, names...) }
func strs(names ...string) []graph.Attribute   { return attrs(graph.KindString, names...) }

func ignored(list []graph.Attribute) []graph.Attribute {
	for i := range list {
		list[i].Scope = graph.ScopeIgnored
	}
	return list
}

// of returns the attributes that an operator of package graph has in files.
func of(op graph.Op) []graph.Attribute {
	o, _ := graph.Lookup(op)
	return slices.DeleteFunc(slices.Clone(o.Attrs), func(a graph.Attribute) bool { return a.Scope == graph.ScopeGraph })
}

// written are the operators that others stand for.
var written = []graph.Operator{
	{Op: "Cast", Since: 1, File: between(1, 1), Attrs: slices.Concat(ints("to"), ignored(ints("saturate")), ignored(strs("round_mode")))},
	{Op: "CastLike", Since: 15, File: between(2, 2), Attrs: slices.Concat(ignored(ints("saturate")), ignored(strs("round_mode")))},
	{Op: "Constant", Since: 1, File: between(0, 0)}, // its attributes are its value
	{
		Op: "ConvTranspose", Since: 1, File: between(2, 3),
		Attrs: slices.Concat(of(graph.Conv), lists("output_padding", "output_shape")),
	},
	{Op: "DepthToSpace", Since: 1, File: between(1, 1), Attrs: slices.Concat(ints("blocksize"), strs("mode"))},
	{Op: "LRN", Since: 1, File: between(1, 1), Attrs: slices.Concat(floats("alpha", "beta", "bias"), ints("size"))},
	{Op: "Mean", Since: 1, File: between(1, graph.Many)},
	{Op: "SpaceToDepth", Since: 1, File: between(1, 1), Attrs: ints("blocksize")},
	{Op: "Split", Since: 1, File: between(1, 2), Attrs: slices.Concat(ints("axis", "num_outputs"), lists("split"))},
	{Op: "Sum", Since: 1, File: between(1, graph.Many)},
	{
		Op: "Upsample", Since: 7, File: between(1, 2),
		Attrs: slices.Concat(strs("mode"), attrs(graph.KindFloats, "scales")),
	},
	{Op: raw.MSBiasGelu, Since: 1, File: between(2, 2)},
	{Op: raw.MSFastGelu, Since: 1, File: between(1, 2)},
	{Op: raw.MSGelu, Since: 1, File: between(1, 1)},
	{Op: raw.MSQuickGelu, Since: 1, File: between(1, 1), Attrs: floats("alpha")},
}

// computed are the operators that are computed while a model is read, of constants and shapes alone. Those of
// ClassBinary broadcast, which files of old opsets ask for.
var computed = []graph.Operator{
	{Op: "And", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "ArgMax", Since: 1, File: between(1, 1), Attrs: ints("axis", "keepdims", "select_last_index")},
	{Op: "ArgMin", Since: 1, File: between(1, 1), Attrs: ints("axis", "keepdims", "select_last_index")},
	{Op: "BitShift", Since: 11, File: between(2, 2), Class: graph.ClassBinary, Attrs: strs("direction")},
	{Op: "ConstantOfShape", Since: 9, File: between(1, 1)}, // its attribute is its value
	{Op: "CumSum", Since: 11, File: between(2, 2), Attrs: ints("exclusive", "reverse")},
	{Op: "Equal", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "EyeLike", Since: 9, File: between(1, 1), Attrs: ints("dtype", "k")},
	{Op: "GatherElements", Since: 11, File: between(2, 2), Attrs: ints("axis")},
	{Op: "Greater", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "GreaterOrEqual", Since: 12, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "IsInf", Since: 10, File: between(1, 1), Attrs: ints("detect_negative", "detect_positive")},
	{Op: "IsNaN", Since: 9, File: between(1, 1)},
	{Op: "Less", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "LessOrEqual", Since: 12, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "Mod", Since: 10, File: between(2, 2), Class: graph.ClassBinary, Attrs: ints("fmod")},
	{Op: "NonZero", Since: 9, File: between(1, 1)},
	{Op: "Not", Since: 1, File: between(1, 1)},
	{Op: "OneHot", Since: 9, File: between(3, 3), Attrs: ints("axis")},
	{Op: "Or", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
	{Op: "Range", Since: 11, File: between(3, 3)},
	{Op: "Shape", Since: 1, File: between(1, 1), Attrs: ints("start", "end")},
	{Op: "Size", Since: 1, File: between(1, 1)},
	{Op: "Trilu", Since: 14, File: between(1, 2), Attrs: ints("upper")},
	{Op: "Xor", Since: 1, File: between(2, 2), Class: graph.ClassBinary},
}

// quantized returns the operators with scales and zero points among their inputs. They have the attributes of the
// operator on reals.
func quantized() []graph.Operator {
	gemm := slices.DeleteFunc(of(graph.Gemm), func(a graph.Attribute) bool { return a.Name == "beta" })
	return []graph.Operator{
		{Op: raw.DynamicConv, Since: 0, File: between(3, 5), Attrs: of(graph.Conv)},
		{Op: raw.DynamicMatMul, Since: 1, File: between(3, 5)},
		{Op: raw.QLinearConv, Since: 10, File: between(8, 9), Attrs: of(graph.Conv)},
		{Op: raw.QLinearMatMul, Since: 10, File: between(8, 8)},
		{Op: raw.MSDequantizeLinear, Since: 1, File: between(2, 3), Attrs: ints("axis", "block_size")},
		{Op: raw.MSQGemm, Since: 1, File: between(6, 9), Attrs: gemm},
		{Op: raw.MSQLinearAdd, Since: 1, File: between(7, 8)},
		{Op: raw.MSQLinearAveragePool, Since: 1, File: between(4, 5), Attrs: append(of(graph.AveragePool), ints("channels_last")...)},
		{Op: raw.MSQLinearConcat, Since: 1, File: between(5, graph.Many), Attrs: of(graph.Concat)},
		{Op: raw.MSQLinearGlobalAverage, Since: 1, File: between(4, 5), Attrs: ints("channels_last")},
		{Op: raw.MSQLinearLeakyRelu, Since: 1, File: between(4, 5), Attrs: of(graph.LeakyRelu)},
		{Op: raw.MSQLinearMul, Since: 1, File: between(7, 8)},
		{Op: raw.MSQLinearSigmoid, Since: 1, File: between(4, 5)},
		{Op: raw.MSQLinearSoftmax, Since: 1, File: between(4, 5), Attrs: append(of(graph.Softmax), ints("opset")...)},
		{Op: raw.MSQuantizeLinear, Since: 1, File: between(2, 3), Attrs: ints("axis", "block_size")},
	}
}
