package eval

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/tensor"
)

func measure(t *testing.T, answers [][]float32, labels []int, cfg Config) (*Accuracy, error) {
	t.Helper()
	set := fakeSet{n: len(answers), shape: tensor.Shape{len(answers[0])}, read: func(i int, dst []float32) int {
		copy(dst, answers[i])
		return labels[i]
	}}
	return Measure(context.Background(), &identity{}, len(answers[0]), set, cfg)
}

func TestMeasure(t *testing.T) {
	answers := [][]float32{
		{9, 1, 2, 3, 4, 5, 6}, // first
		{9, 1, 2, 3, 4, 5, 6}, // 1 is the seventh
		{9, 1, 2, 3, 4, 5, 6}, // 3 is the fifth
		{9, 1, 2, 3, 4, 5, 6}, // 2 is the sixth
		{1, 1, 1, 1, 1, 1, 1}, // of equal answers the first counts
		{1, 1, 1, 1, 1, 1, 1}, // and 4 is the fifth
		{1, 1, 1, 1, 1, 1, 1}, // and 5 the sixth
		{-1, -2, float32(math.Inf(1)), 0, 0, 0, 0},
	}
	labels := []int{0, 1, 3, 2, 0, 4, 5, 2}
	for _, batch := range []int{0, 1, 3, 8, 100} {
		done := 0
		a, err := measure(t, answers, labels, Config{Batch: batch, Progress: func(d, total int) {
			if d <= done || total != len(answers) {
				t.Errorf("progress %d of %d after %d", d, total, done)
			}
			done = d
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := []bool{true, false, false, false, true, false, false, true}
		if a.N != 8 || a.Top1 != 3 || a.Top5 != 5 || done != 8 || !cmp.Equal(a.Right, want) {
			t.Errorf("batch %d: %+v, %d done", batch, a, done)
		}
		if diff := cmp.Diff([]int{0, 0, 0, 0, 0, 0, 0, 2}, a.Predicted); diff != "" {
			t.Errorf("batch %d: predicted (-want +got):\n%s", batch, diff)
		}
	}
}

func TestMeasureRefuses(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name    string
		answers [][]float32
		labels  []int
		want    string
	}{
		{"no label", [][]float32{{1, 2}, {1, 2}}, []int{0, -1}, "fake test, example 1: it has no label"},
		{"a label that is no class", [][]float32{{1, 2}}, []int{2}, "class 2, and the network knows 2 classes"},
		{"NaN", [][]float32{{1, nan}}, []int{0}, "example 0: the network's output for class 1 is not a number"},
	}
	for _, tt := range tests {
		if _, err := measure(t, tt.answers, tt.labels, Config{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	set := fakeSet{shape: tensor.Shape{3}}
	if _, err := Measure(context.Background(), &identity{}, 3, set, Config{}); err == nil {
		t.Error("an empty set has an accuracy")
	}
}
