package raw

import (
	"slices"

	"linquant/graph"
)

// Trim leaves out the names at the end that are "".
func Trim(names []string) []string {
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return slices.Clone(names)
}

// The methods here bring the operators of mathematics to the forms of the graph.

// The operators of ONNX Runtime's own domain that are read as others.
const (
	MSGelu      graph.Op = Microsoft + ".Gelu"
	MSFastGelu  graph.Op = Microsoft + ".FastGelu"
	MSBiasGelu  graph.Op = Microsoft + ".BiasGelu"
	MSQuickGelu graph.Op = Microsoft + ".QuickGelu"

	Scaler          graph.Op = "ai.onnx.ml.Scaler"
	MSAttention     graph.Op = Microsoft + ".Attention"
	MSMultiHead     graph.Op = Microsoft + ".MultiHeadAttention"
	MSQAttention    graph.Op = Microsoft + ".QAttention"
	MSEmbedNorm     graph.Op = Microsoft + ".EmbedLayerNormalization"
	MSFusedConv     graph.Op = Microsoft + ".FusedConv"
	MSFusedGemm     graph.Op = Microsoft + ".FusedGemm"
	MSFusedMatMul   graph.Op = Microsoft + ".FusedMatMul"
	MSSkipLayerNorm graph.Op = Microsoft + ".SkipLayerNormalization"
	SimplifiedNorm  graph.Op = "SimplifiedLayerNormalization" // in ONNX's own domain
	MSSkipRMSNorm   graph.Op = Microsoft + ".SkipSimplifiedLayerNormalization"
)
