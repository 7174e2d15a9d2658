//go:build !purego

package gemm

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// Kernels read weights ahead, and no further than packing left room for.
func TestReadsAheadNoFurther(t *testing.T) {
	const rows, n = 11, 17
	for _, tier := range cpu.Available()[1:] {
		for k := 1; k <= 40; k++ {
			p := PackInt8(make([]int8, n*k), n, k, tier)
			p.panels = moved(t, p.panels)
			f := PackFloat32(make([]float32, n*k), n, k, tier)
			f.panels = moved(t, f.panels)
			for _, wide := range []bool{false, true} {
				p.overflow = wide && p.own.pairs
				for r := 1; r <= rows; r++ {
					var sums [blockRows * maxWidth]int32
					p.own.sums.Get()(p, sums[:], make([]byte, r*k), k, r, 16)
					var chains [blockRows * maxWidth]float32
					f.accumulate(chains[:], make([]float32, r*k), k, r, 16)
				}
			}
		}
	}
}

// moved copies s to where the memory behind its last element faults when it is read.
func moved[T any](t *testing.T, s []T) []T {
	t.Helper()
	to := kerneltest.BeforeFault[T](t, len(s))
	copy(to, s)
	return to
}
