package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/engine"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

func array[T tensor.Element](t *testing.T, shape tensor.Shape, x []T) tensor.Tensor {
	t.Helper()
	a, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// An image of two pixels, as floats and as bytes in both orders, alone and several at once.
func TestArray(t *testing.T) {
	m, err := pipeline.CompileGraph(t.Context(), classifier(t, false), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	first, last := []uint8{255, 0, 51, 102, 0, 255}, []uint8{255, 51, 0, 0, 102, 255}
	want := make([]float32, 6) // (x/255 − mean) / std
	for i, v := range first {
		want[i] = (float32(v)/255 - []float32{0.5, 0.4, 0.3}[i/2]) / []float32{0.2, 0.3, 0.4}[i/2]
	}
	pixels := make([]float32, 6)
	if err := m.Pixels(pixels, first); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, pixels); diff != "" {
		t.Error(diff)
	}
	twice := append(want[:6:6], want...)
	for name, tt := range map[string]struct {
		a        tensor.Tensor
		want     []float32
		examples int
	}{
		"floats":            {array(t, tensor.Shape{3, 2, 1}, want), want, 1},
		"floats, several":   {array(t, tensor.Shape{2, 3, 2, 1}, twice), twice, 2},
		"float64":           {array(t, tensor.Shape{3, 2, 1}, []float64{1, 2, 3, 4, 5, 6}), []float32{1, 2, 3, 4, 5, 6}, 1},
		"int8":              {array(t, tensor.Shape{3, 2, 1}, []int8{1, 2, 3, 4, 5, -6}), []float32{1, 2, 3, 4, 5, -6}, 1},
		"pixels":            {array(t, tensor.Shape{3, 2, 1}, first), want, 1},
		"pixels last":       {array(t, tensor.Shape{2, 1, 3}, last), want, 1},
		"pixels, several":   {array(t, tensor.Shape{2, 3, 2, 1}, append(first[:6:6], first...)), twice, 2},
		"last, several":     {array(t, tensor.Shape{2, 2, 1, 3}, append(last[:6:6], last...)), twice, 2},
		"floats last":       {array(t, tensor.Shape{2, 1, 3}, want), nil, 0},
		"no examples":       {array(t, tensor.Shape{0, 3, 2, 1}, []float32{}), nil, 0},
		"flat":              {array(t, tensor.Shape{6}, first), nil, 0},
		"more dimensions":   {array(t, tensor.Shape{1, 1, 3, 2, 1}, first), nil, 0},
		"other number":      {array(t, tensor.Shape{1, 2, 1}, first[:2]), nil, 0},
		"pixels of a batch": {array(t, tensor.Shape{1, 2, 1, 3}, last), want, 1},
	} {
		x, examples, err := m.Array(0, tt.a)
		if tt.want == nil {
			contains(t, err, "wants [3, 2, 1]")
			continue
		}
		if diff := cmp.Diff(tt.want, x); diff != "" || examples != tt.examples || err != nil {
			t.Errorf("%s: %d examples, %v: %s", name, examples, err, diff)
		}
	}
}

// Codes are given as codes, and other numbers as what they stand for.
func TestArrayOfCodes(t *testing.T) {
	g := graph.New("codes")
	g.AddInput("x", tensor.Shape{graph.Batch, 3})
	p := quant.TensorParams(quant.Uint(8), 0.5, 10)
	g.Values["x"].DType, g.Values["x"].Quant = tensor.Uint8, &p
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "reals", "y", nil, "x")}
	n, err := pipeline.NewNetwork(g)
	if err != nil || n.TakesPixels() {
		t.Errorf("codes are taken for pixels, which nothing says: %v", err)
	}
	m, err := pipeline.CompileGraph(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{-5, 0, 2}
	for _, a := range []tensor.Tensor{array(t, tensor.Shape{3}, []uint8{0, 10, 14}), array(t, tensor.Shape{3}, want)} {
		if x, n, err := m.Array(0, a); n != 1 || err != nil || !cmp.Equal(x, want) {
			t.Errorf("%v of %v, %v", x, a.DType, err)
		}
	}
}

// What the model says about images is what reads them.
func TestImageConfig(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.SetPreprocess(vision.Preprocess{Resize: 40}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Compile(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := m.ImageConfig()
	if err != nil || cfg.Channels != 3 || cfg.Height != 32 || cfg.Width != 32 || cfg.Resize != 40 {
		t.Errorf("%+v, %v", cfg, err)
	}
}
