package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"linquant/engine"
	"linquant/onnx"
)

// Networks that reshape their input and then take elements as they lie give the numbers of ONNX Runtime
// (testdata/layout/make_layout.py), with values kept and not.
func TestLayouts(t *testing.T) {
	data, err := os.ReadFile("testdata/layout/layout.json")
	must(t, err)
	var cases map[string]struct{ X, Y []float32 }
	must(t, json.Unmarshal(data, &cases))
	for name, c := range cases {
		for _, keepAll := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,keep=%v", name, keepAll), func(t *testing.T) {
				f, err := onnx.Open(t.Context(), filepath.Join("testdata", "layout", name+".onnx"))
				must(t, err)
				defer f.Close()
				p := compile(t, f.Graph, engine.Config{KeepAll: keepAll})
				x := c.X
				if q := p.Inputs()[0].Quant; q != nil { // the file has codes
					x = make([]float32, len(c.X))
					for i, code := range c.X {
						x[i] = (code - float32(q.ZeroPointOf(0))) * q.Scale[0]
					}
				}
				y := make([]float32, len(c.Y))
				must(t, p.Run(context.Background(), [][]float32{y}, [][]float32{x}))
				for i, want := range c.Y {
					if d := math.Abs(float64(y[i] - want)); !(d <= 2e-6*max(1, math.Abs(float64(want)))) {
						t.Fatalf("element %d is %g, ONNX Runtime has %g", i, y[i], want)
					}
				}
			})
		}
	}
}
