//go:build !purego && (amd64 || arm64)

package gemm

import "linquant/quant"

// stageParams are the constants of an output stage that computes with one multiplication in float32:
//
//	byte(RNE(clamp(float32(acc+bias)·mult + before, lo, hi)) + after)
type stageParams struct {
	lo, hi, before float32
	after          int32
}

func newStageParams(r *quant.Requantizer, flip byte) (p stageParams) {
	p.lo, p.hi, p.before, p.after = r.Constants()
	p.after += int32(flip) // flipping the highest bit of a byte is adding 128 to it
	return p
}
