package quant

import "linquant/internal/cpu"

// Constants returns those of ONNX and Torch for vectors, in which a code is
//
//	RNE(clamp(float32(acc·M) + before, lo, hi)) + after
//
// Torch adds its zero point before rounding, ONNX after it: with before = 0, which changes no code.
func (r *Requantizer) Constants() (lo, hi, before float32, after int32) {
	if r.Convention == Torch {
		return float32(r.Lo), float32(r.Hi), float32(r.ZeroPoint), 0
	}
	return float32(r.Lo - r.ZeroPoint), float32(r.Hi - r.ZeroPoint), 0, r.ZeroPoint
}

// rounding holds them as the kernels read them.
type rounding struct {
	lo, hi, before float32
	after          int32
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
	var p rounding
	p.lo, p.hi, p.before, p.after = r.Constants()
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
