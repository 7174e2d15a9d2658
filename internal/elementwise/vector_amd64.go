//go:build !purego

package elementwise

import (
	"linquant/internal/cpu"
	"linquant/quant"
)

// The methods and functions here do what they can of an operation with the instructions of a tier, and return how many
// elements, or channels of every pixel, they did.

func has512(t cpu.Tier) bool { return t == cpu.AVX512VNNI || t == cpu.AMX }
func has256(t cpu.Tier) bool { return t == cpu.AVX2 || t == cpu.AVXVNNI }

// whole returns how many of n elements a kernel of the tier takes whose vectors, on AVX2, have so many.
func whole(n, lanes int, t cpu.Tier) int {
	switch {
	case has512(t):
		return n
	case has256(t):
		return n / lanes * lanes
	}
	return 0
}

func (p *Pair) vector(dst, a, b []byte, tier cpu.Tier) int {
	n := whole(len(dst), 8, tier)
	switch {
	case n == 0:
	case has512(tier) && p.Mul:
		mulCodesAVX512(&dst[0], &a[0], &b[0], n, p)
	case has512(tier):
		p.addAVX512(dst, a, b)
	case p.Mul:
		mulCodesAVX2(&dst[0], &a[0], &b[0], n, p)
	default:
		p.addAVX2(dst[:n], a[:n], b[:n])
	}
	return n
}

func (q *Quantizer) vector(dst []byte, src []float32, tier cpu.Tier) int {
	n := whole(len(dst), 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		quantizeAVX512(&dst[0], &src[0], n, q)
	default:
		quantizeAVX2(&dst[0], &src[0], n, q)
	}
	return n
}

func addVector(dst, a, b []float32, lo, hi float32, tier cpu.Tier) int {
	n := whole(len(dst), 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		addRealsAVX512(&dst[0], &a[0], &b[0], n, lo, hi)
	default:
		addRealsAVX2(&dst[0], &a[0], &b[0], n, lo, hi)
	}
	return n
}

func mulVector(dst, a, b []float32, lo, hi float32, tier cpu.Tier) int {
	n := whole(len(dst), 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		mulRealsAVX512(&dst[0], &a[0], &b[0], n, lo, hi)
	default:
		mulRealsAVX2(&dst[0], &a[0], &b[0], n, lo, hi)
	}
	return n
}

func clampVector(dst, src []float32, lo, hi float32, tier cpu.Tier) int {
	n := whole(len(dst), 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		clampRealsAVX512(&dst[0], &src[0], n, lo, hi)
	default:
		clampRealsAVX2(&dst[0], &src[0], n, lo, hi)
	}
	return n
}

func (w *Windows) maxCodes(dst, src []byte, tier cpu.Tier) int {
	n := whole(w.Channels, 32, tier)
	switch {
	case n == 0:
	case has512(tier):
		maxCodesAVX512(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps))
	default:
		maxCodesAVX2(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), w.Channels)
	}
	return n
}

func (w *Windows) maxReals(dst, src []float32, tier cpu.Tier) int {
	n := whole(w.Channels, 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		maxRealsAVX512(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps))
	default:
		maxRealsAVX2(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), w.Channels)
	}
	return n
}

func (w *Windows) meanReals(dst, src []float32, count float32, tier cpu.Tier) int {
	n := whole(w.Channels, 8, tier)
	switch {
	case n == 0:
	case has512(tier):
		meanRealsAVX512(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), count)
	default:
		meanRealsAVX2(&dst[0], &src[0], n, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), count, w.Channels)
	}
	return n
}

func (d *Depthwise) vector(dst, src []byte, w *Windows, tier cpu.Tier) int {
	r := d.Requant
	if r.Convention != quant.ONNX && r.Convention != quant.Torch {
		return 0
	}
	n := whole(w.Channels, 8, tier)
	if n == 0 {
		return 0
	}
	p := codeParams{
		channels: n, pixels: w.Pixels, step: w.Step, stride: w.Channels,
		taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps),
		weight: &d.Weight[0], bias: &d.Bias[0], mult: &r.Multipliers()[0], single: len(r.Multipliers()) == 1, zero: d.Zero,
		// Flipping the highest bit of a byte is adding 128 to it. Torch adds its zero point before rounding.
		lo: float32(r.Lo - r.ZeroPoint), hi: float32(r.Hi - r.ZeroPoint), after: r.ZeroPoint + int32(d.Flip),
	}
	if r.Convention == quant.Torch {
		p.lo, p.hi, p.before, p.after = float32(r.Lo), float32(r.Hi), float32(r.ZeroPoint), int32(d.Flip)
	}
	if has512(tier) {
		depthwiseCodesAVX512(&dst[0], &src[0], &p)
	} else {
		depthwiseCodesAVX2(&dst[0], &src[0], &p)
	}
	return n
}

func depthwiseVector(dst, src, weight, bias []float32, lo, hi float32, w *Windows, tier cpu.Tier) int {
	n := whole(w.Channels, 8, tier)
	if n == 0 {
		return 0
	}
	p := realParams{
		channels: n, pixels: w.Pixels, step: w.Step, stride: w.Channels,
		taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps), weight: &weight[0], lo: lo, hi: hi,
	}
	if bias != nil {
		p.bias = &bias[0]
	}
	if has512(tier) {
		depthwiseRealsAVX512(&dst[0], &src[0], &p)
	} else {
		depthwiseRealsAVX2(&dst[0], &src[0], &p)
	}
	return n
}

// vector reports whether it copied all.
func (g *Gather) vector(dst, src []byte, tier cpu.Tier) bool {
	wide, n := has512(tier), g.Length
	switch {
	case !wide && !has256(tier) || !wide && n < 8:
		return false
	case wide && n >= 64 && n <= 128:
		gatherTwo64(&dst[0], &src[0], g)
	case n >= 32 && n <= 64:
		gatherTwo32(&dst[0], &src[0], g)
	case n >= 16 && n <= 32:
		gatherTwo16(&dst[0], &src[0], g)
	case wide:
		gatherAVX512(&dst[0], &src[0], g)
	case n > 64:
		gatherAVX2x32(&dst[0], &src[0], g)
	default:
		gatherAVX2x8(&dst[0], &src[0], g)
	}
	return true
}
