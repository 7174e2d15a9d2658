package fuse

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/onnx/internal/lower"
	"linquant/onnx/internal/onnxtest"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// What is lowered and fused again computes the same bits, in every convention, with every width.
func TestLowerFuseKeepsBits(t *testing.T) {
	for _, cfg := range []lower.Config{{}, {QOperator: true}, {Int4: true}} {
		t.Run(fmt.Sprintf("qoperator=%v,int4=%v", cfg.QOperator, cfg.Int4), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				g := onnxtest.RandomNetwork(seed, rapid.IntRange(0, 9).Draw(rt, "nodes"), onnxtest.Limits{})
				if err := graph.Check(g); err != nil {
					rt.Fatalf("the generator is wrong: %v", err)
				}
				lowered, err := lower.Graph(g, cfg)
				if err != nil {
					rt.Fatal(err)
				}
				spelled := onnxtest.Dump(floats(lowered))
				back, err := Graph(t.Context(), lowered)
				if err != nil {
					rt.Fatalf("%v\n%s", err, spelled)
				}
				if err := graph.Check(back); err != nil {
					rt.Fatalf("%v\n%s\n%s", err, onnxtest.Dump(g), spelled)
				}
				x := onnxtest.RandomInput(t, g, seed, 2)
				want, got := onnxtest.EvalOutputs(t, g, x), onnxtest.EvalOutputs(t, back, x)
				for name := range want {
					if d := cmp.Diff(want[name].Data, got[name].Data); d != "" {
						rt.Fatalf("output %q differs\n%s\n%s\n%s", name, onnxtest.Dump(g), spelled, onnxtest.Dump(back))
					}
				}
				for _, n := range back.Nodes {
					if n.Op != graph.QuantizeLinear && n.Op != graph.DequantizeLinear && back.Values[n.Outputs[0]].Quant == nil {
						rt.Fatalf("%v is float after the round trip\n%s\n%s", n, spelled, onnxtest.Dump(back))
					}
				}
				if !cfg.QOperator {
					if d := cmp.Diff(onnxtest.SortedLines(g), onnxtest.SortedLines(back)); d != "" {
						rt.Fatalf("the graph is another: %s\n%s", d, spelled)
					}
				}
			})
		})
	}
}

// What is written is what other runtimes recognise.
func TestLoweredOperators(t *testing.T) {
	network := func(zero int32, bits int) *graph.Graph {
		b := newRaw()
		y := b.op(graph.Relu, "r", nil, b.conv(b.qdq("x", 0.02, 1), "y"))
		y = b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}}, b.qdq(y, 0.05, uint8(zero)))
		f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq(y, 0.05, uint8(zero)))
		f = b.op(graph.Gemm, "g", graph.Attrs{"transB": 1}, f, b.weight("w", tensor.Shape{3, 18}, 0, 0.01, 0.02, 0.03))
		g, err := Graph(t.Context(), b.result(b.qdq(f, 0.1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range g.Values {
			if v.Quant != nil && v.Const == nil {
				v.Quant.Type.Bits = bits
			}
		}
		return g
	}
	for name, test := range map[string]struct {
		g    *graph.Graph
		cfg  lower.Config
		want string // Q and D stand for QuantizeLinear and DequantizeLinear
	}{
		"a Relu that the range implies": {
			network(0, 8),
			lower.Config{},
			"Q D D Conv Relu Q D MaxPool Q D Flatten Q D D Gemm Q D",
		},
		"one that it does not": {
			network(5, 8),
			lower.Config{},
			"Q D D Conv Q D Relu Q D MaxPool Q D Flatten Q D D Gemm Q D",
		},
		"4 bits": {
			network(0, 4),
			lower.Config{},
			"Q Clip D D Conv Relu Q Clip D MaxPool Q Clip D Flatten Q Clip D D Gemm Q Clip D",
		},
		"4 bits as int4": {
			network(0, 4),
			lower.Config{Int4: true},
			"Q Clip D D Conv Relu Q Clip D MaxPool Q Clip D Flatten Q Clip D D Gemm Q Clip D",
		},
		"operators on codes": {
			network(0, 8),
			lower.Config{QOperator: true},
			"Q QLinearConv MaxPool Flatten Unsqueeze QLinearConv Flatten D",
		},
		"operators on codes, and a Relu": {
			network(5, 8),
			lower.Config{QOperator: true},
			"Q QLinearConv Clip MaxPool Flatten Unsqueeze QLinearConv Flatten D",
		},
		"operators on codes of 4 bits": {
			network(0, 4),
			lower.Config{QOperator: true},
			"Q Clip QLinearConv Clip MaxPool Flatten Unsqueeze QLinearConv Clip Flatten D",
		},
	} {
		t.Run(name, func(t *testing.T) {
			lowered, err := lower.Graph(test.g, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var ops []string
			for _, n := range lowered.Nodes {
				op := string(n.Op)
				op = strings.TrimSuffix(strings.Replace(strings.Replace(op, "Dequantize", "D", 1), "Quantize", "Q", 1), "Linear")
				if n.Op == raw.QLinearConv {
					op = string(raw.QLinearConv)
				}
				ops = append(ops, op)
			}
			if d := cmp.Diff(test.want, strings.Join(ops, " ")); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is lowered means, node by node as the ONNX standard has it, what the network computes: every value of codes is
// the same, but for ties that a sum of floats decides otherwise (and what comes of them).
func TestLoweredMeansTheSame(t *testing.T) {
	for _, cfg := range []lower.Config{{}, {QOperator: true}, {Int4: true}} {
		elements, differ := 0, 0
		for seed := range uint64(40) {
			g := onnxtest.RandomNetwork(seed, 6, onnxtest.Limits{})
			g.Requant = quant.ONNX
			lowered, err := lower.Graph(g, cfg)
			if err != nil {
				t.Fatal(err)
			}
			x := onnxtest.RandomInput(t, g, seed, 2)
			got := evalRaw(t, lowered, x)
			for name, ours := range onnxtest.EvalOutputs(t, g, x) {
				step := 1.0
				if g.Values[name].Quant == nil {
					step = float64(g.Values[g.Producers()[name].Inputs[0]].Quant.Scale[0])
				}
				want, _ := ours.Float32s()
				if len(want) != len(got[name]) {
					t.Fatalf("output %q has %d elements, want %d", name, len(got[name]), len(want))
				}
				for i, y := range want {
					elements++
					if math.Abs(float64(y)-got[name][i]) > step/2 {
						differ++
					}
				}
			}
		}
		if differ*200 > elements {
			t.Errorf("%v: %d of %d elements differ", cfg, differ, elements)
		}
	}
}
