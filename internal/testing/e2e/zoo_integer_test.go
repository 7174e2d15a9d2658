package e2e

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// calibrationImages are enough for generated images, which are all alike.
const calibrationImages = 64

// variants are the ways in which the networks are quantized.
var variants = []ptq.Config{{}, {ActSigned: true}, {PerTensor: true, ActSymmetric: true}}

func variantName(cfg ptq.Config) string {
	return fmt.Sprintf("signed=%v,tensor=%v,symmetric=%v", cfg.ActSigned, cfg.PerTensor, cfg.ActSymmetric)
}

// Every network in integers: the engine and the reference compute the same codes, the same with one and two threads and
// for every batch, the same after the network was exported and imported again; and the outputs stay close to the
// float network's.
func TestZooIntegers(t *testing.T) {
	forZoo(t, func(t *testing.T, f family) {
		n := loadZoo(t, f)
		images := 5
		x := n.images(t, 64)
		for i, cfg := range variants {
			if i > 0 && slow() {
				break
			}
			t.Run(variantName(cfg), func(t *testing.T) {
				q := n.quantize(t, calibrationImages, cfg)
				few := x[:len(x)/64*images]
				values := trace(t, compile(t, q, engine.Config{KeepAll: true}), few)
				sameAsReference(t, q, values, few)
				y := logits(t, compile(t, q, engine.Config{Threads: 1}), few, images)
				for batch := range images {
					if got := batched(t, compile(t, q, engine.Config{Threads: 2}), few, images, batch+1); !slices.Equal(got, y) {
						t.Errorf("2 threads, batches of %d: other outputs", batch+1)
					}
				}
				for _, format := range []onnx.Format{onnx.QDQ, onnx.QOperator} {
					back, err := onnx.Import(t.Context(), exported(t, q, onnx.ExportConfig{Format: format}), "back.onnx")
					must(t, err)
					compareShared(t, q, values, trace(t, compile(t, back, engine.Config{KeepAll: true}), few))
					sameFloats(t, y, logits(t, compile(t, back, engine.Config{}), few, images))
				}
				float := logits(t, compile(t, n.float, engine.Config{}), x, 64)
				db := sqnr(float, logits(t, compile(t, q, engine.Config{}), x, 64))
				if t.Logf("SQNR %.1f dB", db); cfg.PerTensor {
					return // published, not promised
				}
				if db < f.sqnr {
					t.Errorf("SQNR %.1f dB, at least %g expected", db, f.sqnr)
				}
			})
		}
	})
}

// sameAsReference compares every value with the reference evaluator's.
func sameAsReference(t *testing.T, g *graph.Graph, values map[string]tensor.Tensor, x []float32) {
	t.Helper()
	shape := slices.Clone(g.Values[g.Inputs[0]].Shape)
	shape[0] = 1
	one, err := shape.Elements()
	must(t, err)
	shape[0] = len(x) / one
	in, err := tensor.Of(shape, x)
	must(t, err)
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Outputs[0])
	}
	want, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{g.Inputs[0]: in}, names)
	must(t, err)
	for _, n := range g.Nodes {
		name := n.Outputs[0]
		if g.Values[name].Quant != nil && !equal(values[name], want[name]) {
			t.Errorf("%v: the engine and the reference differ", n)
			return
		}
	}
}

// sqnr is the power of the outputs, less their mean over the examples, which is no signal, over that of the error.
func sqnr(float, quantized []float32) float64 {
	var signal, noise float64
	for i, v := range float {
		d := float64(v) - float64(quantized[i])
		signal += float64(v) * float64(v)
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}
