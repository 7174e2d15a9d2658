package eval

import (
	"context"
	"fmt"
	"iter"

	"linquant/dataset"
	"linquant/graph"
	"linquant/tensor"
)

// Inputs yields the examples of s as inputs of a network, batch at a time: pixels prepared as pre says, other values as
// they are. shape is that of the network's input without the batch: the set's own, the set's with its channels last
// where pre says so, or one dimension of as many elements, as a multi-layer perceptron has. The slices of a batch are
// those of the one before. Errors: a set of another shape, and those of the set.
func Inputs(ctx context.Context, s dataset.Set, pre graph.Preprocess, shape tensor.Shape, batch int) iter.Seq2[dataset.Batch, error] {
	return func(yield func(dataset.Batch, error) bool) {
		if err := checkShape(s, pre, shape); err != nil {
			yield(dataset.Batch{}, err)
			return
		}
		size, err := s.Shape().Elements()
		if err != nil {
			yield(dataset.Batch{}, err)
			return
		}
		var prepared []float32
		for b, err := range dataset.Each(ctx, s, batch) {
			if err != nil {
				yield(dataset.Batch{}, err)
				return
			}
			if s.Pixels() && len(s.Shape()) == 3 {
				if prepared == nil {
					prepared = make([]float32, len(b.X))
				}
				for i := range b.N {
					at := i * size
					if err := pre.Apply(prepared[at:at+size], b.X[at:at+size], s.Shape()); err != nil {
						yield(dataset.Batch{}, fmt.Errorf("%s: %w", s.Name(), err))
						return
					}
				}
				b.X = prepared[:b.N*size]
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// checkShape returns an error unless examples of s can be inputs of that shape.
func checkShape(s dataset.Set, pre graph.Preprocess, shape tensor.Shape) error {
	have := s.Shape()
	if s.Pixels() && pre.ChannelsLast && len(have) == 3 {
		have = tensor.Shape{have[1], have[2], have[0]}
	}
	if have.Equal(shape) {
		return nil
	}
	a, errA := have.Elements()
	b, errB := shape.Elements()
	if len(shape) == 1 && errA == nil && errB == nil && a == b {
		return nil
	}
	return fmt.Errorf("%s: its examples have the shape %v and the network's input has %v: use data of the network's kind and size", s.Name(), have, shape)
}
