package quant

import "linquant/internal/cpu"

// rounding holds the constants of ONNX and Torch as the kernels read them: a code is
//
//	RNE(clamp(float32(acc·M) + before, lo, hi)) + after
//
// Torch adds its zero point before rounding, ONNX after it: with before = 0, which changes no code.
type rounding struct {
	lo, hi, before float32
	after          int32
}

func newRounding(r *Requantizer) rounding {
	if r.Convention == Torch {
		return rounding{float32(r.Lo), float32(r.Hi), float32(r.ZeroPoint), 0}
	}
	return rounding{float32(r.Lo - r.ZeroPoint), float32(r.Hi - r.ZeroPoint), 0, r.ZeroPoint}
}

// requantizeRows is Requantize for operands that were checked: rows of one accumulator a channel, or with one multiplier
// one row.
func requantizeRows[Q int8 | uint8](tier cpu.Tier, dst []Q, acc []int32, r *Requantizer) {
	channels := r.Channels()
	width := channels
	if channels == 1 {
		width = len(acc)
	}
	kernel := haveKernels && len(r.multiplier) > 0 && width >= vectorRun
	p := newRounding(r)
	for ; len(acc) > 0; dst, acc = dst[width:], acc[width:] {
		done := 0
		if kernel {
			done = requantize(tier, bytesOf(dst[:width]), acc[:width], r.multiplier, &p)
		}
		for c := done; c < width; c++ {
			dst[c] = Q(r.Code(acc[c], min(c, channels-1)))
		}
	}
}
