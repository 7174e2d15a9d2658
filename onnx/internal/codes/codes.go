// Package codes has what reading quantization and writing it share: the names of values of codes, and their parameters.
package codes

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

func AllZero(zero []int32) bool {
	for _, z := range zero {
		if z != 0 {
			return false
		}
	}
	return true
}

// Bounds returns those of a Clip node, infinite where it has none.
func Bounds(n *graph.Node) (lo, hi float32) {
	return n.Float("min"), n.Float("max")
}

// MovesElements reports whether the operator's outputs are some of its inputs' elements (and padding), so that it does
// the same to codes as to what they stand for.
func MovesElements(n *graph.Node) bool {
	row, ok := graph.Lookup(n.Op)
	return ok && row.Role == graph.RolePass && !graph.FloatOnly(n)
}

// Kept reports whether the operator, given codes, gives codes with the same parameters: it moves, joins or limits them.
func Kept(n *graph.Node) bool {
	switch n.Op {
	case graph.Concat, graph.Relu, graph.Clip:
		return true
	}
	return MovesElements(n)
}

// Transposed returns a matrix of codes, and its parameters, with rows and columns exchanged.
func Transposed(t tensor.Tensor, p quant.Params) (tensor.Tensor, quant.Params) {
	if p.Per == quant.PerChannel {
		p.Axis = 1 - p.Axis
	}
	return TransposedEach(t), p
}

// TransposedEach returns a matrix of codes, or a stack of matrices, with rows and columns exchanged.
func TransposedEach(t tensor.Tensor) tensor.Tensor {
	shape := slices.Clone(t.Shape)
	n := len(shape)
	rows, cols, size := shape[n-2], shape[n-1], t.DType.Size()
	shape[n-2], shape[n-1] = cols, rows
	data := make([]byte, len(t.Data))
	for from := 0; from < len(data); from += rows * cols * size {
		for r := range rows {
			for c := range cols {
				copy(data[from+(c*rows+r)*size:], t.Data[from+(r*cols+c)*size:][:size])
			}
		}
	}
	return tensor.Tensor{DType: t.DType, Shape: shape, Data: data}
}

// CodesSuffix ends the names of values that hold the codes of a float value.
const CodesSuffix = "_quantized"

// Zeros returns the zero points of p, one for each scale.
func Zeros(p quant.Params) []int32 {
	if p.ZeroPoint != nil {
		return p.ZeroPoint
	}
	return make([]int32, len(p.Scale))
}

// FloatSuffix ends the names of float values that exist only to be quantized.
const FloatSuffix = "_float"

// KernelSuffix ends the names of weights [out, in] that are written as 1×1 kernels.
const KernelSuffix = "_1x1"

// Describe formats parameters for an error.
func Describe(p quant.Params) string {
	if len(p.Scale) == 1 {
		return fmt.Sprintf("%v, scale %g, zero point %d", p.Type, p.Scale[0], Zeros(p)[0])
	}
	return fmt.Sprintf("%v, %d scales", p.Type, len(p.Scale))
}
