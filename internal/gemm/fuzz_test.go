package gemm_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/quant"
)

// requantizer returns an output stage for int8 codes.
func requantizer(t rapid.TB, c quant.Convention, multiplier ...float64) *quant.Requantizer {
	t.Helper()
	r, err := quant.NewRequantizer(c, multiplier, quant.TensorParams(quant.Type{Bits: 8}, 1, 3))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzInt8 gives activations and weights from the input to every tier, which must agree with the naive sums.
func FuzzInt8(f *testing.F) {
	f.Add(uint8(1), uint8(1), uint8(0), 0.5, []byte{255, 128})
	f.Add(uint8(9), uint8(33), uint8(1), 1./90, []byte("any bytes will do, they are repeated"))
	f.Add(uint8(6), uint8(17), uint8(2), 0.003, bytes.Repeat([]byte{255, 127, 128, 0}, 20))
	f.Fuzz(func(t *testing.T, m, n, convention uint8, multiplier float64, data []byte) {
		c := stageCase{m: int(m)%40 + 1, n: int(n)%40 + 1}
		c.k = min(len(data), 100)
		c.lda, c.ldd = c.k, c.n
		requant, err := quant.NewRequantizer(conventions[convention%4], []float64{multiplier},
			quant.TensorParams(quant.Type{Bits: 8}, 1, 3))
		if err != nil || c.k == 0 {
			return
		}
		at := 0
		next := func() byte { at++; return data[at%len(data)] + byte(at/len(data)) }
		for range c.m * c.k {
			c.a = append(c.a, next())
		}
		for range c.n * c.k {
			c.w = append(c.w, int8(next()))
		}
		for range c.n {
			c.stage.Bias = append(c.stage.Bias, int32(next())<<24|int32(next()))
		}
		c.stage.Requant = requant
		want := c.want()
		for _, tier := range cpu.Available() {
			got := make([]byte, len(want))
			gemm.PackInt8(c.w, c.n, c.k, tier).Mul(got, c.ldd, c.a, c.lda, c.m, &c.stage)
			if !bytes.Equal(got, want) {
				t.Errorf("%v: % x, want % x", tier, got, want)
			}
		}
	})
}
