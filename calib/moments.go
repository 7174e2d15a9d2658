package calib

import (
	"fmt"
)

// Moments is an Observer of the mean and the variance of each channel, in float64 and the same on every processor: the
// moments of each example, summed in the order of its elements, are merged with those before it.
//
// Merged with another, in either order, it has the same bits; that differ from those of one observer that saw all, and
// from those of another grouping, by the rounding of float64.
type Moments struct {
	seen
	inner    int // elements from one of a channel to the next channel
	channels []moments
}

// moments are those of n numbers.
type moments struct {
	n, mean float64
	squares float64 // the sum of the squares of what they differ from the mean
}

// NewMoments returns an observer of examples that are [outer, channels, inner] with whatever outer: for an NCHW picture
// inner is its height times its width, for rows of features 1.
func NewMoments(channels, inner int) (*Moments, error) {
	if channels < 1 || inner < 1 {
		return nil, fmt.Errorf("%d channels of %d elements are nothing to observe", channels, inner)
	}
	return &Moments{inner: inner, channels: make([]moments, channels)}, nil
}

// Channels returns how many there are.
func (o *Moments) Channels() int { return len(o.channels) }

// Mean returns the mean of a channel; 0 where nothing was observed.
func (o *Moments) Mean(channel int) float64 { return o.channels[channel].mean }

// Variance returns the mean square of what a channel's elements differ from their mean; 0 where nothing was observed.
func (o *Moments) Variance(channel int) float64 {
	m := o.channels[channel]
	if m.n == 0 {
		return 0
	}
	return m.squares / m.n
}

// Observe takes an example: see Observer.
func (o *Moments) Observe(x []float32) error {
	if err := o.next(x); err != nil {
		return err
	}
	stride := len(o.channels) * o.inner
	if len(x)%stride != 0 {
		return fmt.Errorf("example %d has %d elements, which do not divide among %d channels of %d", o.examples, len(x), len(o.channels), o.inner)
	}
	if _, err := o.finite(x); err != nil {
		return err
	}
	n := float64(len(x) / len(o.channels))
	for c := range o.channels {
		sum := 0.0
		for start := c * o.inner; start < len(x); start += stride {
			for _, v := range x[start : start+o.inner] {
				sum += float64(v)
			}
		}
		m := moments{n: n, mean: sum / n}
		for start := c * o.inner; start < len(x); start += stride {
			for _, v := range x[start : start+o.inner] {
				d := float64(v) - m.mean
				m.squares += float64(d * d)
			}
		}
		o.channels[c] = o.channels[c].with(m)
	}
	o.examples++
	return nil
}

// with returns the moments of both (Chan, Golub and LeVeque 1979), the same bits in either order.
func (m moments) with(other moments) moments {
	switch {
	case m.n == 0:
		return other
	case other.n == 0:
		return m
	}
	n, d := m.n+other.n, m.mean-other.mean
	return moments{
		n:       n,
		mean:    (float64(m.n*m.mean) + float64(other.n*other.mean)) / n,
		squares: (m.squares + other.squares) + float64(float64(d*d)*(float64(m.n*other.n)/n)),
	}
}

// Merge adds what another *Moments has seen: see Observer.
func (o *Moments) Merge(other Observer) error {
	from, ok := other.(*Moments)
	if !ok {
		return errOtherKind
	}
	if err := o.mergeable(&from.seen); err != nil {
		return err
	}
	if err := o.same(from); err != nil {
		return err
	}
	o.merge(&from.seen)
	for c := range o.channels {
		o.channels[c] = o.channels[c].with(from.channels[c])
	}
	return nil
}

// same returns an error unless the other has the same channels.
func (o *Moments) same(from *Moments) error {
	if len(o.channels) != len(from.channels) || o.inner != from.inner {
		return fmt.Errorf("it has %d channels of %d elements, the one here %d of %d", len(from.channels), from.inner, len(o.channels), o.inner)
	}
	return nil
}

// MarshalBinary returns what was seen: see Observer.
func (o *Moments) MarshalBinary() ([]byte, error) {
	if err := o.sendable(); err != nil {
		return nil, err
	}
	w := newWriter(kindMoments, o.seen)
	w.uint(uint64(len(o.channels)))
	w.uint(uint64(o.inner))
	for _, m := range o.channels {
		w.float64(m.mean)
		w.float64(m.squares)
	}
	return w.data, nil
}

// UnmarshalBinary makes the observer, one of the same channels, what another was: see Observer.
func (o *Moments) UnmarshalBinary(data []byte) error {
	r := newReader(kindMoments, data)
	read := Moments{seen: r.seen()}
	channels := r.count()
	read.inner = r.count()
	const each = 16 // bytes
	r.check(channels > 0 && read.inner > 0 && channels == len(r.data)/each, "another number of channels than it says")
	if r.err == nil {
		r.check(read.length%channels == 0 && read.length/channels%read.inner == 0, "examples that do not divide among the channels")
		read.channels = make([]moments, channels)
	}
	for c := range read.channels {
		m := moments{n: float64(read.examples) * float64(read.length/channels), mean: r.float64(), squares: r.float64()}
		r.check(m.squares >= 0 && (m.n > 0 || m == moments{}), "moments of nothing")
		read.channels[c] = m
	}
	if err := r.end(); err != nil {
		return err
	}
	if err := o.same(&read); err != nil {
		return err
	}
	*o = read
	return nil
}
