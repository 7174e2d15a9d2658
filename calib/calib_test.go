package calib

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/quant"
)

// doubler shows its input, "x", its double, "twice", and "dead", which is always 0.
type doubler struct{ size int }

func (d doubler) Trace(_ context.Context, inputs [][]float32, visit func(string, []float32) error) error {
	if len(inputs) != 1 || len(inputs[0])%d.size != 0 {
		return fmt.Errorf("input has %d elements, not a multiple of %d", len(inputs[0]), d.size)
	}
	twice := make([]float32, d.size)
	for x := range slices.Chunk(inputs[0], d.size) {
		for i, v := range x {
			twice[i] = 2 * v
		}
		dead := make([]float32, 1)
		for name, x := range map[string][]float32{"x": x, "twice": twice, "dead": dead} {
			if err := visit(name, x); err != nil {
				return fmt.Errorf("doubler: %w", err)
			}
		}
		clear(twice) // x must not be kept
	}
	return nil
}

// batches yields each of the slices as a batch of one input, then err if there is one.
func batches(err error, of ...[]float32) iter.Seq2[[][]float32, error] {
	return func(yield func([][]float32, error) bool) {
		for _, x := range of {
			if !yield([][]float32{x}, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// points are values that become uint8.
func points(values ...string) []Point {
	var list []Point
	for _, v := range values {
		list = append(list, Point{v, Scheme{Type: quant.Uint(8)}})
	}
	return list
}

// all are the values of a doubler.
var all = points("x", "twice", "dead")

// ends are ranges without what they were chosen for.
func ends(ranges Ranges) map[string][2]float32 {
	m := map[string][2]float32{}
	for name, r := range ranges {
		m[name] = [2]float32{r.Lo, r.Hi}
	}
	return m
}

func TestRun(t *testing.T) {
	var progress []int
	cfg := Config{Progress: func(examples int) { progress = append(progress, examples) }}
	got, err := Run(t.Context(), doubler{2}, batches(nil, []float32{1, 2, -3, 4}, []float32{0.5, 0}), all, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][2]float32{"x": {-3, 4}, "twice": {-6, 8}, "dead": {0, 0}}, ends(got)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(progress, []int{2, 3}) {
		t.Errorf("progress %v, want 2 examples and then 3", progress)
	}

	cfg = Config{Method: MovingAverage, Momentum: 0.5}
	got, err = Run(t.Context(), doubler{2}, batches(nil, []float32{1, 2, -3, 4}, []float32{0.5, 0}), points("twice"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := Ranges{"twice": {Lo: -3, Hi: 4.5, For: Scheme{Type: quant.Uint(8)}, By: MovingAverage}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each value's range is the one for its own scheme.
func TestRunChoosesForEachScheme(t *testing.T) {
	x := shapes()["cubed"]
	list := []Point{
		{"x", Scheme{Type: quant.Uint(8)}},
		{"twice", Scheme{Type: quant.Int(3), Symmetric: true}},
	}
	cfg := Config{Method: MSE}
	got, err := Run(t.Context(), doubler{2}, batches(nil, x), list, cfg)
	if err != nil {
		t.Fatal(err)
	}
	twice := make([]float32, len(x))
	for i, v := range x {
		twice[i] = 2 * v
	}
	for value, want := range map[string]Range{
		"x": rangeOf(t, x, choice{cfg, list[0].Scheme}), "twice": rangeOf(t, twice, choice{cfg, list[1].Scheme}),
	} {
		if r := got[value]; r.Lo != want.Lo || r.Hi != want.Hi {
			t.Errorf("%s: %v to %v, want %v to %v", value, r.Lo, r.Hi, want.Lo, want.Hi)
		}
	}
}

// What a range that was chosen for one scheme is right for.
func TestSuits(t *testing.T) {
	u8, u4, i8 := Scheme{Type: quant.Uint(8)}, Scheme{Type: quant.Uint(4)}, Scheme{Type: quant.Int(8)}
	u8s, u4s, i8s := Scheme{quant.Uint(8), true}, Scheme{quant.Uint(4), true}, Scheme{quant.Int(8), true}
	list := []Scheme{u8, u4, i8, u8s, u4s, i8s}
	for _, tt := range []struct {
		by   []Method
		have Scheme
		want []Scheme
	}{
		{[]Method{MinMax, MovingAverage, Percentile, MSE, Entropy}, Scheme{}, list},
		{[]Method{MinMax, MovingAverage}, u8, list},
		{[]Method{MinMax, MovingAverage, Percentile}, u8s, []Scheme{u8s, u4s}},
		{[]Method{MinMax, MovingAverage, Percentile}, i8s, []Scheme{i8s}},
		{[]Method{Percentile}, u4, []Scheme{u8, u4, i8}},
		{[]Method{MSE, Entropy}, u8, []Scheme{u8}},
		{[]Method{MSE, Entropy}, u4s, []Scheme{u4s}},
		{[]Method{9}, u8, nil},
	} {
		for _, by := range tt.by {
			for _, s := range list {
				if err := (Range{For: tt.have, By: by}).Suits(s); (err == nil) != slices.Contains(tt.want, s) {
					t.Errorf("for %v by %v, wanted for %v: error %v", tt.have, by, s, err)
				}
			}
		}
	}
}

func TestRunErrors(t *testing.T) {
	broken := errors.New("the disk is on fire")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name    string
		batches iter.Seq2[[][]float32, error]
		points  []Point
		want    string
	}{
		{"no data", batches(nil), all, "there is no calibration data"},
		{"data that does not read", batches(broken, []float32{1, 2}), all, "calibration batch 1: the disk is on fire"},
		{"data that ends early", batches(broken, []float32{1, 2}, []float32{1, 2}), all, "calibration batch 2: the disk is on fire"},
		{"data of another shape", batches(nil, []float32{1, 2}, []float32{1}), all, "calibration batch 1: input has 1 elements"},
		{"constant data", batches(nil, []float32{3, 3}, []float32{3, 3, 3, 3}), all, "constant: every number of its 3 examples is 3"},
		{
			"a NaN in the data", batches(nil, []float32{1, 2}, []float32{1, 2, 3, nan}),
			all,
			"calibration batch 1: input 0: element 3 is NaN",
		},
		{
			"an infinity in a value", batches(nil, []float32{1, 2}, []float32{1, 2, 3, math.MaxFloat32}),
			points("twice"),
			`calibration batch 1: doubler: value "twice": element 1 of example 2 is +Inf`,
		},
		{"an infinity in the data", batches(nil, []float32{inf, 2}), all, "element 0 is +Inf"},
		{"an unknown value", batches(nil, []float32{1, 2}), points("twice", "thrice"), `value "thrice": the network never shows it`},
		{"dead values only", batches(nil, []float32{1, 2}), points("dead"), "1 values is constant"},
		{"no values", batches(nil, []float32{1, 2}), nil, "there are no values to calibrate"},
		{"a value twice", batches(nil, []float32{1, 2}), points("x", "dead", "x"), `value "x": it is listed twice`},
		{"a wrong configuration", batches(broken), []Point{{"x", Scheme{Type: quant.Int(9)}}}, "calibration for 9 bits: use 2 to 8"},
	} {
		_, err := Run(t.Context(), doubler{2}, c.batches, c.points, Config{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
	}
	var finite *NotFiniteError
	var value *ValueError
	_, err := Run(t.Context(), doubler{2}, batches(nil, []float32{1, 2}, []float32{1, 2, 3, math.MaxFloat32}), points("twice"), Config{})
	if !errors.As(err, &finite) || *finite != (NotFiniteError{2, 1, inf}) || !errors.As(err, &value) || value.Value != "twice" {
		t.Errorf("error %v is about %+v and %+v", err, finite, value)
	}
	_, err = Run(t.Context(), doubler{2}, batches(nil, []float32{1, 2, 3, inf}), all, Config{})
	if !errors.As(err, &finite) || *finite != (NotFiniteError{-1, 3, inf}) {
		t.Errorf("error %v is about %+v", err, finite)
	}
	if _, err := Run(t.Context(), doubler{2}, batches(broken), all, Config{}); !errors.Is(err, broken) {
		t.Errorf("error %v does not wrap its cause", err)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := Config{Progress: func(examples int) {
		if examples >= 3 {
			cancel()
		}
	}}
	given := 0
	_, err := Run(ctx, doubler{1}, func(yield func([][]float32, error) bool) {
		for yield([][]float32{{float32(given)}}, nil) {
			given++
		}
	}, all, cfg)
	if !errors.Is(err, context.Canceled) || given != 3 {
		t.Errorf("%v after %d batches", err, given)
	}
}

func wideName(i int) string { return fmt.Sprintf("layer%d.conv%d", i/10, i) }

// wide shows many values of a few elements.
type wide struct{ values int }

func (w wide) Trace(_ context.Context, inputs [][]float32, visit func(string, []float32) error) error {
	for i := range w.values {
		if err := visit(wideName(i), inputs[0]); err != nil {
			return err
		}
	}
	return nil
}

// What Run holds when the last batch has been seen, and the most that it allocates for choosing ranges.
func TestMemoryEstimate(t *testing.T) {
	const values = 40
	held := func() int64 {
		runtime.GC()
		runtime.GC() // what pools held is free after a second one
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	x := shapes()["bell"]
	var shown []string
	for i := range values {
		shown = append(shown, wideName(i))
	}
	list := points(shown...)
	// The first run leaves behind what a process makes once, which is none of a method's.
	warm := func(yield func([][]float32, error) bool) { yield([][]float32{x[:100]}, nil) }
	if _, err := Run(t.Context(), wide{values}, warm, list, Config{}); err != nil {
		t.Fatal(err)
	}
	for method := range Method(len(methods)) {
		var before, first, last int64
		data := func(yield func([][]float32, error) bool) {
			for i := range 20 {
				switch i {
				case 1:
					first = held()
				case 19:
					last = held()
				}
				if !yield([][]float32{x[i*100 : i*100+100]}, nil) {
					return
				}
			}
		}
		cfg := Config{Method: method}
		before = held()
		if _, err := Run(t.Context(), wide{values}, data, list, cfg); err != nil {
			t.Fatal(err)
		}
		estimate := MemoryEstimate(values, cfg)
		if got := last - before; got > estimate || got < estimate/4 {
			t.Errorf("%v: holds %d bytes, estimated %d", method, got, estimate)
		}
		if last-first > estimate/20+8<<10 {
			t.Errorf("%v: memory grew from %d to %d bytes with the examples", method, first-before, last-before)
		}
	}
	if got := MemoryEstimate(-1, Config{}); got != 0 {
		t.Errorf("%d bytes for no values", got)
	}
}
