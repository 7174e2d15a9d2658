package elementwise

import (
	"math"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Rows of a Softmax and of a LayerNormalization, computed in float64. Sums are four: of every fourth element, and of
// those beside them.

// SumLookup fills e[i] = table[row[i]] and returns the sum. Every code of the row must be less than the table is long,
// which is not checked.
func SumLookup(e []float64, row []byte, table []float64, tier cpu.Tier) float64 {
	e = e[:len(row)]
	var s [4]float64
	k, done := kernelsOf(tier), 0
	if k.sumLookup.Has() && len(row) >= 4 {
		done = len(row) &^ 3
		k.sumLookup.Get()(kernel.NoEscape(&e[0]), &row[0], done, &table[0], kernel.NoEscape(&s))
	}
	e, row = e[done:], row[done:]
	for ; len(row) >= 4 && len(e) >= 4; row, e = row[4:], e[4:] {
		e[0], e[1], e[2], e[3] = table[row[0]], table[row[1]], table[row[2]], table[row[3]]
		s[0] += e[0]
		s[1] += e[1]
		s[2] += e[2]
		s[3] += e[3]
	}
	for i, u := range row {
		e[i] = table[u]
		s[i] += e[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// Divide fills dst[i] = float32(e[i] / by).
func Divide(dst []float32, e []float64, by float64, tier cpu.Tier) {
	e = e[:len(dst)]
	k, done := kernelsOf(tier), 0
	if k.divide.Has() && len(dst) >= 4 {
		done = len(dst) &^ 3
		k.divide.Get()(&dst[0], kernel.NoEscape(&e[0]), done, by)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = float32(e[i] / by)
	}
}

// MostCode returns the largest code, 0 where there is none.
func MostCode(row []byte) byte {
	var a, b, c, d byte
	for ; len(row) >= 4; row = row[4:] {
		a, b, c, d = max(a, row[0]), max(b, row[1]), max(c, row[2]), max(d, row[3])
	}
	for _, u := range row {
		a = max(a, u)
	}
	return max(a, b, c, d)
}

// Normalize fills dst with (x − mean)·factor·scale + shift, every step rounded to float64 and the result to float32,
// where
//
//	mean   = Σ x / n, or 0 without center
//	factor = 1 / √(Σ (x − mean)² / n + epsilon)
//
// All are of one length, and dst may be x.
func Normalize(dst, x, scale, shift []float32, epsilon float64, center bool, tier cpu.Tier) {
	n := len(dst)
	x, scale, shift = x[:n], scale[:n], shift[:n]
	if n == 0 {
		return
	}
	k, mean := kernelsOf(tier), 0.0
	if center {
		var s [4]float64
		if k.sum.Has() {
			k.sum.Get()(&x[0], n, kernel.NoEscape(&s))
		} else {
			for i, v := range x {
				s[i%4] += float64(v)
			}
		}
		mean = ((s[0] + s[1]) + (s[2] + s[3])) / float64(n)
	}
	var s [4]float64
	if k.squares.Has() {
		k.squares.Get()(&x[0], n, mean, kernel.NoEscape(&s))
	} else {
		for i, v := range x {
			d := float64(v) - mean
			s[i%4] += float64(d * d)
		}
	}
	factor := 1 / math.Sqrt(((s[0]+s[1])+(s[2]+s[3]))/float64(n)+epsilon)
	if k.scale.Has() {
		k.scale.Get()(&dst[0], &x[0], &scale[0], &shift[0], n, mean, factor)
		return
	}
	for i, v := range x {
		dst[i] = float32(float64((float64(v)-mean)*factor*float64(scale[i])) + float64(shift[i]))
	}
}
