package onnx

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/ptq"
	"linquant/tensor"
)

// tagger is a network of token ids [5, 2]: a table of embeddings, one recurrent layer of the operator, and a table that is a weight too.
func tagger(t *testing.T, op graph.Op, gates int, attrs graph.Attrs) *graph.Graph {
	t.Helper()
	const tokens, size, hidden, directions = 11, 6, 6, 2
	r := rand.New(rand.NewPCG(1, 2))
	g := graph.New("tagger")
	g.AddInput("ids", tensor.Shape{5, 2})
	g.Values["ids"].DType = tensor.Int64
	constant := func(name string, shape ...int) {
		n, _ := tensor.Shape(shape).Elements()
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64()) * float32(1+i%3)
		}
		c, err := tensor.Of(shape, x)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, c)
	}
	constant("table", tokens, size)
	constant("W", directions, gates*hidden, size)
	constant("R", directions, gates*hidden, hidden)
	constant("out", 2*hidden, 3)
	attrs["direction"], attrs["hidden_size"] = "bidirectional", hidden
	g.AddNode(graph.Gather, "embed", "x", graph.Attrs{"axis": 0}, "table", "ids")
	g.AddNode(op, "recur", "steps", attrs, "x", "W", "R")
	second := graph.Attrs{graph.OutputAttr: 1}
	for k, v := range attrs {
		second[k] = v
	}
	g.AddNode(op, "recur_last", "last", second, "x", "W", "R")
	g.AddNode(graph.Transpose, "order", "ordered", graph.Attrs{"perm": []int{0, 2, 1, 3}}, "steps")
	g.AddNode(graph.Reshape, "flat", "rows", graph.Attrs{"shape": []int{10, 2 * hidden}}, "ordered")
	g.AddNode(graph.MatMul, "fc", "y", nil, "rows", "out")
	g.Outputs = []string{"y", "last"}
	g, err := graph.Fold(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Tables of embeddings and the weights of every recurrent layer become codes, which a file keeps, and which give the same numbers after it:
// an LSTM as ONNX Runtime's operator, the others as reals of codes.
func TestStoredWeights(t *testing.T) {
	ids, err := tensor.Of(tensor.Shape{5, 2}, []int64{3, 10, 0, 1, 7, 7, 2, 9, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]tensor.Tensor{"ids": ids}
	for name, c := range map[string]struct {
		op    graph.Op
		gates int
		cfg   ptq.Config
		ops   string // of the file, those that compute with weights
	}{
		"lstm":       {graph.LSTM, 4, ptq.Config{}, "Gather Gather Cast Mul DynamicQuantizeLSTM MatMulInteger"},
		"gru":        {graph.GRU, 3, ptq.Config{}, "Gather Gather Cast Mul DequantizeLinear DequantizeLinear GRU MatMulInteger"},
		"rnn":        {graph.RNN, 1, ptq.Config{}, "Gather Gather Cast Mul DequantizeLinear DequantizeLinear RNN MatMulInteger"},
		"per tensor": {graph.GRU, 3, ptq.Config{PerTensor: true}, "Gather DequantizeLinear DequantizeLinear DequantizeLinear GRU MatMulInteger"},
		"5 bits":     {graph.LSTM, 4, ptq.Config{WeightBits: 5}, "Gather Gather Cast Mul DynamicQuantizeLSTM MatMulInteger"},
	} {
		t.Run(name, func(t *testing.T) {
			g := tagger(t, c.op, c.gates, graph.Attrs{})
			q, report, err := ptq.Dynamic(t.Context(), g, c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var layers []string
			for _, l := range report.Layers {
				layers = append(layers, l.Node+" "+l.Weight.Name)
				if want := 35.0 - 6*float64(8-l.Bits) - map[bool]float64{true: 10}[c.cfg.PerTensor]; !(l.Weight.SQNR > want) {
					t.Errorf("%s: %.1f dB, want over %.1f", l.Weight.Name, l.Weight.SQNR, want)
				}
				if stored := c.op != graph.LSTM && l.Op == c.op || l.Op == graph.Gather; l.Stored != stored || l.Dynamic == stored {
					t.Errorf("%s: stored %v, dynamic %v", l.Weight.Name, l.Stored, l.Dynamic)
				}
			}
			if want := []string{"embed table", "recur W", "recur R", "fc out"}; !slices.Equal(layers, want) {
				t.Errorf("weights %q, want %q", layers, want)
			}
			path := export(t, q, ExportConfig{})
			back, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			ours, err := graph.Eval(t.Context(), q, in, nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := graph.Eval(t.Context(), back.Graph, in, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, out := range q.Outputs {
				if !bytes.Equal(ours[out].Data, again[out].Data) {
					t.Errorf("%s has other bits after the file", out)
				}
			}
			var made []string
			for _, n := range fileNodes(t, q) {
				switch n.Op {
				case "Gather", "Cast", "Mul", "DequantizeLinear", "DynamicQuantizeLSTM", "GRU", "RNN", "MatMulInteger":
					if !strings.HasPrefix(n.Outputs[0], "y_") && n.Outputs[0] != "y" || n.Op == "MatMulInteger" {
						made = append(made, n.Op)
					}
				}
			}
			if got := strings.Join(made, " "); got != c.ops {
				t.Errorf("the file has %s, want %s", got, c.ops)
			}
			t.Run("runtime", func(t *testing.T) {
				ort.Require(t)
				theirs := ort.Run(t, path, in, nil, ort.Options{Unsaturated: true})
				for _, out := range q.Outputs {
					if d := largest(t, theirs[out], ours[out]); d > 1e-5 {
						t.Errorf("%s: ONNX Runtime is %g away", out, d)
					}
				}
			})
		})
	}
}

// fileNodes returns the nodes of the file that a network is written to.
func fileNodes(t *testing.T, g *graph.Graph) []onnxpb.Node {
	t.Helper()
	var b bytes.Buffer
	if err := Export(&b, g, ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	m, err := onnxpb.Read(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Graph.Initializers {
		n := 1
		for _, d := range c.Dims {
			n *= int(d)
		}
		if c.Type == onnxpb.Float && n > 64 {
			t.Errorf("the file has the reals %q, %v", c.Name, c.Dims)
		}
	}
	return m.Graph.Nodes
}

// Overrides name what is stored too, and leave it in floating point; tables whose rows are known beforehand are folded and no layers.
func TestStoredOverrides(t *testing.T) {
	g := tagger(t, graph.GRU, 3, graph.Attrs{})
	q, report, err := ptq.Dynamic(t.Context(), g, ptq.Config{Overrides: []ptq.Override{{Pattern: "embed", WeightBits: 4}, {Pattern: "recur*", Float: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Layers) != 2 || report.Layers[0].Bits != 4 || report.Layers[1].Node != "fc" {
		t.Errorf("layers: %+v", report.Layers)
	}
	if len(report.Float) != 2 || report.Float[0].Node != "recur" || report.Float[0].Reason != "left in floating point as the configuration asks" {
		t.Errorf("in floating point: %+v", report.Float)
	}
	if v := q.Value("W"); v == nil || v.Quant != nil {
		t.Error("a weight that was to stay is codes")
	}
}
