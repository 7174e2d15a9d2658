package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/internal/testing/strangers"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// The networks of packages that nobody here made: as they are they compute what ONNX Runtime computes; in integers every
// layer with weights that is given the same codes gives the same codes, and the others differ only beside ties. Those that
// are quantized already are not quantized again.
func TestStrangers(t *testing.T) {
	folder := os.Getenv("LINQUANT_STRANGERS")
	if folder == "" {
		t.Skip("set LINQUANT_STRANGERS to a folder that go run ./internal/testing/strangers/fetch has filled")
	}
	ort.Require(t)
	list, err := strangers.List()
	must(t, err)
	found := 0
	for _, n := range list {
		if _, err := os.Stat(n.Path(folder)); err != nil {
			t.Logf("%s: not there", n.Name())
			continue
		}
		found++
		t.Run(n.Name(), func(t *testing.T) { stranger(t, n, n.Path(folder)) })
	}
	if found == 0 {
		t.Errorf("%s has none of the networks", folder)
	}
}

func stranger(t *testing.T, n strangers.Network, path string) {
	declared, err := pipeline.Inputs(path)
	must(t, err)
	arrays, reals, err := n.Example(0)
	must(t, err)
	cfg := pipeline.OpenConfig{}
	cfg.ONNX.Shapes, cfg.ONNX.Constants = map[string]tensor.Shape{}, map[string]tensor.Tensor{}
	for _, in := range n.Inputs {
		if in.Constant {
			cfg.ONNX.Constants[in.Name] = arrays[in.Name]
		}
		if i := slices.IndexFunc(declared, func(d pipeline.Input) bool { return d.Name == in.Name }); i >= 0 && (declared[i].Dims == nil || slices.Contains(declared[i].Dims, -1)) {
			cfg.ONNX.Shapes[in.Name] = in.Shape
		}
	}
	opened, err := pipeline.Open(t.Context(), path, cfg)
	must(t, err)
	defer opened.Close()
	float, err := opened.Folded(t.Context())
	must(t, err)

	quantized := float.Quantized()
	theirs := ort.Run(t, path, arrays, nil, ort.Options{Unsaturated: quantized})
	p := compile(t, float, engine.Config{})
	for name, y := range outputs(t, p, reals) {
		if want, ok := theirs[name]; !ok {
			t.Errorf("output %q is not one of ONNX Runtime's: %v", name, slices.Sorted(maps.Keys(theirs)))
		} else if d, most := differs(t, y, want), max(n.Float, 1e-5); !(d <= most) {
			t.Errorf("output %q is %.2g of the largest away, at most %.2g are allowed", name, d, most)
		} else {
			t.Logf("output %q is %.2g of the largest away", name, d)
		}
	}

	cfgInts := ptq.Config{}
	if ort.Saturates() {
		cfgInts.WeightBits = 7
	}
	if quantized {
		return
	}
	t.Run("static", func(t *testing.T) {
		if testing.Short() && p.MACs() > leastSlow {
			t.Skip("takes long")
		}
		points, err := ptq.Points(float, cfgInts)
		must(t, err)
		program := compile(t, float, engine.Config{Keep: calib.Values(points)})
		ranges, err := calib.Run(t.Context(), program, func(yield func([][]float32, error) bool) {
			for i := range uint64(3) {
				_, reals, err := n.Example(i)
				if !yield(inOrder(program, reals), err) {
					return
				}
			}
		}, points, calib.Config{})
		must(t, err)
		q, report, err := ptq.Quantize(t.Context(), float, ranges, cfgInts)
		must(t, err)
		if len(report.Layers) == 0 {
			t.Skip("no layer has weights that are quantized")
		}
		sameCodes(t, q, arrays)
	})
}

// outputs runs a network on one example.
func outputs(t *testing.T, p *engine.Program, reals map[string][]float32) map[string]tensor.Tensor {
	t.Helper()
	values := map[string]tensor.Tensor{}
	var list [][]float32
	for _, out := range p.Outputs() {
		size, err := out.Shape.Elements()
		must(t, err)
		y := make([]float32, size)
		list = append(list, y)
		values[out.Name], err = tensor.Of(out.Shape, y)
		must(t, err)
	}
	must(t, p.Run(t.Context(), list, inOrder(p, reals)))
	return values
}

func inOrder(p *engine.Program, reals map[string][]float32) [][]float32 {
	var list [][]float32
	for _, in := range p.Inputs() {
		list = append(list, reals[in.Name])
	}
	return list
}

// sameCodes writes a quantized network and compares all its codes with those of ONNX Runtime.
func sameCodes(t *testing.T, q *graph.Graph, arrays map[string]tensor.Tensor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	write(t, path, q, onnx.ExportConfig{Format: onnx.QDQ})
	file, err := onnx.Open(t.Context(), path)
	must(t, err)
	defer file.Close()
	g := file.Graph
	in := map[string]tensor.Tensor{}
	for _, name := range g.Inputs {
		in[name] = arrays[name]
	}
	exact, integers, others := 0, 0, 0
	// With optimizations layers with weights run in integers; without, the others as the file defines them.
	for _, optimized := range []bool{true, false} {
		values := ort.Run(t, path, in, codesOf(g), ort.Options{DisableOptimizations: !optimized, IgnoreMissing: true})
		maps.Copy(values, in)
		ours := evaluator{}
		layers, err := ort.CompareWith(g, values, ours.eval)
		must(t, err)
		for _, l := range layers {
			if l.Exact != optimized {
				continue
			}
			if err := l.Check(); err != nil {
				t.Error(err)
			}
			if l.Exact {
				exact++
				integers += l.Elements
			} else {
				others++
			}
		}
	}
	if exact == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d layers with weights, %d integers; %d other values of codes", exact, integers, others)
}
