//go:build !purego

package elementwise

import (
	"math"

	"linquant/internal/cpu"
)

// sumLookupAVX2 does, for i < n, a multiple of 4,
//
//	e[i] = table[row[i]]
//	s[i%4] += e[i]
//
//go:noescape
func sumLookupAVX2(e *float64, row *byte, n int, table *float64, s *[4]float64)

// divideAVX2 fills dst[i] = float32(e[i] / by) for i < n, a multiple of 4.
//
//go:noescape
func divideAVX2(dst *float32, e *float64, n int, by float64)

// sumAVX2 does s[i%4] += float64(x[i]) for i < n.
//
//go:noescape
func sumAVX2(x *float32, n int, s *[4]float64)

// squaresAVX2 does s[i%4] += (float64(x[i]) - mean)² for i < n.
//
//go:noescape
func squaresAVX2(x *float32, n int, mean float64, s *[4]float64)

// scaleAVX2 fills dst[i] = float32((float64(x[i])-mean)*factor*float64(scale[i]) + float64(shift[i])), every step
// rounded, for i < n.
//
//go:noescape
func scaleAVX2(dst, x, scale, shift *float32, n int, mean, factor float64)

func hasVectors(t cpu.Tier) bool { return has512(t) || has256(t) }

func sumLookupVector(e []float64, row []byte, table []float64, s *[4]float64, tier cpu.Tier) int {
	n := len(row) &^ 3
	if n == 0 || !hasVectors(tier) {
		return 0
	}
	sumLookupAVX2(&e[0], &row[0], n, &table[0], s)
	return n
}

func divideVector(dst []float32, e []float64, by float64, tier cpu.Tier) int {
	n := len(dst) &^ 3
	if n == 0 || !hasVectors(tier) {
		return 0
	}
	divideAVX2(&dst[0], &e[0], n, by)
	return n
}

func normalizeVector(dst, x, scale, shift []float32, epsilon float64, center bool, tier cpu.Tier) bool {
	n := len(dst)
	if n == 0 || !hasVectors(tier) {
		return false
	}
	mean := 0.0
	if center {
		var s [4]float64
		sumAVX2(&x[0], n, &s)
		mean = ((s[0] + s[1]) + (s[2] + s[3])) / float64(n)
	}
	var s [4]float64
	squaresAVX2(&x[0], n, mean, &s)
	factor := 1 / math.Sqrt(((s[0]+s[1])+(s[2]+s[3]))/float64(n)+epsilon)
	scaleAVX2(&dst[0], &x[0], &scale[0], &shift[0], n, mean, factor)
	return true
}
