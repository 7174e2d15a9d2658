package stats

import "math"

// Summary describes the finite values of an array.
type Summary struct {
	N          int     // the values of the array: finite ones, NaNs and infinities
	Min, Max   float32 // of the finite values; 0 where there is none
	AbsMax     float32 // the larger magnitude of Min and Max
	Mean, Std  float64 // of the finite values, Std divided by their number (not by one less); 0 where there is none
	Zeros      int     // values equal to 0, of either sign
	NaNs, Infs int     // values left out of everything above but N
}

// blockSize is how many values are summarized at a time: few enough to stay in the first-level cache between the pass
// that finds their mean and the pass that finds their spread around it.
const blockSize = 2048

// Summarize measures x. The spread is found around the mean of each block and the blocks are joined as Chan, Golub and
// LeVeque do ("Updating formulae and a pairwise algorithm for computing sample variances", 1979, eq. 2.1), so that a
// small spread around a large mean keeps its digits.
func Summarize(x []float32) Summary {
	s := Summary{N: len(x)}
	var buf [blockSize]float32
	var n, m2 float64 // finite values so far, and the sum of their squared distances from s.Mean
	for len(x) > 0 {
		block := x[:min(len(x), blockSize)]
		x = x[len(block):]
		if !allFinite(block) {
			block = s.leaveOut(block, &buf)
		}
		if len(block) == 0 {
			continue
		}
		if n == 0 {
			s.Min, s.Max = block[0], block[0]
		}
		s.Min, s.Max = extend(s.Min, s.Max, block)
		s.Zeros += zeros(block)

		count := float64(len(block))
		mean := sum(block) / count
		total, delta := n+count, mean-s.Mean
		m2 += float64(delta*delta*(n/total*count)) + squares(block, mean)
		s.Mean += float64(delta * (count / total))
		n = total
	}
	if n > 0 {
		s.Std = math.Sqrt(m2 / n)
	}
	s.AbsMax = max(-s.Min, s.Max)
	return s
}

// leaveOut counts the NaNs and infinities of block and returns the rest of it in buf.
func (s *Summary) leaveOut(block []float32, buf *[blockSize]float32) []float32 {
	kept := 0
	for _, v := range block {
		switch {
		case v != v:
			s.NaNs++
		case v < -math.MaxFloat32 || v > math.MaxFloat32:
			s.Infs++
		default:
			buf[kept] = v
			kept++
		}
	}
	return buf[:kept]
}

// allFinite reports whether x holds no NaN and no infinity: no exponent with all bits set.
func allFinite(x []float32) bool {
	var largest uint32
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	return largest < 0x7f800000
}

// extend returns the range of lo, hi and the finite values x.
func extend(lo, hi float32, x []float32) (float32, float32) {
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

func zeros(x []float32) int {
	n := 0
	for _, v := range x {
		if v == 0 {
			n++
		}
	}
	return n
}

// sum adds x in four lanes, value i in lane i mod 4, and joins the lanes in pairs.
func sum(x []float32) float64 {
	var a, b, c, d float64
	for len(x) >= 4 {
		a += float64(x[0])
		b += float64(x[1])
		c += float64(x[2])
		d += float64(x[3])
		x = x[4:]
	}
	lanes := [4]float64{a, b, c, d}
	for i, v := range x {
		lanes[i] += float64(v)
	}
	return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

// squares adds the squared distances of x from mean, in the order of sum.
func squares(x []float32, mean float64) float64 {
	var a, b, c, d float64
	for len(x) >= 4 {
		da, db := float64(x[0])-mean, float64(x[1])-mean
		dc, dd := float64(x[2])-mean, float64(x[3])-mean
		a += float64(da * da)
		b += float64(db * db)
		c += float64(dc * dc)
		d += float64(dd * dd)
		x = x[4:]
	}
	lanes := [4]float64{a, b, c, d}
	for i, v := range x {
		dv := float64(v) - mean
		lanes[i] += float64(dv * dv)
	}
	return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}
