package calib

import (
	"math"
	"slices"
	"sort"

	"linquant/quant"
)

// window is a range that MSE or Entropy considers, and the bins that lie within it: none where last < first.
type window struct {
	lo, hi      float32
	first, last int
}

// scale is what a window's codes stand for: step × r with whole numbers r from least to most, which are the codes less
// the zero point.
type scale struct{ step, least, most float64 }

// scaleOf returns the scale that values of the range will be quantized with.
func (c choice) scaleOf(lo, hi float32) (scale, error) {
	t := c.Type
	least, most := t.Range()
	var step float64
	var zero int32
	var err error
	if c.Symmetric {
		step, err = quant.SymmetricScale(max(-lo, hi), t)
	} else {
		step, zero, err = quant.AffineScale(lo, hi, t)
	}
	return scale{float64(float32(step)), float64(least - zero), float64(most - zero)}, err
}

// round returns the r that a value of u steps gets: u to the nearest whole number, ties to even, within the codes. The
// codes are far below 2^51, up to where the sum rounds to whole numbers.
func (s scale) round(u float64) float64 {
	const magic = 0x1.8p52
	return min(max(u, s.least), s.most) + magic - magic
}

// windows are the ranges that end at edges of bins, the widest first: at(i, j) for i < los and j < his, with i moving
// the lower end in, and j the upper one.
type windows struct {
	los, his int
	at       func(i, j int) window
}

// windows returns the ranges to consider for a distribution whose extremes differ from each other or from 0.
func (s spread) windows(c choice) windows {
	n := len(s.mass)
	if c.Symmetric {
		ends := s.ends()
		return windows{1, len(ends), func(_, j int) window {
			m := ends[j]
			low := -m
			if c.Type.Unsigned {
				low = 0
			}
			return window{float32(low) + 0, float32(m), s.firstFrom(low), s.lastTo(m)}
		}}
	}

	// An extreme may be on an edge of the grid: then that end is there twice, and the first has the numbers that equal it.
	los, his := make([]window, 0, n+1), make([]window, 0, n+1)
	for i, e := range s.edges[:n] {
		if (e < 0 || c.WithoutZero) && (i == 0 || e != s.edges[i-1]) {
			los = append(los, window{lo: float32(e), first: i})
		}
	}
	for i := n; i > 0; i-- {
		if e := s.edges[i]; (e > 0 || c.WithoutZero) && (i == n || e != s.edges[i+1]) {
			his = append(his, window{hi: float32(e), last: i - 1})
		}
	}
	if !c.WithoutZero { // 0 need not be an edge, nor be within the extremes
		los = append(los, window{lo: 0, first: s.firstFrom(0)})
		his = append(his, window{hi: 0, last: s.lastTo(0)})
	}
	return windows{len(los), len(his), func(i, j int) window {
		return window{los[i].lo, his[j].hi, los[i].first, his[j].last}
	}}
}

// firstFrom returns the first bin without numbers below x, lastTo the last one without numbers above it.
func (s spread) firstFrom(x float64) int {
	return sort.Search(len(s.mass), func(i int) bool { return s.edges[i] >= x })
}

func (s spread) lastTo(x float64) int {
	return sort.Search(len(s.mass), func(i int) bool { return s.edges[i+1] > x }) - 1
}

// ends lists the magnitudes that a symmetric range may end at, in falling order: those of the edges.
func (s spread) ends() []float64 {
	var ends []float64
	for _, e := range s.edges {
		if e = math.Abs(e); e > 0 {
			ends = append(ends, e)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	slices.Reverse(ends)
	return ends
}

// search returns the window with the least cost, the wider one of equals. It moves one end and then the other until
// neither move helps, first in large steps over all ends and then in smaller ones around the best so far: strides lists
// the steps, in ends, and ends with 1. Where one end is fixed and the first stride is 1 it considers every window.
func (w windows) search(strides []int, cost func(window) (float64, error)) (window, error) {
	var i, j int
	best, err := cost(w.at(0, 0))
	if err != nil {
		return window{}, err
	}
	// line tries the places of one end, given the place of the other.
	line := func(place *int, places, stride, reach int) (moved bool, err error) {
		was := *place
		for p := max(was-reach, 0); p < places && p <= was+reach; p += stride {
			old := *place
			*place = p
			c, err := cost(w.at(i, j))
			if err != nil {
				return false, err
			}
			if c < best {
				best = c
			} else {
				*place = old
			}
		}
		return *place != was, nil
	}
	const rounds = 8 // more are never needed in practice
	reach := max(w.los, w.his)
	for _, stride := range strides {
		for range rounds {
			upper, err := line(&j, w.his, stride, reach)
			if err != nil {
				return window{}, err
			}
			lower, err := line(&i, w.los, stride, reach)
			if err != nil {
				return window{}, err
			}
			if !upper && !lower || w.los == 1 || w.his == 1 {
				break // nothing moved, or the other end cannot
			}
		}
		reach = 2 * stride
	}
	return w.at(i, j), nil
}

// least returns the range of least cost among the windows of a choice, searched with these strides.
func (s spread) least(c choice, strides []int, cost func(window, scale) float64) (Range, error) {
	whole := c.rangeOf(s.lo(), s.hi())
	if whole.Lo == whole.Hi {
		return whole, nil
	}
	w, err := s.windows(c).search(strides, func(w window) (float64, error) {
		if w.lo >= w.hi {
			return math.Inf(1), nil
		}
		scale, err := c.scaleOf(w.lo, w.hi)
		if err != nil {
			return 0, err
		}
		return cost(w, scale), nil
	})
	return Range{Lo: w.lo, Hi: w.hi}, err
}
