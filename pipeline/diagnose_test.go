package pipeline_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// twoLayers are a Gemm of 6 channels, the last of which is small, with a Relu, and a Gemm of 3.
type twoLayers struct{ w1, b1, w2, b2 []float32 }

func newTwoLayers() twoLayers {
	numbers := func(n int, step float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(math.Sin(step * float64(i+1)))
		}
		return x
	}
	n := twoLayers{numbers(24, 1.7), numbers(6, 0.9), numbers(18, 2.3), numbers(3, 1.1)}
	for i := 20; i < 24; i++ {
		n.w1[i] /= 64
	}
	return n
}

func (n twoLayers) network(t *testing.T) *pipeline.Network {
	t.Helper()
	g := graph.New("two")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	constant := func(name string, x []float32, shape ...int) string {
		c, err := tensor.Of(tensor.Shape(shape), x)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, c)
		return name
	}
	linear := graph.Attrs{"transB": 1}
	g.AddNode(graph.Gemm, "first", "f", linear, "x", constant("w1", n.w1, 6, 4), constant("b1", n.b1, 6))
	g.AddNode(graph.Relu, "relu", "r", graph.Attrs{}, "f")
	g.AddNode(graph.Gemm, "second", "y", linear, "r", constant("w2", n.w2, 3, 6), constant("b2", n.b2, 3))
	g.Outputs = []string{"y"}
	of, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// gemm is x·wᵀ + b.
func gemm(x, w, b []float32) []float64 {
	y := make([]float64, len(b))
	for o := range b {
		y[o] = float64(b[o])
		for i, v := range x {
			y[o] += float64(v) * float64(w[o*len(x)+i])
		}
	}
	return y
}

// rounded is w in symmetric codes of so many bits, a scale for each of the rows.
func rounded(w []float32, rows, bits int) []float32 {
	out, n, most := make([]float32, len(w)), len(w)/rows, float64(int(1)<<(bits-1)-1)
	for r := range rows {
		largest := 0.0
		for _, v := range w[r*n : (r+1)*n] {
			largest = max(largest, math.Abs(float64(v)))
		}
		for i, v := range w[r*n : (r+1)*n] {
			out[r*n+i] = float32(math.RoundToEven(float64(v)/(largest/most)) * largest / most)
		}
	}
	return out
}

// What is said of a layer is what a plain computation with its rounded weights and its rounded output gives.
func TestDiagnoseNumbers(t *testing.T) {
	n := newTwoLayers()
	d, err := pipeline.Diagnose(t.Context(), pipeline.Config{
		Network: n.network(t), Quant: ptq.Config{WeightBits: 3, ActBits: 4, WeightMethod: ptq.AbsMax{}},
		Calibration: pipeline.Calibration{Data: pipeline.Data{Set: vectors{}, Limit: 6}, Method: calib.MinMax},
	}, pipeline.DiagnoseConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The first 6 examples are calibrated on, the other 10 compared.
	if d.Examples != 6 || d.Compared != 10 || !d.HeldOut || d.Weights != "nearest" || d.Method != calib.MinMax {
		t.Errorf("%+v", d)
	}
	example := func(i int) []float32 {
		x := make([]float32, 4)
		if _, err := (vectors{}).Read(t.Context(), i, x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	relu := func(x []float64) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(max(v, 0))
		}
		return y
	}
	highest := float32(0)
	for i := range 6 {
		highest = max(highest, slices.Max(relu(gemm(example(i), n.w1, n.b1))))
	}
	step := float64(highest) / 15
	coded := func(x []float32) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(min(math.RoundToEven(float64(v)/step), 15) * step)
		}
		return y
	}
	var signal, noise, outSignal, outNoise, largest float64
	clipped := 0
	for i := 6; i < 16; i++ {
		r := relu(gemm(example(i), n.w1, n.b1))
		q := coded(relu(gemm(example(i), rounded(n.w1, 6, 3), n.b1)))
		for k := range r {
			signal += float64(r[k]) * float64(r[k])
			noise += float64(r[k]-q[k]) * float64(r[k]-q[k])
			if largest = max(largest, float64(r[k])); float64(r[k]) > 15.5*step {
				clipped++
			}
		}
		y, z := gemm(r, n.w2, n.b2), gemm(q, n.w2, n.b2)
		for k := range y {
			outSignal += y[k] * y[k]
			outNoise += (y[k] - z[k]) * (y[k] - z[k])
		}
	}
	if len(d.Layers) != 3 || d.Layers[0].Value != "x" || d.Layers[0].Node != "" || d.Layers[2].Node != "second" {
		t.Fatalf("%+v", d.Layers)
	}
	l := d.Layers[1]
	if l.Node != "first" || l.Value != "r" || l.WeightBits != 3 || l.ActBits != 4 || l.Op != graph.Gemm {
		t.Errorf("%+v", l)
	}
	close := func(what string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	close("the SQNR of what it makes", l.Alone.SQNR, 10*math.Log10(signal/noise), 1e-2)
	close("the SQNR of the outputs", l.Output.SQNR, 10*math.Log10(outSignal/outNoise), 1e-2)
	close("the part of the range", l.RangeUse, min(largest, 15*step)/(15*step), 1e-5)
	close("what is clipped", l.Clipped, float64(clipped)/60, 1e-9)
	total := 0.0
	for _, l := range d.Layers {
		total += math.Pow(10, -l.Output.SQNR/10)
	}
	close("its share", l.Share, math.Pow(10, -l.Output.SQNR/10)/total, 1e-9)
	if len(l.Channels) == 0 || l.Channels[0].Channel != 5 || l.Channels[0].Ratio > 1.0/32 {
		t.Errorf("odd channels: %+v", l.Channels)
	}
}

// The advice helps, is made by Quantize as it was measured, and is the same on any number of threads.
func TestDiagnoseMends(t *testing.T) {
	diagnose := func(threads int) *pipeline.Diagnosis {
		d, err := pipeline.Diagnose(t.Context(), pipeline.Config{
			Model: pipeline.Builtin, Quant: ptq.Config{WeightBits: 2, ActBits: 4, WeightMethod: ptq.LeastSquares{}},
			Calibration: pipeline.Calibration{Data: pipeline.Data{Limit: 32}, Method: calib.MSE},
			Test:        pipeline.Data{Spec: pipeline.Builtin, Limit: 200}, Threads: threads,
		}, pipeline.DiagnoseConfig{Examples: 16, Tried: 2, Measured: 1})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := diagnose(1)
	if len(d.Kept) == 0 || d.Kept[0].Weights != "reconstruct" || !(d.MendedOutput.SQNR > d.Output.SQNR+3) {
		t.Errorf("kept %+v: %v instead of %v", d.Kept, d.MendedOutput, d.Output)
	}
	if !(d.MendedAccuracy.Network.Top1 > d.Accuracy.Network.Top1) {
		t.Errorf("%d right of 200 instead of %d", d.MendedAccuracy.Network.Top1, d.Accuracy.Network.Top1)
	}
	measured := 0
	for _, l := range d.Layers {
		if l.Accuracy != nil {
			measured++
		}
	}
	if measured != 1 {
		t.Errorf("%d layers are measured alone, want 1", measured)
	}
	if !slices.IsSortedFunc(d.Remedies, func(a, b pipeline.Remedy) int { return int(math.Copysign(1, b.Gain-a.Gain)) }) {
		t.Errorf("not by falling gain: %+v", d.Remedies)
	}
	mended := d.Mended
	mended.Threads = 2
	r, err := pipeline.Quantize(t.Context(), mended)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Accuracy.Network.Top1 != d.MendedAccuracy.Network.Top1 || r.Report.PackedBytes != d.MendedBytes {
		t.Errorf("made again, %d are right and it has %d bytes; %d and %d were measured", r.Accuracy.Network.Top1, r.Report.PackedBytes,
			d.MendedAccuracy.Network.Top1, d.MendedBytes)
	}
	if testing.Short() {
		return
	}
	other := diagnose(2)
	if a, b := fmt.Sprintf("%+v %+v", d.Remedies, d.Kept), fmt.Sprintf("%+v %+v", other.Remedies, other.Kept); a != b {
		t.Errorf("on two threads it says\n%s\nand on one\n%s", b, a)
	}
	for i := range d.Layers {
		if d.Layers[i].Output != other.Layers[i].Output || d.Layers[i].Alone != other.Layers[i].Alone {
			t.Errorf("on two threads: %+v, on one: %+v", other.Layers[i], d.Layers[i])
		}
	}
}

func TestDiagnoseRefuses(t *testing.T) {
	n := newTwoLayers().network(t)
	for field, cfg := range map[string]pipeline.Config{
		"Dynamic":            {Network: n, Dynamic: true},
		"Calibration.Ranges": {Network: n, Calibration: pipeline.Calibration{Ranges: calib.Ranges{}}},
		"Pixels":             {Network: n, Pixels: true},
		"Quant.WeightMethod": {Network: n, Quant: ptq.Config{WeightMethod: ptq.Equalized{}}},
		"Calibration.Data":   {Network: n},
		"Model":              {},
		"Threads":            {Network: n, Threads: -1},
	} {
		_, err := pipeline.Diagnose(t.Context(), cfg, pipeline.DiagnoseConfig{})
		if of := (*pipeline.ConfigError)(nil); !errors.As(err, &of) || of.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, dc := range map[string]pipeline.DiagnoseConfig{"Examples": {Examples: -1}, "Tried": {Tried: -1}} {
		_, err := pipeline.Diagnose(t.Context(), pipeline.Config{Network: n}, dc)
		if of := (*pipeline.ConfigError)(nil); !errors.As(err, &of) || of.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	n.Close()
	if _, err := pipeline.Diagnose(t.Context(), pipeline.Config{Network: n, Calibration: pipeline.Calibration{Data: pipeline.Data{Set: vectors{}}}}, pipeline.DiagnoseConfig{}); !errors.Is(err, pipeline.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
