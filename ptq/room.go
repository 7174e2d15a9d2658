package ptq

import (
	"runtime"

	"linquant/internal/linalg"
)

// collectAbove is from how many bytes on what layers leave is not left to the collector's own pace, which would let it pile up.
const collectAbove = 64 << 20

// room is memory that the layers of a network use one after the other, so that what one has left is not there beside what the next one
// needs.
type room struct {
	codes                         []byte
	inputs, outputs, gram, factor []float32
}

// grown returns n elements of *b, which becomes larger where it has fewer. They hold whatever was there before.
func grown[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		large := cap(*b) > 1<<20
		if *b = nil; large {
			runtime.GC()
		}
		*b = make([]T, n)
	}
	return (*b)[:n:n]
}

// square returns a matrix of k rows and columns.
func square(b *[]float32, k int) linalg.Matrix {
	return linalg.Matrix{Rows: k, Cols: k, Step: k, Data: grown(b, k*k)}
}

// need is what a layer takes while its codes are chosen, in bytes.
type need struct {
	codes, inputs, outputs, square int64   // as in room, where gram and factor are alike
	rest                           int64   // what is not used again
	work                           float64 // multiplications by weights or samples, about
}

// with returns what is there once both have been: the room of the larger, and the rest of the second.
func (n need) with(m need) need {
	return need{max(n.codes, m.codes), max(n.inputs, m.inputs), max(n.outputs, m.outputs), max(n.square, m.square), m.rest, m.work}
}

func (n need) bytes() int64 { return n.codes + n.inputs + n.outputs + 2*n.square + n.rest }

// needs returns what a layer takes, of so many examples; nothing where it is not sampled.
func (r Reconstruct) needs(w *LayerWeight, examples int) need {
	x, y := newSamplers(w, r.complete())
	if x == nil {
		return need{}
	}
	x.expect(examples)
	samples, k, outputs := int64(x.samples()), int64(x.depth), int64(y.channels/x.groups)
	n := need{outputs: 4 * int64(y.channels) * samples, square: 4 * k * k}
	if inputs := int64(x.groups) * k * samples; w.Input.Scale == 0 {
		n.inputs = 4 * inputs
	} else {
		n.codes = inputs
	}
	const matrices = 7 // of solver and group, [outputs, k]
	const panel = 128  // columns of a product at a time: packed, and as sums or reals
	n.rest = 4 * (matrices*outputs*k + 2*panel*(samples+k))
	products := int64(22) // with a matrix: some of them with a triangle, and as many as there are sweeps, most of the time
	if r.Quick {
		products = 4
	}
	n.work = float64(x.groups) * float64(k) * (float64(k*(samples/2+k/6)) + float64(outputs*(samples+products*k)))
	return n
}

// clone returns a copy of a square matrix, in the memory of b.
func (r *room) clone(h linalg.Matrix) linalg.Matrix {
	l := square(&r.factor, h.Rows)
	copy(l.Data, h.Data)
	return l
}
