package calib

import (
	"bytes"
	"encoding"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// kinds makes an empty observer of each kind, of examples of 1 to 3 channels.
var kinds = map[string]func() Observer{
	"extremes":  func() Observer { return must(Config{}.Observer()) },
	"average":   func() Observer { return must(Config{Method: MovingAverage, Momentum: 0.25}.Observer()) },
	"histogram": func() Observer { return must(Config{Method: MSE}.Observer()) },
	"moments":   func() Observer { return must(NewMoments(3, 2)) },
}

func must[O Observer](o O, err error) Observer {
	if err != nil {
		panic(err)
	}
	return o
}

// examples draws examples of 12 elements.
func examples(t *rapid.T, most int) [][]float32 {
	x := numbers(t, 12*most)
	for len(x) < 12 {
		x = append(x, x...)
	}
	return slices.Collect(slices.Chunk(x[:len(x)/12*12], 12))
}

// observed returns an observer that has seen examples, two a batch.
func observed(t *rapid.T, empty func() Observer, examples [][]float32) Observer {
	o := empty()
	for i, x := range examples {
		if err := o.Observe(x); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			o.EndBatch()
		}
	}
	o.EndBatch()
	return o
}

// merged returns a new observer that has taken up several.
func merged(t *rapid.T, empty func() Observer, from ...Observer) Observer {
	o := empty()
	for _, f := range from {
		before := bytesOf(t, f)
		if err := o.Merge(f); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, bytesOf(t, f)) {
			t.Fatal("what was merged has changed")
		}
	}
	return o
}

func bytesOf(t *rapid.T, o encoding.BinaryMarshaler) []byte {
	data, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Of extremes and histograms: in any order, in any grouping, merged is the same bits as all at once.
func TestMergeIsAllAtOnce(t *testing.T) {
	for _, kind := range []string{"extremes", "histogram"} {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				empty := kinds[kind]
				a, b, c := examples(t, 20), examples(t, 20), examples(t, 20)
				all := bytesOf(t, observed(t, empty, slices.Concat(a, b, c)))
				x, y, z := observed(t, empty, a), observed(t, empty, b), observed(t, empty, c)
				for _, o := range []Observer{
					merged(t, empty, x, y, z), merged(t, empty, z, x, y),
					merged(t, empty, merged(t, empty, x, y), z), merged(t, empty, x, merged(t, empty, y, z)),
					merged(t, empty, empty(), z, empty(), y, x),
				} {
					if !bytes.Equal(bytesOf(t, o), all) {
						t.Fatal("merged is not the same as all at once")
					}
				}
				// The same ranges, too.
				if kind == "histogram" {
					cfg := Config{Method: Percentile, Percentile: 90}
					want, err := cfg.Range(observed(t, empty, slices.Concat(a, b, c)), points("x")[0].Scheme)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := cfg.Range(merged(t, empty, z, y, x), points("x")[0].Scheme); err != nil || got != want {
						t.Fatalf("range %v, error %v, want %v", got, err, want)
					}
				}
			})
		})
	}
}

// Moments are commutative to the bit; and however they are merged, near to what the definition says.
func TestMergeMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		empty := kinds["moments"]
		a, b, c := examples(t, 10), examples(t, 10), examples(t, 10)
		x, y, z := observed(t, empty, a), observed(t, empty, b), observed(t, empty, c)
		if !bytes.Equal(bytesOf(t, merged(t, empty, x, y)), bytesOf(t, merged(t, empty, y, x))) {
			t.Fatal("the order makes a difference")
		}
		all := slices.Concat(a, b, c)
		for _, o := range []Observer{observed(t, empty, all), merged(t, empty, x, y, z), merged(t, empty, x, merged(t, empty, z, y))} {
			m := o.(*Moments)
			if m.seen != (seen{examples: len(all), length: 12}) {
				t.Fatalf("it has seen %+v", m.seen)
			}
			for channel := range m.Channels() {
				var numbers []float64
				size := 0.0
				for _, x := range all {
					for i, v := range x { // [2, 3, 2]
						if i/2%3 == channel {
							numbers = append(numbers, float64(v))
							size = max(size, math.Abs(float64(v)))
						}
					}
				}
				mean, variance := 0.0, 0.0
				for _, v := range numbers {
					mean += v / float64(len(numbers))
				}
				for _, v := range numbers {
					variance += (v - mean) * (v - mean) / float64(len(numbers))
				}
				if math.Abs(m.Mean(channel)-mean) > 1e-12*size || math.Abs(m.Variance(channel)-variance) > 1e-12*size*size {
					t.Fatalf("mean %v and variance %v, want %v and %v", m.Mean(channel), m.Variance(channel), mean, variance)
				}
			}
		}
	})
}

// A merged moving average is that of the batches one after the other, but for rounding.
func TestMergeMovingAverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		empty := kinds["average"]
		a, b, c := examples(t, 10), examples(t, 10), examples(t, 10)
		if len(a)%2 == 1 {
			a = append(a, a[0]) // batches are of two
		}
		if len(b)%2 == 1 {
			b = append(b, b[0])
		}
		all := observed(t, empty, slices.Concat(a, b, c)).(*averageObserver)
		x, y, z := observed(t, empty, a), observed(t, empty, b), observed(t, empty, c)
		for _, o := range []Observer{merged(t, empty, x, y, z), merged(t, empty, x, merged(t, empty, y, z)), merged(t, empty, empty(), x, y, empty(), z)} {
			got := o.(*averageObserver)
			size := float64(max(all.all.hi, -all.all.lo))
			for i := range got.average {
				if math.Abs(got.average[i]-all.average[i]) > 1e-12*size {
					t.Fatalf("average %v, all at once %v", got.average, all.average)
				}
			}
			if got.batches != all.batches || got.first != all.first || got.all != all.all || got.seen != all.seen {
				t.Fatalf("%+v, all at once %+v", got, all)
			}
		}
	})
}

func TestMergeErrors(t *testing.T) {
	long, short := make([]float32, 12), make([]float32, 6)
	see := func(o Observer, x []float32) Observer {
		if err := o.Observe(x); err != nil {
			t.Fatal(err)
		}
		o.EndBatch()
		return o
	}
	for name, empty := range kinds {
		for other, from := range kinds {
			if err := empty().Merge(from()); (err == nil) != (name == other) {
				t.Errorf("%s takes up %s: error %v", name, other, err)
			}
		}
		o := see(empty(), long)
		before, _ := o.MarshalBinary()
		if err := o.Merge(see(empty(), short)); err == nil || !strings.Contains(err.Error(), "6 elements, the ones here 12") {
			t.Errorf("%s, shorter examples: error %v", name, err)
		}
		if after, _ := o.MarshalBinary(); !bytes.Equal(before, after) {
			t.Errorf("%s: it is not what it was before the error", name)
		}
	}
	for want, c := range map[string][2]Observer{
		"3 channels of 4 elements, the one here 3 of 2": {kinds["moments"](), must(NewMoments(3, 4))},
		"1 channels of 2 elements":                      {kinds["moments"](), must(NewMoments(1, 2))},
		"with the momentum 0.1, the one here with 0.25": {kinds["average"](), must(Config{Method: MovingAverage}.Observer())},
	} {
		if err := c[0].Merge(c[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		data, err := c[1].MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := c[0].UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("as bytes: error %v, want %q", err, want)
		}
	}
	for kind, empty := range kinds {
		if kind == "histogram" || strconv.IntSize == 32 {
			continue // whose bytes have counts; so many examples are not read where an int has 32 bits
		}
		o := see(empty(), long)
		data, _ := o.MarshalBinary()
		many := slices.Concat(data[:20], []byte("\xff\xff\xff\xff\xff\xff\xff\x0f"), data[21:]) // 2^56 − 1 examples of 12
		if err := o.UnmarshalBinary(many); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		var err error
		for range 12 {
			err = errors.Join(err, o.Merge(o))
		}
		if !errors.Is(err, errTooMany) {
			t.Errorf("%s of too many examples: error %v", kind, err)
		}
	}
	open := kinds["average"]()
	if err := open.Observe(long); err != nil {
		t.Fatal(err)
	}
	if err := open.Merge(kinds["average"]()); err == nil || !strings.Contains(err.Error(), "end the batch first") {
		t.Errorf("an open batch: error %v", err)
	}
	if err := kinds["average"]().Merge(open); err == nil {
		t.Error("another's open batch: no error")
	}
	for _, c := range [][2]int{{0, 1}, {1, 0}, {-1, 1}} {
		if _, err := NewMoments(c[0], c[1]); err == nil {
			t.Errorf("%d channels of %d: no error", c[0], c[1])
		}
	}
	if err := kinds["moments"]().Observe(make([]float32, 8)); err == nil || !strings.Contains(err.Error(), "8 elements, which do not divide among 3 channels of 2") {
		t.Errorf("examples of another shape: error %v", err)
	}
}
