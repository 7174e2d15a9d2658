package ptq_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/graph"
	"linquant/models"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// squaredErrors returns Σ (w − scale·code)² of every output channel, axis 0, of a quantized weight.
func squaredErrors(t testing.TB, real []float32, v *graph.Value) []float64 {
	codes := codesOf[int8](t, *v.Const)
	channels := v.Shape[0]
	sums := make([]float64, channels)
	_, qmax := v.Quant.Type.Range()
	for i, q := range codes {
		if int32(q) < -qmax {
			t.Errorf("element %d has the code %d", i, q)
		}
		c := i / (len(codes) / channels)
		scale := v.Quant.Scale[min(c, len(v.Quant.Scale)-1)]
		d := float64(real[i]) - float64(float32(q)*scale)
		sums[c] += float64(d * d)
	}
	return sums
}

func total(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum
}

func TestLeastSquaresIsNotWorse(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		out, in := rapid.IntRange(1, 5).Draw(r, "out"), rapid.IntRange(1, 30).Draw(r, "in")
		w := rapid.SliceOfN(rapid.OneOf(
			rapid.Float32Range(-1, 1), rapid.Float32Range(-1e-7, 1e-7), rapid.Float32Range(-1e30, 1e30), rapid.Just(float32(0)),
		), out*in, out*in).Draw(r, "w")
		perTensor := rapid.Bool().Draw(r, "per tensor")
		bits := rapid.IntRange(2, 8).Draw(r, "bits")
		quantized := func(choose ptq.WeightMethod) *graph.Value {
			g := fc(t, out, in, w, make([]float32, out))
			cfg := ptq.Config{WeightBits: bits, PerTensor: perTensor, WeightMethod: choose}
			q, _, err := ptq.Quantize(r.Context(), g, calib.Ranges{"x": {Hi: 1}, "fc.y": {Hi: 1}}, cfg)
			if err != nil {
				r.Fatal(err)
			}
			return q.Value("w")
		}
		before, after := squaredErrors(t, w, quantized(ptq.AbsMax{})), squaredErrors(t, w, quantized(ptq.LeastSquares{}))
		if perTensor {
			before, after = []float64{total(before)}, []float64{total(after)}
		}
		for c := range before {
			if after[c] > before[c]*(1+1e-12) { // the sums of a whole tensor are in another order here
				r.Errorf("channel %d: squared error %v, with the absolute maximum %v", c, after[c], before[c])
			}
		}
	})
}

// The search comes near to the best of very many scales.
func TestLeastSquaresIsNearTheBest(t *testing.T) {
	n := newNet(t, 1)
	w := make([]float32, 400)
	for i := range w {
		u := n.random(6) // their sum is nearly a normal distribution
		w[i] = u[0] + u[1] + u[2] + u[3] + u[4] + u[5]
	}
	w[7] = 12 // and an outlier
	finer := 0
	for bits := 2; bits <= 8; bits++ {
		q, _, err := ptq.Quantize(t.Context(), fc(t, 1, len(w), w, []float32{0}), calib.Ranges{"x": {Hi: 1}, "fc.y": {Hi: 1}},
			ptq.Config{WeightBits: bits, WeightMethod: ptq.LeastSquares{}})
		if err != nil {
			t.Fatal(err)
		}
		got := total(squaredErrors(t, w, q.Value("w")))
		_, qmax := quant.Int(bits).Range()
		best, grid, widest := math.Inf(1), math.Inf(1), 0.0
		for k := 1; k <= 4000; k++ {
			scale := 12 / float64(qmax) * float64(k) / 4000
			var sum float64
			for _, x := range w {
				code := min(max(math.RoundToEven(float64(x)/scale), -float64(qmax)), float64(qmax))
				sum += (float64(x) - code*scale) * (float64(x) - code*scale)
			}
			best, widest = min(best, sum), sum
			if k%40 == 0 {
				grid = min(grid, sum) // what the search tries before it refines
			}
		}
		if got < 0.999*grid {
			finer++
		}
		if got > grid*(1+1e-6) {
			t.Errorf("%d bits: squared error %.9g, the best of a hundred scales has %.9g", bits, got, grid)
		}
		if got > 1.02*best {
			t.Errorf("%d bits: squared error %.5g, the best of 4000 scales has %.5g", bits, got, best)
		}
		if bits < 5 && got > 0.8*widest {
			t.Errorf("%d bits: squared error %.5g is hardly better than the absolute maximum's %.5g", bits, got, widest)
		}
	}
	if finer == 0 {
		t.Error("the search is never better than its grid")
	}
}

// A checkpoint's weights are quantized by the same search, whatever shares a scale.
func TestWeightsLeastSquares(t *testing.T) {
	in := network(t)
	for _, layout := range []quant.Layout{{}, {Per: quant.PerChannel}, {Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, GroupSize: 4}, {Per: quant.PerGroup, Axis: 1, GroupSize: 5}} {
		cfg := ptq.WeightConfig{Bits: 2, Layout: layout}
		errs := map[ptq.WeightMethod][]float64{}
		for _, choose := range []ptq.WeightMethod{ptq.AbsMax{}, ptq.LeastSquares{}} {
			cfg.Method = choose
			var report *ptq.Report
			out := reopen(t, func(w *bytes.Buffer) (err error) {
				report, err = ptq.Weights(t.Context(), w, in, models.Weights(in.Tensors()), nil, cfg)
				return err
			})
			for _, l := range report.Layers {
				real, restored := read(t, in, l.Name), read(t, out, l.Name)
				var sum float64
				for i, x := range real {
					sum += (float64(x) - float64(restored[i])) * (float64(x) - float64(restored[i]))
				}
				errs[choose] = append(errs[choose], sum)
			}
		}
		for i, before := range errs[ptq.AbsMax{}] {
			if after := errs[ptq.LeastSquares{}][i]; !(after < before) {
				t.Errorf("%v: squared error %v, with the absolute maximum %v", layout, after, before)
			}
		}
	}
	f := reopen(t, func(w *bytes.Buffer) error {
		return checkpoint.WriteSafetensors(w, nil, []checkpoint.Output{floats(t, "weight", tensor.Shape{2, 2})})
	})
	_, err := ptq.Weights(t.Context(), &bytes.Buffer{}, f, f.Tensors(), nil, ptq.WeightConfig{Affine: true, Method: ptq.LeastSquares{}})
	if err == nil || !strings.Contains(err.Error(), "for symmetric weights") {
		t.Errorf("error %v", err)
	}
}

func TestWeightMethodNames(t *testing.T) {
	for _, r := range []ptq.WeightMethod{ptq.AbsMax{}, ptq.LeastSquares{}, ptq.Reconstruct{}} {
		if got, err := ptq.ParseWeightMethod(r.String()); err != nil || got != r {
			t.Errorf("%v parses as %v, %v", r, got, err)
		}
	}
	if got, err := ptq.ParseWeightMethod("absmax"); err != nil || got != (ptq.AbsMax{}) {
		t.Errorf("absmax is %v, %v", got, err)
	}
	if _, err := ptq.ParseWeightMethod("best"); err == nil || !strings.Contains(err.Error(), "use nearest, mse, reconstruct") {
		t.Errorf("error %v", err)
	}
}
