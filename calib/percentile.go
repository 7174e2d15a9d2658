package calib

import (
	"math"
	"slices"
)

// percentile is the method Percentile.
var percentile = method{
	name: "percentile", observer: newHistogramObserver, histogram: true,
	choose: ofDistribution(spread.percentile),
	// Only what is symmetric, and how, makes a difference.
	suits: func(have, want Scheme) bool {
		return !have.Symmetric && !want.Symmetric || have.withoutBits() == want.withoutBits()
	},
}

// percentile returns the range that leaves out as much of each tail as the configuration allows.
func (s spread) percentile(c choice) (Range, error) {
	total := s.zeros
	for _, n := range s.mass {
		total += n
	}
	// The least number of values that have to be on the inner side of an end.
	inside := int64(math.Ceil(c.Percentile / 100 * float64(total)))
	if c.Symmetric && !c.Type.Unsigned {
		m := s.magnitude(inside)
		return Range{Lo: -m + 0, Hi: m}, nil
	}
	return c.rangeOf(-s.mirrored().upper(inside)+0, s.upper(inside)), nil
}

// upper returns the least edge that has so many values below it or at it.
func (s spread) upper(inside int64) float32 {
	var below int64
	zeros := s.zeros
	for i, n := range s.mass {
		below += n
		if s.edges[i+1] >= 0 { // the first bin that ends at 0 or above, and only that one, counts the zeros
			below, zeros = below+zeros, 0
		}
		if below >= inside {
			return float32(s.edges[i+1])
		}
	}
	return s.hi()
}

// mirrored returns the distribution of the negated values.
func (s spread) mirrored() spread {
	m := spread{edges: slices.Clone(s.edges), mass: slices.Clone(s.mass), zeros: s.zeros}
	slices.Reverse(m.edges)
	slices.Reverse(m.mass)
	for i := range m.edges {
		m.edges[i] = -m.edges[i]
	}
	return m
}

// magnitude returns the least edge that has so many values' magnitudes below it or at it.
func (s spread) magnitude(inside int64) float32 {
	type part struct {
		end  float64 // the bin's outer edge
		mass int64
	}
	parts := []part{{0, s.zeros}}
	for i, n := range s.mass {
		parts = append(parts, part{max(-s.edges[i], s.edges[i+1]), n})
	}
	slices.SortFunc(parts, func(a, b part) int {
		switch {
		case a.end < b.end:
			return -1
		case a.end > b.end:
			return 1
		}
		return 0
	})
	var below int64
	for i, p := range parts {
		below += p.mass
		if below >= inside && (i+1 == len(parts) || parts[i+1].end != p.end) {
			return float32(p.end)
		}
	}
	return float32(parts[len(parts)-1].end)
}
