package elementwise

import (
	"fmt"

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

// check divides instead of multiplying, so that no size can overflow an int.
func (w *Windows) check(dst, src, leastTaps int) {
	fits := w.Channels > 0 && w.Pixels > 0 && w.Step >= 0 && len(w.Taps) >= leastTaps && w.Pixels <= dst/max(w.Channels, 1)
	for _, at := range w.Taps {
		room := src - w.Channels - at
		fits = fits && at >= 0 && room >= 0 && (w.Pixels == 1 || w.Step <= room/max(w.Pixels-1, 1))
	}
	if !fits {
		panic(fmt.Sprintf("elementwise: %d windows every %d, taps %v of %d channels do not fit slices of %d and %d",
			w.Pixels, w.Step, w.Taps, w.Channels, src, dst))
	}
}

// MaxCodes fills dst with the largest stored code of each window.
func MaxCodes(dst, src []byte, w *Windows, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	maxima(dst, src, w, whole(w.Channels, k.codes), &k.maxCodes)
}

// MaxReals fills dst with the largest real of each window. A NaN counts where the first tap has it, and nowhere else.
func MaxReals(dst, src []float32, w *Windows, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	maxima(dst, src, w, whole(w.Channels, k.reals), &k.maxReals)
}

// maxima does the channels before first with a kernel.
func maxima[T byte | float32](dst, src []T, w *Windows, first int, k *kernel.Func[maxKernel[T]]) {
	if first > 0 {
		k.Get()(&dst[0], &src[0], first, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), w.Channels)
	}
	if first == w.Channels {
		return
	}
	for p := range w.Pixels {
		out, in := dst[p*w.Channels:][first:w.Channels], src[p*w.Step+first:]
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

// MeanReals fills dst with (0 + x0 + x1 + …) / n of each window, summed in the order of the taps.
func MeanReals(dst, src []float32, w *Windows, n float32, tier cpu.Tier) {
	w.check(len(dst), len(src), 1)
	k := kernelsOf(tier)
	done := whole(w.Channels, k.reals)
	if done > 0 {
		k.meanReals.Get()(&dst[0], &src[0], done, w.Pixels, w.Step, &w.Taps[0], len(w.Taps), n, w.Channels)
	}
	if done == w.Channels {
		return
	}
	for p := range w.Pixels {
		out, in := dst[p*w.Channels:][done:w.Channels], src[p*w.Step+done:]
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
