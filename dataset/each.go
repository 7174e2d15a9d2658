package dataset

import (
	"context"
	"fmt"
	"iter"

	"linquant/internal/ended"
)

// Batch is some examples that follow each other in a set.
type Batch struct {
	First  int         // the index of the first one
	N      int         // how many there are; the last batch may have fewer than the others
	X      []float32   // their values, one example after the other: N × the elements of Set.Shape
	Inputs [][]float32 // X for one input; of a set with several Arrays, each of them in a slice of its own, one example after the other
	Labels []int       // their labels, -1 where not known
}

// batchValues bounds the values of a batch, where one example has not more.
const batchValues = 1 << 23

// Each yields the examples of s in their order, batch at a time (at least 1), or fewer where they would have more than 8
// million values. The slices of a Batch are those of the
// batch before, filled anew: copy what is to stay. After an error, which names the set and the example, nothing more is
// yielded; when ctx is done, its cause is the error.
func Each(ctx context.Context, s Set, batch int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		n := s.Len()
		if n == 0 {
			return
		}
		size, err := s.Shape().Elements()
		var parts []int
		var inputs [][]float32
		if err == nil {
			parts, err = sizes(s)
		}
		if err != nil {
			yield(Batch{}, fmt.Errorf("%s: an example of shape %v: %w", s.Name(), s.Shape(), err))
			return
		}
		batch := min(max(batch, 1), n, max(batchValues/max(size, 1), 1))
		values := batch * size
		x, labels := make([]float32, values), make([]int, batch)
		for first := 0; first < n; first += batch {
			count := min(batch, n-first)
			for i := range count {
				if ctx.Err() != nil {
					yield(Batch{}, ended.Err(ctx))
					return
				}
				if labels[i], err = s.Read(ctx, first+i, x[i*size:(i+1)*size]); err != nil {
					yield(Batch{}, err)
					return
				}
			}
			inputs = Split(inputs, x[:count*size], parts)
			if !yield(Batch{First: first, N: count, X: x[:count*size], Inputs: inputs, Labels: labels[:count]}, nil) {
				return
			}
		}
	}
}
