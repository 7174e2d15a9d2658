package calib

import (
	"encoding"
	"errors"
	"fmt"
	"math"

	"linquant/quant"
)

// Observer keeps a statistic of one value of a network, in memory that does not grow with the examples. Those of the
// methods of calibration come from Config.Observer, Moments is another; what else a way to quantize weights wants to know
// (ptq.WeightMethod) is one more implementation. An Observer is not for concurrent use.
//
// Data that is divided among several machines is observed on each, the observers are sent as bytes, and merged.
type Observer interface {
	// Observe takes the value of one example: reals, channels first. x is only valid during the call. Errors are about
	// x alone, with its elements and examples counted from 0 (*NotFiniteError among them); after one the observer is of
	// no more use. It allocates nothing.
	Observe(x []float32) error

	// EndBatch ends a batch of examples. Few statistics take notice.
	EndBatch()

	// Merge adds what another observer of the same kind has seen, as if its examples had come after, and leaves the other
	// as it is. How its result differs from that of one observer that saw all, if it does, is said where the kind is. An
	// observer of another kind or of another configuration, or of examples of another length, is an error, after which
	// this one is what it was.
	Merge(other Observer) error

	// MarshalBinary returns what was seen, the same bytes for the same statistic. UnmarshalBinary makes an observer of the
	// same kind and configuration what the other was. Any bytes may be given to it: what MarshalBinary cannot have
	// written is an error, and memory stays below a multiple of their number.
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// seen counts examples, and knows how long each is. It is what all observers of this package begin with.
type seen struct {
	examples int
	length   int // elements of one example, of the longest; 0 before the first

	mayDiffer, differ bool // whether they may have, and have, several lengths
}

func (s *seen) anyLength() { s.mayDiffer = true }

// sendable returns an error where what was seen has no form as bytes.
func (s *seen) sendable() error {
	if s.differ {
		return errors.New("its examples have several lengths, and what was seen of these is not sent as bytes")
	}
	return nil
}

// next returns an error unless x can be the next example.
func (s *seen) next(x []float32) error {
	switch {
	case len(x) == 0:
		return fmt.Errorf("example %d has no elements: there is nothing to observe", s.examples)
	case s.examples > 0 && len(x) != s.length && s.mayDiffer:
		s.differ = true
	case s.examples > 0 && len(x) != s.length:
		return fmt.Errorf("example %d has %d elements, the ones before had %d", s.examples, len(x), s.length)
	}
	s.length = max(s.length, len(x))
	return nil
}

// EndBatch does nothing.
func (*seen) EndBatch() {}

// mergeable returns an error unless examples of the other can follow.
func (s *seen) mergeable(o *seen) error {
	if s.examples > 0 && o.examples > 0 && s.length != o.length && !s.mayDiffer {
		return fmt.Errorf("its examples have %d elements, the ones here %d", o.length, s.length)
	}
	sum := seen{length: max(s.length, o.length)}
	if !sum.countable(uint64(s.examples) + uint64(o.examples)) {
		return errTooMany
	}
	return nil
}

var errTooMany = errors.New("there are more examples than can be counted")

// countable reports whether an int64 holds the elements of so many examples.
func (s *seen) countable(examples uint64) bool {
	return examples <= math.MaxInt64/uint64(max(s.length, 1))
}

func (s *seen) merge(o *seen) {
	if o.examples > 0 {
		s.differ = s.differ || o.differ || s.examples > 0 && s.length != o.length
		s.examples, s.length = s.examples+o.examples, max(s.length, o.length)
	}
}

// errOtherKind is the error of Merge about an observer of another kind.
var errOtherKind = errors.New("an observer cannot take up what one of another kind has seen: merge those of the same configuration")

// extremes are the least and the greatest of the numbers seen.
type extremes struct {
	lo, hi float32
	seen   bool
}

func (e extremes) with(f extremes) extremes {
	switch {
	case !f.seen:
		return e
	case !e.seen:
		return f
	}
	return extremes{min(e.lo, f.lo), max(e.hi, f.hi), true}
}

func (e extremes) constant() bool { return e.seen && e.lo == e.hi }

// extremesOf returns the extremes of x, with ok false where it has a NaN or an infinity.
func extremesOf(x []float32) (e extremes, ok bool) {
	if len(x) == 0 {
		return extremes{}, true
	}
	lo, hi, err := quant.Extremes(x)
	return extremes{lo, hi, err == nil}, err == nil
}

// notFinite returns the index of the first NaN or infinity of x, which has one.
func notFinite(x []float32) int {
	for i, v := range x {
		if float32(v-v) != 0 {
			return i
		}
	}
	return -1
}

// finite returns the extremes of an example.
func (s *seen) finite(x []float32) (extremes, error) {
	e, ok := extremesOf(x)
	if !ok {
		at := notFinite(x)
		return e, &NotFiniteError{Example: s.examples, Element: at, X: x[at]}
	}
	return e, nil
}
