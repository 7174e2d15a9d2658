package calib

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The bytes of an observer: the magic, one byte for the version, one for the kind; the number of examples and the elements
// of one, as unsigned varints; then what the kind has. Floats are little endian, counts are unsigned varints.

const (
	magic   = "linquant statistic"
	version = 1
)

// kind is what an observer's bytes hold. Numbers are never used again.
type kind byte

const (
	kindExtremes  kind = 1
	kindAverage   kind = 2
	kindHistogram kind = 3
	kindMoments   kind = 4
)

// writer makes the bytes.
type writer struct{ data []byte }

func newWriter(k kind, s seen) *writer {
	w := &writer{append([]byte(magic), version, byte(k))}
	w.uint(uint64(s.examples))
	w.uint(uint64(s.length))
	return w
}

func (w *writer) uint(n uint64) { w.data = binary.AppendUvarint(w.data, n) }
func (w *writer) float32(x float32) {
	w.data = binary.LittleEndian.AppendUint32(w.data, math.Float32bits(x))
}

func (w *writer) float64(x float64) {
	w.data = binary.LittleEndian.AppendUint64(w.data, math.Float64bits(x))
}

// extremes writes whether there are any, and which. None is a negative 0 (quant.Extremes), so that the bytes do not depend
// on the order of the numbers.
func (w *writer) extremes(e extremes) {
	if !e.seen {
		w.uint(0)
		return
	}
	w.uint(1)
	w.float32(e.lo)
	w.float32(e.hi)
}

// reader reads the bytes. After what is wrong everything is 0.
type reader struct {
	data []byte
	err  error
}

func newReader(k kind, data []byte) *reader {
	r := &reader{data: data}
	head := len(magic) + 2
	switch {
	case len(data) < head || string(data[:len(magic)]) != magic:
		r.err = errors.New("these are not the bytes of a statistic")
	case data[len(magic)] != version:
		r.err = fmt.Errorf("the bytes of a statistic have the version %d, known is %d", data[len(magic)], version)
	case kind(data[head-1]) != k:
		r.err = fmt.Errorf("the bytes are those of another statistic: kind %d, not %d", data[head-1], k)
	default:
		r.data = data[head:]
	}
	return r
}

// check notes what is wrong unless ok.
func (r *reader) check(ok bool, wrong string) {
	if r.err == nil && !ok {
		r.err = fmt.Errorf("the bytes of a statistic are damaged: %s", wrong)
	}
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	r.check(n <= len(r.data), "they end too early")
	if r.err != nil {
		return make([]byte, 8)
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.data)
	// A shorter way to write the number would give other bytes for the same statistic.
	r.check(size > 0 && (size == 1 || r.data[size-1] != 0), "a count that is none")
	if r.err != nil {
		return 0
	}
	r.data = r.data[size:]
	return n
}

// count reads a number that an int holds on every system that counts examples.
func (r *reader) count() int {
	n := r.uint()
	r.check(n <= math.MaxInt, "a count that is too large")
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) float32() float32 {
	x := math.Float32frombits(binary.LittleEndian.Uint32(r.take(4)))
	r.check(float32(x-x) == 0, "a number that is not finite")
	return x
}

func (r *reader) float64() float64 {
	x := math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
	r.check(x-x == 0, "a number that is not finite")
	return x
}

// seen reads how many examples there were, and how long they are.
func (r *reader) seen() seen {
	s := seen{examples: r.count(), length: r.count()}
	r.check((s.examples > 0) == (s.length > 0), "examples without elements")
	r.check(s.countable(uint64(s.examples)), errTooMany.Error())
	return s
}

// has reports whether extremes are next, and reads nothing.
func (r *reader) has() bool { return r.err == nil && len(r.data) > 0 && r.data[0] == 1 }

// extremes reads them; there must be some, or none.
func (r *reader) extremes(some bool) extremes {
	n := r.uint()
	r.check(n <= 1 && (n == 1) == some, "extremes of nothing, or none of something")
	if r.err != nil || n == 0 {
		return extremes{}
	}
	e := extremes{r.float32(), r.float32(), true}
	r.check(e.lo <= e.hi, "extremes out of order")
	r.check(math.Float32bits(e.lo+0) == math.Float32bits(e.lo) && math.Float32bits(e.hi+0) == math.Float32bits(e.hi), "a negative 0")
	return e
}

// end returns what was wrong, which more bytes are too.
func (r *reader) end() error {
	r.check(len(r.data) == 0, "there are more than the statistic needs")
	return r.err
}
