package quant

import (
	"math"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// checkRequantize compares the codes of rows of accumulators with those that Code gives one by one.
func checkRequantize[Q int8 | uint8](t rapid.TB, v vectors, acc []int32, offset int, r *Requantizer) {
	t.Helper()
	got, intact := kerneltest.Guarded(len(acc), offset, Q(0x55))
	requantizeRows(v.tier, got, acc, r)
	if err := intact(); err != nil {
		t.Fatalf("%d accumulators of %d channels: %v", len(acc), r.Channels(), err)
	}
	for i, a := range acc {
		if want := Q(r.Code(a, i%r.Channels())); got[i] != want {
			t.Fatalf("%v, zero point %d, accumulator %d, %d of %d with %d channels: code %d, want %d",
				r.Convention, r.ZeroPoint, a, i, len(acc), r.Channels(), got[i], want)
		}
	}
}

func TestRequantizeHasKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		want := 0
		if v.tier != cpu.Generic && runtime.GOARCH == "amd64" {
			want = 32
		}
		if n := requantize(v.tier, make([]byte, 32), make([]int32, 32), []float32{1}, &rounding{}); n != want {
			t.Errorf("did %d of 32 accumulators, want %d", n, want)
		}
	})
}

// All conventions, numbers of channels and types; accumulators at ties, at the ends of int32 and at random.
func TestRequantizeRows(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(8)
		for _, c := range []Convention{ONNX, Torch, Fixed, FixedDouble} {
			for channels := 1; channels <= 70; channels++ {
				if testing.Short() && channels%7 != 1 {
					continue
				}
				for _, s := range storable {
					multiplier := make([]float64, channels)
					for i := range multiplier {
						multiplier[i] = []float64{0.5, 1. / 90, 0.0123, 0x1p-20, 1, 3.7, 1e30}[next()%7]
					}
					r, err := NewRequantizer(c, multiplier, TensorParams(s.typ, 1, s.zeroPoint))
					if err != nil {
						t.Fatal(err)
					}
					if next()%2 == 0 {
						r.Lo = max(r.Lo, r.ZeroPoint) // a Relu
					}
					acc := make([]int32, 2*channels)
					if channels == 1 {
						acc = make([]int32, next()%131)
					}
					for i := range acc {
						switch next() % 3 {
						case 0:
							acc[i] = int32(next()%1024) - 512
						case 1:
							acc[i] = int32(uint32(next()))
						default:
							acc[i] = []int32{math.MaxInt32, math.MinInt32, 585, -585, 0, 1<<24 + 1}[next()%6]
						}
					}
					if s.typ.Unsigned {
						checkRequantize[uint8](t, v, acc, channels%64, r)
					} else {
						checkRequantize[int8](t, v, acc, channels%64, r)
					}
				}
			}
		}
	})
}
