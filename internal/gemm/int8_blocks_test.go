package gemm_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// Products that are cut into several blocks of rows, with few weights and with many.
func TestInt8Blocks(t *testing.T) {
	if testing.Short() {
		t.Skip("large matrices")
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(1)
		fillA, fillW := func(int) byte { return byte(next()) }, func(int) int8 { return int8(next()) }
		for _, c := range []struct{ m, n, k int }{
			{70, 20, 40001},
			{70, 300, 4000},
			{300, 170, 128},
			{63, 200, 68},
		} {
			checkInt32(t, tier, c.m, c.n, c.k, c.k+3, c.n+1, fillA, fillW)
		}
	})
}

// The same with output stages, one multiplier or one for each channel.
func TestInt8StageBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("large matrices")
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(2)
		for i, size := range []struct{ m, n, k int }{
			{1100, 40, 8},
			{40, 300, 70},
			{100, 130, 520},
			{70, 300, 4000},
		} {
			c := stageCase{m: size.m, n: size.n, k: size.k, lda: size.k + 1, ldd: size.n + 3}
			c.a, c.w = make([]byte, (c.m-1)*c.lda+c.k), make([]int8, c.n*c.k)
			for i := range c.a {
				c.a[i] = byte(next())
			}
			for i := range c.w {
				c.w[i] = int8(next())
			}
			multipliers := make([]float64, []int{1, c.n}[i%2])
			for j := range multipliers {
				multipliers[j] = 0.001 / float64(1+j%7)
			}
			requant := requantizer(t, conventions[i/2], multipliers...)
			c.stage = gemm.Stage{Bias: make([]int32, c.n), Requant: requant, Flip: 0x80}
			for j := range c.stage.Bias {
				c.stage.Bias[j] = int32(next()%20000) - 10000
			}
			want := c.want()
			got, intact := kerneltest.Guarded(len(want), 0, byte(0xee))
			gemm.PackInt8(c.w, c.n, c.k, tier).Mul(got, c.ldd, c.a, c.lda, c.m, &c.stage)
			if err := intact(); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%+v: row %d, channel %d is %d, want %d", size, i/c.ldd, i%c.ldd, got[i], want[i])
				}
			}
		}
	})
}
