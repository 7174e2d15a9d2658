package calib

// leastSquares is the method MSE.
var leastSquares = method{
	name: "mse", observer: newHistogramObserver, histogram: true,
	choose: ofDistribution(spread.leastError),
	suits:  func(have, want Scheme) bool { return have == want },
}

// leastError returns the range with the least squared error.
func (s spread) leastError(c choice) (Range, error) {
	return s.least(c, []int{16, 2, 1}, func(_ window, by scale) float64 { return s.squaredError(by) })
}

// squaredError returns the sum of the squared errors of all values under a scale, with the values of a bin spread
// evenly over it; zeros cost nothing, for 0 always has a code of its own (quant.AffineScale).
//
// In steps, the error of a value u is d = u − r with r = round(u), and the squared error's antiderivative is r/12 + d³/3:
// it grows by the cube within the reach of one r, and from each r to the next by the 1/12 that a whole reach contributes;
// beyond the outermost codes r stays and the cube goes on. The mean over a bin is the difference at its edges by its width,
// which within the reach of one r is (d₀² + d₀·d₁ + d₁²)/3, also where the width is 0.
func (s spread) squaredError(by scale) float64 {
	sum := 0.0
	u := s.edges[0] / by.step
	r := by.round(u)
	d := u - r
	for i, n := range s.mass {
		u1 := s.edges[i+1] / by.step
		r1 := by.round(u1)
		d1 := u1 - r1
		if n > 0 {
			mean := (float64(d*d) + float64(d*d1) + float64(d1*d1)) / 3
			if r1 != r {
				mean = ((r1-r)/12 + (float64(float64(d1*d1)*d1)-float64(float64(d*d)*d))/3) / (u1 - u)
			}
			sum += float64(float64(n) * mean)
		}
		u, r, d = u1, r1, d1
	}
	return float64(float64(sum*by.step) * by.step)
}
