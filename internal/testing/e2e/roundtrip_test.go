package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// A network that was exported and imported again computes the same bits: outputs, and every value that both have. A
// file may leave out only the value before or after a Relu or Clip.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"builtin", "resnet20", "vgg"} {
		if name != "builtin" && slow() {
			continue
		}
		for _, cfg := range []ptq.Config{{}, {WeightBits: 4}, {WeightBits: 4, ActBits: 4}} {
			if name == "vgg" && cfg.ActBits != 0 {
				continue // the others say as much, in less time
			}
			t.Run(fmt.Sprintf("%s,weights=%d,activations=%d", name, cfg.WeightBits, cfg.ActBits), func(t *testing.T) {
				n := load(t, name)
				images := 2
				x := n.images(t, images)
				for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
					cfg.Requant = c
					q := n.quantize(t, n.calibration(), cfg)
					ours := compile(t, q, engine.Config{})
					values := trace(t, compile(t, q, engine.Config{KeepAll: true}), x)
					for _, format := range []onnx.Format{onnx.QDQ, onnx.QOperator} {
						for _, int4 := range []bool{false, true} {
							if int4 && (cfg.WeightBits != 4 || format == onnx.QOperator) {
								continue // QOperator has no types of 4 bits
							}
							t.Run(fmt.Sprintf("%v,%v,int4=%v", c, format, int4), func(t *testing.T) {
								data := exported(t, q, onnx.ExportConfig{Format: format, Int4: int4})
								back, err := onnx.Import(t.Context(), data, "back.onnx")
								must(t, err)
								if back.Requant != c {
									t.Errorf("the convention is %v", back.Requant)
								}
								compareShared(t, q, values, trace(t, compile(t, back, engine.Config{KeepAll: true}), x))
								sameFloats(t, logits(t, ours, x, images), logits(t, compile(t, back, engine.Config{}), x, images))
							})
						}
					}
				}
			})
		}
	}
}

func exported(t testing.TB, g *graph.Graph, cfg onnx.ExportConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, onnx.Export(&b, g, cfg))
	return b.Bytes()
}

// compareShared compares the values that both have, and says which of ours must not be missing: a Relu or Clip that the
// bounds of the layer before it imply is dropped, and the value before it stands for the one after it.
func compareShared(t *testing.T, g *graph.Graph, ours, theirs map[string]tensor.Tensor) {
	t.Helper()
	clamps := map[string]string{} // what a Relu or Clip reads: what it makes
	for _, n := range g.Nodes {
		if n.Op == graph.Relu || n.Op == graph.Clip {
			clamps[n.Inputs[0]] = n.Outputs[0]
		}
	}
	left := map[string]bool{} // values whose codes are in the file, under one name or the other
	for _, n := range g.Nodes {
		name := n.Outputs[0]
		after := clamps[name]
		switch _, both := theirs[after]; {
		case theirs[name].Shape == nil:
			if after == "" && !left[name] {
				t.Errorf("%v: %q is missing", n, name)
			}
			continue
		case after != "" && !both:
			left[after] = true
			if !equal(ours[after], theirs[name]) {
				t.Errorf("%v: %q is not what ours is after the clamp", n, name)
			}
		case !equal(ours[name], theirs[name]):
			t.Errorf("%v: %q differs", n, name)
		}
	}
	t.Logf("%d values, %d in the file", len(ours), len(theirs))
}

func equal(a, b tensor.Tensor) bool {
	return a.DType == b.DType && a.Shape.Equal(b.Shape) && bytes.Equal(a.Data, b.Data)
}

func sameFloats(t *testing.T, a, b []float32) {
	t.Helper()
	if !slices.Equal(a, b) {
		t.Errorf("outputs differ: %v and %v", a[:min(10, len(a))], b[:min(10, len(b))])
	}
}
