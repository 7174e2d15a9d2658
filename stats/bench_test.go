package stats

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The size of the original network's largest layer.
const benchSize = 512 * 512 * 9

func normal(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * 0.02)
	}
	return x
}

func BenchmarkSummarize(b *testing.B) {
	x := normal(benchSize)
	relu := normal(benchSize) // about half zeros, in no order a branch could be predicted from
	for i, v := range relu {
		relu[i] = max(v, 0)
	}
	for _, c := range []struct {
		name string
		x    []float32
	}{{"weights", x}, {"activations", relu}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(c.x)))
			for b.Loop() {
				Summarize(c.x)
			}
		})
	}
}

func BenchmarkFloats(b *testing.B) {
	x := normal(benchSize)
	for _, bins := range []int{16, 256, 2048} {
		b.Run(fmt.Sprintf("bins=%d", bins), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				if _, err := Floats(x, bins); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCodes counts one byte per code; its rate is bytes of codes, not of the floats they stand for.
func BenchmarkCodes(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, bits := range []int{2, 4, 8} {
		lo, hi := -1<<(bits-1), 1<<(bits-1)-1
		q := make([]int8, benchSize)
		for i := range q {
			q[i] = int8(max(lo, min(hi, int(rng.NormFloat64()*float64(hi)/3))))
		}
		b.Run(fmt.Sprintf("bits=%d", bits), func(b *testing.B) {
			b.SetBytes(int64(len(q)))
			for b.Loop() {
				Codes(q, lo, hi)
			}
		})
	}
}

func BenchmarkError(b *testing.B) {
	ref, approx := normal(benchSize), normal(benchSize)
	b.SetBytes(int64(4 * len(ref)))
	for b.Loop() {
		var e Error
		if err := e.Add(ref, approx); err != nil {
			b.Fatal(err)
		}
	}
}
