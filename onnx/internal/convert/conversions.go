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
	graph.Clip:               clip,
	graph.Dropout:            dropout,
	graph.Identity:           identity,
	graph.Pad:                pad,
	graph.Reshape:            reshape,
	graph.Slice:              slice,
	graph.Softmax:            softmax,
	graph.Squeeze:            axes,
	graph.Unsqueeze:          axes,
	"Cast":                   cast,
	"Constant":               constant,
	graph.Expand:             expand,
	graph.Gather:             Gather,
	graph.Tile:               tile,
	"Split":                  Split,
	"ConvTranspose":          convTranspose,
	"LRN":                    lrn,
	"DepthToSpace":           depthToSpace,
	"SpaceToDepth":           spaceToDepth,
	"CastLike":               castLike,
	graph.Where:              where,
	graph.Max:                chain(graph.Max),
	graph.Min:                chain(graph.Min),
	graph.Pow:                power,
	"Mean":                   mean,
	"Sum":                    chain(graph.Add),
	raw.MSGelu:               gelu,
	raw.MSFastGelu:           gelu,
	raw.MSBiasGelu:           gelu,
	raw.MSQuickGelu:          gelu,
	graph.ReduceL1:           reduce,
	graph.ReduceL2:           reduce,
	graph.ReduceLogSum:       reduce,
	graph.ReduceLogSumExp:    reduce,
	graph.ReduceMax:          reduce,
	graph.ReduceMean:         reduce,
	graph.ReduceMin:          reduce,
	graph.ReduceProd:         reduce,
	graph.ReduceSum:          reduce,
	graph.ReduceSumSquare:    reduce,
	graph.GroupNormalization: groupNorm,
	graph.LayerNormalization: layerNorm,
	graph.LogSoftmax:         softmax,
	graph.Resize:             resize,
	"Upsample":               upsample,
}
