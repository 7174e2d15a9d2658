package ptq

import (
	"math"
	"slices"
	"sync/atomic"

	"linquant/internal/linalg"
)

// solver chooses the codes q and the scale s of each row so that (s·q − t)·H·(s·q − t)ᵀ is small, for the rows t of a target.
type solver struct {
	machine   linalg.Machine
	low, high float32 // codes
	bits      int
	shared    bool    // one scale for all rows
	given     float32 // the scale of all rows, which stays; 0 where it is to be found
	fits      int
	sweeps    int
	quick     bool          // one scale is tried
	h         linalg.Matrix // symmetric, positive on the diagonal
	target    linalg.Matrix

	scales []float32     // of each row
	codes  linalg.Matrix // integers
	errors linalg.Matrix // s·q − t
	spare  linalg.Matrix // for products with H
}

// run chooses them; l is the Cholesky factor of H, more or less.
func (s *solver) run(l linalg.Matrix) {
	s.start()
	s.choose(l)
	for range s.fits {
		s.descend()
		s.fit()
	}
	s.descend()
}

// nearest takes the nearest codes.
func (s *solver) nearest() {
	s.start()
	s.machine.Each(s.target.Rows, 4, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			for i, v := range s.target.Row(o) {
				s.codes.Data[o*s.codes.Step+i] = s.code(v, s.scales[o])
			}
		}
	})
}

// code returns the nearest code.
func (s *solver) code(v, scale float32) float32 {
	return min(max(roundEven(v/scale), s.low), s.high)
}

// roundEven rounds to the nearest integer, ties to even, what is less than 2^22 in magnitude.
func roundEven(v float32) float32 {
	const big = 3 << 22
	if v > 1<<21 || v < -(1<<21) {
		return v
	}
	return float32(v+big) - big
}

// start finds the scale of each row whose nearest codes have the least squared error: of 81 fractions of the one that
// spreads the codes over all of the row.
func (s *solver) start() {
	rows := s.target.Rows
	s.scales = make([]float32, rows)
	s.codes, s.errors, s.spare = linalg.New(rows, s.target.Cols), linalg.New(rows, s.target.Cols), linalg.New(rows, s.target.Cols)
	if s.given > 0 {
		for o := range s.scales {
			s.scales[o] = s.given
		}
		return
	}
	const steps = 81
	least, most := 0.2, 1.0
	if s.bits <= 3 {
		most = 1.2
	}
	spread := float64(s.high)
	if s.bits == 2 {
		spread = 1.5
	}
	top := make([]float64, rows)
	for o := range rows {
		for _, v := range s.target.Row(o) {
			top[o] = max(top[o], math.Abs(float64(v)))
		}
	}
	if s.shared {
		all := slices.Max(top)
		for o := range top {
			top[o] = all
		}
	}
	scale := func(o, step int) float32 {
		f := least + (most-least)*float64(step)/(steps-1)
		return float32(f * max(top[o], 1e-30) / spread)
	}
	sums := make([][steps]float64, rows)
	s.machine.Each(rows, 1, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			for step := range steps {
				sums[o][step] = s.squared(s.target.Row(o), scale(o, step))
			}
		}
	})
	if s.shared {
		for step := range steps {
			sum := 0.0
			for o := range rows {
				sum += sums[o][step]
			}
			for o := range rows {
				sums[o][step] = sum
			}
		}
	}
	for o := range rows {
		best := 0
		for step, e := range sums[o] {
			if e < sums[o][best] {
				best = step
			}
		}
		s.scales[o] = scale(o, best)
	}
}

// squared returns the squared error of the nearest codes.
func (s *solver) squared(t []float32, scale float32) float64 {
	sum, inverse := 0.0, 1/scale
	for len(t) > 0 {
		n := min(len(t), 64)
		var part float32
		for _, v := range t[:n] {
			x := float32(v * inverse)
			q := min(max(roundEven(x), s.low), s.high)
			d := q - x
			part += float32(d * d)
		}
		sum += float64(part)
		t = t[n:]
	}
	return sum * float64(scale) * float64(scale)
}

// multiples are what choose tries of the scales that the nearest codes want.
var multiples = []float64{0.7, 0.8, 0.87, 0.94, 1, 1.07, 1.15, 1.25, 1.4}

// choose rounds with several multiples of each row's scale, and keeps what loses least: errors that are carried on want another scale
// than those of the nearest codes. With many bits there is nothing to gain.
func (s *solver) choose(l linalg.Matrix) {
	if s.bits > mostChoices || s.shared || s.quick {
		s.round(l)
		return
	}
	rows, k := s.target.Rows, s.target.Cols
	first := slices.Clone(s.scales)
	scales, codes, errors := make([]float32, rows), linalg.New(rows, k), linalg.New(rows, k)
	best, hq := make([]float64, rows), s.spare
	for i, multiple := range multiples {
		for o := range s.scales {
			s.scales[o] = float32(multiple * float64(first[o]))
		}
		s.round(l)
		s.machine.MulT(hq, s.errors, s.h)
		s.machine.Each(rows, 4, func(lo, hi int) {
			for o := lo; o < hi; o++ {
				lost := 0.0
				for j, v := range hq.Row(o) {
					lost += float64(float64(v) * float64(s.errors.At(o, j)))
				}
				if i == 0 || lost < best[o] {
					best[o], scales[o] = lost, s.scales[o]
					copy(codes.Row(o), s.codes.Row(o))
					copy(errors.Row(o), s.errors.Row(o))
				}
			}
		})
	}
	s.scales, s.codes, s.errors = scales, codes, errors
}

// mostChoices is for how many bits several scales are tried.
const mostChoices = 4

// block is how many columns are chosen between two products with the whole matrix.
const block = 64

// round chooses the codes of the last column, of the one before, and so on, each so that with what is left of the errors of
// those already chosen it makes the error least. With H = L·Lᵀ that is Σ_i (L_ii·e_i + Σ_{j>i} L_ji·e_j)².
func (s *solver) round(l linalg.Matrix) {
	k, rows := s.target.Cols, s.target.Rows
	room, triangle := linalg.New(rows, min(block, k)), make([]float32, block*block)
	for first := (k - 1) / block * block; first >= 0; first -= block {
		n := min(block, k-first)
		carried := room.Part(0, rows, 0, n)
		if after := k - first - n; after > 0 {
			s.machine.Mul(carried, s.errors.Part(0, rows, first+n, after), l.Part(first+n, after, first, n))
		} else {
			clear(room.Data)
		}
		for j := range n { // triangle[j][i] = L_ji / L_ii
			for i := range j {
				triangle[j*block+i] = l.At(first+j, first+i) / l.At(first+i, first+i)
			}
		}
		s.machine.Each(rows, 4, func(lo, hi int) {
			for o := lo; o < hi; o++ {
				c, scale := carried.Row(o), s.scales[o]
				for i := range c {
					c[i] /= l.At(first+i, first+i)
				}
				t, q, e := s.target.Row(o)[first:], s.codes.Row(o)[first:], s.errors.Row(o)[first:]
				for j := n - 1; j >= 0; j-- {
					q[j] = s.code(t[j]-c[j], scale)
					e[j] = float32(q[j]*scale) - t[j]
					for i, v := range triangle[j*block:][:j] {
						c[i] += float32(v * e[j])
					}
				}
			}
		})
	}
}

// descend moves every code in turn to where the error is least while all others stay, until few move.
func (s *solver) descend() {
	k, rows := s.target.Cols, s.target.Rows
	room := linalg.New(rows, min(block, k))
	for range s.sweeps {
		var moved atomic.Int64
		for first := 0; first < k; first += block {
			n := min(block, k-first)
			slope := room.Part(0, rows, 0, n)
			s.machine.MulT(slope, s.errors, s.h.Part(first, n, 0, k))
			s.machine.Each(rows, 4, func(lo, hi int) {
				count := 0
				for o := lo; o < hi; o++ {
					count += s.descendRow(o, first, slope.Row(o))
				}
				moved.Add(int64(count))
			})
		}
		if float64(moved.Load()) < 2e-4*float64(k*rows) {
			break
		}
	}
}

// descendRow does so with a block of columns of one row; slope is (e·H) there. It returns how many codes moved.
func (s *solver) descendRow(o, first int, slope []float32) (moved int) {
	q, e, scale := s.codes.Row(o)[first:], s.errors.Row(o)[first:], s.scales[o]
	for i := range slope {
		h := s.h.Row(first + i)[first:][:len(slope)]
		best := s.code(float32(q[i]*scale)-slope[i]/h[i], scale)
		if best == q[i] {
			continue
		}
		d := float32((best - q[i]) * scale)
		q[i] = best
		e[i] += d
		for j, v := range h {
			slope[j] += float32(d * v)
		}
		moved++
	}
	return moved
}

// fit takes for each row the scale that is best for its codes, s = t·H·q / q·H·q, unless it is given.
func (s *solver) fit() {
	if s.given > 0 {
		return
	}
	rows, hq := s.target.Rows, s.spare
	s.machine.MulT(hq, s.codes, s.h)
	above, below := make([]float64, rows), make([]float64, rows)
	s.machine.Each(rows, 4, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			t, q := s.target.Row(o), s.codes.Row(o)
			for i, v := range hq.Row(o) {
				above[o] += float64(float64(t[i]) * float64(v))
				below[o] += float64(float64(q[i]) * float64(v))
			}
		}
	})
	if s.shared {
		a, b := 0.0, 0.0
		for o := range rows {
			a, b = a+above[o], b+below[o]
		}
		for o := range rows {
			above[o], below[o] = a, b
		}
	}
	s.machine.Each(rows, 4, func(lo, hi int) {
		for o := lo; o < hi; o++ {
			if above[o] > 0 && below[o] > 0 {
				if scale := float32(above[o] / below[o]); scale > 0 && !math.IsInf(float64(scale), 1) {
					s.scales[o] = scale
				}
			}
			t, q, e := s.target.Row(o), s.codes.Row(o), s.errors.Row(o)
			for i := range e {
				e[i] = float32(q[i]*s.scales[o]) - t[i]
			}
		}
	})
}
