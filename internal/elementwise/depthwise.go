package elementwise

import (
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

	quads *quads // of Pack
}

// Weight is a code less its zero point, in 16 bits with 16 bits of 0 above: VPMADDWD multiplies pairs of 16 bits.
type Weight uint32

// NewWeight returns w as a Weight.
func NewWeight(w int16) Weight { return Weight(uint16(w)) }

// Codes fills dst. sums is memory for the sums of one pixel, which not every tier needs.
func (d *Depthwise) Codes(dst, src []byte, w *Windows, sums []int32, tier cpu.Tier) {
	w.check(len(dst), len(src), 0)
	d.check(w)
	if d.quads != nil && d.codesOfQuads(dst, src, w, tier) {
		return
	}
	done := 0
	if len(w.Taps) > 0 {
		done = d.vector(kernelsOf(tier), dst, src, w)
	}
	if done == w.Channels {
		return
	}
	perChannel := min(d.Requant.Channels()-1, 1) // 0 where there is one multiplier
	n := w.Channels - done
	sums = sums[:n]
	for p := range w.Pixels {
		copy(sums, d.Bias[done:])
		for t, at := range w.Taps {
			in := src[p*w.Step+done:]
			weight := d.Weight[w.Weights[t]+done:][:n]
			for c, u := range in[at:][:n] {
				sums[c] += (int32(u) - d.Zero) * int32(int16(weight[c]))
			}
		}
		out := dst[p*w.Channels+done:][:n]
		for c, sum := range sums {
			out[c] = byte(d.Requant.Code(sum, (done+c)*perChannel)) ^ d.Flip
		}
	}
}

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

// vector computes what channels of every pixel the kernel takes, and returns how many.
func (d *Depthwise) vector(k *kernels, dst, src []byte, w *Windows) int {
	r, n := d.Requant, whole(w.Channels, k.reals)
	if n == 0 || r.Convention != quant.ONNX && r.Convention != quant.Torch {
		return 0
	}
	p := codeParams{
		channels: n, pixels: w.Pixels, step: w.Step, stride: w.Channels,
		taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps),
		weight: &d.Weight[0], bias: &d.Bias[0], mult: &r.Multipliers()[0], single: len(r.Multipliers()) == 1, zero: d.Zero,
	}
	p.lo, p.hi, p.before, p.after = r.Constants()
	p.after += int32(d.Flip) // flipping the highest bit of a byte is adding 128 to it
	k.depthwiseCodes.Get()(&dst[0], &src[0], kernel.NoEscape(&p))
	return n
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
	k, done := kernelsOf(tier), 0
	if len(w.Taps) > 0 {
		done = whole(w.Channels, k.reals)
	}
	if done > 0 {
		p := realParams{
			channels: done, pixels: w.Pixels, step: w.Step, stride: w.Channels,
			taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps), weight: &weight[0], lo: lo, hi: hi,
		}
		if bias != nil {
			p.bias = &bias[0]
		}
		k.depthwiseReals.Get()(&dst[0], &src[0], kernel.NoEscape(&p))
	}
	n := w.Channels - done
	if n == 0 {
		return
	}
	for p := range w.Pixels {
		out := dst[p*w.Channels+done:][:n]
		clear(out)
		for t, at := range w.Taps {
			in := src[p*w.Step+done:]
			factors := weight[w.Weights[t]+done:][:n]
			for c, v := range in[at:][:n] {
				out[c] += float32(v * factors[c])
			}
		}
		for c, v := range out {
			if bias != nil {
				v += bias[done+c]
			}
			out[c] = clamp(v, lo, hi)
		}
	}
}
