package gemm_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// drawOperand draws where an operand lies, and how many elements that takes.
func drawOperand(t *rapid.T) (o gemm.Operand, elements int) {
	o.N = rapid.IntRange(1, 70).Draw(t, "n")
	o.K = rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 40), rapid.IntRange(670, 1370)).Draw(t, "k") // deep ones go in parts
	o.Zero = 128
	switch gap := rapid.IntRange(0, 3).Draw(t, "gap"); rapid.IntRange(0, 2).Draw(t, "layout") {
	case 0:
		o.StepN, o.StepK = o.K+gap, 1
	case 1:
		o.StepN, o.StepK = 1, o.N+gap
	default:
		o.StepN, o.StepK = 2, 2*o.N+gap
	}
	return o, (o.N-1)*o.StepN + (o.K-1)*o.StepK + 1
}

// What PackCodes packs multiplies as the same matrix packed beforehand, on every tier; it stays within its room.
func TestPackCodes(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			o, elements := drawOperand(t)
			next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
			src, _ := kerneltest.Guarded(elements, 0, byte(0))
			for i := range src {
				src[i] = byte(next())
			}
			if gemm.AnyZero(tier) && rapid.Bool().Draw(t, "any zero") {
				packsAnyZero(t, o, src, next, tier)
			}
			w := make([]int8, o.N*o.K)
			sums := make([]int32, o.N)
			for j := range o.N {
				for k := range o.K {
					w[j*o.K+k] = int8(src[j*o.StepN+k*o.StepK] ^ 0x80)
					sums[j] += int32(w[j*o.K+k])
				}
			}
			m := rapid.IntRange(1, 20).Draw(t, "m")
			a := make([]byte, m*o.K)
			for i := range a {
				a[i] = byte(next())
			}
			room, intact := kerneltest.Guarded(o.CodesRoom(), 0, byte(0x77))
			for i := range room {
				room[i] = 0x55 // of the operand before
			}
			got := make([]int32, o.N)
			packed := o.PackCodes(room, src, got, tier)
			if !slices.Equal(got, sums) {
				t.Fatalf("%+v: sums %v, want %v", o, got, sums)
			}
			dst := make([]int32, m*o.N)
			packed.MulInt32(dst, o.N, a, o.K, m, nil)
			if want := naive(a, o.K, m, w, o.N, o.K); !slices.Equal(dst, want) {
				t.Fatalf("%+v, %d rows: %v, want %v", o, m, dst, want)
			}
			c := stageCase{m: m, n: o.N, k: o.K, lda: o.K, ldd: o.N, a: a, w: w}
			drawStage(t, &c.stage, o.N, o.K, next)
			codes := make([]byte, m*o.N)
			packed.Mul(codes, o.N, a, o.K, m, &c.stage)
			if want := c.want(); !slices.Equal(codes, want) {
				t.Fatalf("%+v, %d rows: codes %v, want %v", o, m, codes, want)
			}
			if err := intact(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// packsAnyZero compares products with codes less another zero point, which are no bytes, with a plain sum.
func packsAnyZero(t *rapid.T, o gemm.Operand, src []byte, next func() uint64, tier cpu.Tier) {
	o.Zero = rapid.Byte().Draw(t, "zero")
	m := rapid.IntRange(1, 20).Draw(t, "m")
	a, dst, got := make([]byte, m*o.K), make([]int32, m*o.N), make([]int32, o.N)
	for i := range a {
		a[i] = byte(next())
	}
	packed := o.PackCodes(make([]byte, o.CodesRoom()), src, got, tier)
	packed.MulInt32(dst, o.N, a, o.K, m, nil)
	for j := range o.N {
		own := int32(0)
		for i := range m {
			sum := int32(0)
			own = 0
			for k := range o.K {
				w := int32(src[j*o.StepN+k*o.StepK]) - int32(o.Zero)
				sum, own = sum+w*int32(a[i*o.K+k]), own+w
			}
			if dst[i*o.N+j] != sum {
				t.Fatalf("%+v, [%d, %d] of %d rows: %d, want %d", o, i, j, m, dst[i*o.N+j], sum)
			}
		}
		if got[j] != own {
			t.Fatalf("%+v: sum %d is %d, want %d", o, j, got[j], own)
		}
	}
}

// What PackReals packs gives the bits of the same matrix packed beforehand.
func TestPackReals(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			o, elements := drawOperand(t)
			next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
			number := func() float32 { return float32(int32(next())) / (1 << 31) }
			src, _ := kerneltest.Guarded(elements, 0, float32(0))
			for i := range src {
				src[i] = number()
			}
			w := make([]float32, o.N*o.K)
			for i := range w {
				w[i] = src[i/o.K*o.StepN+i%o.K*o.StepK]
			}
			m := rapid.IntRange(1, 20).Draw(t, "m")
			a := make([]float32, m*o.K)
			for i := range a {
				a[i] = number()
			}
			room, intact := kerneltest.Guarded(o.RealsRoom(), 0, float32(7))
			packed, inf := o.PackReals(room, src, tier), float32(math.Inf(1))
			got, want := make([]float32, m*o.N), make([]float32, m*o.N)
			packed.Mul(got, o.N, a, o.K, m, nil, -inf, inf)
			gemm.PackFloat32(w, o.N, o.K, tier).Mul(want, o.N, a, o.K, m, nil, -inf, inf)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v, %d rows: %v, want %v", o, m, got, want)
			}
			if err := intact(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// Packing for a product allocates nothing, nor does the product.
func TestPackCodesAllocates(t *testing.T) {
	o := gemm.Operand{N: 50, K: 30, StepN: 30, StepK: 1, Zero: 128}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		src, room, a, dst := make([]byte, 1500), make([]byte, o.CodesRoom()), make([]byte, 300), make([]int32, 500)
		reals, realRoom := make([]float32, 1500), make([]float32, o.RealsRoom())
		x, y := make([]float32, 300), make([]float32, 500)
		if n := testing.AllocsPerRun(10, func() {
			w := o.PackCodes(room, src, dst, tier)
			w.MulInt32(dst, 50, a, 30, 10, nil)
			v := o.PackReals(realRoom, reals, tier)
			v.Mul(y, 50, x, 30, 10, nil, -1, 1)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// An operand that does not fit its slice is a mistake of the caller's, found before any memory is read.
func TestOperandThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		o    gemm.Operand
		src  int
		fits bool
	}{
		{gemm.Operand{N: 3, K: 4, StepN: 4, StepK: 1, Zero: 128}, 12, true},
		{gemm.Operand{N: 3, K: 4, StepN: 4, StepK: 1, Zero: 128}, 11, false},
		{gemm.Operand{N: 3, K: 4, StepN: 1, StepK: 3, Zero: 128}, 12, true},
		{gemm.Operand{N: 3, K: 4, StepN: 1, StepK: 3, Zero: 128}, 11, false},
		{gemm.Operand{N: 1, K: 1, Zero: 128}, 1, true},
		{gemm.Operand{N: 1, K: 1, Zero: 128}, 0, false},
		{gemm.Operand{N: 0, K: 4, StepN: 4, StepK: 1, Zero: 128}, 12, false},
		{gemm.Operand{N: 3, K: 0, StepN: 4, StepK: 1, Zero: 128}, 12, false},
		{gemm.Operand{N: 3, K: 4, StepN: -1, StepK: 1, Zero: 128}, 12, false},
		{gemm.Operand{N: 3, K: 4, StepN: 4, StepK: -1, Zero: 128}, 12, false},
		{gemm.Operand{N: 3, K: 4, StepN: math.MaxInt, StepK: 1, Zero: 128}, 12, false},
	} {
		refused := func() (refused bool) {
			defer func() { refused = recover() != nil }()
			sums := make([]int32, max(c.o.N, 0))
			room := make([]byte, 1<<12)
			c.o.PackCodes(room, make([]byte, c.src), sums, cpu.Generic)
			return false
		}()
		if refused == c.fits {
			t.Errorf("%+v in %d bytes is refused: %v", c.o, c.src, refused)
		}
	}
}
