package calib

import (
	"errors"
	"fmt"
)

// movingAverage is the method MovingAverage.
var movingAverage = method{
	name:     "moving-average",
	observer: func(c Config) rangeObserver { return &averageObserver{momentum: c.Momentum} },
	choose: func(c choice, o rangeObserver) (Range, error) {
		a, ok := o.(*averageObserver)
		if !ok {
			return Range{}, errWrongObserver
		}
		if a.batches == 0 {
			return Range{}, errors.New("a moving average needs a batch that has ended")
		}
		return c.rangeOf(float32(a.average[0]), float32(a.average[1])), nil
	},
	suits: extremesSuit,
}

// averageObserver keeps a moving average of the extremes of batches. Merged with another, it has the average of its own
// batches and then the other's, up to the rounding of float64: the order counts. Both must be between two batches.
type averageObserver struct {
	seen
	momentum float64
	all      extremes
	batch    extremes // of the batch that has not ended
	batches  int
	first    [2]float64 // the extremes of the first batch
	average  [2]float64
}

func (o *averageObserver) extremes() extremes { return o.all }

func (o *averageObserver) Observe(x []float32) error {
	if err := o.next(x); err != nil {
		return err
	}
	e, err := o.finite(x)
	if err != nil {
		return err
	}
	o.all, o.batch = o.all.with(e), o.batch.with(e)
	o.examples++
	return nil
}

func (o *averageObserver) EndBatch() {
	if !o.batch.seen {
		return
	}
	batch := [2]float64{float64(o.batch.lo), float64(o.batch.hi)}
	if o.batches == 0 {
		o.first, o.average = batch, batch
	} else {
		for i := range batch {
			// The conversion keeps the product from being fused with the sum, which would differ between processors.
			o.average[i] += float64(o.momentum * (batch[i] - o.average[i]))
		}
	}
	o.batches++
	o.batch = extremes{}
}

func (o *averageObserver) Merge(other Observer) error {
	from, ok := other.(*averageObserver)
	if !ok {
		return errOtherKind
	}
	switch err := o.mergeable(&from.seen); {
	case err != nil:
		return err
	case o.momentum != from.momentum:
		return fmt.Errorf("it averages with the momentum %v, the one here with %v", from.momentum, o.momentum)
	case o.batch.seen || from.batch.seen:
		return errors.New("a moving average is merged between batches: end the batch first")
	}
	switch {
	case from.batches == 0:
	case o.batches == 0:
		o.first, o.average = from.first, from.average
	default:
		// The other's average began with its first batch, and should have begun with the average here and then taken its
		// share of the first: what the beginning differs by counts as much as (1−momentum)^batches in the end.
		left := intPower(1-o.momentum, from.batches)
		for i := range o.average {
			o.average[i] = from.average[i] + float64(left*(o.average[i]-from.first[i]))
		}
	}
	o.merge(&from.seen)
	o.all = o.all.with(from.all)
	o.batches += from.batches
	return nil
}

// intPower returns x^n by products alone, which are the same on every processor.
func intPower(x float64, n int) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			y *= x
		}
		x *= x
	}
	return y
}

func (o *averageObserver) MarshalBinary() ([]byte, error) {
	if err := o.sendable(); err != nil {
		return nil, err
	}
	w := newWriter(kindAverage, o.seen)
	w.float64(o.momentum)
	w.extremes(o.all)
	w.extremes(o.batch)
	w.uint(uint64(o.batches))
	for i := range o.average {
		w.float64(o.first[i])
		w.float64(o.average[i])
	}
	return w.data, nil
}

func (o *averageObserver) UnmarshalBinary(data []byte) error {
	r := newReader(kindAverage, data)
	read := averageObserver{seen: r.seen(), momentum: r.float64()}
	read.all = r.extremes(read.examples > 0)
	read.batch = r.extremes(r.has())
	read.batches = r.count()
	for i := range read.average {
		read.first[i], read.average[i] = r.float64(), r.float64()
		for _, v := range []float64{read.first[i], read.average[i]} {
			r.check(read.batches == 0 && v == 0 || v >= float64(read.all.lo) && v <= float64(read.all.hi), "an average beyond the extremes")
		}
	}
	r.check(read.batches <= read.examples && (read.examples == 0 || read.batches > 0 || read.batch.seen), "batches of no examples")
	if err := r.end(); err != nil {
		return err
	}
	if read.momentum != o.momentum {
		return fmt.Errorf("it averages with the momentum %v, the one here with %v", read.momentum, o.momentum)
	}
	*o = read
	return nil
}
