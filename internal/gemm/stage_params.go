//go:build !purego && (amd64 || arm64)

package gemm

import "linquant/quant"

// stageParams are the constants of an output stage that computes with one multiplication in float32:
//
//	byte(RNE(clamp(float32(acc+bias)·mult + before, lo, hi)) + after)
//
// Torch adds its zero point before rounding, ONNX after it: with before = 0, which changes no code.
type stageParams struct {
	lo, hi, before float32
	after          int32
}

func newStageParams(r *quant.Requantizer, flip byte) stageParams {
	// Flipping the highest bit of a byte is adding 128 to it.
	if r.Convention == quant.Torch {
		return stageParams{float32(r.Lo), float32(r.Hi), float32(r.ZeroPoint), int32(flip)}
	}
	return stageParams{float32(r.Lo - r.ZeroPoint), float32(r.Hi - r.ZeroPoint), 0, r.ZeroPoint + int32(flip)}
}
