package vision_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// Probabilities, their logarithms and scores that a softmax makes them of are the same answer.
func TestTop(t *testing.T) {
	for op, want := range map[graph.Op]vision.Answers{
		graph.Relu: vision.Scores, graph.Softmax: vision.Probabilities, graph.Sigmoid: vision.Probabilities, graph.LogSoftmax: vision.Logarithms,
	} {
		g := graph.New("answers")
		g.AddInput("x", tensor.Shape{graph.Batch, 3})
		g.Outputs = []string{g.AddNode(graph.Identity, "", "z", nil, g.AddNode(op, "", "y", nil, "x"))}
		if got := vision.AnswersOf(g); got != want {
			t.Errorf("%v: %v, want %v", op, got, want)
		}
	}
	p := []float32{0.5, 0.125, 0.375}
	for answers, y := range map[vision.Answers]func(float64) float64{
		vision.Probabilities: func(p float64) float64 { return p },
		vision.Logarithms:    math.Log,
		vision.Scores:        func(p float64) float64 { return math.Log(p) + 7 },
	} {
		x := make([]float32, len(p))
		for i, v := range p {
			x[i] = float32(y(float64(v)))
		}
		got := answers.Top(x, 2, []string{"ant", "bee"})
		if len(got) != 2 || got[0].Index != 0 || got[0].Label != "ant" || got[1].Index != 2 || got[1].Label != "" ||
			math.Abs(float64(got[0].Probability)-0.5) > 1e-6 || math.Abs(float64(got[1].Probability)-0.375) > 1e-6 {
			t.Errorf("%v: %+v", answers, got)
		}
	}
}

func TestReadLabels(t *testing.T) {
	labels, err := vision.ReadLabels(strings.NewReader("\ufeffcat\r\nKäfer\n\n"))
	if diff := cmp.Diff([]string{"cat", "Käfer"}, labels); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	for text, want := range map[string]string{
		"": "it is empty", "\xff": "no UTF-8 text", strings.Repeat("a", 16<<20+1): "no list of labels",
	} {
		_, err := vision.ReadLabels(strings.NewReader(text))
		contains(t, err, want)
	}
}
