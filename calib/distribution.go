package calib

// histogramObserver keeps a histogram and the extremes, which its grid follows from. Merged, it is what one observer would
// be that saw all, in whatever order.
type histogramObserver struct {
	seen
	all       extremes
	histogram *histogram
}

func newHistogramObserver(Config) rangeObserver { return &histogramObserver{histogram: newHistogram()} }

func (o *histogramObserver) extremes() extremes { return o.all }

// chunk is how many elements are looked at before they are counted: few enough to be still in the cache then.
const chunk = 4096

func (o *histogramObserver) Observe(x []float32) error {
	if err := o.next(x); err != nil {
		return err
	}
	for first := 0; first < len(x); first += chunk {
		part := x[first:min(first+chunk, len(x))]
		e, ok := extremesOf(part)
		if !ok {
			at := first + notFinite(part)
			return &NotFiniteError{Example: o.examples, Element: at, X: x[at]}
		}
		o.all = o.all.with(e)
		o.histogram.cover(o.all)
		o.histogram.add(part)
	}
	o.examples++
	return nil
}

func (o *histogramObserver) Merge(other Observer) error {
	from, ok := other.(*histogramObserver)
	if !ok {
		return errOtherKind
	}
	if err := o.mergeable(&from.seen); err != nil {
		return err
	}
	if !from.all.seen {
		return nil
	}
	o.merge(&from.seen)
	o.all = o.all.with(from.all)
	o.histogram.cover(o.all)
	o.histogram.merge(from.histogram)
	return nil
}

// The bytes have the counts of the bins from that of the least number to that of the greatest.

func (o *histogramObserver) MarshalBinary() ([]byte, error) {
	if err := o.sendable(); err != nil {
		return nil, err
	}
	w := newWriter(kindHistogram, o.seen)
	w.extremes(o.all)
	if o.all.seen {
		w.uint(uint64(o.histogram.zeros))
		for _, n := range o.histogram.between(o.all) {
			w.uint(uint64(n))
		}
	}
	return w.data, nil
}

func (o *histogramObserver) UnmarshalBinary(data []byte) error {
	r := newReader(kindHistogram, data)
	read := histogramObserver{seen: r.seen(), histogram: newHistogram()}
	read.all = r.extremes(read.examples > 0)
	if r.err == nil && read.all.seen {
		r.histogram(&read)
	}
	if err := r.end(); err != nil {
		return err
	}
	*o = read
	return nil
}

// histogram reads the counts, which must be those of the examples.
func (r *reader) histogram(o *histogramObserver) {
	h := o.histogram
	h.cover(o.all)
	h.zeros = int64(r.count())
	between := h.between(o.all)
	left := uint64(o.examples) * uint64(o.length)
	for i := range between {
		n := r.uint()
		r.check(n <= left, "more numbers than the examples have")
		if r.err != nil {
			return
		}
		left -= n
		between[i] = int64(n)
	}
	r.check(left == 0, "fewer numbers than the examples have")
	r.check(between[0] > 0 && between[len(between)-1] > 0, "extremes that nothing equals")
	atZero := int64(0)
	if o.all.lo <= 0 && o.all.hi >= 0 {
		atZero = h.counts[-h.base]
	}
	r.check(h.zeros <= atZero, "more zeros than the bin that holds them")
}
