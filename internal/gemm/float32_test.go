package gemm_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	_ "linquant/internal/testing/seeds"
)

// floatCase is one product of floats.
type floatCase struct {
	m, n, k, lda, ldd int
	a, w, bias        []float32
	lo, hi            float32
}

func newFloatCase(m, n, k, lda, ldd int, seed uint64) *floatCase {
	next := kerneltest.Random(seed)
	fill := func(n int) []float32 {
		s, _ := kerneltest.Guarded(n, 0, float32(math.NaN()))
		for i := range s {
			s[i] = float32(int32(next())) * 0x1p-31
		}
		return s
	}
	c := &floatCase{m: m, n: n, k: k, lda: lda, ldd: ldd, a: fill((m-1)*lda + k), w: fill(n * k), bias: fill(n)}
	c.lo, c.hi = float32(math.Inf(-1)), float32(math.Inf(1))
	return c
}

// run returns what the tier makes of the case, with guards around it.
func (c *floatCase) run(t rapid.TB, tier cpu.Tier) []float32 {
	t.Helper()
	const guard = -12345.5
	dst, intact := kerneltest.Guarded((c.m-1)*c.ldd+c.n, 0, float32(guard))
	gemm.PackFloat32(c.w, c.n, c.k, tier).Mul(dst, c.ldd, c.a, c.lda, c.m, c.bias, c.lo, c.hi)
	if err := intact(); err != nil {
		t.Fatalf("%v, m %d, n %d, k %d: %v", tier, c.m, c.n, c.k, err)
	}
	for i, v := range dst {
		if i%c.ldd >= c.n && v != guard {
			t.Fatalf("%v, m %d, n %d, k %d, ldd %d: wrote between rows, at %d", tier, c.m, c.n, c.k, c.ldd, i)
		}
	}
	return dst
}

// near fails where an output is further from the truth than k+1 roundings of the sum of magnitudes.
func (c *floatCase) near(t rapid.TB, tier cpu.Tier, got []float32) {
	t.Helper()
	sums, magnitudes := naiveFloat64(c.a, c.lda, c.m, c.w, c.n, c.k)
	for i := range c.m {
		for j := range c.n {
			want, bound := sums[i*c.n+j], magnitudes[i*c.n+j]
			if c.bias != nil {
				want, bound = want+float64(c.bias[j]), bound+math.Abs(float64(c.bias[j]))
			}
			want = min(max(want, float64(c.lo)), float64(c.hi))
			if v := got[i*c.ldd+j]; !(math.Abs(float64(v)-want) <= bound*float64(c.k+1)*0x1p-24) {
				t.Fatalf("%v, m %d, n %d, k %d: [%d, %d] is %g, want %g", tier, c.m, c.n, c.k, i, j, v, want)
			}
		}
	}
}

// fuses reports whether the tier's kernel is one of fused multiply-adds.
func (c *floatCase) fuses(tier cpu.Tier) bool {
	return gemm.PackFloat32(c.w, c.n, c.k, tier).Tier() != cpu.Generic
}

// check compares every tier with the truth, and those that fuse with each other, bit for bit.
func (c *floatCase) check(t rapid.TB) {
	t.Helper()
	var first []float32
	for _, tier := range cpu.Available() {
		got := c.run(t, tier)
		c.near(t, tier, got)
		if !c.fuses(tier) {
			continue
		}
		if first == nil {
			first = got
		}
		for i, v := range got {
			if math.Float32bits(v) != math.Float32bits(first[i]) {
				t.Fatalf("%v, m %d, n %d, k %d: %g at %d, another tier has %g", tier, c.m, c.n, c.k, v, i, first[i])
			}
		}
	}
}

func TestFloat32Sizes(t *testing.T) {
	for _, m := range sizes(10) {
		for _, n := range sizes(10) {
			for _, k := range []int{1, 2, 3, 7, 10} {
				newFloatCase(m, n, k, k, n, uint64(m*n*k)).check(t)
			}
		}
	}
	limit := 130
	if testing.Short() {
		limit = 33
	}
	for _, size := range sizes(limit) {
		newFloatCase(size, 5, 7, 9, 6, 1).check(t)
		newFloatCase(5, size, 7, 7, size+3, 2).check(t)
		newFloatCase(5, 7, size, size, 7, 3).check(t)
		newFloatCase(size, size, size, size, size, 4).check(t)
	}
}

func TestFloat32Random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, k := rapid.IntRange(1, 70).Draw(t, "n"), rapid.IntRange(1, 60).Draw(t, "k")
		c := newFloatCase(rapid.IntRange(1, 70).Draw(t, "m"), n, k, rapid.IntRange(0, k+9).Draw(t, "lda"),
			n+rapid.IntRange(0, 9).Draw(t, "gap"), rapid.Uint64().Draw(t, "seed"))
		if rapid.Bool().Draw(t, "no bias") {
			c.bias = nil
		}
		if rapid.Bool().Draw(t, "relu") {
			c.lo, c.hi = 0, rapid.SampledFrom([]float32{0.5, 6, float32(math.Inf(1))}).Draw(t, "hi")
		}
		c.check(t)
	})
}

// chain is what the package documents, one output at a time.
func (c *floatCase) chain(i, j int, fused bool) float32 {
	var sum float32
	for x := range c.k {
		a, w := c.a[i*c.lda+x], c.w[j*c.k+x]
		if !fused {
			sum += float32(a * w)
			continue
		}
		exact := func(v float32) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(float64(v)) }
		product := exact(a)
		sum, _ = product.Mul(product, exact(w)).Add(product, exact(sum)).Float32()
	}
	return min(max(sum+c.bias[j], c.lo), c.hi)
}

// The bits are those of one chain over k in index order, fused or not.
func TestFloat32Chain(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, m := range []int{1, 5, 17} {
			for _, n := range []int{4, 16, 37} {
				c := newFloatCase(m, n, 19, 19, n, uint64(m*n))
				c.lo = -0.5
				got := c.run(t, tier)
				for i := range m {
					for j := range n {
						if want := c.chain(i, j, c.fuses(tier)); got[i*n+j] != want {
							t.Fatalf("m %d, n %d: [%d, %d] is %x, want %x", m, n, i, j, got[i*n+j], want)
						}
					}
				}
			}
		}
	})
}

// NaN, infinities and the sign of zero are the same in every tier, Relu or not.
func TestFloat32Special(t *testing.T) {
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	for _, x := range []float32{nan, inf, -inf, zero, 0, 1e-45, math.MaxFloat32} {
		for _, lo := range []float32{-inf, 0} {
			c := newFloatCase(7, 35, 1, 1, 35, 5)
			c.lo = lo
			for i := range c.a {
				c.a[i] = x
			}
			for j := range c.w {
				c.w[j], c.bias[j] = 1, zero
			}
			for _, tier := range cpu.Available() {
				for i, v := range c.run(t, tier) {
					want := x + zero // a chain starts at +0
					if x == 0 {
						want = 0
					}
					if want < lo {
						want = lo
					}
					if v != want && !(v != v && want != want) || math.Signbit(float64(v)) != math.Signbit(float64(want)) && v == v {
						t.Fatalf("%v: %g at %d, want %g (input %g, at least %g)", tier, v, i, want, x, lo)
					}
				}
			}
		}
	}
}
