package onnx

import (
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// The raw form is what stands between a file and the annotated graph of package graph: reading makes it and fuse takes
// it, lower makes it and writing takes it. It is a graph.Graph with one node for each node of the file.
//
//   - Operators of package graph have the form that op.go there describes: parameters are attributes, also those that
//     the file has as constant inputs (the bounds of Clip, the axes of Squeeze, the shape of Reshape). Constant,
//     Identity and Cast of a constant have become constants; other nodes of constant floats are still nodes. Nodes that
//     compute with shapes, integers and booleans are gone (array.go). Split has become Slices, and other operators those
//     that describe.go lists. Convolutions and pools of one dimension are of two (lift.go), and a Transpose that moves
//     the batch is behind the nodes that choose from what it made (turned.go).
//   - QuantizeLinear, DequantizeLinear, QLinearConv and QLinearMatMul have the inputs and attributes of ONNX, scales
//     and zero points included (an optional input that is left out is "" or missing at the end). Operators of another
//     domain have it before their name: "com.microsoft.QLinearAdd". isRaw tells them.
//   - Nodes are in topological order, names are unique, every name that is read exists.
//   - Value.DType is set on every value: Float32, or Int8 and Uint8 for codes, Int32 for biases and accumulators. Types
//     of 4 and 2 bits are Int8 and Uint8 too, one code a byte; a constant of them has Quant with nothing but the Type,
//     and so has a value that a node computes with it. Otherwise Quant is nil when a file was read. codeType gives the
//     type either way. float16, bfloat16 and float64 have become Float32.
//   - Value.Shape is set only for inputs and constants when a file was read. A lowered graph has the shapes that are
//     known, which are written as value_info.
//   - Clip and Pad on codes: the attributes min, max and value are the codes as float32.
//   - Metadata holds everything but linquant.requant and linquant.preprocess, which are Graph.Requant and Graph.Input.
//     fuse removes linquant.bits, and lower adds it where there are codes with fewer bits than their type.
//
// lower says which tensors are to be written with 4 bits by Value.Quant: with ExportConfig.Int4 every value of codes
// whose Quant.Type has up to 4 bits, zero points included, gets the type INT4 or UINT4. Scales and zero points are
// constants like others; a scalar has the shape [].

// The operators of quantization, as the raw form names them, beside QuantizeLinear and DequantizeLinear.
const (
	qLinearConv            graph.Op = "QLinearConv"
	qLinearMatMul          graph.Op = "QLinearMatMul"
	msQuantizeLinear       graph.Op = microsoft + ".QuantizeLinear"
	msDequantizeLinear     graph.Op = microsoft + ".DequantizeLinear"
	msQGemm                graph.Op = microsoft + ".QGemm"
	msQLinearAdd           graph.Op = microsoft + ".QLinearAdd"
	msQLinearMul           graph.Op = microsoft + ".QLinearMul"
	msQLinearConcat        graph.Op = microsoft + ".QLinearConcat"
	msQLinearAveragePool   graph.Op = microsoft + ".QLinearAveragePool"
	msQLinearGlobalAverage graph.Op = microsoft + ".QLinearGlobalAveragePool"
	msQLinearLeakyRelu     graph.Op = microsoft + ".QLinearLeakyRelu"
	msQLinearSigmoid       graph.Op = microsoft + ".QLinearSigmoid"
	msQLinearSoftmax       graph.Op = microsoft + ".QLinearSoftmax"
	microsoft                       = "com.microsoft"
)

// isRaw reports whether the operator has scales and zero points among its inputs.
func isRaw(op graph.Op) bool {
	switch op {
	case graph.QuantizeLinear, graph.DequantizeLinear, qLinearConv, qLinearMatMul, msQuantizeLinear, msDequantizeLinear,
		msQGemm, msQLinearAdd, msQLinearMul, msQLinearConcat, msQLinearAveragePool, msQLinearGlobalAverage,
		msQLinearLeakyRelu, msQLinearSigmoid, msQLinearSoftmax, msDynamicMatMul, dynamicConv:
		return true
	}
	return false
}

// codeType returns the integer type of a value of codes in the raw form, and false for one of reals (or of int64).
func codeType(v *graph.Value) (quant.Type, bool) {
	switch {
	case v == nil:
		return quant.Type{}, false
	case v.Quant != nil:
		return v.Quant.Type, true
	case v.DType == tensor.Int8:
		return quant.Int(8), true
	case v.DType == tensor.Uint8:
		return quant.Uint(8), true
	case v.DType == tensor.Int32:
		return quant.Int(32), true
	}
	return quant.Type{}, false
}
