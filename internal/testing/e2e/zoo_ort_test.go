package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx"
)

// Every network's integers are ONNX Runtime's, layer by layer, and its answers too.
func TestZooInONNXRuntime(t *testing.T) {
	ort.Require(t)
	forZoo(t, func(t *testing.T, f family) {
		n := loadZoo(t, f)
		for _, cfg := range variants {
			if ort.Saturates() {
				cfg.WeightBits = 7 // pairs of products fit int16
			}
			q := n.quantize(t, calibrationImages, cfg)
			for _, format := range []onnx.Format{onnx.QOperator, onnx.QDQ} {
				t.Run(fmt.Sprintf("%s,%v", variantName(cfg), format), func(t *testing.T) {
					compareExport(t, n, q, format, batch)
				})
			}
		}
	})
}

// compareExport writes a quantized network and compares it in ONNX Runtime: its layers, and its answers where the
// layers are exact and there is no Softmax that ONNX Runtime optimizes (see comparison.judge).
func compareExport(t *testing.T, n *network, q *graph.Graph, format onnx.Format, images int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	write(t, path, q, onnx.ExportConfig{Format: format})
	softmax := slices.ContainsFunc(q.Nodes, func(n *graph.Node) bool { return n.Op == graph.Softmax })
	for _, c := range compareLayers(t, n, path, format == onnx.QDQ, images) {
		c.judge(t)
		if 1000*c.differ > c.others {
			t.Errorf("%d of %d integers of layers without weights are a step apart", c.differ, c.others)
		}
		if c.exact && !(softmax && c.optimized) {
			compareAnswers(t, n, q, path, images, c.optimized)
		}
	}
}

// comparison is what the layers of a network came to in one run.
type comparison struct {
	layers    []ort.Layer
	optimized bool
	exact     bool            // all layers with weights ran in integers
	softmax   map[string]bool // values that are the quantized output of a Softmax

	integers, others, differ, averages, steps int // elements
}

// compareLayers compares every layer of a quantized network in ONNX Runtime, without its optimizations and with them.
// The layers of a QDQ file run in integers there only where optimizations have fused them, so that it is run with them
// alone, and if some are not fused none is expected to be exact.
func compareLayers(t *testing.T, n *network, path string, qdq bool, images int) []*comparison {
	t.Helper()
	file, err := onnx.Open(t.Context(), path)
	must(t, err)
	defer file.Close()
	softmax := map[string]bool{}
	producers := file.Graph.Producers()
	for _, node := range file.Graph.Nodes {
		p := producers[node.Inputs[0]]
		softmax[node.Outputs[0]] = node.Op == graph.QuantizeLinear && p != nil && p.Op == graph.Softmax
	}
	var list []*comparison
	for _, optimized := range []bool{false, true} {
		if qdq && !optimized {
			continue
		}
		layers, operators := compareWithORT(t, n, file, images, optimized)
		c := &comparison{layers: layers, optimized: optimized, softmax: softmax}
		fused := operators["QLinearConv"] + operators["QLinearMatMul"] + operators["QGemm"]
		if c.exact = fused >= weighted(file.Graph); !c.exact {
			if t.Logf("ONNX Runtime runs %d of %d layers in integers", fused, weighted(file.Graph)); !qdq {
				t.Error("a QOperator file has all of them")
			}
			for i := range layers {
				layers[i].Exact = false
			}
		}
		list = append(list, c)
	}
	return list
}

// weighted counts the layers with weights that run in integers.
func weighted(g *graph.Graph) int {
	layers := 0
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.Conv, graph.Gemm, graph.MatMul:
			if g.Values[n.Outputs[0]].Quant != nil {
				layers++
			}
		}
	}
	return layers
}

// judge checks the layers: those with weights are equal, and in the others a code is at most one step away, and then
// within 1e-4 of a tie. Optimizations of ONNX Runtime make a Softmax between codes one operator, which adds up
// exponentials as integers: its codes are a step off wherever they fall. How many codes differ in all other layers is
// counted for the caller, less those of averages (see ort.Layer.Check), and not layer by layer, since some here have
// fewer than a thousand elements.
func (c *comparison) judge(t *testing.T) {
	t.Helper()
	for _, l := range c.layers {
		one := l
		one.Differ = min(l.Differ, 1) // how many is not judged here
		loose := c.softmax[l.Value] && c.optimized
		if err := one.Check(); err != nil && (!loose || l.Steps > 1) {
			t.Errorf("%v (%d elements)", err, l.Differ)
		}
		switch {
		case l.Exact:
			c.integers += l.Elements
		case l.Op == graph.AveragePool || l.Op == graph.GlobalAveragePool:
			c.averages += l.Differ
		case loose:
			c.steps += l.Differ
		default:
			c.others += l.Elements
			c.differ += l.Differ
		}
	}
	if c.others == 0 || c.exact && c.integers == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d integers of layers with weights equal; of %d others %d a step apart, and %d of averages, %d of Softmax",
		c.integers, c.others, c.differ, c.averages, c.steps)
}
