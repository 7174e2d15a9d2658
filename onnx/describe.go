package onnx

import (
	"maps"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// Operator says how Import reads an operator.
type Operator struct {
	Name   string // as the file has it
	Domain string // "" is ONNX's own
	Since  int64  // the first opset of the domain that is read; newer ones all are, up to NewestOpset of ONNX's own

	// Graph is what it becomes: operators of package graph, one of them of the same name where there is one. It is
	// empty for what is computed while a model is read, of constants and shapes alone.
	Graph []graph.Op

	// Constants reports that the operator is also, or only, computed of constants of any type while a model is read.
	Constants bool
}

// NewestOpset is the last opset of ONNX that is read and written.
const NewestOpset = operators.MaxOpset

// Operators lists the operators that Import reads, by name; those of other domains come last.
func Operators() []Operator {
	var list []Operator
	since := map[graph.Op]int64{}
	for _, row := range raw.Operators() {
		since[row.Op] = int64(operators.Since(row))
	}
	delete(since, raw.DynamicConv)
	for _, name := range slices.Sorted(maps.Keys(since)) {
		o := Operator{Name: string(name), Since: since[name], Graph: becomes[name]}
		if o.Graph == nil && name.Known() {
			o.Graph = []graph.Op{name}
		}
		_, o.Constants = arrays.Ops[name]
		o.Constants = o.Constants || len(o.Graph) == 0 || name == "Split"
		if dot := strings.LastIndexByte(o.Name, '.'); dot >= 0 {
			o.Domain, o.Name = o.Name[:dot], o.Name[dot+1:]
		}
		list = append(list, o)
	}
	slices.SortStableFunc(list, func(a, b Operator) int { return strings.Compare(a.Domain, b.Domain) })
	return list
}

// becomes has the operators that the graph has under other names.
var becomes = map[graph.Op][]graph.Op{
	"Cast": {graph.Identity, graph.Cast}, "CastLike": {graph.Identity, graph.Cast}, "Split": {graph.Slice}, "Sum": {graph.Add},
	"Mean": {graph.Add, graph.Div}, "Upsample": {graph.Resize}, "DepthToSpace": {graph.Reshape, graph.Transpose},
	"SpaceToDepth": {graph.Reshape, graph.Transpose}, raw.SimplifiedNorm: {graph.RMSNormalization},
	"OneHot": {graph.Equal, graph.Where}, "LpNormalization": {graph.ReduceL1, graph.ReduceL2, graph.Div}, "Scatter": {graph.ScatterElements},
	raw.Scaler: {graph.Sub, graph.Mul}, raw.MSFusedConv: {graph.Conv}, raw.MSFusedGemm: {graph.Gemm}, raw.MSFusedMatMul: {graph.MatMul},
	raw.MSAttention: {graph.MatMul, graph.Softmax}, raw.MSQAttention: {graph.MatMul, graph.Softmax}, raw.MSMultiHead: {graph.MatMul, graph.Softmax},
	raw.MSEmbedNorm:     {graph.Gather, graph.Add, graph.LayerNormalization},
	raw.MSSkipLayerNorm: {graph.Add, graph.LayerNormalization}, raw.MSSkipRMSNorm: {graph.Add, graph.RMSNormalization},
	"ConvTranspose": {graph.Conv}, "LRN": {graph.AveragePool, graph.Pow, graph.Div},
	raw.QLinearConv: {graph.Conv}, raw.QLinearMatMul: {graph.MatMul}, raw.MSQGemm: {graph.Gemm}, raw.MSQLinearAdd: {graph.Add},
	raw.MSQLinearMul: {graph.Mul}, raw.MSQLinearConcat: {graph.Concat}, raw.MSQLinearAveragePool: {graph.AveragePool},
	raw.MSQLinearGlobalAverage: {graph.GlobalAveragePool}, raw.MSQLinearLeakyRelu: {graph.LeakyRelu},
	raw.MSQLinearSigmoid: {graph.Sigmoid}, raw.MSQLinearSoftmax: {graph.Softmax}, raw.MSQuantizeLinear: {graph.QuantizeLinear},
	raw.MSDequantizeLinear: {graph.DequantizeLinear}, raw.MSGelu: {graph.Gelu}, raw.MSFastGelu: {graph.Gelu}, raw.MSBiasGelu: {graph.Gelu},
	raw.MSQuickGelu: {graph.Swish}, raw.DynamicMatMul: {graph.MatMul}, raw.MSDynamicLSTM: {graph.LSTM},
	raw.MSMatMulIntegerFloat: {graph.MatMul},
	file.DynamicQuantizer:    {graph.Conv, graph.MatMul}, "ConvInteger": {graph.Conv}, "MatMulInteger": {graph.MatMul},
	raw.MSGatherBlocks: {graph.DequantizeLinear, graph.Gather}, raw.MSMatMulNBits: {graph.DequantizeLinear, graph.MatMul},
}
