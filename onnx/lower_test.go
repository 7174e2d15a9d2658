package onnx

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// What is lowered and fused again computes the same bits, in every convention, with every width.
func TestLowerFuseKeepsBits(t *testing.T) {
	for _, cfg := range []ExportConfig{{Format: QDQ}, {Format: QOperator}, {Format: QDQ, Int4: true}} {
		t.Run(fmt.Sprintf("%d,int4=%v", cfg.Format, cfg.Int4), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				g := randomNetwork(seed, rapid.IntRange(0, 9).Draw(rt, "nodes"), limits{})
				if err := graph.Check(g); err != nil {
					rt.Fatalf("the generator is wrong: %v", err)
				}
				lowered, err := lower(g, cfg)
				if err != nil {
					rt.Fatal(err)
				}
				spelled := dump(floats(lowered))
				back, err := fuse(lowered)
				if err != nil {
					rt.Fatalf("%v\n%s", err, spelled)
				}
				if err := graph.Check(back); err != nil {
					rt.Fatalf("%v\n%s\n%s", err, dump(g), spelled)
				}
				x := randomInput(t, g, seed, 2)
				want, got := evalOutputs(t, g, x), evalOutputs(t, back, x)
				for name := range want {
					if d := cmp.Diff(want[name].Data, got[name].Data); d != "" {
						rt.Fatalf("output %q differs\n%s\n%s\n%s", name, dump(g), spelled, dump(back))
					}
				}
				for _, n := range back.Nodes {
					if n.Op != graph.QuantizeLinear && n.Op != graph.DequantizeLinear && back.Values[n.Outputs[0]].Quant == nil {
						rt.Fatalf("%v is float after the round trip\n%s\n%s", n, spelled, dump(back))
					}
				}
				if cfg.Format == QDQ {
					if d := cmp.Diff(sortedLines(g), sortedLines(back)); d != "" {
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
		g, err := fuse(b.result(b.qdq(f, 0.1, 1)))
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
		cfg  ExportConfig
		want string // Q and D stand for QuantizeLinear and DequantizeLinear
	}{
		"a Relu that the range implies": {
			network(0, 8),
			ExportConfig{Format: QDQ},
			"Q D D Conv Relu Q D MaxPool Q D Flatten Q D D Gemm Q D",
		},
		"one that it does not": {
			network(5, 8),
			ExportConfig{Format: QDQ},
			"Q D D Conv Q D Relu Q D MaxPool Q D Flatten Q D D Gemm Q D",
		},
		"4 bits": {
			network(0, 4),
			ExportConfig{Format: QDQ},
			"Q Clip D D Conv Relu Q Clip D MaxPool Q Clip D Flatten Q Clip D D Gemm Q Clip D",
		},
		"4 bits as int4": {
			network(0, 4),
			ExportConfig{Format: QDQ, Int4: true},
			"Q D D Conv Relu Q D MaxPool Q D Flatten Q D D Gemm Q D",
		},
		"operators on codes": {
			network(0, 8),
			ExportConfig{Format: QOperator},
			"Q QLinearConv MaxPool Flatten Unsqueeze QLinearConv Flatten D",
		},
		"operators on codes, and a Relu": {
			network(5, 8),
			ExportConfig{Format: QOperator},
			"Q QLinearConv Clip MaxPool Flatten Unsqueeze QLinearConv Flatten D",
		},
		"operators on codes of 4 bits": {
			network(0, 4),
			ExportConfig{Format: QOperator},
			"Q Clip QLinearConv Clip MaxPool Flatten Unsqueeze QLinearConv Clip Flatten D",
		},
	} {
		t.Run(name, func(t *testing.T) {
			lowered, err := lower(test.g, test.cfg)
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

// A network that went through a file has the same bits.
func TestExportImportKeepsBits(t *testing.T) {
	for seed := range uint64(30) {
		g := randomNetwork(seed, 6, limits{ours: true})
		for _, cfg := range []ExportConfig{{}, {Format: QOperator}, {Int4: true}} {
			var file bytes.Buffer
			if err := Export(&file, g, cfg); err != nil {
				t.Fatal(err)
			}
			back, err := Import(file.Bytes(), "network")
			if err != nil {
				t.Fatal(err)
			}
			if back.Requant != g.Requant {
				t.Errorf("convention %v, want %v", back.Requant, g.Requant)
			}
			x := randomInput(t, g, seed, 2)
			if d := cmp.Diff(evalOutputs(t, g, x), evalOutputs(t, back, x)); d != "" {
				t.Errorf("seed %d, %+v: %s", seed, cfg, d)
			}
		}
	}
}

// sortedLines is dump for graphs whose nodes may stand in another order.
func sortedLines(g *graph.Graph) []string {
	lines := strings.Split(dump(g), "\n")
	slices.Sort(lines)
	return lines
}

// dump formats the nodes of a graph with the parameters of what they make, one a line.
func dump(g *graph.Graph) string {
	var b strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%s %v -> %v", n.Op, n.Inputs, n.Outputs)
		for _, k := range []string{"min", "max", "value"} {
			if a, ok := n.Attrs[k]; ok {
				fmt.Fprintf(&b, " %s=%v", k, a)
			}
		}
		for _, in := range n.Inputs {
			if v := g.Values[in]; v != nil && v.Const != nil && v.Quant != nil {
				fmt.Fprintf(&b, " %s:%v%v", in, v.Quant.Type, v.Const.Shape)
			}
		}
		if q := g.Values[n.Outputs[0]].Quant; q != nil {
			fmt.Fprintf(&b, " %s", describe(*q))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What is lowered means, node by node as the ONNX standard has it, what the network computes: every value of codes is
// the same, but for ties that a sum of floats decides otherwise (and what comes of them).
func TestLoweredMeansTheSame(t *testing.T) {
	for _, cfg := range []ExportConfig{{Format: QDQ}, {Format: QOperator}, {Format: QDQ, Int4: true}} {
		elements, differ := 0, 0
		for seed := range uint64(40) {
			g := randomNetwork(seed, 6, limits{})
			g.Requant = quant.ONNX
			lowered, err := lower(g, cfg)
			if err != nil {
				t.Fatal(err)
			}
			x := randomInput(t, g, seed, 2)
			got := evalRaw(t, lowered, x)
			for name, ours := range evalOutputs(t, g, x) {
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
