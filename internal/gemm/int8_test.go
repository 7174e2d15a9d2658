package gemm_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// checkInt32 compares MulInt32, with guards around all its operands, with the naive sums.
func checkInt32(t rapid.TB, tier cpu.Tier, m, n, k, lda, ldd int, fillA func(int) byte, fillW func(int) int8) {
	t.Helper()
	a, _ := kerneltest.Guarded((m-1)*lda+k, 0, byte(255))
	for i := range a {
		a[i] = fillA(i)
	}
	w := make([]int8, n*k)
	for i := range w {
		w[i] = fillW(i)
	}
	bias := make([]int32, n)
	for j := range bias {
		bias[j] = int32(j*j*7919 - 40000)
	}
	want := naive(a, lda, m, w, n, k)
	// AVX2 packs for windows in another way than products of few k.
	for _, packed := range []*gemm.Int8{gemm.PackInt8(w, n, k, tier), gemm.PackInt8Windows(w, n, 1, k, tier)} {
		checkReals(t, packed, bias, want, a, lda, ldd, m)
		for _, bias := range [][]int32{bias, nil} {
			const guard = -12345678
			dst, intact := kerneltest.Guarded((m-1)*ldd+n, 0, int32(guard))
			packed.MulInt32(dst, ldd, a, lda, m, bias)
			if err := intact(); err != nil {
				t.Fatalf("m %d, n %d, k %d, lda %d, ldd %d: %v", m, n, k, lda, ldd, err)
			}
			for i, got := range dst {
				row, col := i/ldd, i%ldd
				expect := int32(guard)
				if col < n {
					expect = want[row*n+col]
					if bias != nil {
						expect += bias[col]
					}
				}
				if got != expect {
					t.Fatalf("m %d, n %d, k %d, lda %d, ldd %d: [%d, %d] is %d, want %d", m, n, k, lda, ldd, row, col, got, expect)
				}
			}
		}
	}
}

// checkReals compares MulReals with the reals of sums.
func checkReals(t rapid.TB, w *gemm.Int8, start, sums []int32, a []byte, lda, ldd, m int) {
	t.Helper()
	n := w.N
	s := gemm.RealStage{Start: start, Scale: make([]float32, n), Bias: make([]float32, n), Lo: -3, Hi: float32(math.Inf(1))}
	for j := range n {
		s.Scale[j], s.Bias[j] = 1e-5*float32(1+j%7), float32(j%5)-2
	}
	const guard = -12345678
	dst, intact := kerneltest.Guarded((m-1)*ldd+n, 0, float32(guard))
	w.MulReals(dst, ldd, a, lda, m, &s)
	if err := intact(); err != nil {
		t.Fatalf("reals of m %d, n %d, ldd %d: %v", m, n, ldd, err)
	}
	for i, got := range dst {
		row, col := i/ldd, i%ldd
		expect := float32(guard)
		if col < n {
			expect = max(float32(float32(sums[row*n+col]+start[col])*s.Scale[col])+s.Bias[col], s.Lo)
		}
		if got != expect {
			t.Fatalf("reals of m %d, n %d, lda %d, ldd %d: [%d, %d] is %g, want %g", m, n, lda, ldd, row, col, got, expect)
		}
	}
}

// sizes are the small ones and those on either side of powers of two.
func sizes(limit int) []int {
	list := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p := 16; p+1 <= limit; p *= 2 {
		list = append(list, p-1, p, p+1)
	}
	return list
}

func TestInt8Sizes(t *testing.T)      { testInt8Sizes(t, false) }
func TestInt8SizesSeven(t *testing.T) { testInt8Sizes(t, true) }

// testInt8Sizes uses weights of 8 bits or of seven, for which AVX2 has another kernel.
func testInt8Sizes(t *testing.T, seven bool) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(1)
		fillA, fillW := func(int) byte { return byte(next()) }, func(int) int8 { return int8(next()) }
		if seven {
			fillW = func(int) int8 { return int8(next()) >> 1 }
		}
		for _, m := range sizes(10) {
			for _, n := range sizes(10) {
				for _, k := range sizes(10) {
					checkInt32(t, tier, m, n, k, k, n, fillA, fillW)
				}
			}
		}
		limit := 130
		if testing.Short() {
			limit = 33
		}
		for _, size := range sizes(limit) {
			checkInt32(t, tier, size, 5, 7, 9, 6, fillA, fillW)
			checkInt32(t, tier, 5, size, 7, 7, size+3, fillA, fillW)
			checkInt32(t, tier, 5, 7, size, size, 7, fillA, fillW)
			checkInt32(t, tier, 9, 33, size, size+1, 40, fillA, fillW)
			checkInt32(t, tier, size, size, size, size, size, fillA, fillW)
		}
	})
}

// The largest products there are: 255·-128 in every place would saturate 16-bit sums at the second one.
func TestInt8Extremes(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, w := range []int8{-128, 127, -1} {
			for _, a := range []byte{255, 128, 1} {
				for _, k := range []int{4, 9, 1025} {
					checkInt32(t, tier, 9, 35, k, k, 35, func(int) byte { return a }, func(int) int8 { return w })
				}
			}
		}
		// On either side of what two products at a time may add up to in 16 bits.
		for _, pair := range [][2]int8{{127, -128}, {127, 1}, {127, 2}, {64, 64}, {65, 64}, {-128, 0}, {-128, -1}, {-64, -65}} {
			for _, k := range []int{2, 3, 256} {
				w := func(i int) int8 { return pair[i%k&1] }
				checkInt32(t, tier, 5, 17, k, k, 17, func(int) byte { return 255 }, w)
			}
		}
	})
}

// 255·-128·70000 leaves int32: sums wrap, alike in every tier.
func TestInt8Wraps(t *testing.T) {
	if testing.Short() {
		t.Skip("a long row")
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		checkInt32(t, tier, 2, 3, 70001, 70001, 3, func(int) byte { return 255 }, func(int) int8 { return -128 })
	})
}

func TestInt8Random(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := rapid.IntRange(1, 70).Draw(t, "m"), rapid.IntRange(1, 70).Draw(t, "n")
			k := rapid.IntRange(1, 80).Draw(t, "k")
			// Rows of a may overlap, as those of a convolution in one dimension do.
			lda := rapid.IntRange(0, k+9).Draw(t, "lda")
			ldd := n + rapid.IntRange(0, 9).Draw(t, "gap")
			next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
			bits := rapid.IntRange(1, 8).Draw(t, "bits of a weight")
			checkInt32(t, tier, m, n, k, lda, ldd, func(int) byte { return byte(next()) },
				func(int) int8 { return int8(next()) >> (8 - bits) })
		})
	})
}

// stageCase is one product with an output stage.
type stageCase struct {
	m, n, k, lda, ldd int
	a                 []byte
	w                 []int8
	stage             gemm.Stage
}

func drawStageCase(t *rapid.T) *stageCase {
	c := &stageCase{m: rapid.IntRange(1, 70).Draw(t, "m"), n: rapid.IntRange(1, 70).Draw(t, "n")}
	c.k = rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(120, 140)).Draw(t, "k")
	bits := rapid.IntRange(2, 8).Draw(t, "bits") // what AVX2 packs deep weights of few bits as is another thing
	c.lda, c.ldd = c.k+rapid.IntRange(0, 5).Draw(t, "gap"), c.n+rapid.IntRange(0, 5).Draw(t, "gap")
	next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
	c.a, _ = kerneltest.Guarded((c.m-1)*c.lda+c.k, 0, byte(255))
	for i := range c.a {
		c.a[i] = byte(next())
	}
	c.w = make([]int8, c.n*c.k)
	for i := range c.w {
		c.w[i] = int8(next()) >> (8 - bits)
	}
	drawStage(t, &c.stage, c.n, c.k, next)
	return c
}

// drawStage draws an output stage for n channels.
func drawStage(t *rapid.T, s *gemm.Stage, n, k int, next func() uint64) {
	s.Requant = drawRequantizer(t, n, k)
	s.Flip = rapid.SampledFrom([]byte{0, 0x80}).Draw(t, "flip")
	s.Bias = make([]int32, n)
	large := rapid.Bool().Draw(t, "large biases") // accumulators of all 32 bits
	for j := range s.Bias {
		s.Bias[j] = int32(next()%20000) - 10000
		if large {
			s.Bias[j] = int32(next() << 1)
		}
	}
	if rapid.Bool().Draw(t, "affine weights") {
		s.InputZero = int32(next() % 256)
		s.WeightZero = make([]int32, n)
		for j := range s.WeightZero {
			s.WeightZero[j] = int32(int8(next()))
		}
	}
}

// Codes of the whole range of a byte, with multipliers below 1, are what nearly all layers have: some tiers take another way
// there. Biases reach to both ends of int32.
func TestInt8StageWhole(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			c := drawStageCase(t)
			c.stage.WeightZero = nil
			multiplier := rapid.SampledFrom([]float64{0x1p-40, 0x1p-24, 0x1p-9, 0x1p-1, 0x1.fffffep-1}).Draw(t, "multiplier")
			channels := rapid.SampledFrom([]int{1, c.n}).Draw(t, "channels")
			typ := quant.Type{Bits: 8, Unsigned: c.stage.Flip == 0}
			lo, hi := typ.Range()
			var err error
			c.stage.Requant, err = quant.NewRequantizer(quant.ONNX, slices.Repeat([]float64{multiplier}, channels),
				quant.TensorParams(typ, 1, rapid.Int32Range(lo, hi).Draw(t, "zero point")))
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, tier)
		})
	})
}

// check compares what Mul stores with what the definition of Stage says.
func (c *stageCase) check(t rapid.TB, tier cpu.Tier) {
	got, intact := kerneltest.Guarded((c.m-1)*c.ldd+c.n, 0, byte(0xee))
	gemm.PackInt8(c.w, c.n, c.k, tier).Mul(got, c.ldd, c.a, c.lda, c.m, &c.stage)
	if err := intact(); err != nil {
		t.Fatal(err)
	}
	want := c.want()
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d, channel %d of %d: %d, want %d", i/c.ldd, i%c.ldd, c.n, got[i], want[i])
		}
	}
}

// want follows the definition of Stage, one output at a time; bytes between rows are 0xee.
func (c *stageCase) want() []byte {
	s := &c.stage
	out := slices.Repeat([]byte{0xee}, (c.m-1)*c.ldd+c.n)
	sums := naive(c.a, c.lda, c.m, c.w, c.n, c.k)
	for i := range c.m {
		for j := range c.n {
			acc := sums[i*c.n+j] + s.Bias[j]
			if s.WeightZero != nil {
				for _, v := range c.a[i*c.lda:][:c.k] {
					acc -= s.WeightZero[j] * (int32(v) - s.InputZero)
				}
			}
			channel := j
			if s.Requant.Channels() == 1 {
				channel = 0
			}
			out[i*c.ldd+j] = byte(s.Requant.Code(acc, channel)) ^ s.Flip
		}
	}
	return out
}

func TestInt8Stage(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			c := drawStageCase(t)
			c.check(t, tier)
		})
	})
}

// Accumulators that are ties, small, and at the ends of int32, one a channel, under multipliers of every kind.
func TestInt8StageSweep(t *testing.T) {
	bias := []int32{math.MinInt32, math.MinInt32 + 1, math.MaxInt32, math.MaxInt32 - 1, 1 << 30, -1 << 30, 1<<24 + 1}
	for acc := int32(-700); acc <= 700; acc++ {
		bias = append(bias, acc, acc*64, acc*4099)
	}
	multipliers := []float64{
		0x1p-1, 0x1p-2, 0x1p-5, 0x1p-8, 0x1p-31, 0x1p-32, 0x1p-33, 0x1p-120, 0x1p120, 1, 1.5, 300,
		0x1.fffffffep-1, 1. / 90, 0.0003, 0.75, 0.1,
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		n := len(bias)
		w := gemm.PackInt8(make([]int8, n), n, 1, tier)
		got := make([]byte, n)
		for _, c := range conventions {
			for _, m := range multipliers {
				for _, typ := range codeTypes[:2] {
					lo, hi := typ.Range()
					for _, zero := range []int32{lo, 3, hi} {
						r, err := quant.NewRequantizer(c, []float64{m}, quant.TensorParams(typ, 1, zero))
						if err != nil {
							t.Fatal(err)
						}
						w.Mul(got, n, []byte{255}, 1, 1, &gemm.Stage{Bias: bias, Requant: r, Flip: 0x80})
						for i, acc := range bias {
							if want := byte(r.Code(acc, 0)) ^ 0x80; got[i] != want {
								t.Fatalf("%v, %g, %v, zero point %d: %d becomes %d, want %d", c, m, typ, zero, acc, got[i], want)
							}
						}
					}
				}
			}
		}
	})
}

func TestInt8DoesNotAllocate(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		w := gemm.PackInt8(make([]int8, 33*70), 33, 70, tier)
		dst, a := make([]int32, 100*33), make([]byte, 100*70)
		if allocs := testing.AllocsPerRun(10, func() { w.MulInt32(dst, 33, a, 70, 100, nil) }); allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	})
}
