package pipeline_test

import (
	"testing"

	"linquant/dataset"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// other is a fakeSet that says something else of itself.
type other struct {
	fakeSet
	name   string
	pixels bool
}

func (s other) Name() string { return s.name }
func (s other) Pixels() bool { return s.pixels }

func filled(v float32) func(int, []float32) int {
	return func(_ int, dst []float32) int {
		for i := range dst {
			dst[i] = v
		}
		return 0
	}
}

// Sets begin with the same example where the file, the shape and the numbers are the same.
func TestSameExamples(t *testing.T) {
	of := func(name string, n int, shape tensor.Shape, v float32) dataset.Set {
		return other{fakeSet{n, shape, filled(v)}, name, true}
	}
	a := of("a", 2, tensor.Shape{1, 2, 2}, 1)
	for what, c := range map[string]struct {
		b    dataset.Set
		want bool
	}{
		"the same":      {of("a", 3, tensor.Shape{1, 2, 2}, 1), true},
		"another file":  {of("b", 2, tensor.Shape{1, 2, 2}, 1), false},
		"another shape": {of("a", 2, tensor.Shape{2, 2, 1}, 1), false},
		"other numbers": {of("a", 2, tensor.Shape{1, 2, 2}, 2), false},
		"nothing":       {of("a", 0, tensor.Shape{1, 2, 2}, 1), false},
	} {
		if pipeline.SameExamples(t.Context(), a, c.b) != c.want || pipeline.SameExamples(t.Context(), c.b, a) != c.want {
			t.Errorf("%s: %v", what, !c.want)
		}
	}
}

// Numbers in the shape of pictures that are no pixels stay as they are.
func TestPrepareNoPixels(t *testing.T) {
	s, err := pipeline.Prepare(other{fakeSet{1, tensor.Shape{1, 2, 2}, filled(51)}, "features", false}, vision.Preprocess{}, tensor.Shape{1, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 4)
	if _, err := s.Read(t.Context(), 0, x); err != nil || x[3] != 51 {
		t.Errorf("%v, %v", x, err)
	}
}
