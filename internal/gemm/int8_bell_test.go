package gemm_test

import (
	"math"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// bell returns weights as those of a trained layer are distributed: a sum of uniform ones, of that deviation, clipped.
func bell(n int, sigma float64) []int8 {
	w, next := make([]int8, n), kerneltest.Random(uint64(n))
	for i := range w {
		sum := -6.0
		for range 12 {
			sum += float64(next()%(1<<20)) / (1 << 20)
		}
		w[i] = int8(math.Round(min(max(sum*sigma, -128), 127)))
	}
	return w
}

// Weights as they come, from those that all fit a group of three steps to those of which few fit any, with activations
// that make the most of every sum.
func TestInt8Bell(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(3)
		for _, sigma := range []float64{1, 7, 15, 33, 60, 120} {
			for _, size := range [][3]int{{1, 1, 24}, {9, 17, 75}, {12, 33, 576}, {3, 8, 1154}} {
				m, n, k := size[0], size[1], size[2]
				w := bell(n*k, sigma)
				for _, a := range []func(int) byte{
					func(int) byte { return byte(next()) },
					func(int) byte { return 255 },
					func(i int) byte { return byte(-(i & 1)) }, // 0 and 255
				} {
					checkInt32(t, tier, m, n, k, k, n, a, func(i int) int8 { return w[i] })
				}
			}
		}
	})
}

// Weights at the limit of what may be added up in 16 bits: a single step, two and three steps beyond it in one place and
// at it everywhere, of one sign and of alternating ones.
func TestInt8Limits(t *testing.T) {
	const k, n = 64, 24 // the last weight is in the third panel of 8 channels
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, all := range []int8{0, 1, 5, 8, -8, 10, 11, 16, 21, 22, 32, 33, 43, 64, -10, -11, -16, -21, -22, -32, -33, -64, -128, 127} {
			for _, one := range []int8{all, all + 1, 127, -128, 65, -65} {
				for _, at := range []int{0, 3*k + 5, 23*k + k - 1} {
					if testing.Short() && at == 0 {
						continue
					}
					for _, alternate := range []int{0, 1, 2, 8} {
						w := func(i int) int8 {
							switch {
							case i == at:
								return one
							case alternate > 0 && i/alternate%2 == 1 && all > -128:
								return -all
							}
							return all
						}
						checkInt32(t, tier, 9, n, k, k, n, func(int) byte { return 255 }, w)
					}
				}
			}
		}
	})
}

// Products that kernels do in parts: more k than a part has, with rows that are no multiple of a tile and panels that are
// not whole.
func TestInt8Deep(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(5)
		fillA, fillW := func(int) byte { return byte(next()) }, func(int) int8 { return int8(next()) }
		for _, m := range []int{1, 3, 4, 7, 9, 14} {
			for _, n := range []int{16, 33} {
				for _, k := range []int{1024, 1029, 2053} {
					checkInt32(t, tier, m, n, k, k+3, n+1, fillA, fillW)
				}
			}
		}
		checkInt32(t, tier, 131, 16, 1032, 1032, 16, fillA, fillW)
	})
}

// Without biases, and with all channels of each panel, kernels may put sums where they belong.
func TestInt8NoBias(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(7)
		for _, m := range []int{1, 3, 5, 6, 10, 65} {
			for _, n := range []int{8, 16, 32, 47, 48} {
				for _, k := range []int{3, 64, 1031} {
					lda, ldd := k+1, n+n%3
					a, w := make([]byte, m*lda), make([]int8, n*k)
					for i := range a {
						a[i] = byte(next())
					}
					for i := range w {
						w[i] = int8(next())
					}
					const guard = 7654321
					dst, intact := kerneltest.Guarded((m-1)*ldd+n, 0, int32(guard))
					gemm.PackInt8(w, n, k, tier).MulInt32(dst, ldd, a, lda, m, nil)
					if err := intact(); err != nil {
						t.Fatal(err)
					}
					want := naive(a, lda, m, w, n, k)
					for i, got := range dst {
						expect := int32(guard)
						if row, col := i/ldd, i%ldd; col < n {
							expect = want[row*n+col]
						}
						if got != expect {
							t.Fatalf("m %d, n %d, k %d: sum %d is %d, want %d", m, n, k, i, got, expect)
						}
					}
				}
			}
		}
	})
}

// A row of more codes than lanes of 16 bits can sum, all of them the largest: with weights that equal their zero points
// the products are 0, whatever the codes are.
func TestInt8StageSumsOfLongRows(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		const k, zero = 4003, 7
		a, w := make([]byte, k), make([]int8, k)
		for i := range a {
			a[i], w[i] = 255, 1
		}
		s := &gemm.Stage{
			Bias: []int32{-zero * k}, Requant: requantizer(t, quant.ONNX, 1), WeightZero: []int32{1}, InputZero: zero,
		}
		dst := []byte{99}
		if gemm.PackInt8(w, 1, k, tier).Mul(dst, 1, a, k, 1, s); dst[0] != byte(s.Requant.Code(0, 0)) {
			t.Errorf("the code is %d, not that of 0, %d", dst[0], s.Requant.Code(0, 0))
		}
	})
}

// Two products of -128·-128 leave 16 bits; those of the first k of four are added to those of the third, and those of
// the second to those of the fourth.
func TestOverflowsPairs(t *testing.T) {
	const k = 7
	for x := range k {
		for y := range x {
			w := make([]int8, 2*k)
			w[k+x], w[k+y] = -128, -128
			if got, want := gemm.OverflowsPairs(w, k), x-y == 2 && x/4 == y/4; got != want {
				t.Errorf("of -128 at %d and %d: %v", y, x, got)
			}
			if w[k+x] = -127; gemm.OverflowsPairs(w, k) {
				t.Errorf("of -128 at %d and -127 at %d", y, x)
			}
		}
	}
}
