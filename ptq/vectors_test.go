package ptq_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/toy"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// The layers of the PyTorch original as networks of one layer: the same integers, from the float input to the output's
// codes.
func TestOriginalVectors(t *testing.T) {
	data, err := os.ReadFile("../quant/testdata/linear_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []toy.FC
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	whole := 0
	for i, c := range append(cases, toy.Load().FC) {
		lo, hi, err := quant.Extremes(slices.Concat(c.Input...))
		if err != nil {
			t.Fatal(err)
		}
		if lo > 0 || hi < 0 {
			continue // the original does not extend a range to contain 0, and so has other parameters
		}
		whole++
		g := fc(t, len(c.Weight), len(c.Weight[0]), slices.Concat(c.Weight...), c.Bias)
		qmin, qmax := quant.Int(c.FeatureBits).Range()
		s := float32(c.OutputScale)
		ranges := calib.Ranges{
			"x":    {Lo: lo, Hi: hi},
			"fc.y": {Lo: float32(qmin-c.OutputZeroPoint) * s, Hi: float32(qmax-c.OutputZeroPoint) * s},
		}
		q, report, err := ptq.Quantize(t.Context(), g, ranges, ptq.Config{
			WeightBits: c.WeightBits, ActBits: c.FeatureBits, ActSigned: true, Requant: quant.Torch, SaturateBias: true,
		})
		if err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		layer := report.Layers[0]
		y := q.Value("fc.y_quantized").Quant
		if d := layer.Output.Scale/s - 1; d > 1e-6 || d < -1e-6 || layer.Output.ZeroPoint != c.OutputZeroPoint {
			t.Errorf("case %d: output scale %v and zero point %d, want %v and %d", i, layer.Output.Scale, layer.Output.ZeroPoint, s, c.OutputZeroPoint)
		}
		y.Scale = []float32{s} // the range of float32 numbers gives it back but for its last bit
		equal(t, i, "input scale", layer.Input.Scale, float32(c.InputScale))
		equal(t, i, "input zero point", layer.Input.ZeroPoint, c.InputZeroPoint)
		equal(t, i, "weight scale", q.Value("w").Quant.Scale, c.WeightScale)
		equal(t, i, "weight", codesOf[int8](t, *q.Value("w").Const), slices.Concat(c.QuantizedWeight...))
		equal(t, i, "bias", codesOf[int32](t, *q.Value("b").Const), c.QuantizedBias)
		out := evaluate(t, q, tensor.Shape{len(c.Input), len(c.Input[0])}, slices.Concat(c.Input...), "x_quantized", "fc.y_quantized")
		equal(t, i, "input", codesOf[int8](t, out["x_quantized"]), slices.Concat(c.QuantizedInput...))
		equal(t, i, "output", codesOf[int8](t, out["fc.y_quantized"]), slices.Concat(c.QuantizedOutput...))
		equal(t, i, "the engine's output", trace(t, q, "fc.y_quantized", slices.Concat(c.Input...)), slices.Concat(c.QuantizedOutput...))
	}
	if whole < len(cases)/2 {
		t.Errorf("%d of %d cases have a range that contains 0", whole, len(cases))
	}
}

// A fully-connected layer is the reference layer of package quant, in every convention.
func TestGemmIsLinear(t *testing.T) {
	const batch, in, out = 5, 7, 6
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		for bits := 2; bits <= 8; bits++ {
			n := newNet(t, in)
			w, b, x := n.random(in*out), n.random(out), n.random(batch*in)
			g := fc(t, out, in, w, b)
			cfg := ptq.Config{WeightBits: bits, ActBits: bits, PerTensor: bits%2 == 0, Requant: c}
			ranges := calib.Ranges{"x": {Lo: -0.9, Hi: 0.8}, "fc.y": {Lo: -1.5, Hi: 2}}
			q, _, err := ptq.Quantize(t.Context(), g, ranges, cfg)
			if err != nil {
				t.Fatal(err)
			}
			params := func(r calib.Range) quant.Params {
				scale, zero, err := quant.AffineScale(r.Lo, r.Hi, quant.Uint(bits))
				if err != nil {
					t.Fatal(err)
				}
				return quant.TensorParams(quant.Uint(bits), scale, zero)
			}
			layout := quant.Layout{Per: quant.PerChannel}
			if cfg.PerTensor {
				layout = quant.Layout{}
			}
			qw := make([]int8, len(w))
			shape := tensor.Shape{out, in}
			wp, err := quant.QuantizeSymmetric(qw, w, shape, quant.Int(bits), layout)
			if err != nil {
				t.Fatal(err)
			}
			linear, err := quant.NewLinear(qw, shape, wp, b, params(ranges["x"]), params(ranges["fc.y"]), c)
			if err != nil {
				t.Fatal(err)
			}
			qx, want := make([]uint8, len(x)), make([]uint8, batch*out)
			if err := quant.Quantize(qx, x, nil, linear.Input); err != nil {
				t.Fatal(err)
			}
			if err := quant.Forward(linear, want, qx); err != nil {
				t.Fatal(err)
			}
			got := evaluate(t, q, tensor.Shape{batch, in}, x, "fc.y_quantized")["fc.y_quantized"]
			equal(t, bits, c.String(), codesOf[uint8](t, got), want)
		}
	}
}

func equal(t *testing.T, i int, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("case %d, %s (-want +got):\n%s", i, what, diff)
	}
}

// evaluate runs a network on the input x.
func evaluate(t testing.TB, g *graph.Graph, shape tensor.Shape, x []float32, keep ...string) map[string]tensor.Tensor {
	t.Helper()
	in, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": in}, keep)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// trace runs a network in the engine on the input x and returns the signed codes of one value.
func trace(t testing.TB, g *graph.Graph, value string, x []float32) []int8 {
	t.Helper()
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, Keep: []string{value}})
	if err != nil {
		t.Fatal(err)
	}
	var codes []int8
	err = p.TraceTensors(context.Background(), [][]float32{x}, func(_ string, v tensor.Tensor) error {
		codes = append(codes, codesOf[int8](t, v)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

func codesOf[T tensor.Element](t testing.TB, v tensor.Tensor) []T {
	t.Helper()
	codes, err := tensor.As[T](v)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}
