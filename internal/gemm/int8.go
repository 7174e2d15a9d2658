package gemm

import (
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// blockRows is the number of rows whose accumulators are kept at once. The block of activations, blockRows·K bytes,
// is read once per panel of weights and should stay in L2; the accumulators, blockRows·maxWidth·4 bytes, in L1.
const (
	blockRows = 64
	fewRows   = 8
	maxWidth  = 32 // the channels of the widest panel
)

// Int8 is a weight matrix [N, K] of int8 codes, packed for the kernels of one tier. N is the number of output channels,
// K the number of products in each output.
type Int8 struct {
	N, K int

	*kernels              // of the tier
	own      *codeKernels // the ones among them that read it
	panels   []int8       // as their panelLayout says
	starts   []int32      // of panels of channels, where the layout has them
	overflow bool         // where the layout has pairs, and some do not fit 16 bits
	packed   any          // instead of panels, for kernels with a layout of their own
}

// PackInt8 packs w, row-major [n, k], for the best kernels there are for the tier. It panics where this processor lacks
// the tier.
func PackInt8(w []int8, n, k int, tier cpu.Tier) *Int8 { return packInt8(w, n, k, 0, tier) }

// PackInt8Windows is PackInt8 for weights [n, taps·depth] that MulWindows is to use.
func PackInt8Windows(w []int8, n, taps, depth int, tier cpu.Tier) *Int8 {
	return packInt8(w, n, taps*depth, depth, tier)
}

func packInt8(w []int8, n, k, depth int, tier cpu.Tier) *Int8 {
	checkPack(len(w), n, k, tier)
	all := kernelsOf(tier)
	p := &Int8{N: n, K: k, kernels: all, own: &all.codes}
	switch l := &p.own.panelLayout; {
	case p.own.pack.Has():
		p.own.pack.Get()(p, w, depth)
	default:
		p.panels = packPanels(l, w, n, k)
		if l.starts {
			p.starts = l.startsOf(w, n, k)
		}
		p.overflow = l.pairs && overflowsPairs(w, k)
	}
	return p
}

// Mul fills dst[i·ldd+j] = stage(Σ_k a[i·lda+k]·w[j,k]) for i < m and j < N, and leaves all else in dst alone. Rows of
// a may overlap (lda < K), rows of dst may not.
func (w *Int8) Mul(dst []byte, ldd int, a []byte, lda, m int, s *Stage) {
	if m == 0 {
		return
	}
	checkOperands(len(dst), ldd, len(a), lda, m, w.N, w.K)
	s.check(w.N)
	own, stage := kernel.NoEscape(w), kernel.NoEscape(s)
	switch {
	case own.own.mul.Has() && own.own.mul.Get()(own, dst, ldd, a, lda, m, stage):
	case m <= fewRows: // clearing room that is not needed takes longer than some products
		var room [fewRows * maxWidth]int32
		own.mulBlocks(dst, ldd, a, lda, m, stage, kernel.NoEscape(&room)[:])
	default:
		var room [blockRows * maxWidth]int32
		own.mulBlocks(dst, ldd, a, lda, m, stage, kernel.NoEscape(&room)[:])
	}
}

// mulBlocks is Mul with room for the accumulators of blockRows rows, or of fewRows where there are no more.
func (w *Int8) mulBlocks(dst []byte, ldd int, a []byte, lda, m int, s *Stage, acc []int32) {
	var sums [blockRows]int32
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		a, dst := a[i*lda:], dst[i*ldd:]
		if s.WeightZero != nil {
			rowSums(sums[:rows], a, lda, w.K, s.InputZero)
		}
		for j := 0; j < w.N; {
			width := w.own.sums.Get()(w, acc, a, lda, rows, j)
			n := min(width, w.N-j)
			if s.WeightZero != nil {
				w.subtractWeightZero(acc, width, sums[:rows], s.WeightZero[j:j+n])
			}
			s.apply(w.kernels, dst[j:], ldd, acc, width, rows, j, n)
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
	own := kernel.NoEscape(w)
	switch {
	case own.own.mulInt32.Has() && own.own.mulInt32.Get()(own, dst, ldd, a, lda, m, bias):
	case m <= fewRows:
		var room [fewRows * maxWidth]int32
		own.mulInt32Blocks(dst, ldd, a, lda, m, bias, kernel.NoEscape(&room)[:])
	default:
		var room [blockRows * maxWidth]int32
		own.mulInt32Blocks(dst, ldd, a, lda, m, bias, kernel.NoEscape(&room)[:])
	}
}

// mulInt32Blocks is to MulInt32 what mulBlocks is to Mul.
func (w *Int8) mulInt32Blocks(dst []int32, ldd int, a []byte, lda, m int, bias, acc []int32) {
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := 0; j < w.N; {
			width := w.own.sums.Get()(w, acc, a[i*lda:], lda, rows, j)
			storeSums(dst[i*ldd+j:], ldd, acc, width, rows, min(width, w.N-j), bias, j)
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
