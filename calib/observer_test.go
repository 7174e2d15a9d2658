package calib

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
)

// choices draws a configuration, its defaults filled in, and codes.
func choices(t *rapid.T) choice {
	cfg, err := Config{
		Method:      rapid.SampledFrom([]Method{MinMax, MovingAverage, Percentile, MSE, Entropy}).Draw(t, "method"),
		Percentile:  rapid.SampledFrom([]float64{0, 99.9, 99, 60, 100}).Draw(t, "percentile"),
		Momentum:    rapid.SampledFrom([]float64{0, 0.01, 0.5, 1}).Draw(t, "momentum"),
		WithoutZero: rapid.Bool().Draw(t, "without zero"),
	}.resolved()
	if err != nil {
		t.Fatal(err)
	}
	return choice{cfg, Scheme{
		Type:      quant.Type{Bits: rapid.IntRange(2, 8).Draw(t, "bits"), Unsigned: rapid.Bool().Draw(t, "unsigned")},
		Symmetric: rapid.Bool().Draw(t, "symmetric"),
	}}
}

// Whatever the numbers, a range has finite ends in order, lies within the extremes, and contains 0 unless it need not.
func TestRangeWithinExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, x := choices(t), numbers(t, 600)
		o, err := cfg.Observer()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Observe(x); err != nil {
			t.Fatal(err)
		}
		o.EndBatch()
		r, err := cfg.Range(o, cfg.Scheme)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		e := o.(rangeObserver).extremes()
		lo, hi := e.lo, e.hi
		if cfg.Symmetric && (!cfg.Type.Unsigned || lo < 0) {
			hi = max(-lo, hi)
			lo = -hi
			if r.Lo != -r.Hi {
				t.Fatalf("%v is not symmetric", r)
			}
		} else if !cfg.WithoutZero || cfg.Symmetric {
			lo, hi = min(lo, 0), max(hi, 0)
		}
		if r.Lo < lo || r.Hi > hi {
			t.Fatalf("%v is not within %v to %v", r, lo, hi)
		}
		if (!cfg.WithoutZero || cfg.Symmetric) && (r.Lo > 0 || r.Hi < 0) {
			t.Fatalf("%v does not contain 0", r)
		}
		if r.Lo == r.Hi && lo != hi && cfg.Method != Percentile {
			t.Fatalf("%v is empty, numbers go from %v to %v", r, lo, hi)
		}
		if r.Lo == 0 && math.Signbit(float64(r.Lo)) || r.Hi == 0 && math.Signbit(float64(r.Hi)) {
			t.Fatalf("%v has a negative 0", r)
		}
	})
}

// Only MovingAverage may see batches, or the order of examples.
func TestOrderAndBatchesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, x := choices(t), numbers(t, 1200)
		if cfg.Method == MovingAverage {
			cfg.Method = MSE
		}
		size := rapid.IntRange(1, len(x)).Draw(t, "example")
		examples := slices.Collect(slices.Chunk(x[:len(x)/size*size], size))
		run := func(examples [][]float32, batch int) Range {
			o, err := cfg.Observer()
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range examples {
				if err := o.Observe(e); err != nil {
					t.Fatal(err)
				}
				if i%batch == 0 {
					o.EndBatch()
				}
			}
			r, err := cfg.Range(o, cfg.Scheme)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		want := run(examples, 1)
		shuffled := slices.Clone(examples)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		if got := run(shuffled, rapid.IntRange(1, 5).Draw(t, "batch")); got != want {
			t.Fatalf("%v in another order, %v before", got, want)
		}
		if got := run([][]float32{slices.Concat(examples...)}, 1); got != want {
			t.Fatalf("%v as one example, %v before", got, want)
		}
	})
}

// The definition, step by step, as PyTorch's MovingAverageMinMaxObserver has it.
func TestMovingAverage(t *testing.T) {
	cfg := choice{Config{Method: MovingAverage, Momentum: 0.25}, Scheme{quant.Int(8), false}}
	o, err := cfg.Observer()
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range [][][]float32{{{-1, 2}, {0, 4}}, {{-3, 0}}, {{1, 8}}} {
		for _, x := range batch {
			if err := o.Observe(x); err != nil {
				t.Fatal(err)
			}
		}
		o.EndBatch()
		o.EndBatch() // an empty batch is none
	}
	// -1; -1 + (-3+1)/4 = -1.5; -1.5 + (1+1.5)/4 = -0.875. 4; 4 + (0-4)/4 = 3; 3 + (8-3)/4 = 4.25.
	if r, err := cfg.Range(o, cfg.Scheme); err != nil || r.Lo != -0.875 || r.Hi != 4.25 {
		t.Errorf("%v, %v", r, err)
	}
}

// A dead value must not stop the quantization of a network.
func TestConstantValues(t *testing.T) {
	for method := range Method(len(methods)) {
		for _, c := range []struct {
			value float32
			cfg   choice
			want  Range
		}{
			{0, choice{Config{}, Scheme{quant.Int(8), false}}, Range{Lo: 0, Hi: 0}},
			{0, choice{Config{}, Scheme{quant.Int(8), true}}, Range{Lo: 0, Hi: 0}},
			{3, choice{Config{}, Scheme{quant.Int(8), false}}, Range{Lo: 0, Hi: 3}},
			{-3, choice{Config{}, Scheme{quant.Int(8), false}}, Range{Lo: -3, Hi: 0}},
			{-3, choice{Config{}, Scheme{quant.Int(8), true}}, Range{Lo: -3, Hi: 3}},
			{-3, choice{Config{}, Scheme{quant.Uint(8), true}}, Range{Lo: -3, Hi: 3}},
			{3, choice{Config{}, Scheme{quant.Uint(8), true}}, Range{Lo: 0, Hi: 3}},
			{3, choice{Config{WithoutZero: true}, Scheme{quant.Int(8), false}}, Range{Lo: 3, Hi: 3}},
			{1e-45, choice{Config{}, Scheme{quant.Int(8), false}}, Range{Lo: 0, Hi: 1e-45}},
			{-math.MaxFloat32, choice{Config{}, Scheme{quant.Int(8), false}}, Range{Lo: -math.MaxFloat32, Hi: 0}},
		} {
			c.cfg.Method = method
			if got := rangeOf(t, []float32{c.value, c.value}, c.cfg); got != c.want {
				t.Errorf("%v of %v with %+v: %v, want %v", method, c.value, c.cfg, got, c.want)
			}
		}
	}
}

func TestObserverErrors(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		examples [][]float32
		want     string
	}{
		{[][]float32{{1, 2}, {3, nan}}, "element 1 of example 1 is NaN"},
		{[][]float32{append(make([]float32, 2*chunk+3), float32(math.Inf(-1)))}, "element 8195 of example 0 is -Inf"},
		{[][]float32{{}}, "example 0 has no elements"},
		{[][]float32{{1, 2}, {3}}, "example 1 has 1 elements, the ones before had 2"},
	} {
		o, err := Config{Method: MSE}.Observer()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.examples {
			err = o.Observe(x)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	cfg, codes := Config{Method: MovingAverage}, Scheme{Type: quant.Int(8)}
	o, err := cfg.Observer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Range(o, codes); err == nil {
		t.Error("nothing was observed: no error")
	}
	if err := o.Observe([]float32{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Range(o, codes); err == nil {
		t.Error("no batch has ended: no error")
	}
	for _, cfg := range []Config{
		{Method: 5},
		{Percentile: 50},
		{Percentile: 100.1},
		{Percentile: math.NaN()},
		{Momentum: -1},
		{Momentum: 1.1},
		{Momentum: math.NaN()},
	} {
		if _, err := cfg.Observer(); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
		if _, err := cfg.Range(&extremesObserver{}, codes); err == nil {
			t.Errorf("%+v: no error of Range", cfg)
		}
	}
	for _, bits := range []int{0, 1, 9, 32, -8} {
		if _, err := cfg.Range(o, Scheme{Type: quant.Int(bits)}); err == nil || !strings.Contains(err.Error(), "use 2 to 8") {
			t.Errorf("%d bits: error %v", bits, err)
		}
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	x := shapes()["bell"]
	for kind, empty := range kinds {
		o := empty()
		if n := testing.AllocsPerRun(10, func() {
			if err := o.Observe(x); err != nil {
				t.Fatal(err)
			}
			o.EndBatch()
		}); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}

func TestMethodNames(t *testing.T) {
	for m := range Method(len(methods)) {
		if got, err := ParseMethod(m.String()); err != nil || got != m {
			t.Errorf("%v becomes %v: %v", m, got, err)
		}
	}
	if _, err := ParseMethod("median"); err == nil || !strings.Contains(err.Error(), "min-max, moving-average") {
		t.Errorf("error %v", err)
	}
	if got := Method(9).String(); got != "Method(9)" {
		t.Error(got)
	}
}

// Examples of any length are observed where that is asked for, and what was seen of several is not sent.
func TestAnyLength(t *testing.T) {
	for m := MinMax; m <= Entropy; m++ {
		o, err := Config{Method: m, AnyLength: true}.Observer()
		if err != nil {
			t.Fatal(err)
		}
		other, err := Config{Method: m, AnyLength: true}.Observer()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range [][]float32{{1, 2}, {-3, 1, 2}} {
			if err := o.Observe(x); err != nil {
				t.Errorf("%v: %v", m, err)
			}
			o.EndBatch()
		}
		if _, err := o.MarshalBinary(); err == nil {
			t.Errorf("%v: examples of two lengths have bytes", m)
		}
		if err := other.Observe([]float32{1, 2, 3, 4}); err != nil {
			t.Error(err)
		}
		other.EndBatch()
		if _, err := other.MarshalBinary(); err != nil {
			t.Errorf("%v: examples of one length: %v", m, err)
		}
		if err := other.Merge(o); err != nil {
			t.Errorf("%v: merging: %v", m, err)
		}
		if r, err := (Config{Method: m}).Range(o, Scheme{Type: quant.Uint(8)}); err != nil || m == MinMax && (r.Lo != -3 || r.Hi != 2) {
			t.Errorf("%v: %+v, %v", m, r, err)
		}
	}
}
