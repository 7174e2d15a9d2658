package gemm

import (
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Float32 is a weight matrix [N, K], packed for the kernels of one tier.
type Float32 struct {
	N, K int

	*kernels           // of the tier
	panels   []float32 // as their panelLayout says
}

// PackFloat32 packs w, row-major [n, k], for the best kernels there are for the tier. It panics where this processor
// lacks the tier.
func PackFloat32(w []float32, n, k int, tier cpu.Tier) *Float32 {
	checkPack(len(w), n, k, tier)
	all := kernelsOf(tier)
	return &Float32{N: n, K: k, kernels: all, panels: packPanels(&all.reals.panelLayout, w, n, k)}
}

// Mul fills dst[i·ldd+j] = clamp(Σ_k a[i·lda+k]·w[j,k] + bias[j], lo, hi) for i < m and j < N, and leaves all else in
// dst alone; how it rounds, see the package. A nil bias is 0; without a clamp, lo and hi are -Inf and +Inf. A NaN stays
// one. Rows of a may overlap (lda < K), rows of dst may not.
func (w *Float32) Mul(dst []float32, ldd int, a []float32, lda, m int, bias []float32, lo, hi float32) {
	if m == 0 {
		return
	}
	checkOperands(len(dst), ldd, len(a), lda, m, w.N, w.K)
	if bias != nil && len(bias) != w.N {
		panic(fmt.Sprintf("gemm: %d biases for %d channels", len(bias), w.N))
	}
	if m <= fewRows {
		var room [fewRows * maxWidth]float32
		w.mulBlocks(dst, ldd, a, lda, m, bias, lo, hi, kernel.NoEscape(&room)[:])
		return
	}
	var room [blockRows * maxWidth]float32
	w.mulBlocks(dst, ldd, a, lda, m, bias, lo, hi, kernel.NoEscape(&room)[:])
}

var zeros struct { // that nobody changes
	int32s   [maxWidth]int32
	float32s [maxWidth]float32
}

// mulBlocks is Mul with room for the chains of blockRows rows, or of fewRows where there are no more.
func (w *Float32) mulBlocks(dst []float32, ldd int, a []float32, lda, m int, bias []float32, lo, hi float32, acc []float32) {
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := 0; j < w.N; {
			width := w.reals.width(j, w.N)
			n := min(width, w.N-j)
			finish := floatStage{bias: zeros.float32s[:n], lo: lo, hi: hi}
			if bias != nil {
				finish.bias = bias[j : j+n]
			}
			if w.finish(&finish, dst[i*ldd+j:], ldd, a[i*lda:], lda, rows, j) {
				j += width
				continue
			}
			w.accumulate(acc, a[i*lda:], lda, rows, j)
			kernel.NoEscape(&finish).apply(w.kernels, dst[i*ldd+j:], ldd, acc, width, rows, n)
			j += width
		}
	}
}

// finish stores the outputs of rows of a and the panel whose first channel is j in rows of dst, and returns false where the tier has no
// kernel that does so.
func (w *Float32) finish(s *floatStage, dst []float32, ldd int, a []float32, lda, rows, j int) bool {
	own := &w.reals
	t := &own.narrowTiles
	if !own.finished[0].Has() || len(s.bias) != own.narrow || rows < t.short {
		return false
	}
	panel := &w.panels[j*w.K]
	for r := 0; r < rows; {
		start, height, count := t.next(r, rows)
		run := &own.finished[0]
		if height == t.short {
			run = &own.finished[1]
		}
		run.Get()(&dst[start*ldd], ldd, &a[start*lda], lda, count, panel, w.K, &s.bias[0], s.lo, s.hi)
		r = start + height*count
	}
	return true
}

// accumulate fills acc [rows, width] with the chains of rows of a with the panel whose first channel is j. Beyond channel N the
// sums are meaningless.
func (w *Float32) accumulate(acc, a []float32, lda, rows, j int) {
	own := &w.reals
	t, width := &own.narrowTiles, own.width(j, w.N)
	if width > own.narrow {
		t = &own.wideTiles
	}
	panel := &w.panels[j*w.K]
	for r := 0; r < rows; {
		start, height, count := t.next(r, rows)
		t.of(height)(&acc[start*width], &a[start*lda], lda, count, panel, w.K)
		r = start + height*count
	}
}

// floatStage is what happens to finished chains.
type floatStage struct {
	bias   []float32 // [n]
	lo, hi float32
}

// apply stores the outputs of acc [rows, width], the chains of n channels, in rows of dst.
func (s *floatStage) apply(k *kernels, dst []float32, ldd int, acc []float32, width, rows, n int) {
	lo := 0
	if k.realStage.Has() {
		lo = k.realStage.Get()(s, dst, ldd, acc, width, rows, n)
	}
	if lo < n {
		s.applyGeneric(dst, ldd, acc, width, rows, lo, n)
	}
}

// applyGeneric stores channels lo ≤ c < n. It is the reference for any faster one.
func (s *floatStage) applyGeneric(dst []float32, ldd int, acc []float32, width, rows, lo, n int) {
	for r := range rows {
		out, sums := dst[r*ldd:][:n], acc[r*width:][:n]
		for c := lo; c < n; c++ {
			v := sums[c] + s.bias[c]
			// Not min and max: these comparisons are what VMAXPS and VMINPS do with NaN and with -0.
			if v < s.lo {
				v = s.lo
			}
			if v > s.hi {
				v = s.hi
			}
			out[c] = v
		}
	}
}
