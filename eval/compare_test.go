package eval

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// tracer shows the input under a name, changed by a function.
type tracer struct {
	name   string
	change func(float32) float32
}

func (tr tracer) Trace(_ context.Context, inputs [][]float32, visit func(string, []float32) error) error {
	x := make([]float32, len(inputs[0]))
	for i, v := range inputs[0] {
		x[i] = tr.change(v)
	}
	return visit(tr.name, x)
}

func TestCompare(t *testing.T) {
	set := fakeSet{n: 2, shape: tensor.Shape{4}, read: func(i int, dst []float32) int {
		copy(dst, []float32{0.5, 1, 2, 4 * float32(i)})
		return 0
	}}
	g := graph.New("q")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	g.AddNode(graph.Relu, "r", "y", nil, "x")
	p := quant.TensorParams(quant.Uint(2), 1, 0) // codes 0 to 3, so that 3.5 is the largest real value
	g.Values["y"].Quant = &p
	ref := tracer{"y", func(v float32) float32 { return v }}
	other := tracer{"y", func(v float32) float32 { return v / 2 }}
	layers, err := Compare(context.Background(), ref, other, g, []string{"y"}, set, Config{})
	if err != nil {
		t.Fatal(err)
	}
	l := layers[0]
	// Half of everything is an error of half the signal, a quarter of its energy.
	if math.Abs(l.SQNR-10*math.Log10(4)) > 1e-9 || math.Abs(l.Cosine-1) > 1e-12 || l.MaxAbs != 2 || l.Clipped != 1.0/8 {
		t.Errorf("%+v", l)
	}
	if l.Name != "y" || l.Op != graph.Relu || l.Node != "r" {
		t.Errorf("%+v", l)
	}
	other.name = "z"
	if _, err := Compare(context.Background(), ref, other, g, []string{"y"}, set, Config{}); err == nil {
		t.Error("a value that only one network shows was compared")
	}
	failure := errors.New("the second network fails")
	if _, err := Compare(context.Background(), ref, failing{ref, failure}, g, []string{"y"}, set, Config{}); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
}

// failing shows what another shows, and then fails.
type failing struct {
	Tracer
	err error
}

func (f failing) Trace(ctx context.Context, inputs [][]float32, visit func(string, []float32) error) error {
	if err := f.Tracer.Trace(ctx, inputs, visit); err != nil {
		return err
	}
	return f.err
}

func TestPoints(t *testing.T) {
	build := func(quantized bool) *graph.Graph {
		g := graph.New("g")
		g.AddInput("x", tensor.Shape{graph.Batch, 4})
		g.AddNode(graph.Sigmoid, "", "a", nil, "x")
		g.AddNode(graph.Relu, "", "b", nil, "a")
		g.AddNode(graph.Add, "", "c", nil, "a2", "b")
		g.Outputs = []string{"c"}
		if quantized {
			p := quant.TensorParams(quant.Uint(8), 1, 0)
			for _, name := range []string{"a", "b", "c"} {
				g.Values[name].Quant = &p
			}
			g.AddNode(graph.DequantizeLinear, "", "only_here", nil, "c")
		}
		return g
	}
	if diff := cmp.Diff([]string{"b", "c"}, Points(build(false), build(true))); diff != "" {
		t.Errorf("a float against integers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, Points(build(false), build(false))); diff != "" {
		t.Errorf("two floats (-want +got):\n%s", diff)
	}
}
