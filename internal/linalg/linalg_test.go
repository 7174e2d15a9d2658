package linalg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/hostile"
)

func machines() []Machine {
	var list []Machine
	for _, tier := range cpu.Available() {
		list = append(list, Machine{tier, 1}, Machine{tier, 3})
	}
	return list
}

func random(r *rand.Rand, rows, cols int) Matrix {
	a := New(rows, cols)
	for i := range a.Data {
		a.Data[i] = float32(r.NormFloat64())
	}
	return a
}

// sameBits fails unless all tiers with fused multiply-add, on any number of threads, give the same.
func sameBits(t *testing.T, compute func(m Machine) []float32) {
	t.Helper()
	var want []float32
	for _, m := range machines() {
		if m.Tier == cpu.Generic {
			continue
		}
		got := compute(m)
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%v on %d threads: other bits", m.Tier, m.Threads)
		}
	}
}

func TestProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range [][3]int{{1, 1, 1}, {3, 200, 5}, {130, 7, 300}, {65, 129, 128}, {5, 4, 0}, {70, 130, 2100}} {
		a, b, c := random(r, n[0], n[2]), random(r, n[1], n[2]), random(r, n[2], n[1])
		wants, seconds := make([]float64, n[0]*n[1]), make([]float64, n[0]*n[1])
		for i := range wants {
			for k := range n[2] {
				wants[i] += float64(a.At(i/n[1], k)) * float64(b.At(i%n[1], k))
				seconds[i] += float64(a.At(i/n[1], k)) * float64(c.At(k, i%n[1]))
			}
		}
		for _, m := range machines() {
			dst, other := random(r, n[0], n[1]), random(r, n[0], n[1])
			m.MulT(dst, a, b)
			m.Mul(other, a, c)
			for i := range n[0] {
				for j := range n[1] {
					want, second := wants[i*n[1]+j], seconds[i*n[1]+j]
					if math.Abs(want-float64(dst.At(i, j))) > 1e-3 || math.Abs(second-float64(other.At(i, j))) > 1e-3 {
						t.Fatalf("%v, %v: [%d,%d] is %v and %v, want %v and %v", n, m, i, j, dst.At(i, j), other.At(i, j), want, second)
					}
				}
			}
		}
	}
}

func TestGram(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range [][3]int{{1, 1, 1}, {3, 10, 2}, {27, 500, 16}, {150, 40, 7}, {130, 1000, 3}} {
		k, n, outputs := size[0], size[1], size[2]
		samples, reals := make([]byte, k*n), New(k, n)
		for i := range samples {
			samples[i] = byte(r.UintN(256))
			reals.Data[i] = float32(samples[i])
		}
		y := random(r, outputs, n)
		mean, wants := make([]float64, k), make([]float64, k*k)
		for i := range k {
			mean[i] = Mean(reals.Row(i))
		}
		for i := range wants {
			for s := range n {
				wants[i] += (float64(samples[i/k*n+s]) - mean[i/k]) * (float64(samples[i%k*n+s]) - mean[i%k]) / float64(n)
			}
		}
		for _, m := range machines() {
			h, hr := New(k, k), New(k, k)
			mu := m.GramCodes(h, samples, n)
			m.GramReals(hr, Matrix{k, n, n, slices.Clone(reals.Data)})
			own := Matrix{y.Rows, y.Cols, y.Step, slices.Clone(y.Data)}
			c, _ := m.CovarianceCodes(own, samples, k)
			own = Matrix{y.Rows, y.Cols, y.Step, slices.Clone(y.Data)}
			cr, ybar := m.CovarianceReals(own, reals)
			for i := range k {
				for j := range k {
					want := wants[i*k+j]
					if d := math.Abs(want - float64(h.At(i, j))); d > 1e-3+1e-6*math.Abs(want) || mu[i] != mean[i] {
						t.Fatalf("%v, %v: [%d,%d] is %v, want %v", size, m, i, j, h.At(i, j), want)
					}
					if d := math.Abs(want - float64(hr.At(i, j))); d > 1e-4*(50+math.Abs(want)) { // codes vary by some 5000
						t.Fatalf("%v, %v: [%d,%d] of reals is %v, want %v", size, m, i, j, hr.At(i, j), want)
					}
				}
				for o := range outputs {
					want := 0.0
					for s := range n {
						want += (float64(y.At(o, s)) - ybar[o]) * float64(samples[i*n+s])
					}
					want /= float64(n)
					if math.Abs(want-float64(c.At(o, i))) > 1e-3 || math.Abs(want-float64(cr.At(o, i))) > 1e-3 {
						t.Fatalf("%v, %v: covariance [%d,%d] is %v and %v, want %v", size, m, o, i, c.At(o, i), cr.At(o, i), want)
					}
				}
			}
		}
	}
}

// definite returns a matrix with eigenvalues of at least 1.
func definite(r *rand.Rand, k int) Matrix {
	a := random(r, k, k)
	h := New(k, k)
	Machine{cpu.Best(), 1}.MulT(h, a, a)
	AddDiagonal(h, 1)
	return h
}

func TestCholesky(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, k := range []int{1, 2, 9, 128, 129, 260} {
		h := definite(r, k)
		b := random(r, 5, k)
		for _, m := range machines() {
			f, err := m.Cholesky(Matrix{k, k, k, slices.Clone(h.Data)})
			if err != nil {
				t.Fatal(err)
			}
			for i := range k {
				for j := range i + 1 {
					sum := 0.0
					for c := range j + 1 {
						sum += float64(f.L.At(i, c)) * float64(f.L.At(j, c))
					}
					if math.Abs(sum-float64(h.At(i, j))) > 1e-5*float64(k) {
						t.Fatalf("%d, %v: L·Lᵀ at [%d,%d] is %v, want %v", k, m, i, j, sum, h.At(i, j))
					}
				}
			}
			x := Matrix{b.Rows, b.Cols, b.Step, slices.Clone(b.Data)}
			f.Solve(x)
			for i := range b.Rows {
				for j := range k {
					sum := 0.0
					for c := range k {
						sum += float64(x.At(i, c)) * float64(h.At(c, j))
					}
					if math.Abs(sum-float64(b.At(i, j))) > 2e-5*float64(k) {
						t.Fatalf("%d, %v: the solution times H at [%d,%d] is %v, want %v", k, m, i, j, sum, b.At(i, j))
					}
				}
			}
		}
		sameBits(t, func(m Machine) []float32 {
			f, err := m.Cholesky(Matrix{k, k, k, slices.Clone(h.Data)})
			if err != nil {
				t.Fatal(err)
			}
			x := Matrix{b.Rows, b.Cols, b.Step, slices.Clone(b.Data)}
			f.Solve(x)
			return x.Data
		})
	}
	for name, h := range map[string][]float32{
		"zero": {0, 0, 0, 0}, "negative": {1, 0, 0, -1}, "singular": {1, 1, 1, 1}, "NaN": {1, 0, 0, float32(math.NaN())},
		"infinite": {1, 0, 0, float32(math.Inf(1))},
	} {
		if _, err := (Machine{cpu.Best(), 1}).Cholesky(Matrix{2, 2, 2, h}); err != ErrNotDefinite {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkLinalg says how many billion multiplications a core does in a second of its own time, so that others on the machine do not
// count, and which part that is of what the kernel alone does with operands in the nearest caches.
func BenchmarkLinalg(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	m := Machine{cpu.Best(), 1}
	const k, n, outputs = 2304, 8192, 256
	samples := make([]byte, k*n)
	for i := range samples {
		samples[i] = byte(r.UintN(256))
	}
	y, t := random(r, outputs, n), random(r, outputs, k)
	h, room := New(k, k), New(k, k)
	m.GramCodes(h, samples, n)
	AddDiagonal(h, MeanDiagonal(h)/100)
	f, err := m.Cholesky(Matrix{k, k, k, slices.Clone(h.Data)})
	if err != nil {
		b.Fatal(err)
	}
	product := New(outputs, k)

	const small = 64 // rows, of 128 columns and 256 products
	o := gemm.Operand{N: 128, K: 256, StepN: 256, StepK: 1, Zero: 128}
	codes := o.PackCodes(make([]byte, o.CodesRoom()), samples, nil, m.Tier)
	reals := o.PackReals(make([]float32, o.RealsRoom()), t.Data, m.Tier)
	sums, infinite := make([]int32, small*128), float32(math.Inf(1))

	best := map[bool]float64{} // of codes and of reals
	run := func(name string, ofCodes bool, products float64, compute func()) {
		b.Run(name, func(b *testing.B) {
			start := hostile.Used()
			for range b.N {
				compute()
			}
			rate := products * float64(b.N) / (hostile.Used() - start).Seconds() / 1e9
			best[ofCodes] = max(best[ofCodes], rate)
			b.ReportMetric(rate, "G/s")
			b.ReportMetric(100*rate/best[ofCodes], "%best")
		})
	}
	run("codes", true, 100*small*128*256, func() {
		for range 100 {
			codes.MulInt32(sums, 128, samples, 256, small, nil)
		}
	})
	run("reals", false, 100*small*128*256, func() {
		for range 100 {
			reals.Mul(product.Data, 128, t.Data, 256, small, nil, -infinite, infinite)
		}
	})
	run("gram", true, k*k*n/2, func() { m.GramCodes(room, samples, n) })
	run("covariance", false, k*n*outputs, func() { m.CovarianceCodes(y, samples, k) })
	run("cholesky", false, k*k*k/6, func() {
		copy(room.Data, h.Data)
		if _, err := m.Cholesky(room); err != nil {
			b.Fatal(err)
		}
	})
	run("solve", false, k*k*outputs, func() {
		copy(product.Data, t.Data)
		f.Solve(product)
	})
	run("product", false, k*k*outputs, func() { m.MulT(product, t, h) })
	run("block", false, k*64*outputs, func() { m.MulT(product.Part(0, outputs, 0, 64), t, h.Part(0, 64, 0, k)) })
}
