package eval

import (
	"context"

	"linquant/tensor"
)

// fakeSet is a set of vectors made by a function.
type fakeSet struct {
	n      int
	shape  tensor.Shape
	pixels bool
	read   func(i int, dst []float32) int
}

func (s fakeSet) Name() string        { return "fake test" }
func (s fakeSet) Len() int            { return s.n }
func (s fakeSet) Shape() tensor.Shape { return s.shape }
func (s fakeSet) Classes() []string   { return nil }
func (s fakeSet) Pixels() bool        { return s.pixels }
func (s fakeSet) Close() error        { return nil }
func (s fakeSet) Read(ctx context.Context, i int, dst []float32) (int, error) {
	return s.read(i, dst), nil
}

// identity is a network that answers with its input, one example of width numbers after the other.
type identity struct{ runs int }

func (f *identity) Run(_ context.Context, outputs, inputs [][]float32) error {
	f.runs++
	copy(outputs[0], inputs[0])
	return nil
}
