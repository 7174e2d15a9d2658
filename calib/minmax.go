package calib

// minMax is the method MinMax.
var minMax = method{
	name:     "min-max",
	observer: func(Config) rangeObserver { return &extremesObserver{} },
	choose: func(c choice, o rangeObserver) (Range, error) {
		e := o.extremes()
		return c.rangeOf(e.lo, e.hi), nil
	},
	suits: extremesSuit,
}

// extremesSuit reports whether extremes chosen for codes are right for others: they are for any, but where they were made
// symmetric.
func extremesSuit(have, want Scheme) bool {
	return !have.Symmetric || have.withoutBits() == want.withoutBits()
}

// extremesObserver keeps the extremes. Merged, it is what one observer would be that saw all, in whatever order.
type extremesObserver struct {
	seen
	all extremes
}

func (o *extremesObserver) extremes() extremes { return o.all }

func (o *extremesObserver) Observe(x []float32) error {
	if err := o.next(x); err != nil {
		return err
	}
	e, err := o.finite(x)
	if err != nil {
		return err
	}
	o.all = o.all.with(e)
	o.examples++
	return nil
}

func (o *extremesObserver) Merge(other Observer) error {
	from, ok := other.(*extremesObserver)
	if !ok {
		return errOtherKind
	}
	if err := o.mergeable(&from.seen); err != nil {
		return err
	}
	o.merge(&from.seen)
	o.all = o.all.with(from.all)
	return nil
}

func (o *extremesObserver) MarshalBinary() ([]byte, error) {
	if err := o.sendable(); err != nil {
		return nil, err
	}
	w := newWriter(kindExtremes, o.seen)
	w.extremes(o.all)
	return w.data, nil
}

func (o *extremesObserver) UnmarshalBinary(data []byte) error {
	r := newReader(kindExtremes, data)
	read := extremesObserver{seen: r.seen()}
	read.all = r.extremes(read.examples > 0)
	if err := r.end(); err != nil {
		return err
	}
	*o = read
	return nil
}
