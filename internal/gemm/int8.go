package gemm

import (
	"fmt"

	"linquant/internal/cpu"
)

// blockRows is the number of rows whose accumulators are kept at once. The block of activations, blockRows·K bytes,
// is read once per panel of weights and should stay in L2; the accumulators, blockRows·maxWidth·4 bytes, in L1.
const (
	blockRows = 64
	maxWidth  = 32 // the channels of the widest panel
)

// Int8 is a weight matrix [N, K] of int8 codes, packed for the kernel of one tier. N is the number of output channels,
// K the number of products in each output.
type Int8 struct {
	N, K int

	tier   cpu.Tier  // whose kernel reads it
	plain  [][4]int8 // Generic: [⌈N/4⌉][K] groups of 4 channels
	panels int8Panels
}

// PackInt8 packs w, row-major [n, k], for the best kernel there is for the tier. It panics where this processor lacks
// the tier.
func PackInt8(w []int8, n, k int, tier cpu.Tier) *Int8 {
	checkPack(len(w), n, k, tier)
	p := &Int8{N: n, K: k, tier: int8Tier(tier)}
	if p.tier == cpu.Generic {
		p.plain = packFours(w, n, k)
	} else {
		p.panels = packInt8Panels(w, n, k, p.tier)
	}
	return p
}

// PackInt8Windows is PackInt8 for weights [n, taps·depth] that MulWindows is to use.
func PackInt8Windows(w []int8, n, taps, depth int, tier cpu.Tier) *Int8 {
	return packTaps(w, n, taps*depth, depth, tier)
}

// Tier returns the tier whose kernel runs: at most the one that the weights were packed for.
func (w *Int8) Tier() cpu.Tier { return w.tier }

// Mul fills dst[i·ldd+j] = stage(Σ_k a[i·lda+k]·w[j,k]) for i < m and j < N, and leaves all else in dst alone. Rows of
// a may overlap (lda < K), rows of dst may not.
func (w *Int8) Mul(dst []byte, ldd int, a []byte, lda, m int, s *Stage) {
	if m == 0 {
		return
	}
	checkOperands(len(dst), ldd, len(a), lda, m, w.N, w.K)
	s.check(w.N)
	if w.tier == cpu.AMX && w.mulAMX(&amxSums{stage: s, codes: dst, ldd: ldd}, a, lda, m) {
		return
	}
	var acc [blockRows * maxWidth]int32
	var sums [blockRows]int32
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		a, dst := a[i*lda:], dst[i*ldd:]
		if s.WeightZero != nil {
			rowSums(sums[:rows], a, lda, w.K, s.InputZero)
		}
		for j := 0; j < w.N; {
			width := w.accumulate(acc[:], a, lda, rows, j)
			n := min(width, w.N-j)
			if s.WeightZero != nil {
				subtractWeightZero(acc[:], width, sums[:rows], s.WeightZero[j:j+n], w.tier)
			}
			s.apply(dst[j:], ldd, acc[:], width, rows, j, n, w.tier)
			j += width
		}
	}
}

// MulInt32 fills dst[i·ldd+j] = bias[j] + Σ_k a[i·lda+k]·w[j,k], for what needs the accumulators themselves. A nil bias
// is 0.
func (w *Int8) MulInt32(dst []int32, ldd int, a []byte, lda, m int, bias []int32) {
	if m == 0 {
		return
	}
	checkOperands(len(dst), ldd, len(a), lda, m, w.N, w.K)
	if bias != nil && len(bias) != w.N {
		panic(fmt.Sprintf("gemm: %d biases for %d channels", len(bias), w.N))
	}
	if w.tier == cpu.AMX && w.mulAMX(&amxSums{sums: dst, bias: bias, ldd: ldd}, a, lda, m) || w.mulVNNI(dst, ldd, a, lda, m, bias) {
		return
	}
	var acc [blockRows * maxWidth]int32
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := 0; j < w.N; {
			width := w.accumulate(acc[:], a[i*lda:], lda, rows, j)
			storeSums(dst[i*ldd+j:], ldd, acc[:], width, rows, min(width, w.N-j), bias, j)
			j += width
		}
	}
}

// storeSums stores acc [rows, width], of n channels from j on, with their biases.
func storeSums(dst []int32, ldd int, acc []int32, width, rows, n int, bias []int32, j int) {
	for r := range rows {
		out, sums := dst[r*ldd:][:n], acc[r*width:][:n]
		if bias == nil {
			copy(out, sums)
			continue
		}
		for c, b := range bias[j : j+n] {
			out[c] = sums[c] + b
		}
	}
}

// accumulate fills acc [rows, width] with the products of rows of a with the panel whose first channel is j, and
// returns the panel's width. Beyond channel N the accumulators are meaningless.
func (w *Int8) accumulate(acc []int32, a []byte, lda, rows, j int) (width int) {
	if w.tier == cpu.Generic {
		accumulateInt8Generic(acc, a, lda, rows, w.plain[j/4*w.K:][:w.K])
		return 4
	}
	return w.panels.accumulate(acc, a, lda, rows, j)
}

func checkPack(length, n, k int, tier cpu.Tier) {
	if n < 1 || k < 1 || int64(n)*int64(k) != int64(length) {
		panic(fmt.Sprintf("gemm: %d weights are no matrix [%d, %d]", length, n, k))
	}
	if !cpu.Has(tier) {
		panic(fmt.Sprintf("gemm: this processor has no %v", tier))
	}
}

// checkOperands divides instead of multiplying, so that no size can overflow an int.
func checkOperands(dst, ldd, a, lda, m, n, k int) {
	fits := m >= 1 && n <= dst && k <= a && lda >= 0
	if m > 1 {
		fits = fits && ldd >= n && ldd <= (dst-n)/(m-1) && lda <= (a-k)/(m-1)
	}
	if !fits {
		panic(fmt.Sprintf("gemm: %d rows of %d inputs every %d and %d outputs every %d do not fit slices of %d and %d",
			m, k, lda, n, ldd, a, dst))
	}
}
