package linalg

import "linquant/internal/gemm"

// MostSamples is how many samples of codes fit one Gram matrix: beyond them sums could leave int32.
const MostSamples = 1 << 16

// GramCodes fills h [k, k] with (Σ_s x_s·x_sᵀ)/n − μ·μᵀ for n samples of k codes, samples [k, n] with the codes of one place
// beside each other, and returns their means μ. The sums are exact. n is at most MostSamples.
func (m Machine) GramCodes(h Matrix, samples []byte, n int) (mean []float64) {
	k := h.Rows
	mean = make([]float64, k)
	sums := make([]int64, k)
	m.Each(k, 16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for _, q := range samples[i*n:][:n] {
				sums[i] += int64(q)
			}
			mean[i] = float64(sums[i]) / float64(n)
		}
	})
	room := gemm.Operand{N: min(panel, k), K: n}
	packed := make([]byte, room.CodesRoom())
	acc := make([]int32, k*min(panel, k))
	for j := 0; j < k; j += panel {
		width := min(panel, k-j)
		o := gemm.Operand{N: width, K: n, StepN: n, StepK: 1, Zero: 128}
		w := o.PackCodes(packed, samples[j*n:], nil, m.Tier) // less 128
		m.Each(k-j, 16, func(lo, hi int) {
			lo, hi = lo+j, hi+j
			w.MulInt32(acc[(lo-j)*width:], width, samples[lo*n:], n, hi-lo, nil)
			for i := lo; i < hi; i++ {
				for c, a := range acc[(i-j)*width:][:width] {
					// The sum of products is a + 128·Σx_i, so that all of it is exact but the last rounding.
					e := float64(int64(n)*(int64(a)+128*sums[i]) - sums[i]*sums[j+c])
					h.Data[i*h.Step+j+c] = float32(e / float64(n) / float64(n))
				}
			}
		})
	}
	m.mirror(h)
	return mean
}

// mirror fills what is above the diagonal with what is below.
func (m Machine) mirror(h Matrix) {
	m.Each(h.Rows, rows, func(lo, hi int) {
		for j := 0; j < hi; j += 16 {
			for i := max(lo, j); i < hi; i++ {
				for c := j; c < min(j+16, i); c++ {
					h.Data[c*h.Step+i] = h.Data[i*h.Step+c]
				}
			}
		}
	})
}

// GramReals is GramCodes for samples of reals, [k, n], whose sums are rounded. samples are left centred.
func (m Machine) GramReals(h, samples Matrix) (mean []float64) {
	k := samples.Rows
	mean = m.centre(samples)
	for j := 0; j < k; j += panel {
		width := min(panel, k-j)
		m.MulT(h.Part(j, k-j, j, width), samples.Part(j, k-j, 0, samples.Cols), samples.Part(j, width, 0, samples.Cols))
	}
	m.Each(k, 16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for j, v := range h.Row(i)[:i+1] {
				h.Data[i*h.Step+j] = float32(float64(v) / float64(samples.Cols))
			}
		}
	})
	m.mirror(h)
	return mean
}

// Mean returns the mean of x.
func Mean(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(max(len(x), 1))
}

// CovarianceCodes returns (Σ_s y_s·x_sᵀ)/n − ȳ·μᵀ for n samples of outputs, y [m, n], and of codes, samples [k, n], and the
// means ȳ. y is left centred.
func (m Machine) CovarianceCodes(y Matrix, samples []byte, k int) (c Matrix, mean []float64) {
	n := y.Cols
	mean = m.centre(y)
	c = New(y.Rows, k)
	room := New(min(panel, k), n)
	for j := 0; j < k; j += panel {
		width := min(panel, k-j)
		m.Each(width, 8, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				to := room.Row(i)
				for s, q := range samples[(j+i)*n:][:n] {
					to[s] = float32(q)
				}
			}
		})
		m.MulT(c.Part(0, y.Rows, j, width), y, room.Part(0, width, 0, n))
	}
	m.scale(c, 1/float64(n))
	return c, mean
}

// CovarianceReals is CovarianceCodes for samples of reals, [k, n].
func (m Machine) CovarianceReals(y, samples Matrix) (c Matrix, mean []float64) {
	mean = m.centre(y)
	c = New(y.Rows, samples.Rows)
	m.MulT(c, y, samples)
	m.scale(c, 1/float64(y.Cols))
	return c, mean
}

// centre subtracts from every row its mean.
func (m Machine) centre(y Matrix) []float64 {
	mean := make([]float64, y.Rows)
	m.Each(y.Rows, 4, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := y.Row(i)
			mean[i] = Mean(row)
			for s, v := range row {
				row[s] = float32(float64(v) - mean[i])
			}
		}
	})
	return mean
}

func (m Machine) scale(c Matrix, by float64) {
	m.Each(c.Rows, rows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := c.Row(i)
			for j, v := range row {
				row[j] = float32(float64(v) * by)
			}
		}
	})
}

// MeanDiagonal returns the mean of a square matrix's diagonal.
func MeanDiagonal(h Matrix) float64 {
	sum := 0.0
	for i := range h.Rows {
		sum += float64(h.At(i, i))
	}
	return sum / float64(max(h.Rows, 1))
}

// AddDiagonal adds d to a square matrix's diagonal.
func AddDiagonal(h Matrix, d float64) {
	for i := range h.Rows {
		p := &h.Data[i*h.Step+i]
		*p = float32(float64(*p) + d)
	}
}
