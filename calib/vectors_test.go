package calib

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"linquant/quant"
)

// shapes makes the data of testdata/make_vectors.py, bit for bit.
func shapes() map[string][]float32 {
	const count = 6000
	state := uint32(1)
	uniform := func() float64 {
		state = state*1664525 + 1013904223
		return float64(state) / (1 << 32)
	}
	made := map[string][]float32{}
	for i := range count {
		bell := uniform() + uniform() + uniform() + uniform() - 2
		outlier := bell
		if i%500 == 7 {
			outlier *= 16
		}
		for name, v := range map[string]float64{
			"bell": bell, "relu": max(bell, 0), "cubed": float64(bell*bell) * bell, "shifted": bell + 1.25,
			"outliers": outlier, "relu with outliers": max(outlier, 0),
		} {
			made[name] = append(made[name], float32(v))
		}
	}
	return made
}

type vectors struct {
	Name        string
	Min, Max    float32
	Percentiles []struct{ Percentile, Upper, Lower, Magnitude float64 }
	Errors      []struct {
		Bits         int
		Symmetric    bool
		Whole, Least float64
	}
}

func readVectors(t *testing.T) []vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v []vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// rangeOf returns the ends of the range for one example.
func rangeOf(t *testing.T, x []float32, cfg choice) Range {
	t.Helper()
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
	if r.For != cfg.Scheme || r.By != cfg.Method {
		t.Fatalf("the range says that it is for %v by %v, it is for %v by %v", r.For, r.By, cfg.Scheme, cfg.Method)
	}
	return Range{Lo: r.Lo, Hi: r.Hi}
}

// Ends may be up to a bin further out than NumPy's percentile, and never further in.
func TestPercentilesOfNumPy(t *testing.T) {
	data := shapes()
	for _, v := range readVectors(t) {
		x := data[v.Name]
		if r := rangeOf(t, x, choice{Config{WithoutZero: true}, Scheme{quant.Int(8), false}}); r.Lo != v.Min || r.Hi != v.Max {
			t.Fatalf("%s: extremes %v, NumPy's are %v and %v: the data differs", v.Name, r, v.Min, v.Max)
		}
		bin := float64(v.Max-v.Min) / (bins / 2)
		further := func(what string, p, got, want float64) {
			if !(got >= want && got <= want+bin) {
				t.Errorf("%s, percentile %v, %s: %v, NumPy has %v, a bin is at most %v", v.Name, p, what, got, want, bin)
			}
		}
		for _, p := range v.Percentiles {
			cfg := choice{Config{Method: Percentile, Percentile: p.Percentile, WithoutZero: true}, Scheme{quant.Int(8), false}}
			r := rangeOf(t, x, cfg)
			further("upper end", p.Percentile, float64(r.Hi), p.Upper)
			further("lower end, negated", p.Percentile, -float64(r.Lo), -p.Lower)
			cfg.Symmetric = true
			r = rangeOf(t, x, cfg)
			further("magnitude", p.Percentile, float64(r.Hi), p.Magnitude)
			if r.Lo != -r.Hi {
				t.Errorf("%s, percentile %v: %v is not symmetric", v.Name, p.Percentile, r)
			}
		}
	}
}

// squaredErrorOf measures what a range does to the data itself.
func squaredErrorOf(t *testing.T, x []float32, r Range, cfg choice) float64 {
	t.Helper()
	codes := cfg.Type
	scale, zero, err := quant.AffineScale(r.Lo, r.Hi, codes)
	if cfg.Symmetric {
		zero = 0
		scale, err = quant.SymmetricScale(max(-r.Lo, r.Hi), codes)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := quant.TensorParams(codes, scale, zero)
	q, back := make([]int32, len(x)), make([]float32, len(x))
	if err := quant.Quantize(q, x, nil, p); err != nil {
		t.Fatal(err)
	}
	if err := quant.Dequantize(back, q, nil, p); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range x {
		d := float64(x[i]) - float64(back[i])
		sum += d * d
	}
	return sum / float64(len(x))
}

// The chosen range is as good, on the data itself, as the best of brute force over a grid of ranges.
func TestLeastErrorOfBruteForce(t *testing.T) {
	data := shapes()
	for _, v := range readVectors(t) {
		for _, e := range v.Errors {
			t.Run(fmt.Sprintf("%s/%d bits, symmetric %v", v.Name, e.Bits, e.Symmetric), func(t *testing.T) {
				cfg := choice{Config{Method: MinMax}, Scheme{quant.Int(e.Bits), e.Symmetric}}
				whole := squaredErrorOf(t, data[v.Name], rangeOf(t, data[v.Name], cfg), cfg)
				if whole < e.Whole*0.999 || whole > e.Whole*1.001 {
					t.Errorf("the error of the extremes is %v, NumPy's %v", whole, e.Whole)
				}
				cfg.Method = MSE
				r := rangeOf(t, data[v.Name], cfg)
				if got := squaredErrorOf(t, data[v.Name], r, cfg); got > e.Least*1.01 {
					t.Errorf("%v has the error %v, brute force finds %v; the whole range has %v", r, got, e.Least, e.Whole)
				}
			})
		}
	}
}
