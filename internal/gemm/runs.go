package gemm

import (
	"fmt"
	"math"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Runs is how the bytes of a row of activations lie where they were not copied next to each other: Count runs of
// Length bytes, Step bytes from the beginning of one to the next. What an output pixel of a 3×3 convolution sees in a
// padded picture are 3 runs of 3 pixels, a line apart.
type Runs struct{ Count, Length, Step int }

// HasRuns reports whether there is a kernel for rows of runs of that length.
func HasRuns(tier cpu.Tier, length int) bool {
	return kernelsOf(tier).codes.packRuns.Has() && length > 0 && length%4 == 0
}

// RunsPay reports whether, on a tier that HasRuns, rows of runs are faster with weights w [n, k] than rows that were copied.
func RunsPay(tier cpu.Tier, w []int8, k int) bool {
	pay := kernelsOf(tier).codes.runsPay
	return pay == nil || pay(w, k)
}

// Int8Runs is a weight matrix [N, Count·Length], packed for rows of runs. It is immutable and safe for concurrent use.
type Int8Runs struct {
	N    int
	runs Runs

	*kernels
	product runProduct
}

// runProduct multiplies m rows of runs.
type runProduct interface {
	mul(k *kernels, o *output, a []byte, lda, m int)
}

// PackInt8Runs packs w, row-major [n, Count·Length], for a tier that HasRuns.
func PackInt8Runs(w []int8, n int, r Runs, tier cpu.Tier) *Int8Runs {
	if !HasRuns(tier, r.Length) || r.Count < 1 || r.Step < 0 || r.Step > math.MaxInt32/r.Count-r.Length {
		panic(fmt.Sprintf("gemm: no products with %d runs of %d bytes every %d on %v", r.Count, r.Length, r.Step, tier))
	}
	checkPack(len(w), n, r.Count*r.Length, tier)
	k := kernelsOf(tier)
	return &Int8Runs{N: n, runs: r, kernels: k, product: k.codes.packRuns.Get()(w, n, r)}
}

// Mul multiplies the rows that are seen from width neighbouring places in each of some lines:
//
//	dst[(y·width+x)·ldd+j] = stage(Σ_i Σ_k a[(y·pitch+x)·lda+i·Step+k]·w[j, i·Length+k])
//
// for x < width and y < lines, where pitch ≥ width. What lies between the lines is multiplied too, and dropped. It
// leaves all else in dst alone. The stage has no zero points of weights.
func (w *Int8Runs) Mul(dst []byte, ldd int, a []byte, lda, width, lines, pitch int, s *Stage) {
	if width < 1 || lines < 1 || pitch < width || s.WeightZero != nil {
		panic(fmt.Sprintf("gemm: %d lines of %d rows every %d, or weights with zero points", lines, width, pitch))
	}
	m := (lines-1)*pitch + width
	checkOperands(len(a), 0, len(a), lda, m, 0, (w.runs.Count-1)*w.runs.Step+w.runs.Length)
	checkOperands(len(dst), ldd, len(dst), 0, width*lines, w.N, 0)
	s.check(w.N)
	o := output{stage: kernel.NoEscape(s), codes: dst, ldd: ldd, width: width, pitch: pitch}
	w.product.mul(w.kernels, kernel.NoEscape(&o), a, lda, m)
}
