package ptq

import (
	"fmt"

	"linquant/calib"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// constant returns a value without a name that holds codes.
func constant[Q quant.Code](codes []Q, shape tensor.Shape, p quant.Params) (*graph.Value, error) {
	t, err := tensor.Of(shape, codes)
	if err != nil {
		return nil, err
	}
	return &graph.Value{DType: t.DType, Shape: shape, Const: &t, Quant: &p}, nil
}

// quantizeOperand quantizes the constant that a node combines with an activation: with the given parameters (a
// Concat's), or, where they are nil, over its own range.
func quantizeOperand(v *graph.Value, t quant.Type, symmetric bool, given *Activation) (*graph.Value, Activation, error) {
	x, err := v.Const.Float32s()
	if err != nil {
		return nil, Activation{}, fmt.Errorf("constant %q: %w", v.Name, err)
	}
	lo, hi, err := quant.Extremes(x)
	if err != nil {
		return nil, Activation{}, fmt.Errorf("constant %q: %w", v.Name, err)
	}
	var a Activation
	if given != nil {
		a = *given
	} else if a, err = operandParams(v.Name, calib.Range{Lo: lo, Hi: hi}, t, symmetric); err != nil {
		return nil, Activation{}, err
	}
	p := a.params()
	codes, err := quant.Encode(x, v.Const.Shape, p)
	return &graph.Value{DType: codes.DType, Shape: v.Const.Shape, Const: &codes, Quant: &p}, a, err
}

// operandParams chooses the parameters of a constant operand. One number, such as the 6 of x/6, is a code of its own: its
// scale is the number, and its code 1 or −1, so that nothing of it is lost. Exponents rely on that.
func operandParams(name string, r calib.Range, t quant.Type, symmetric bool) (Activation, error) {
	size := max(r.Hi, -r.Lo)
	if r.Lo != r.Hi || !(size >= smallestNormal) {
		return newActivation(name, r, t, symmetric)
	}
	a := Activation{Value: name, Type: t, Range: calib.Range{Lo: min(r.Lo, 0), Hi: max(r.Hi, 0)}, Scale: size}
	switch {
	case t.Unsigned && r.Lo < 0 && symmetric:
		a.ZeroPoint = 1 << (t.Bits - 1)
	case t.Unsigned && r.Lo < 0:
		a.ZeroPoint = 1
	}
	return a, nil
}

// smallestNormal is the smallest scale that a code can have.
const smallestNormal = 0x1p-126

// storedBytes returns the bytes of a constant and of its parameters. Zero points count where they are not all 0.
func storedBytes(v *graph.Value) int64 {
	n := int64(len(v.Const.Data))
	if v.Quant != nil {
		n += paramBytes(v.Quant)
	}
	return n
}

// packedBytes returns storedBytes with the codes of fewer than 8 bits packed, each index of the first dimension from a
// new byte on.
func packedBytes(v *graph.Value) int64 {
	if v.Quant == nil || v.Quant.Type.Bits >= 8 {
		return storedBytes(v)
	}
	n, err := quant.PackedRows.Len(v.Quant.Type, v.Const.Shape)
	if err != nil { // codes of a type that no Check lets through
		return storedBytes(v)
	}
	return int64(n) + paramBytes(v.Quant)
}

func paramBytes(p *quant.Params) int64 {
	n := 4 * int64(len(p.Scale))
	for _, z := range p.ZeroPoint {
		if z != 0 {
			return n + 4*int64(len(p.ZeroPoint))
		}
	}
	return n
}
