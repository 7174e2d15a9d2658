package ptq_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// maskedAttention is a network of one head: scores, a scale, a mask in one of its spellings, and a Softmax.
func maskedAttention(t *testing.T, mask func(n *net, scores string) string) *graph.Graph {
	t.Helper()
	n := newNet(t, 4, 8)
	linear := func(name, x string) string {
		w := make([]float32, 64)
		for i := range w {
			w[i] = float32(math.Sin(float64(len(name)*31+int(name[0])+7*i))) / 2
		}
		return n.op(graph.MatMul, name, nil, x, n.constant(name+".w", tensor.Shape{8, 8}, w...))
	}
	q, k, v := linear("q", "x"), linear("k", "x"), linear("v", "x")
	scores := n.op(graph.MatMul, "scores", nil, q, n.op(graph.Transpose, "kt", graph.Attrs{"perm": []int{0, 2, 1}}, k))
	scores = n.op(graph.Mul, "scale", nil, scores, n.constant("root", tensor.Shape{1}, 0.35))
	p := n.op(graph.Softmax, "softmax", graph.Attrs{"axis": -1}, mask(n, scores))
	return n.done(linear("out", n.op(graph.MatMul, "mix", nil, p, v)))
}

// causal is a mask of that number for what comes later.
func causal(n *net, number float32) string {
	m := make([]float32, 16)
	for i := range 4 {
		for j := i + 1; j < 4; j++ {
			m[4*i+j] = number
		}
	}
	return n.constant("mask", tensor.Shape{1, 4, 4}, m...)
}

// Whatever stands for infinity in a mask, it sets no scale: the same values need ranges, and the same nodes are integers.
func TestMasksSetNoScale(t *testing.T) {
	inf := float32(math.Inf(-1))
	spellings := map[string]func(n *net, scores string) string{
		"none":        func(_ *net, scores string) string { return scores },
		"-1e4":        func(n *net, s string) string { return n.op(graph.Add, "masked", nil, s, causal(n, -1e4)) },
		"-1e9":        func(n *net, s string) string { return n.op(graph.Add, "masked", nil, s, causal(n, -1e9)) },
		"-inf":        func(n *net, s string) string { return n.op(graph.Add, "masked", nil, s, causal(n, inf)) },
		"least float": func(n *net, s string) string { return n.op(graph.Add, "masked", nil, causal(n, -math.MaxFloat32), s) },
		"minus 1e4":   func(n *net, s string) string { return n.op(graph.Sub, "masked", nil, s, causal(n, 1e4)) },
		"bounded": func(n *net, s string) string {
			s = n.op(graph.Add, "masked", nil, s, causal(n, -math.MaxFloat32))
			return n.op(graph.Max, "bound", nil, s, n.constant("least", tensor.Shape{1}, -math.MaxFloat32))
		},
	}
	var want []string
	for _, name := range slices.Sorted(maps.Keys(spellings)) {
		t.Run(name, func(t *testing.T) {
			g := maskedAttention(t, spellings[name])
			points, err := ptq.Points(g, ptq.Config{})
			if err != nil {
				t.Fatal(err)
			}
			var values []string
			for _, p := range points {
				values = append(values, p.Value)
			}
			if want == nil {
				want = values
			}
			if !slices.Equal(values, want) || slices.Contains(values, "masked.y") || slices.Contains(values, "scale.y") {
				t.Errorf("ranges of %v, want of %v", values, want)
			}
			_, report := quantizeNet(t, g, ptq.Config{})
			float := map[string]bool{}
			for _, i := range report.Float {
				float[i.Node] = true
			}
			for _, n := range g.Nodes {
				if stays := n.Name == "scale" || n.Name == "masked" || n.Name == "bound" || n.Name == "softmax"; float[n.Name] != stays {
					t.Errorf("%s stays float: %v, want %v", n.Name, float[n.Name], stays)
				}
			}
		})
	}
}

// A mask that integers read too sets no scale either: what combines with it stays float, and so does what reads it,
// up to a function that bounds it.
func TestMaskedValuesStayFloat(t *testing.T) {
	n := newNet(t, 3, 4, 4)
	y := n.conv("a", "x", 3, 3)
	m := n.op(graph.Add, "masked", nil, y, n.constant("mask", tensor.Shape{1, 3, 1, 1}, 0, -1e4, 0))
	r := n.op(graph.Relu, "relu", nil, m)
	b := n.op(graph.Clip, "clip", graph.Attrs{"min": float32(-4), "max": float32(4)}, m)
	g := n.done(n.op(graph.Add, "sum", nil, n.conv("c", b, 3, 3), n.conv("d", r, 3, 3)))
	_, report := quantizeNet(t, g, ptq.Config{})
	var float []string
	for _, i := range report.Float {
		float = append(float, i.Node)
	}
	if want := []string{"masked", "relu", "clip"}; !slices.Equal(float, want) {
		t.Errorf("in floating point %v, want %v", float, want)
	}
}

// Elements that only move between functions in floating point stay there; those behind a layer move as codes.
func TestUnreadCodes(t *testing.T) {
	n := newNet(t, 4, 4)
	flat := graph.Attrs{"axis": 1}
	y := n.gemm("fc", n.op(graph.Flatten, "in", flat, "x"), 16, 8)
	y = n.op(graph.Unsqueeze, "moved", graph.Attrs{"axes": []int{1}}, y)
	y = n.op(graph.Mul, "twice", nil, y, n.constant("two", tensor.Shape{1}, 2))
	y = n.op(graph.Relu, "relu", nil, n.op(graph.Squeeze, "back", graph.Attrs{"axes": []int{1}}, y))
	g := n.done(n.gemm("last", n.op(graph.Softmax, "softmax", nil, y), 8, 3))
	_, report := quantizeNet(t, g, ptq.Config{})
	var float []string
	for _, i := range report.Float {
		float = append(float, i.Node)
	}
	if want := []string{"twice", "back", "relu", "softmax"}; !slices.Equal(float, want) {
		t.Errorf("in floating point %v, want %v", float, want)
	}
}

// A picture that is padded with minus infinity before a pool, as some exporters write it, has the scale of its pixels.
func TestPadWithInfinity(t *testing.T) {
	for _, value := range []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1e9} {
		n := newNet(t, 3, 4, 4)
		y := n.op(graph.Pad, "pad", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}, "value": value}, n.conv("a", "x", 3, 3))
		y = n.op(graph.MaxPool, "pool", graph.Attrs{"kernel_shape": []int{3, 3}}, y)
		g := n.done(n.conv("b", y, 3, 3))
		points, err := ptq.Points(g, ptq.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(points, func(p calib.Point) bool { return p.Value == "pad.y" }) {
			t.Errorf("%g: the range of what is padded is asked for", value)
		}
		_, report := quantizeNet(t, g, ptq.Config{})
		var float []string
		for _, i := range report.Float {
			float = append(float, i.Node)
		}
		if want := []string{"pad", "pool"}; !slices.Equal(float, want) {
			t.Errorf("%g: in floating point %v, want %v", value, float, want)
		}
	}
}
