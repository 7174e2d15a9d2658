package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
)

// FuzzEngine runs every small network that is imported in the engine: codes that are computed in integers are exactly
// those of the reference evaluator, and no network panics.
func FuzzEngine(f *testing.F) {
	onnx.Seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := onnx.Import(t.Context(), data, "net.onnx")
		if err != nil {
			return
		}
		if !g.Quantized() {
			if g, err = graph.Fold(t.Context(), g); err != nil {
				return
			}
		}
		inputs, ok := onnx.SmallInputs(g, 1<<14)
		if !ok {
			return
		}
		var names []string
		for _, n := range g.Nodes {
			names = append(names, n.Outputs...)
		}
		want, wrong := graph.Eval(t.Context(), g, inputs, names)
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, KeepAll: true})
		if err != nil || wrong != nil {
			return // such as an accumulator that leaves int32, which the engine refuses for any input
		}
		reals := make([][]float32, len(g.Inputs))
		for i, name := range g.Inputs {
			if reals[i], err = realsOf(g.Values[name], inputs[name]); err != nil {
				return
			}
		}
		integers, seen := exact(g, p), map[string]int{}
		err = p.TraceTensors(t.Context(), reals, func(name string, got tensor.Tensor) error {
			example := seen[name]
			seen[name]++
			if !integers[name] {
				return nil
			}
			all, size := want[name], len(got.Data)
			if len(all.Data) == size { // which does not depend on the example
				example = 0
			}
			if !bytes.Equal(got.Data, all.Data[example*size:(example+1)*size]) {
				t.Errorf("%q, example %d: the engine has %v, the evaluator %v", name, example, got.Data, all.Data)
			}
			return nil
		})
		var numbers *engine.NumberError // integers that the evaluator refuses too, where outputs need them
		if err != nil && !errors.As(err, &numbers) {
			t.Errorf("the engine refuses what it compiled: %v", err)
		}
	})
}

// exact returns the codes that are computed in integers from the inputs on: what floating point computes is rounded at
// other places.
func exact(g *graph.Graph, p *engine.Program) map[string]bool {
	island := map[string]bool{}
	for _, i := range p.Islands() {
		island[i.Node] = true
	}
	integers := map[string]bool{}
	for _, n := range g.Nodes {
		out := n.Outputs[0]
		codes := g.Values[out].Quant != nil && !island[n.Name] && !island[out]
		for _, in := range n.Inputs {
			v := g.Values[in]
			codes = codes && (in == "" || v.Const != nil || integers[in] || slices.Contains(g.Inputs, in))
		}
		integers[out] = codes
	}
	return integers
}

// realsOf returns an input as Run takes it.
func realsOf(v *graph.Value, t tensor.Tensor) ([]float32, error) {
	if v.Quant == nil {
		x := make([]float32, t.Elements())
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
		return x, nil
	}
	if len(v.Quant.Scale) != 1 {
		return nil, errors.New("an input with a scale for each channel")
	}
	x := make([]float32, len(t.Data))
	for i, b := range t.Data {
		code := int32(b)
		if t.DType == tensor.Int8 {
			code = int32(int8(b))
		}
		x[i] = float32(float64(code-v.Quant.ZeroPointOf(0)) * float64(v.Quant.Scale[0]))
	}
	return x, nil
}
