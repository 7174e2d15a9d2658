package elementwise

import (
	"bytes"
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// Depthwise is the sum of the products of a window's codes with weights, each channel for itself, and an output stage:
//
//	acc    = Bias[c] + Σ_t (src[p·Step + Taps[t] + c] − Zero) · Weight[Weights[t] + c]
//	stored = byte(Requant.Code(acc, c)) ^ Flip
//
// It is a depthwise convolution, and with weights of 1 an average pooling. Sums wrap. It is immutable.
type Depthwise struct {
	Weight  []Weight // [taps, channels]; a tap's weights begin where Windows says
	Bias    []int32  // [channels]
	Zero    int32    // zero point of src as it is stored
	Requant *quant.Requantizer
	Flip    byte

	quads *quads // of Pack, as pairs
	pairs *pairs
}

// Weight is a code less its zero point, in 16 bits with 16 bits of 0 above: VPMADDWD multiplies pairs of 16 bits.
type Weight uint32

// NewWeight returns w as a Weight.
func NewWeight(w int16) Weight { return Weight(uint16(w)) }

// Codes fills dst. sums is memory for the sums of one pixel, which not every tier needs.
func (d *Depthwise) Codes(dst, src []byte, w *Windows, sums []int32, tier cpu.Tier) {
	w.check(len(dst), len(src), 0)
	d.check(w)
	if d.quads != nil && d.codesOfQuads(dst, src, w, tier) || d.pairs != nil && d.codesOfPairs(dst, src, w, tier) {
		return
	}
	if len(w.Taps) > 0 && d.vector(kernelsOf(tier), dst, src, w) {
		return
	}
	perChannel := min(d.Requant.Channels()-1, 1) // 0 where there is one multiplier
	n := w.Channels
	sums = sums[:n]
	for p := range w.Pixels {
		copy(sums, d.Bias)
		for t, at := range w.Taps {
			in := src[p*w.Step:]
			weight := d.Weight[w.Weights[t]:][:n]
			for c, u := range in[at:][:n] {
				sums[c] += (int32(u) - d.Zero) * int32(int16(weight[c]))
			}
		}
		out := dst[p*n:][:n]
		for c, sum := range sums {
			out[c] = byte(d.Requant.Code(sum, c*perChannel)) ^ d.Flip
		}
	}
}

// Pack lays out the weights, of so many taps one after the other, for a faster kernel, if the tier has one for them.
// What it depends on must not change afterwards. A run of windows takes up to span elements of a line.
func (d *Depthwise) Pack(taps, channels, span int, tier cpu.Tier) {
	r, k := d.Requant, kernelsOf(tier)
	if taps > mostTaps || r.Convention != quant.ONNX && r.Convention != quant.Torch {
		return
	}
	for _, m := range r.Multipliers() {
		if !(m <= 0.5) { // so that every product of an int32 fits an int32
			return
		}
	}
	for _, w := range d.Weight {
		if v := int16(w); v != int16(int8(v)) {
			return
		}
	}
	padding := bytes.Repeat([]byte{byte(d.Zero)}, span)
	switch {
	case k.quads.Has():
		d.quads = d.newQuads(taps, channels)
		d.quads.finish(padding, r, d.Flip)
	case k.pairs.Has():
		if d.pairs = d.newPairs(taps, channels); d.pairs != nil {
			d.pairs.finish(padding, r, d.Flip)
			if d.pairs.second {
				d.pairs.params.second = 1
			}
		}
	}
}

// mostTaps is how many taps packed weights have at most.
const mostTaps = 64

// codeParams are the constants of a depthwise product of codes.
type codeParams struct {
	channels, pixels, step, stride int
	taps, weights                  *int
	count                          int // of taps
	weight                         *Weight
	bias                           *int32
	mult                           *float32
	zero                           int32
	lo, hi, before                 float32
	after                          int32
	single                         bool // mult is one multiplier for all channels
}

// vector reports whether the kernel has computed all.
func (d *Depthwise) vector(k *kernels, dst, src []byte, w *Windows) bool {
	r := d.Requant
	if r.Convention != quant.ONNX && r.Convention != quant.Torch {
		return false
	}
	parts, n := spans(w.Channels, k.reals)
	for _, s := range parts[:n] {
		p := codeParams{
			channels: s.count, pixels: w.Pixels, step: w.Step, stride: w.Channels,
			taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps),
			weight: &d.Weight[s.first], bias: &d.Bias[s.first], mult: &r.Multipliers()[0], single: len(r.Multipliers()) == 1, zero: d.Zero,
		}
		if !p.single {
			p.mult = &r.Multipliers()[s.first]
		}
		p.lo, p.hi, p.before, p.after = r.Constants()
		p.after += int32(d.Flip) // flipping the highest bit of a byte is adding 128 to it
		k.depthwiseCodes.Get()(&dst[s.first], &src[s.first], kernel.NoEscape(&p))
	}
	return n > 0
}

func (d *Depthwise) check(w *Windows) {
	fits := len(d.Bias) >= w.Channels && len(w.Weights) == len(w.Taps)
	for _, at := range w.Weights {
		fits = fits && at >= 0 && at <= len(d.Weight)-w.Channels
	}
	if c := d.Requant.Channels(); !fits || c != 1 && c < w.Channels {
		panic(fmt.Sprintf("elementwise: %d weights, %d biases and %d multipliers for taps %v of %d channels",
			len(d.Weight), len(d.Bias), c, w.Weights, w.Channels))
	}
}

// realParams are the constants of a depthwise product of reals.
type realParams struct {
	channels, pixels, step, stride int
	taps, weights                  *int
	count                          int // of taps
	weight, bias                   *float32
	lo, hi                         float32
}

// DepthwiseReals is a depthwise convolution of reals:
//
//	dst[p·Channels+c] = clamp((0 + x0·w0 + x1·w1 + …) + bias[c], lo, hi)
//
// every product and sum rounded, in the order of the taps. weight and its places are as in Depthwise. A nil bias is left
// out.
func DepthwiseReals(dst, src, weight, bias []float32, lo, hi float32, w *Windows, tier cpu.Tier) {
	w.check(len(dst), len(src), 0)
	for _, at := range w.Weights {
		_ = weight[at:][:w.Channels]
	}
	if bias != nil {
		_ = bias[:w.Channels]
	}
	_ = w.Weights[:len(w.Taps)]
	k := kernelsOf(tier)
	if len(w.Taps) > 0 {
		parts, n := spans(w.Channels, k.reals)
		for _, s := range parts[:n] {
			p := realParams{
				channels: s.count, pixels: w.Pixels, step: w.Step, stride: w.Channels,
				taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps), weight: &weight[s.first], lo: lo, hi: hi,
			}
			if bias != nil {
				p.bias = &bias[s.first]
			}
			k.depthwiseReals.Get()(&dst[s.first], &src[s.first], kernel.NoEscape(&p))
		}
		if n > 0 {
			return
		}
	}
	n := w.Channels
	for p := range w.Pixels {
		out := dst[p*n:][:n]
		clear(out)
		for t, at := range w.Taps {
			in := src[p*w.Step:]
			factors := weight[w.Weights[t]:][:n]
			for c, v := range in[at:][:n] {
				out[c] += float32(v * factors[c])
			}
		}
		for c, v := range out {
			if bias != nil {
				v += bias[c]
			}
			out[c] = clamp(v, lo, hi)
		}
	}
}
