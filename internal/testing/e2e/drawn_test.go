package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/netgen"
	"linquant/internal/testing/ort"
	_ "linquant/internal/testing/seeds"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// TestDrawn compares random networks with ONNX Runtime: reals, codes in both forms of a file, float networks that were
// quantized, and dynamic ones, at any opset. A network is written, read again, and every value that ONNX Runtime computes
// is computed here from the same inputs: codes of layers are equal, reals as close as sums allow. Then the engine runs
// the whole, and all its values are the evaluator's.
//
// These are the same 2,000 each time; LINQUANT_DRAWN is for how long to draw others, such as 1h. -rapid.seed repeats a
// failure of those, whose file stays in LINQUANT_DRAWN_FOLDER.
func TestDrawn(t *testing.T) {
	ort.Require(t)
	var seen tally
	folder := cmp.Or(os.Getenv("LINQUANT_DRAWN_FOLDER"), t.TempDir())
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	everything := func(*graph.Graph) bool { return true }
	if os.Getenv("LINQUANT_DRAWN") == "" {
		for seed := range 2000 {
			o, err := rapid.Custom(drawCase).Example(seed).compare(folder, everything)
			if err != nil {
				t.Errorf("network %d: %v", seed, err)
			}
			seen.add(o)
		}
	} else {
		forAbout(t, func(r *rapid.T) {
			o, err := drawCase(r).compare(folder, everything)
			if err != nil {
				r.Fatal(err)
			}
			seen.add(o)
		})
	}
	t.Log(seen)
	if seen.compared < seen.drawn/2 || seen.codes == 0 || seen.reals == 0 {
		t.Error("the networks test too little")
	}
}

// forAbout checks a property of as many networks as fit in the time of LINQUANT_DRAWN.
func forAbout(t *testing.T, property func(*rapid.T)) {
	text := os.Getenv("LINQUANT_DRAWN")
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("LINQUANT_DRAWN is %q: give it a length of time, such as 10m", text)
	}
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); {
		rapid.Check(t, property)
	}
}

// tally is what a run of comparisons has seen.
type tally struct {
	drawn, compared, codes, reals int
	refused                       map[string]int // by ONNX Runtime, and why
}

func (s *tally) add(o outcome) {
	s.drawn++
	s.codes += o.codes
	s.reals += o.reals
	if o.refused == "" {
		s.compared++
		return
	}
	if s.refused == nil {
		s.refused = map[string]int{}
	}
	s.refused[o.refused]++
}

func (s tally) String() string {
	return fmt.Sprintf("%d of %d networks compared, %d values of codes and %d of reals; ONNX Runtime refuses: %v",
		s.compared, s.drawn, s.codes, s.reals, s.refused)
}

// A drawnCase is a network, a batch of its input, and how it is written and run.
type drawnCase struct {
	kind    string
	g       *graph.Graph
	x       tensor.Tensor
	export  onnx.ExportConfig
	fused   bool // ONNX Runtime makes layers of codes of QDQ; else it computes them in reals, which round otherwise at ties
	threads int
}

func drawCase(r *rapid.T) drawnCase {
	c := drawnCase{kind: rapid.SampledFrom([]string{"reals", "codes", "codes", "quantized", "quantized", "dynamic"}).Draw(r, "kind")}
	switch c.kind {
	case "dynamic":
		c.g = netgen.Dynamic(r)
	default:
		c.g = netgen.Draw(r, c.kind == "codes")
	}
	c.g.Requant = quant.ONNX
	batch := 1 // a dynamic layer has a range for each example here, and for all of them in ONNX
	if c.kind != "dynamic" {
		batch = rapid.IntRange(1, 3).Draw(r, "batch")
	}
	c.x = input(r, c.g, batch)
	if c.kind == "quantized" {
		c.g = quantizeDrawn(r, c.g, c.x)
	}
	ort.FitPairs(c.g)
	c.export.Opset = rapid.IntRange(7, 25).Draw(r, "opset")
	if c.kind != "reals" && len(codesOf(c.g)) > 0 {
		c.export.Format = rapid.SampledFrom([]onnx.Format{onnx.QDQ, onnx.QOperator}).Draw(r, "format")
	}
	// Of a dynamic network all values are needed: what differs by the last bit of a float before a layer can be another code
	// in it.
	c.fused = rapid.Bool().Draw(r, "fused") && c.kind != "dynamic"
	c.threads = rapid.IntRange(1, 3).Draw(r, "threads")
	return c
}

// saturates reports whether a node multiplies two activations of which ONNX Runtime would saturate sums, as no weights
// do after ort.FitPairs.
func saturates(g *graph.Graph, n *graph.Node) bool {
	if !ort.Saturates() || n.Op != graph.MatMul && n.Op != graph.Gemm {
		return false
	}
	q := g.Values[n.Inputs[1]].Quant
	return g.Values[n.Inputs[1]].Const == nil && q != nil && !q.Type.Unsigned && q.Type.Bits == 8
}

// input draws a batch.
func input(r *rapid.T, g *graph.Graph, batch int) tensor.Tensor {
	shape := slices.Clone(g.Values["x"].Shape)
	shape[0] = batch
	n, err := shape.Elements()
	if err != nil {
		r.Fatal(err)
	}
	x, seed := make([]float32, n), rapid.Uint64().Draw(r, "elements")
	for i := range x {
		seed = seed*6364136223846793005 + 1442695040888963407
		x[i] = float32(int(seed>>33)%2001-1000) / 800
	}
	var t tensor.Tensor
	switch q := g.Values["x"].Quant; {
	case q == nil:
		t, err = tensor.Of(shape, x)
	case q.Type.Unsigned:
		t, err = quantized[uint8](x, shape, *q)
	default:
		t, err = quantized[int8](x, shape, *q)
	}
	if err != nil {
		r.Fatal(err)
	}
	return t
}

func quantized[T int8 | uint8](x []float32, shape tensor.Shape, q quant.Params) (tensor.Tensor, error) {
	codes := make([]T, len(x))
	if err := quant.Quantize(codes, x, shape, q); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Of(shape, codes)
}

// quantizeDrawn quantizes a float network with ranges of its own values on the batch.
func quantizeDrawn(r *rapid.T, g *graph.Graph, x tensor.Tensor) *graph.Graph {
	cfg := ptq.Config{
		WeightBits: rapid.SampledFrom([]int{8, 8, 7, 4, 2}).Draw(r, "weight bits"), ActBits: rapid.SampledFrom([]int{8, 8, 5, 4}).Draw(r, "act bits"),
		PerTensor: rapid.Bool().Draw(r, "per tensor"), ActSigned: rapid.Bool().Draw(r, "signed"), Requant: quant.ONNX,
	}
	points, err := ptq.Points(g, cfg)
	if err != nil {
		r.Fatal(err)
	}
	ranges := calib.Ranges{}
	values, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": x}, calib.Values(points))
	if err != nil {
		r.Fatal(err)
	}
	for _, p := range points {
		reals, err := values[p.Value].Float32s()
		if err != nil {
			r.Fatal(err)
		}
		lo, hi, err := quant.Extremes(reals)
		if err != nil {
			r.Skip("a value has no range: ", err)
		}
		ranges[p.Value] = calib.Range{Lo: lo, Hi: hi}
	}
	q, _, err := ptq.Quantize(r.Context(), g, ranges, cfg)
	if err != nil {
		r.Fatal(err)
	}
	return q
}

// What came out of a comparison: how many values were compared, or why ONNX Runtime refuses the file.
type outcome struct {
	codes, reals int
	refused      string
}

var errDiffers = errors.New("not as in ONNX Runtime")

// compare writes the network, has ONNX Runtime compute all its values, and computes them here. change is applied to what
// is computed here, and returns whether it could change anything.
func (c drawnCase) compare(folder string, change func(*graph.Graph) bool) (outcome, error) {
	path := filepath.Join(folder, "drawn.onnx")
	if err := c.write(path); err != nil {
		if strings.Contains(err.Error(), "any more: use") { // a Resize of opsets that exclude each other
			return outcome{refused: "no opset"}, nil
		}
		return outcome{}, err
	}
	file, err := onnx.Open(context.Background(), path)
	if err != nil {
		// Codes that are only moved, or pooled: numbers, of which a MaxPool is not read.
		if codes := c.g.Values["x"].Quant != nil; codes && (strings.Contains(err.Error(), "no node says what they stand for") ||
			strings.Contains(err.Error(), "MaxPool") && strings.Contains(err.Error(), "int8, and the operator computes with reals")) {
			return outcome{refused: "codes of no scale"}, nil
		}
		return outcome{}, fmt.Errorf("our own file: %w", err)
	}
	defer file.Close()
	g := file.Graph
	var asked []string // or all
	if c.fused {
		asked = slices.Concat(codesOf(g), g.Outputs)
	}
	opt := ort.Options{DisableOptimizations: !c.fused, ExposeAll: !c.fused, IgnoreMissing: true}
	if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return resizedOtherwise(g, n) }) {
		return outcome{refused: "Resize as it does"}, nil
	}
	if slices.ContainsFunc(g.Nodes, padsAll) {
		return outcome{refused: "a window of nothing but padding"}, nil
	}
	if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return saturates(g, n) }) {
		return outcome{refused: "sums of two activations that saturate here"}, nil
	}
	ran, err := ort.Try(folder, path, map[string]tensor.Tensor{"x": c.x}, asked, opt)
	if err != nil {
		return refusal(err)
	}
	values := ran.Values
	values["x"] = c.x
	if !change(g) {
		return outcome{}, nil
	}
	ours := evaluator{}
	layers, err := ort.CompareWith(g, values, ours.eval)
	if err != nil {
		return outcome{}, err
	}
	for _, l := range layers {
		if c.fused && !l.Exact { // ONNX Runtime fuses some of them, and then rounds otherwise
			continue
		}
		l.Exact = l.Exact && (c.export.Format == onnx.QOperator || c.fused) && !inReals(ran) && fuses(g, l.Value)
		if !l.Exact && l.Steps <= 1 && l.Tie <= 1e-4 { // any number of them, where all elements are alike
			continue
		}
		if err := l.Check(); err != nil {
			return outcome{}, fmt.Errorf("%w: %w", errDiffers, err)
		}
	}
	reals, err := ort.CompareReals(g, values, ours.eval)
	if err != nil {
		return outcome{}, err
	}
	for _, l := range reals {
		if err := l.Check(); err != nil {
			return outcome{}, fmt.Errorf("%w: %w", errDiffers, err)
		}
	}
	return outcome{codes: len(layers), reals: len(reals)}, c.threadsAgree(g)
}

// padsAll reports whether a pool has windows that are only padding: ONNX Runtime has no kernels for them, and its shapes
// are others before it says so.
func padsAll(n *graph.Node) bool {
	if n.Op != graph.MaxPool && n.Op != graph.AveragePool {
		return false
	}
	kernel := n.Ints("kernel_shape")
	for i, p := range n.Ints("pads") {
		if p >= kernel[i%len(kernel)] {
			return true
		}
	}
	return false
}

// inReals reports whether a layer of the model as it was run is one of reals: not all pairs of QDQ become layers of codes,
// and QOperator has none for some.
func inReals(r ort.Result) bool {
	for _, op := range []string{"Conv", "FusedConv", "ConvTranspose", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"} {
		if r.Operators[op] > 0 {
			return true
		}
	}
	return false
}

// fuses reports whether the types of a layer's codes are among those for which ONNX Runtime has a layer of codes.
func fuses(g *graph.Graph, value string) bool {
	n := g.Producers()[value]
	for n.Op == graph.Relu || n.Op == graph.Clip {
		n = g.Producers()[n.Inputs[0]]
	}
	x, w, y := g.Values[n.Inputs[0]].Quant, g.Values[n.Inputs[1]].Quant, g.Values[value].Quant
	return x != nil && w != nil && x.Type.Unsigned == y.Type.Unsigned && (x.Type.Unsigned || !w.Type.Unsigned)
}

// resizedOtherwise reports whether ONNX Runtime's Resize is another one: where a dimension stays as long as it is, it takes
// the elements that are there, wherever a crop or a scale puts them; and of a place that float32 puts halfway between two
// elements, or on the edge, it may take the other one.
func resizedOtherwise(g *graph.Graph, n *graph.Node) bool {
	if n.Op != graph.Resize {
		return false
	}
	in, out := g.Values[n.Inputs[0]].Shape, g.Values[n.Outputs[0]].Shape
	roi, scales := n.Floats("roi"), n.Floats("scales")
	for d := range in {
		moved := len(roi) > 0 && (roi[d] != 0 || roi[len(in)+d] != 1) || len(scales) > 0 && scales[d] != 1
		if in[d] == out[d] && moved {
			return true
		}
		for x := 0; len(roi) > 0 && d > 0 && x < out[d]; x++ {
			from, to := float64(roi[d]), float64(roi[len(in)+d])
			at := (from + to) / 2 * float64(in[d]-1)
			if out[d] > 1 {
				at = (from + float64(x)*(to-from)/float64(out[d]-1)) * float64(in[d]-1)
			}
			if twice := 2 * at; math.Abs(twice-math.Round(twice)) < 1e-4 {
				return true
			}
		}
	}
	return false
}

func (c drawnCase) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = onnx.Export(f, c.g, c.export)
	if err != nil && c.export.Opset != 0 { // older than its operators are
		if _, err := f.Seek(0, 0); err != nil {
			return err
		}
		c.export.Opset = 0
		err = onnx.Export(f, c.g, c.export)
	}
	return errors.Join(err, f.Close())
}

// refusals is what ONNX Runtime's kernels for processors lack, though ONNX defines it, in the words of its errors.
var refusals = regexp.MustCompile(strings.Join([]string{
	`NOT_IMPLEMENTED.*Could not find an implementation for (\w+)`,
	`(PoolAttributes)\(.*pads\[`, // as large as the kernel
	`(ConvInteger)::Compute.*IsScalarOr1ElementVector\(W_Zero`,
	`(QLinearMatMul)::Compute.*IsBQuantParamSupported`,
	`(QLinearGlobalAveragePool) parameter out of computation range`,
	`(QLinearAveragePool).*Unrecognized attribute: dilations`, // which its own optimizer has made
	`(Upsample)Base`,
	`(Batchwise) recurrent operations`, // layout 1
	`(ScalesValidation) '`,             // some dimensions of a Resize
	`(Clip_6)Base.*min_ <= max_`,
	`(Resize)\) \[ShapeInferenceError\] Number of elements of input 'sizes' \(0\)`,       // that has axes, and its own optimizer exchanged with a Transpose
	`Op \(QuantizeLinear\).* (output_dtype) INT8 does not match y_zero_point type UINT8`, // of a node that its own optimizer has made, since opset 21
}, "|"))

func refusal(err error) (outcome, error) {
	if m := refusals.FindStringSubmatch(err.Error()); m != nil {
		return outcome{refused: strings.Join(m[1:], "")}, nil
	}
	return outcome{}, fmt.Errorf("ONNX Runtime refuses what we wrote: %w", err)
}

// threadsAgree runs the whole network on one thread and on several: every bit is the same.
func (c drawnCase) threadsAgree(g *graph.Graph) error {
	x, err := reals(g.Values["x"], c.x)
	if err != nil {
		return err
	}
	var results [2][][]float32
	for i, threads := range []int{1, c.threads} {
		p, err := engine.Compile(context.Background(), g, engine.Config{Threads: threads})
		if err != nil {
			return err
		}
		for _, out := range p.Outputs() {
			n, err := out.Shape.Elements()
			if err != nil {
				return err
			}
			results[i] = append(results[i], make([]float32, n*c.x.Shape[0]))
		}
		if err := p.Run(context.Background(), results[i], [][]float32{x}); err != nil {
			return err
		}
	}
	for i := range results[0] {
		for j, v := range results[0][i] {
			if w := results[1][i][j]; math.Float32bits(v) != math.Float32bits(w) {
				return fmt.Errorf("%q[%d] is %v on one thread and %v on %d", g.Outputs[i], j, v, w, c.threads)
			}
		}
	}
	return nil
}
