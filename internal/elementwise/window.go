package elementwise

import (
	"fmt"
	"math"
	"math/bits"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Windows are the windows of neighbouring output pixels, all of one form, over a picture that lies channels last.
// Element c of tap t of window p is src[p·Step + Taps[t] + c]; output p·Channels + c comes from these.
type Windows struct {
	Channels, Pixels int
	Step             int   // elements between neighbouring windows
	Taps             []int // at least one, of products any number; from the beginning of src, in elements
	Weights          []int // of products: where the weights of each tap begin
}

// check multiplies in 128 bits, so that no size can overflow.
func (w *Windows) check(dst, src, leastTaps int) {
	fits := w.Channels > 0 && w.Pixels > 0 && w.Step >= 0 && len(w.Taps) >= leastTaps && product(w.Pixels, w.Channels) <= dst
	last := 0
	for _, at := range w.Taps {
		fits = fits && at >= 0
		last = max(last, at)
	}
	if room := src - w.Channels - last; len(w.Taps) > 0 {
		fits = fits && room >= 0 && product(w.Pixels-1, w.Step) <= room
	}
	if !fits {
		panic(fmt.Sprintf("elementwise: %d windows every %d, taps %v of %d channels do not fit slices of %d and %d",
			w.Pixels, w.Step, w.Taps, w.Channels, src, dst))
	}
}

// product returns a·b of two numbers that are not negative, at most the largest int.
func product(a, b int) int {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi > 0 || lo > math.MaxInt {
		return math.MaxInt
	}
	return int(lo)
}

// MaxCodes fills dst with the largest stored code of each window.
func MaxCodes(dst, src []byte, w *Windows, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	for i := range k.maxCodes {
		if by := &k.maxCodes[i]; by.step > 0 && by.step <= w.Channels {
			maxima(dst, src, w, by.step, &by.run)
			return
		}
	}
	maxima(dst, src, w, 0, nil)
}

// MaxReals fills dst with the largest real of each window. A NaN counts where the first tap has it, and nowhere else.
func MaxReals(dst, src []float32, w *Windows, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	maxima(dst, src, w, k.reals, &k.maxReals)
}

// maxima asks a kernel that takes multiples of step channels.
func maxima[T byte | float32](dst, src []T, w *Windows, step int, k *kernel.Func[maxKernel[T]]) {
	parts, n := spans(w.Channels, step)
	for _, s := range parts[:n] {
		k.Get()(&dst[s.first], &src[s.first], s.count, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), w.Channels)
	}
	if n > 0 {
		return
	}
	for p := range w.Pixels {
		out, in := dst[p*w.Channels:][:w.Channels], src[p*w.Step:]
		copy(out, in[w.Taps[0]:])
		for _, at := range w.Taps[1:] {
			for c, v := range in[at:][:len(out)] {
				if v > out[c] {
					out[c] = v
				}
			}
		}
	}
}

// MeanReals fills dst with (0 + x0 + x1 + …) / n of each window. Blocks of meanBlock taps are summed in their order; the
// sums of several are added in float64, so that the error does not grow with the window.
func MeanReals(dst, src []float32, w *Windows, n float32, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	if len(w.Taps) > meanBlock {
		meanOfBlocks(dst, src, w, n, k)
		return
	}
	parts, count := spans(w.Channels, k.reals)
	for _, s := range parts[:count] {
		k.meanReals.Get()(&dst[s.first], &src[s.first], s.count, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), n, w.Channels)
	}
	if count > 0 {
		return
	}
	for p := range w.Pixels {
		out, in := dst[p*w.Channels:][:w.Channels], src[p*w.Step:]
		clear(out)
		for _, at := range w.Taps {
			for c, v := range in[at:][:len(out)] {
				out[c] += v
			}
		}
		for c := range out {
			out[c] /= n
		}
	}
}

const (
	meanBlock    = 64 // taps: as many as most pools have, and few enough for float32
	meanChannels = 64 // whose sums are kept at a time
)

func meanOfBlocks(dst, src []float32, w *Windows, n float32, k *kernels) {
	var block [meanChannels]float32
	var sums [meanChannels]float64
	for p := range w.Pixels {
		for c := 0; c < w.Channels; c += meanChannels {
			count := min(meanChannels, w.Channels-c)
			out, in := dst[p*w.Channels+c:][:count], src[p*w.Step+c:]
			clear(sums[:])
			for first := 0; first < len(w.Taps); first += meanBlock {
				taps := w.Taps[first:min(first+meanBlock, len(w.Taps))]
				sumTaps(block[:count], in, taps, k)
				for i, v := range block[:count] {
					sums[i] += float64(v)
				}
			}
			for i := range out {
				out[i] = float32(sums[i] / float64(n))
			}
		}
	}
}

// sumTaps fills sums with those of one window, in the order of the taps.
func sumTaps(sums, in []float32, taps []int, k *kernels) {
	parts, n := spans(len(sums), k.reals)
	for _, s := range parts[:n] {
		k.meanReals.Get()(kernel.NoEscape(&sums[s.first]), &in[s.first], s.count, 1, 0, &taps[0], len(taps), 1, len(sums))
	}
	if n > 0 {
		return
	}
	clear(sums)
	for _, at := range taps {
		for i, v := range in[at:][:len(sums)] {
			sums[i] += v
		}
	}
}
