package gemm_test

import (
	"math/rand/v2"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// Codes of sums that come from elsewhere are those of the requantizer, by every convention, and what lies between rows stays.
func TestPanel(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
			for _, n := range []int{1, 7, 8, 13, 16} {
				for _, rows := range []int{1, 3, 64, 65, 130} {
					channels, j := n+5, 3
					ldd := channels + 2
					multipliers := make([]float64, []int{1, channels}[r.IntN(2)])
					for i := range multipliers {
						multipliers[i] = r.Float64() / 300
					}
					requant, err := quant.NewRequantizer(c, multipliers, quant.TensorParams(quant.Int(8), 1, 5))
					if err != nil {
						t.Fatal(err)
					}
					s := gemm.Stage{Requant: requant, Flip: 0x80}
					for range channels {
						s.Bias = append(s.Bias, int32(r.IntN(9000)-4500))
					}
					acc := make([]int32, rows*gemm.PanelChannels)
					for i := range acc {
						acc[i] = int32(r.IntN(200000) - 100000)
					}
					dst := make([]byte, (rows-1)*ldd+n)
					for i := range dst {
						dst[i] = 0x5a
					}
					s.Panel(dst, ldd, acc, rows, j, n, tier)
					for i, got := range dst {
						want := byte(0x5a)
						if row, k := i/ldd, i%ldd; k < n {
							want = byte(requant.Code(acc[row*gemm.PanelChannels+k]+s.Bias[j+k], (j+k)%len(multipliers))) ^ 0x80
						}
						if got != want {
							t.Fatalf("%v, %d channels, %d rows: code %d is %d, want %d", c, n, rows, i, got, want)
						}
					}
				}
			}
		}
	})
}

// Sums and rows that do not fit are refused.
func TestPanelRefuses(t *testing.T) {
	requant, err := quant.NewRequantizer(quant.Fixed, []float64{0.1}, quant.TensorParams(quant.Int(8), 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	s := gemm.Stage{Requant: requant, Bias: make([]int32, 20)}
	for _, tt := range [][4]int{{0, 0, 4, 20}, {1, 0, 17, 20}, {1, 18, 3, 20}, {1, -1, 3, 20}, {3, 0, 4, 20}, {2, 0, 4, 3}, {2, 0, 4, 38}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d rows from channel %d on, %d of them, every %d, were stored", tt[0], tt[1], tt[2], tt[3])
				}
			}()
			s.Panel(make([]byte, 40), tt[3], make([]int32, 2*gemm.PanelChannels), tt[0], tt[1], tt[2], cpu.Generic)
		}()
	}
}
