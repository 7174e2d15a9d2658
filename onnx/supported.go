package onnx

import (
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// Supported reports whether Import reads nodes of an operator, op of the domain of ("" is ONNX's own) in
// that version.
// A single node may be refused all the same, for what it asks of the operator.
func Supported(of, op string, version int64) bool {
	n := onnxpb.Node{Op: op, Domain: of}
	return of != raw.DynamicDomain && operators.Known([]onnxpb.Node{n}, map[string]int64{operators.Domain(of): version}) == nil
}
