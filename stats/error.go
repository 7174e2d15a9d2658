package stats

import (
	"fmt"
	"math"
)

// Error measures how far an approximation is from a reference that both come in pieces. The zero value has seen
// nothing. How the values are cut into pieces does not change a bit of the results. A NaN or an infinity in either
// makes every result NaN.
type Error struct {
	n     int64
	lanes [4]errorSums // value i of the whole stream is in lane i mod 4
}

// errorSums adds up some of the value pairs: reference r, approximation a.
type errorSums struct {
	signal float64 // Σ r²
	approx float64 // Σ a²
	dot    float64 // Σ r·a
	noise  float64 // Σ (r-a)²
	worst  float64 // max |r-a|
}

func (s *errorSums) add(ref, approx float32) {
	r, a := float64(ref), float64(approx)
	d := r - a
	s.signal += float64(r * r)
	s.approx += float64(a * a)
	s.dot += float64(r * a)
	s.noise += float64(d * d)
	if d = math.Abs(d); d > s.worst {
		s.worst = d
	}
}

// Add takes the next values of both. Different lengths are an error, and nothing is added.
func (e *Error) Add(ref, approx []float32) error {
	if len(ref) != len(approx) {
		return fmt.Errorf("comparing %d values with %d: both need the same number", len(ref), len(approx))
	}
	for len(ref) > 0 && e.n%4 != 0 {
		e.lanes[e.n%4].add(ref[0], approx[0])
		e.n++
		ref, approx = ref[1:], approx[1:]
	}
	e.n += int64(len(ref))
	for len(ref) >= 4 && len(approx) >= 4 {
		e.lanes[0].add(ref[0], approx[0])
		e.lanes[1].add(ref[1], approx[1])
		e.lanes[2].add(ref[2], approx[2])
		e.lanes[3].add(ref[3], approx[3])
		ref, approx = ref[4:], approx[4:]
	}
	for i, r := range ref {
		e.lanes[i].add(r, approx[i])
	}
	return nil
}

// total joins the lanes in pairs.
func (e *Error) total() errorSums {
	join := func(s, t errorSums) errorSums {
		return errorSums{
			signal: s.signal + t.signal,
			approx: s.approx + t.approx,
			dot:    s.dot + t.dot,
			noise:  s.noise + t.noise,
			worst:  max(s.worst, t.worst),
		}
	}
	return join(join(e.lanes[0], e.lanes[1]), join(e.lanes[2], e.lanes[3]))
}

// N returns the number of values compared.
func (e *Error) N() int64 { return e.n }

// SQNR returns the signal to quantization noise ratio in decibels, 10·log10(Σ ref² / Σ (ref-approx)²). It is +Inf where
// there is no error, all-zero references included, and NaN where there is an error but no signal, or nothing was added.
func (e *Error) SQNR() float64 {
	t := e.total()
	switch {
	case e.n == 0 || t.invalid():
		return math.NaN()
	case t.noise == 0:
		return math.Inf(1)
	case t.signal == 0:
		return math.NaN()
	}
	return 10 * math.Log10(t.signal/t.noise)
}

// Cosine returns the cosine of the angle between reference and approximation, in [-1, 1]. It is NaN where either is all
// zeros or nothing was added.
func (e *Error) Cosine() float64 {
	t := e.total()
	// Two roots, because the product of the squares can leave float64's range.
	c := t.dot / (math.Sqrt(t.signal) * math.Sqrt(t.approx))
	return max(-1, min(c, 1))
}

// MSE returns the mean squared error; NaN where nothing was added.
func (e *Error) MSE() float64 {
	t := e.total()
	if t.invalid() {
		return math.NaN()
	}
	return t.noise / float64(e.n)
}

// MaxAbs returns the largest absolute difference; 0 where nothing was added.
func (e *Error) MaxAbs() float64 {
	t := e.total()
	if t.invalid() {
		return math.NaN()
	}
	return t.worst
}

// invalid reports whether a NaN or an infinity was added: no sum of finite float32 squares leaves float64's range.
func (s errorSums) invalid() bool { return !(s.noise <= math.MaxFloat64) }
