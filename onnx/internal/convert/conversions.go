package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
)

// Conversions bring the operators whose form is not the graph's to that. One of a file without one here has the form of
// the graph, of the newest opset.
var Conversions = map[graph.Op]func(s build.Node) error{
	graph.BatchNormalization: batchNormalization,
	graph.Dropout:            dropout,
	graph.Identity:           identity,
	graph.Pad:                pad,
	graph.Reshape:            reshape,
	graph.Slice:              slice,
	graph.Softmax:            softmax,
	raw.MSQLinearSoftmax:     qlinearSoftmax,
	"Cast":                   cast,
	"Constant":               constant,
	graph.Expand:             expand,
	graph.Gather:             Gather,
	"Split":                  Split,
	"ConvTranspose":          convTranspose,
	graph.GridSample:         gridSample,
	"LRN":                    lrn,
	"LpNormalization":        lpNormalization,
	"OneHot":                 oneHot,
	"Scatter":                scatter,
	"DepthToSpace":           depthToSpace,
	"SpaceToDepth":           spaceToDepth,
	"CastLike":               castLike,
	graph.Where:              where,
	graph.Max:                chain(graph.Max),
	graph.Min:                chain(graph.Min),
	graph.Pow:                power,
	"Mean":                   mean,
	"Sum":                    chain(graph.Add),
	raw.MSFusedConv:          fusedActivation,
	raw.MSFusedGemm:          fusedActivation,
	raw.MSFusedMatMul:        fusedMatMul,
	raw.MSSkipLayerNorm:      skipNorm,
	raw.MSSkipRMSNorm:        skipNorm,
	raw.MSAttention:          selfAttention,
	raw.MSQAttention:         quantizedAttention,
	raw.MSMultiHead:          multiHeadAttention,
	raw.MSEmbedNorm:          embedNorm,
	raw.MSGelu:               gelu,
	raw.MSFastGelu:           gelu,
	raw.MSBiasGelu:           gelu,
	raw.MSQuickGelu:          gelu,
	graph.Clip:               clip,
	graph.Concat:             concat,
	raw.Scaler:               scaler,
	graph.GroupNormalization: groupNorm,
	graph.LayerNormalization: layerNorm,
	graph.LogSoftmax:         softmax,
	graph.Hardmax:            softmax,
	graph.Resize:             resize,
	"Upsample":               upsample,
	raw.SimplifiedNorm:       simplifiedNorm,

	graph.QuantizeLinear:     quantizeLinear,
	raw.MSQuantizeLinear:     quantizeLinear,
	graph.DequantizeLinear:   dequantizeLinear,
	raw.MSDequantizeLinear:   dequantizeLinear,
	"DynamicQuantizeLinear":  dynamicQuantizeLinear,
	"ConvInteger":            convInteger,
	raw.MSDynamicLSTM:        dynamicLSTM,
	raw.MSGatherBlocks:       gatherBlockQuantized,
	raw.MSMatMulNBits:        matMulNBits,
	"MatMulInteger":          matMulInteger,
	raw.MSMatMulIntegerFloat: matMulIntegerToFloat,
}

// Node brings a node of the file to the form that the graph has of it. The operator is "" afterwards where its outputs
// have become constants.
func Node(s build.Node) error {
	if err := numberArithmetic(s); err != nil {
		return err
	}
	row, ok := graph.Lookup(s.Raw.Op)
	switch conversion := Conversions[s.Raw.Op]; {
	case conversion != nil:
		return conversion(s)
	case ok && row.Class == graph.ClassReduction:
		return reduce(s)
	case ok:
		return parameters(s)
	case raw.HasParameters(s.Raw.Op):
		return nil
	}
	return OnlyConstants(s)
}

// parameters makes attributes of the inputs that the opset has for them.
func parameters(s build.Node) error {
	row, ok := graph.Lookup(s.Raw.Op)
	if !ok || row.Class == graph.ClassBoundary { // whose inputs fuse reads
		return nil
	}
	for i := range row.Attrs {
		a := &row.Attrs[i]
		if a.Input != 0 && a.Scope != graph.ScopeIgnored && s.Opset >= int64(a.InputSince) && s.Raw.Input(a.Input) != "" {
			if err := parameter(s, a); err != nil {
				return err
			}
		}
		if a.Required && s.Raw.Attrs[a.Name] == nil {
			return s.Errorf("it has no %s", a.Name)
		}
	}
	s.Raw.Inputs = s.Raw.Inputs[:min(len(s.Raw.Inputs), row.Inputs.Most)]
	return nil
}

// parameter makes an attribute of the input that is it.
func parameter(s build.Node, a *graph.Attribute) (err error) {
	switch a.Kind {
	case graph.KindInts:
		s.Raw.Attrs[a.Name], err = s.Ints(a.Input)
	case graph.KindFloat:
		s.Raw.Attrs[a.Name], err = s.Scalar(a.Input)
	default:
		var x float32
		x, err = s.Scalar(a.Input)
		s.Raw.Attrs[a.Name] = int(min(max(x, -1<<30), 1<<30))
	}
	return err
}
