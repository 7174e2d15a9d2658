package onnx_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
)

// foreign says of the networks of testdata/make_foreign.py which operators run in floating point, those that are not named run in
// integers alone; and of networks of reals that they are such.
var foreign = map[string]struct {
	islands []string
	reals   bool // near what ONNX Runtime computes, not equal to it
}{
	"blocks":              {reals: true},
	"by_hand":             {},
	"bytes_in":            {[]string{"Cast", "Div", "Conv", "Cast", "Sub", "Conv", "Mul", "Add"}, true},
	"cast_of_codes":       {},
	"constant_operands":   {reals: true},
	"dead_channel":        {},
	"dynamic_lstm":        {reals: true},
	"gather_blocks":       {islands: []string{"Gather", "Gather", "Gather", "Gather", "Gather", "Concat"}},
	"known_parameters":    {islands: []string{"Clip", "Pad", "Resize"}},
	"matmul_nbits":        {reals: true},
	"mixed_bits":          {},
	"moved_weights":       {},
	"narrow_activations":  {},
	"odd_activations":     {},
	"old_dynamic":         {reals: true},
	"positions":           {},
	"reshaped_conv":       {},
	"shared_dynamic":      {reals: true},
	"signs_of_scales":     {},
	"sixteen_bits":        {reals: true},
	"weight_through_clip": {},
}

// Quantized networks as other tools spell them compute what ONNX Runtime computes (testdata/make_foreign.py), in the evaluator and
// in the engine.
func TestForeign(t *testing.T) {
	paths, err := filepath.Glob("testdata/foreign/*.onnx")
	if err != nil || len(paths) != len(foreign) {
		t.Fatalf("%d models, %v, and %d are known", len(paths), err, len(foreign))
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) {
			want := foreign[name]
			f, err := onnx.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			in := readArrays(t, strings.TrimSuffix(path, ".onnx")+".npz")
			y := in["y"]
			delete(in, "y")
			out, err := graph.Eval(t.Context(), f.Graph, in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := foreignEqual(out["y"], y, want.reals); err != nil {
				t.Error("evaluator:", err)
			}
			g, err := graph.Fold(t.Context(), f.Graph)
			if err != nil {
				t.Fatal(err)
			}
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			var x [][]float32
			for _, io := range p.Inputs() {
				a := in[io.Name]
				v, err := a.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				x = append(x, v)
			}
			got := make([]float32, y.Elements())
			if err := p.Run(t.Context(), [][]float32{got}, x); err != nil {
				t.Fatal(err)
			}
			result, _ := tensor.Of(y.Shape, got)
			if err := foreignEqual(result, y, want.reals); err != nil {
				t.Error("engine:", err)
			}
			var islands []string
			for _, i := range p.Islands() {
				islands = append(islands, i.Op)
			}
			if !slices.Equal(islands, want.islands) {
				t.Errorf("islands %q, want %q", islands, want.islands)
			}
		})
	}
}

// foreignEqual returns an error unless results are equal, or for reals near each other.
func foreignEqual(got, want tensor.Tensor, reals bool) error {
	if !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	x, err := got.Float32s()
	if err != nil {
		return err
	}
	y, err := want.Float32s()
	if err != nil {
		return err
	}
	most := 0.0
	for _, v := range y {
		most = max(most, math.Abs(float64(v)))
	}
	for i := range y {
		if d := math.Abs(float64(x[i]) - float64(y[i])); !(d == 0 || reals && d <= 1e-5*most) {
			return fmt.Errorf("element %d is %g, want %g", i, x[i], y[i])
		}
	}
	return nil
}
