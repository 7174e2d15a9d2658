package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/tensor"
)

// mathCase is a node of ../graph/testdata/math.json, whose results package graph is held to.
type mathCase struct {
	Name  string
	Op    graph.Op
	Attrs map[string]struct {
		I  *int
		F  *float32
		S  *string
		Is []int
		Fs []float32
	}
	Inputs []tensor.Shape
	Low    map[string]int
}

func mathCases(t *testing.T) []mathCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "graph", "testdata", "math.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []mathCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// build returns the case as a graph whose inputs have fixed shapes, and values for them in the case's range.
func (c mathCase) build(t *testing.T) (*graph.Graph, map[string]tensor.Tensor) {
	t.Helper()
	g, values, names, attrs := graph.New("math"), map[string]tensor.Tensor{}, []string{}, graph.Attrs{}
	for i, shape := range c.Inputs {
		low, ok := c.Low[fmt.Sprint(i)]
		if !ok {
			low = -128
		}
		name := fmt.Sprintf("x%d", i)
		n, _ := shape.Elements()
		x := make([]float32, n)
		for k := range x {
			x[k] = float32((k*37+i*11)%257+low) / 64
		}
		v, err := tensor.Of(shape, x)
		if err != nil {
			t.Fatal(err)
		}
		if names = append(names, name); i == 0 {
			g.AddInput(name, shape)
			values[name] = v
		} else {
			g.AddConst(name, v)
		}
	}
	for name, a := range c.Attrs {
		switch {
		case a.I != nil:
			attrs[name] = *a.I
		case a.F != nil:
			attrs[name] = *a.F
		case a.S != nil:
			attrs[name] = *a.S
		case a.Fs != nil:
			attrs[name] = a.Fs
		default:
			attrs[name] = a.Is
		}
	}
	g.Outputs = []string{g.AddNode(c.Op, "node", "y", attrs, names...)}
	return g, values
}

var opsets = []int{7, 9, 10, 11, 12, 13, 17, 18, 20, 21, 23, 24, 25}

// exported calls visit with the file for every opset that can say what the case does.
func (c mathCase) exported(t *testing.T, g *graph.Graph, visit func(opset int, file []byte)) {
	t.Helper()
	n := 0
	for _, opset := range opsets {
		var b bytes.Buffer
		err := Export(&b, g, ExportConfig{Opset: opset})
		if err != nil && (strings.Contains(err.Error(), " has no ") || strings.Contains(err.Error(), "does not do for")) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		visit(opset, b.Bytes())
	}
	if n < 2 { // two opsets have tf_half_pixel_for_nn, four Swish
		t.Errorf("%d opsets have it", n)
	}
}

// Exported in every opset that has the operator, or spelled as others, and imported again, a node computes the same.
func TestMathAcrossOpsets(t *testing.T) {
	for _, c := range mathCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			g, x := c.build(t)
			want, err := graph.Eval(t.Context(), g, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.exported(t, g, func(opset int, file []byte) {
				back, err := ImportConfig{Fixed: true}.Import(t.Context(), file, "back")
				if err != nil {
					t.Fatalf("opset %d: %v", opset, err)
				}
				folded, err := graph.Fold(t.Context(), back)
				if err != nil {
					t.Fatalf("opset %d: %v", opset, err)
				}
				if c.Op != graph.Swish && c.Op != graph.RMSNormalization && len(folded.Nodes) > 1 {
					t.Errorf("opset %d: %d nodes came back", opset, len(folded.Nodes))
				}
				for _, h := range []*graph.Graph{back, folded} {
					got, err := graph.Eval(t.Context(), h, x, nil)
					if err != nil {
						t.Fatalf("opset %d: %v", opset, err)
					}
					if err := alike(got["y"], want["y"]); err != nil {
						t.Fatalf("opset %d: %v", opset, err)
					}
				}
			})
		})
	}
}

// ONNX Runtime reads what is exported, and computes the same.
func TestMathInONNXRuntime(t *testing.T) {
	ort.Require(t)
	for _, c := range mathCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			g, x := c.build(t)
			want, err := graph.Eval(t.Context(), g, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.exported(t, g, func(opset int, file []byte) {
				if opset != 7 && opset != 11 && opset != 13 && opset != 18 && opset != 23 {
					return
				}
				path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.onnx", opset))
				if err := os.WriteFile(path, file, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := alike(ort.Run(t, path, x, nil, ort.Options{})["y"], want["y"]); err != nil {
					t.Errorf("opset %d: %v", opset, err)
				}
			})
		})
	}
}

// alike compares values up to the rounding of a few steps in float32.
func alike(got, want tensor.Tensor) error {
	a, err := got.Float32s()
	if err != nil {
		return err
	}
	b, _ := want.Float32s()
	if !got.Shape.Equal(want.Shape) && len(want.Shape) > 0 { // a scalar comes from ONNX Runtime as one element
		return fmt.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	for i := range b {
		x, y := float64(a[i]), float64(b[i])
		if d := math.Abs(x - y); !(d <= 1e-5+1e-5*math.Abs(y)) && x != y && !(x != x && y != y) {
			return fmt.Errorf("element %d is %g, want %g", i, x, y)
		}
	}
	return nil
}
