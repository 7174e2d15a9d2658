package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// What ONNX Runtime computes of our QOperator file. A layer with weights that is given the same input integers gives
// the same output integers. Another operator is at most one step apart, in at most 0.1% of its elements, each of them
// within 1e-4 of a tie; averages are no exception here. The answers are the same for all images.
func TestONNXRuntime(t *testing.T) {
	ort.Require(t)
	for _, test := range []struct {
		network string
		few     int
		signed  bool
	}{{"resnet20", 16, false}, {"resnet20", 16, true}, {"vgg", 4, false}} {
		t.Run(fmt.Sprintf("%s,signed=%v", test.network, test.signed), func(t *testing.T) {
			n := load(t, test.network)
			images := size(t, test.few)
			cfg := ptq.Config{ActSigned: test.signed}
			if ort.Saturates() {
				cfg.WeightBits = 7 // pairs of products fit int16
			}
			t.Logf("%d images, calibrated on %d", images, n.calibration())
			q := n.quantize(t, n.calibration(), cfg)
			path := filepath.Join(t.TempDir(), "model.onnx")
			write(t, path, q, onnx.ExportConfig{Format: onnx.QOperator})
			file, err := onnx.Open(t.Context(), path)
			must(t, err)
			defer file.Close()
			for _, optimized := range []bool{false, true} {
				t.Run(fmt.Sprintf("optimized=%v", optimized), func(t *testing.T) {
					layers, operators := compareWithORT(t, n, file, images, optimized)
					t.Log(operators)
					report(t, layers)
				})
			}
			t.Run("answers", func(t *testing.T) {
				for _, optimized := range []bool{false, true} {
					compareAnswers(t, n, q, path, images, optimized)
				}
			})
		})
	}
}

// batch is how many images are in memory at once, with all values of the network.
const batch = 16

// compareWithORT compares every value of codes and returns the layers, the batches of each added up, and which operators
// ran how often. Without
// optimizations all values that a node computes are asked for. With them only codes are: a value that is asked for is
// not optimized away, and so the dequantizations around an operator would keep it from being fused.
func compareWithORT(t *testing.T, n *network, file *onnx.File, images int, optimized bool) ([]ort.Layer, map[string]int) {
	t.Helper()
	g := file.Graph
	opt := ort.Options{DisableOptimizations: !optimized, ExposeAll: !optimized, IgnoreMissing: true}
	codes := codesOf(g)
	asked := slices.Clone(codes)
	for _, name := range codes {
		if one := oneDimensional(name); one != name && g.Values[one] == nil {
			asked = append(asked, one)
		}
	}
	ours := evaluator{}
	var total []ort.Layer
	var operators map[string]int
	for b := range n.batches(t, dataset.Test, images, batch) {
		x := imagesOf(t, n, b)
		r := ort.RunDetailed(t, file.Path, map[string]tensor.Tensor{g.Inputs[0]: x}, asked, opt)
		operators = r.Operators
		values := map[string]tensor.Tensor{g.Inputs[0]: x}
		for _, name := range codes {
			v, ok := r.Values[name]
			if one := oneDimensional(name); !ok && g.Values[one] == nil {
				if v, ok = r.Values[one]; ok && len(v.Shape) == 3 {
					v.Shape = slices.Insert(v.Shape, 2, 1)
				}
			}
			if ok {
				values[name] = v
			}
		}
		layers, err := ort.CompareWith(g, values, ours.eval)
		must(t, err)
		if total == nil {
			total = layers
			continue
		}
		for i, l := range layers {
			add(&total[i], l)
		}
	}
	return total, operators
}

func add(total *ort.Layer, l ort.Layer) {
	total.Elements += l.Elements
	total.Differ += l.Differ
	total.Codes = max(total.Codes, l.Codes)
	total.Steps = max(total.Steps, l.Steps)
	total.Tie = max(total.Tie, l.Tie)
}

// report checks the layers and logs what was compared.
func report(t *testing.T, layers []ort.Layer) {
	t.Helper()
	var exact, others, integers, elements, differ int
	for _, l := range layers {
		if l.Exact {
			exact++
			integers += l.Elements
		} else {
			others++
			elements += l.Elements
			differ += l.Differ
		}
		if err := strict(l); err != nil {
			t.Error(err)
		} else if l.Differ > 0 {
			t.Logf("%s %q: %d of %d a step apart, up to %.3g from a tie", l.Op, l.Value, l.Differ, l.Elements, l.Tie)
		}
	}
	if exact == 0 || others == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d layers with weights, %d integers; %d others, %d of %d integers a step apart",
		exact, integers, others, differ, elements)
}

// strict is Layer.Check that makes no exception for averages.
func strict(l ort.Layer) error {
	if l.Differ > max(1, l.Elements/1000) {
		return fmt.Errorf("%s %q: %d of %d integers differ, by up to %d, up to %.3g from a tie",
			l.Op, l.Value, l.Differ, l.Elements, l.Steps, l.Tie)
	}
	return l.Check()
}

// The comparison sees a single code that is one off, wherever it is; and the engine and the reference, which may both
// judge, agree on all of a network's values.
func TestComparison(t *testing.T) {
	n := load(t, "builtin")
	q := n.quantize(t, 8, ptq.Config{})
	x := n.images(t, 1)
	values := trace(t, compile(t, q, engine.Config{KeepAll: true}), x)
	var err error
	values[q.Inputs[0]], err = tensor.Of(append(tensor.Shape{1}, n.shape()...), x)
	must(t, err)
	ours := evaluator{}
	for name, evaluate := range map[string]ort.Evaluator{"engine": ours.eval, "reference": ort.Reference} {
		layers, err := ort.CompareWith(q, values, evaluate)
		must(t, err)
		for _, l := range layers {
			if l.Differ > 0 {
				t.Errorf("%s: %+v", name, l)
			}
		}
		if len(layers) != len(codesOf(q)) {
			t.Errorf("%s: %d layers of %d", name, len(layers), len(codesOf(q)))
		}
	}
	producers := q.Producers()
	for _, name := range codesOf(q) {
		values[name].Data[0] ^= 1
		layers, err := ort.CompareWith(q, values, ours.eval)
		must(t, err)
		i := slices.IndexFunc(layers, func(l ort.Layer) bool { return l.Value == name })
		if l := layers[i]; l.Differ != 1 || strict(l) == nil {
			t.Errorf("%v: a code was changed, %+v", producers[name], l)
		}
		values[name].Data[0] ^= 1
	}
}

// compareAnswers compares the class that whole networks give every image, as users run them: nothing is exposed.
func compareAnswers(t *testing.T, n *network, q *graph.Graph, path string, images int, optimized bool) {
	t.Helper()
	p := compile(t, q, engine.Config{})
	wrong, same := 0, 0
	for b := range n.batches(t, dataset.Test, images, batch) {
		ours := logits(t, p, b.X, b.N)
		in := map[string]tensor.Tensor{q.Inputs[0]: imagesOf(t, n, b)}
		theirs, err := ort.Run(t, path, in, nil, ort.Options{DisableOptimizations: !optimized})[q.Outputs[0]].Float32s()
		must(t, err)
		if len(theirs) != len(ours) {
			t.Fatalf("%d outputs, %d of ours", len(theirs), len(ours))
		}
		a, classes := argmax(ours, b.N), len(ours)/b.N
		for i, class := range argmax(theirs, b.N) {
			if class != a[i] {
				wrong++
				t.Errorf("image %d: class %d, ours %d", b.First+i, class, a[i])
			}
			if slices.Equal(ours[classes*i:classes*(i+1)], theirs[classes*i:classes*(i+1)]) {
				same++
			}
		}
	}
	t.Logf("optimizations %v: %d of %d answers differ; all outputs equal for %d images", optimized, wrong, images, same)
}

// oneDimensional returns the name in a file of others of what has one dimension there, and two here.
func oneDimensional(name string) string { return strings.TrimSuffix(name, "_2d") }

// codesOf returns the values that hold codes and that nodes compute.
func codesOf(g *graph.Graph) []string {
	var names []string
	for _, n := range g.Nodes {
		if g.Values[n.Outputs[0]].Quant != nil {
			names = append(names, n.Outputs[0])
		}
	}
	return names
}

// evaluator runs parts of a network in the engine. It keeps the program of each value, which is the same for every
// batch.
type evaluator map[string]*engine.Program

func (e evaluator) eval(g *graph.Graph, inputs map[string]tensor.Tensor, value string) (tensor.Tensor, error) {
	p := e[value]
	if p == nil {
		var err error
		if p, err = engine.Compile(context.Background(), g, engine.Config{Keep: []string{value}}); err != nil {
			return tensor.Tensor{}, err
		}
		e[value] = p
	}
	var in [][]float32
	for _, name := range g.Inputs {
		x, err := reals(g.Values[name], inputs[name])
		if err != nil {
			return tensor.Tensor{}, err
		}
		in = append(in, x)
	}
	var out tensor.Tensor
	err := p.TraceTensors(context.Background(), in, func(name string, v tensor.Tensor) error {
		if name == value {
			out = joined(out, v)
		}
		return nil
	})
	if shape := g.Values[value].Shape; g.Whole() && len(out.Shape) == len(shape)+1 {
		out.Shape = out.Shape[1:] // of the examples, which are one
	}
	return out, err
}

// reals returns what the elements stand for. The engine quantizes them again where its input is codes, which gives the
// codes back: a code is an integer far below 2^24, so that dividing its real by the scale comes out closer to it than
// to any other.
func reals(v *graph.Value, t tensor.Tensor) ([]float32, error) {
	if v.Quant == nil {
		return t.Float32s()
	}
	codes, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	codes = slices.Clone(codes)
	zero := float32(0)
	if v.Quant.ZeroPoint != nil {
		zero = float32(v.Quant.ZeroPoint[0])
	}
	for i, c := range codes {
		codes[i] = (c - zero) * v.Quant.Scale[0]
	}
	return codes, nil
}

// write exports a network to a file.
func write(t testing.TB, path string, g *graph.Graph, cfg onnx.ExportConfig) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	err = onnx.Export(f, g, cfg)
	must(t, cmp.Or(err, f.Close()))
}
