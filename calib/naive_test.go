package calib

import (
	"math"
	"math/big"
)

// grid is a histogram by its definition: all numbers at once, exact fractions, and a map.
type grid struct {
	exponent int
	counts   map[int64]int64
	zeros    int64
}

func naiveGrid(x []float32) grid {
	// bin returns the bin of the grid, toward 0, and mirrored below it.
	bin := func(v float32, exponent int) int64 {
		r := new(big.Float).SetFloat64(math.Abs(float64(v)))
		r.SetMantExp(r, -exponent)
		k, _ := r.Int64()
		if v < 0 {
			k = -1 - k
		}
		return k
	}
	lo, hi, magnitude := x[0], x[0], 0.0
	for _, v := range x {
		lo, hi, magnitude = min(lo, v), max(hi, v), max(magnitude, math.Abs(float64(v)))
	}
	g := grid{exponent: -126, counts: map[int64]int64{}}
	for math.Ldexp(1, g.exponent+24) <= magnitude || bin(hi, g.exponent)-bin(lo, g.exponent) >= bins {
		g.exponent++
	}
	for _, v := range x {
		g.counts[bin(v, g.exponent)]++
		if v == 0 {
			g.zeros++
		}
	}
	return g
}

// naiveDivergence is divergence by the words of its documentation, with P and Q spelled out.
func naiveDivergence(s spread, w window, by scale) float64 {
	n := len(s.mass)
	codes := int(by.most-by.least) + 1
	if w.last < w.first || w.last-w.first+1 < codes && w.last-w.first+1 != n {
		return math.Inf(1)
	}
	p, q := make([]float64, n), make([]float64, n)
	for i, m := range s.mass {
		p[min(max(i, w.first), w.last)] += float64(m)
	}
	sharing := map[float64][]int{}
	for i := w.first; i <= w.last; i++ {
		if s.mass[i] > 0 {
			middle := (s.edges[i] + s.edges[i+1]) / 2
			code := min(max(math.RoundToEven(middle/by.step), by.least), by.most)
			sharing[code] = append(sharing[code], i)
		}
	}
	for _, of := range sharing {
		sum := 0.0
		for _, i := range of {
			sum += float64(s.mass[i])
		}
		for _, i := range of {
			q[i] = sum / float64(len(of))
		}
	}
	var sumP, sumQ float64
	for i := range p {
		sumP, sumQ = sumP+p[i], sumQ+q[i]
	}
	if sumP == 0 {
		return 0
	}
	d := 0.0
	for i := range p {
		if p[i] > 0 {
			d += p[i] / sumP * math.Log(p[i]/sumP/(q[i]/sumQ))
		}
	}
	if math.IsNaN(d) {
		return math.Inf(1)
	}
	return d
}

// naiveSquaredError is squaredError with many numbers in every bin, and rounding by the standard library.
func naiveSquaredError(s spread, by scale) float64 {
	square := func(x float64) float64 {
		d := x - by.step*min(max(math.RoundToEven(x/by.step), by.least), by.most)
		return d * d
	}
	const points = 3000
	sum := float64(s.zeros) * square(0)
	for i, n := range s.mass {
		part := 0.0
		for k := range points {
			part += square(s.edges[i] + (s.edges[i+1]-s.edges[i])*(float64(k)+0.5)/points)
		}
		sum += float64(n) * part / points
	}
	return sum
}
