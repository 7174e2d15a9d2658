package pipeline_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// classifier is a layer over images of two pixels, whose output tail continues; last says how the pixels lie.
func classifier(t testing.TB, last bool, tail ...graph.Op) *graph.Graph {
	t.Helper()
	g := graph.New("classifier")
	shape, columns := tensor.Shape{graph.Batch, 3, 2, 1}, [6]int{0, 1, 2, 3, 4, 5}
	if last {
		shape, columns = tensor.Shape{graph.Batch, 2, 1, 3}, [6]int{0, 2, 4, 1, 3, 5}
	}
	g.AddInput("x", shape)
	w := make([]float32, 4*6)
	for i := range 4 {
		for k, from := range columns {
			w[i*6+k] = float32(i-1)*0.3 + float32((i*5+from*3)%7)*0.25
		}
	}
	weight, err := tensor.Of(tensor.Shape{4, 6}, w)
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("w", weight)
	name := g.AddNode(graph.Flatten, "flatten", "flat", nil, "x")
	name = g.AddNode(graph.Gemm, "fc", "fc", graph.Attrs{"transB": 1}, name, "w")
	for _, op := range tail {
		var attrs graph.Attrs
		if op == graph.Softmax {
			attrs = graph.Attrs{"axis": 1}
		}
		name = g.AddNode(op, "", string(op), attrs, name)
	}
	g.Outputs = []string{name}
	pre := vision.Preprocess{
		Mean: []float32{0.5, 0.4, 0.3}, Std: []float32{0.2, 0.3, 0.4}, ChannelsLast: last, Labels: []string{"ant", "bee", "cat"},
	}
	if err := pre.Store(g); err != nil {
		t.Fatal(err)
	}
	return g
}

// What is no number is never the answer.
func TestTopOfNaN(t *testing.T) {
	m, err := pipeline.CompileGraph(t.Context(), classifier(t, false, graph.Sigmoid), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	var order []int
	for _, c := range m.Top([]float32{nan, 0.25, nan, 0.75}, 4) {
		order = append(order, c.Index)
	}
	if !slices.Equal(order, []int{3, 1, 0, 2}) {
		t.Errorf("the classes are %v", order)
	}
}

// probabilitiesOf computes the same by hand.
func probabilitiesOf(pixels []uint8) []float64 {
	p := make([]float64, 4)
	sum := 0.0
	for i := range p {
		for k, v := range pixels {
			c := k / 2
			x := (float64(v)/255 - []float64{0.5, 0.4, 0.3}[c]) / []float64{0.2, 0.3, 0.4}[c]
			p[i] += x * (float64(i-1)*0.3 + float64((i*5+k*3)%7)*0.25)
		}
		p[i] = math.Exp(p[i])
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Whether a network ends in a softmax or not, and whatever its layout, the classes and their probabilities are the same.
func TestClassify(t *testing.T) {
	pixels := []uint8{250, 3, 77, 128, 9, 200}
	want := probabilitiesOf(pixels)
	best := 0
	for i := range want {
		if want[i] > want[best] {
			best = i
		}
	}
	unsaid := classifier(t, true)
	pre, err := vision.Of(unsaid)
	pre.ChannelsLast = false
	if err := errors.Join(err, pre.Store(unsaid)); err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]*graph.Graph{
		"scores":        classifier(t, false),
		"probabilities": classifier(t, false, graph.Softmax),
		"renamed":       classifier(t, false, graph.Softmax, graph.Identity),
		"channels last": classifier(t, true),
		"guessed":       unsaid,
	} {
		t.Run(name, func(t *testing.T) {
			m, err := pipeline.CompileGraph(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			if c, h, w, err := m.ImageShape(); c != 3 || h != 2 || w != 1 || err != nil {
				t.Errorf("images of %d channels, %d×%d: %v", c, h, w, err)
			}
			classes, err := m.Classify(t.Context(), pixels, 99)
			if err != nil || len(classes) != 4 {
				t.Fatalf("%v, %v", classes, err)
			}
			for i, c := range classes {
				if math.Abs(float64(c.Probability)-want[c.Index]) > 1e-5 {
					t.Errorf("class %d has probability %v, want %v", c.Index, c.Probability, want[c.Index])
				}
				if c.Label != []string{"ant", "bee", "cat", ""}[c.Index] {
					t.Errorf("class %d is called %q", c.Index, c.Label)
				}
				if i > 0 && classes[i-1].Probability < c.Probability {
					t.Errorf("%v is not sorted", classes)
				}
			}
			one, err := m.Classify(t.Context(), pixels, 1)
			if err != nil || len(one) != 1 || one[0].Index != best {
				t.Errorf("best is %v, want %d: %v", one, best, err)
			}
		})
	}
}

// Memory for a batch that cannot be is an error and no panic.
func TestRoom(t *testing.T) {
	m, err := pipeline.LoadFile(t.Context(), pipeline.Builtin, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if y, err := m.Room(3); err != nil || len(y) != 1 || len(y[0]) != 30 {
		t.Errorf("%d outputs, %v", len(y), err)
	}
	beyond := int64(math.MaxInt32) + 1 // below 0 where an int has 32 bits
	for _, batch := range []int{-1, int(beyond), math.MaxInt} {
		if _, err := m.Room(batch); err == nil {
			t.Errorf("there is room for a batch of %d", batch)
		}
		if _, err := m.Benchmark(t.Context(), batch, 1, 0); err == nil {
			t.Errorf("a batch of %d is timed", batch)
		}
	}
}

// A network that takes raw pixels gives the same answers whether its channels are first or last.
func TestClassifyPixels(t *testing.T) {
	set := fakeSet{n: 4, shape: tensor.Shape{3, 2, 1}, read: func(i int, dst []float32) int {
		copy(dst, []float32{0, 255, 51, float32(40 * i), 3, 200})
		return 0
	}}
	var want []vision.Class
	for _, last := range []bool{false, true} {
		n, err := pipeline.NewNetwork(classifier(t, last))
		if err != nil {
			t.Fatal(err)
		}
		pre := n.Preprocess()
		pre.Labels = nil
		r, err := pipeline.Quantize(t.Context(), pipeline.Config{
			Network: n, Pixels: true, Preprocess: &pre, Calibration: pipeline.Calibration{Data: pipeline.Data{Set: set}},
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Compile(t.Context(), engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Classify(t.Context(), []uint8{250, 3, 77, 128, 9, 200}, 4)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		for i, c := range got { // calibration sums in another order
			if c.Index != want[i].Index || math.Abs(float64(c.Probability-want[i].Probability)) > 1e-5 {
				t.Errorf("channels last %v: %v, want %v", last, got, want)
			}
		}
	}
}

func TestClassifyErrors(t *testing.T) {
	m, err := pipeline.CompileGraph(t.Context(), classifier(t, false), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Classify(t.Context(), make([]uint8, 5), 1); err == nil || !strings.Contains(err.Error(), "5 pixels") {
		t.Errorf("5 pixels: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Classify(ctx, make([]uint8, 6), 1); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	g := classifier(t, false)
	g.Values["x"].Shape = tensor.Shape{graph.Batch, 6} // neither n² nor 3n²
	vector, err := pipeline.CompileGraph(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vector.Classify(t.Context(), make([]uint8, 6), 1); err == nil || !strings.Contains(err.Error(), `input "x" has the shape [6]`) {
		t.Errorf("a vector: %v", err)
	}
	g = classifier(t, false)
	g.Outputs = append(g.Outputs, "flat")
	two, err := pipeline.CompileGraph(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Classify(t.Context(), make([]uint8, 6), 1); err == nil || !strings.Contains(err.Error(), "2 outputs") {
		t.Errorf("two outputs: %v", err)
	}
}

// No graph is no network.
func TestNoGraph(t *testing.T) {
	for _, err := range []error{
		func() error { _, err := pipeline.NewNetwork(nil); return err }(),
		func() error { _, err := pipeline.CompileGraph(t.Context(), nil, engine.Config{}); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "there is no network") {
			t.Error(err)
		}
	}
}
