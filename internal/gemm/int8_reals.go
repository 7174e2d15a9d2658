package gemm

import (
	"fmt"

	"linquant/internal/kernel"
)

// RealStage makes reals of sums, for products whose scales are known only when they are computed:
//
//	clamp(float32(sum + Start[j])·Scale[j] + Bias[j], Lo, Hi)
//
// every step rounded to float32. There is one of each for every channel, and a NaN stays one.
type RealStage struct {
	Start       []int32
	Scale, Bias []float32
	Lo, Hi      float32
}

// from returns the stage of n channels from j on.
func (s *RealStage) from(j, n int) RealStage {
	return RealStage{s.Start[j:][:n], s.Scale[j:][:n], s.Bias[j:][:n], s.Lo, s.Hi}
}

// MulReals fills dst[i·ldd+j] = s(Σ_k a[i·lda+k]·w[j,k]) for i < m and j < N, and leaves all else in dst alone. Rows of a may
// overlap (lda < K), rows of dst may not.
func (w *Int8) MulReals(dst []float32, ldd int, a []byte, lda, m int, s *RealStage) {
	if m == 0 {
		return
	}
	checkOperands(len(dst), ldd, len(a), lda, m, w.N, w.K)
	if len(s.Start) != w.N || len(s.Scale) != w.N || len(s.Bias) != w.N {
		panic(fmt.Sprintf("gemm: %d, %d and %d numbers of a stage for %d channels", len(s.Start), len(s.Scale), len(s.Bias), w.N))
	}
	own, stage := kernel.NoEscape(w), kernel.NoEscape(s)
	if m <= fewRows {
		var room [fewRows * maxWidth]int32
		own.mulReals(dst, ldd, a, lda, m, stage, kernel.NoEscape(&room)[:])
		return
	}
	var room [blockRows * maxWidth]int32
	own.mulReals(dst, ldd, a, lda, m, stage, kernel.NoEscape(&room)[:])
}

// mulReals is to MulReals what mulBlocks is to Mul.
func (w *Int8) mulReals(dst []float32, ldd int, a []byte, lda, m int, s *RealStage, acc []int32) {
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := 0; j < w.N; {
			width := w.own.sums.Get()(w, acc, a[i*lda:], lda, rows, j)
			n := min(width, w.N-j)
			part := s.from(j, n)
			kernel.NoEscape(&part).apply(w.kernels, dst[i*ldd+j:], ldd, acc, width, rows, n)
			j += width
		}
	}
}

// apply stores the reals of acc [rows, width], of n channels, in rows of dst.
func (s *RealStage) apply(k *kernels, dst []float32, ldd int, acc []int32, width, rows, n int) {
	done := 0
	if k.scaledStage.Has() {
		if done = n &^ (k.scaledStep - 1); done > 0 {
			k.scaledStage.Get()(&dst[0], ldd, &acc[0], width, rows, done, s)
		}
	}
	for r := range rows {
		for c := done; c < n; c++ {
			v := float32(float32(acc[r*width+c]+s.Start[c])*s.Scale[c]) + s.Bias[c]
			// Not min and max: these comparisons are what VMAXPS and VMINPS do with NaN and with -0.
			if v < s.Lo {
				v = s.Lo
			}
			if v > s.Hi {
				v = s.Hi
			}
			dst[r*ldd+c] = v
		}
	}
}
