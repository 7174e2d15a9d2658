// Package integer is the arithmetic of single codes that the reference evaluator and the engine share: what a code stands
// for, functions as tables of 256, sums, and the output stage of averages.
package integer

import (
	"fmt"
	"math"

	"linquant/quant"
)

// Nearest returns the code of a real divided by its scale: clamp(RNE(v) + z, lo, hi), the zero point for a NaN.
func Nearest(v float32, z, lo, hi int32) int32 {
	if v != v {
		return z
	}
	v = min(max(v, float32(lo-z)), float32(hi-z))
	return int32(math.RoundToEven(float64(v))) + z
}

// Code returns the code of a real under parameters with one scale.
func Code(x float32, p *quant.Params) int32 {
	lo, hi := p.Type.Range()
	return Nearest(x/p.Scale[0], p.ZeroPointOf(0), lo, hi)
}

// Real returns what a code stands for under parameters with one scale.
func Real(code int32, p *quant.Params) float32 {
	return float32(float32(code-p.ZeroPointOf(0)) * p.Scale[0]) // never fused with a sum
}

// Table returns a function of one real as a table of codes: element i is the byte of the output's code for the
// input's code with the byte i (a signed code's two's complement), by dequantizing, f, and quantizing, each in float32.
// Both parameters have one scale and at most 8 bits. Bytes that are no code of a narrower type are given the value they
// would stand for.
func Table(f func(float32) float32, in, out quant.Params) (table [256]uint8, err error) {
	for _, p := range []quant.Params{in, out} {
		if err := CheckOperand(p); err != nil {
			return table, err
		}
	}
	for i := range table {
		code := int32(i)
		if !in.Type.Unsigned {
			code = int32(int8(i))
		}
		table[i] = uint8(Code(f(Real(code, &in)), &out))
	}
	return table, nil
}

// CheckOperand returns an error unless p has one usable scale and at most 8 bits.
func CheckOperand(p quant.Params) error {
	if p.Per != quant.PerTensor || p.Type.Bits > 8 {
		return fmt.Errorf("quantized per %v with %d bits: an operand has one scale and 2 to 8 bits", p.Per, p.Type.Bits)
	}
	return p.Check(nil)
}
