package ptq

import (
	"cmp"
	"encoding"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"linquant/calib"
	"linquant/graph"
	"linquant/internal/linalg"
)

// positions are places of a layer's output, chosen in every example.
type positions struct {
	of       int // places that an example's output has
	per      int // chosen in each example that is looked at
	most     int // in all examples, at most linalg.MostSamples
	looked   int // examples that are looked at, the first ones
	seed     uint64
	examples int // seen
	chosen   []int
	room     *room
}

// expect is told how many examples there will be.
func (p *positions) expect(examples int) {
	p.looked = min(examples, p.most)
	p.per = min((p.most+p.looked-1)/p.looked, p.of)
	if p.per*p.looked > linalg.MostSamples {
		p.per--
	}
}

// next chooses those of the next example, in rising order: the same for the same seed. There are none beyond those looked at.
func (p *positions) next() []int {
	if p.examples >= p.looked {
		p.examples++
		return nil
	}
	r := rand.New(rand.NewPCG(p.seed, uint64(p.examples)))
	p.examples++
	p.chosen = p.chosen[:0]
	if p.per == p.of {
		for i := range p.of {
			p.chosen = append(p.chosen, i)
		}
		return p.chosen
	}
	seen := make(map[int]bool, p.per) // Floyd's: each set of places is as probable
	for i := p.of - p.per; i < p.of; i++ {
		at := r.IntN(i + 1)
		if seen[at] {
			at = i
		}
		seen[at] = true
		p.chosen = append(p.chosen, at)
	}
	slices.Sort(p.chosen)
	return p.chosen
}

// inputSampler is an Observer that keeps what a layer reads for some places of its output: the codes, of an input that has
// any beforehand.
type inputSampler struct {
	unmerged
	positions
	input  Activation
	codes  []byte    // [groups·depth, samples]
	reals  []float32 // instead of codes
	groups int
	depth  int // inputs of one output of a group
	taps   taps
	whole  []byte
}

// outputSampler is an Observer that keeps a layer's output at some places.
type outputSampler struct {
	unmerged
	positions
	channels          int
	stepChannel, step int       // from one channel to the next, from one place to the next
	kept              []float32 // [channels, samples]
}

// unmerged is what an Observer lacks that is never sent to another machine.
type unmerged struct {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// EndBatch does nothing.
func (unmerged) EndBatch() {}

// Merge is an error.
func (unmerged) Merge(calib.Observer) error { return errors.New("samples of a layer are not merged") }

// taps says where an output's inputs lie in an example.
type taps struct {
	convolution bool
	window      graph.Window
	channels    int
	height      int
	width       int
	row         int // of a product: elements of a row of the input
}

// mostInputs of an output are sampled: there are three matrices of as many rows and columns, of 256 MiB each.
const mostInputs = 1 << 13

// mostSampleBytes bounds what is kept of a layer's input, and half of what is kept of its output.
const mostSampleBytes = 64 << 20

// newSamplers returns observers of a layer's input and output; nil for layers that are not sampled.
func newSamplers(w *LayerWeight, r Reconstruct) (*inputSampler, *outputSampler) {
	x := &inputSampler{input: w.Input, groups: 1}
	y := &outputSampler{channels: w.Shape[w.Axis]}
	of := 0
	switch {
	case w.Node.Op == graph.Conv && len(w.InputShape) == 4 && len(w.Shape) == 4:
		x.taps = taps{convolution: true, window: w.window, channels: w.InputShape[1], height: w.InputShape[2], width: w.InputShape[3]}
		x.groups, x.depth = w.window.Group, w.Shape[1]*w.Shape[2]*w.Shape[3]
		of = w.window.Out[0] * w.window.Out[1]
		y.stepChannel, y.step = of, 1
	case w.Node.Op != graph.Conv && len(w.Shape) == 2 && len(w.InputShape) >= 2 && w.Shape[1-w.Axis] > 0:
		x.depth = w.Shape[1-w.Axis]
		x.taps = taps{row: x.depth}
		of = perExample(w.InputShape) / x.depth
		y.stepChannel, y.step = 1, y.channels
	}
	if x.depth == 0 || x.depth > mostInputs || of == 0 {
		return nil, nil
	}
	size := 1
	if w.Input.Scale == 0 {
		size = 4
	}
	most := min(
		max(r.Samples, 2*x.depth), max(mostSampleBytes/(x.depth*x.groups*size), 64), max(2*mostSampleBytes/(4*y.channels), 64), linalg.MostSamples,
	)
	x.positions = positions{of: of, most: most, seed: r.Seed, room: cmp.Or(w.room, &room{})}
	y.positions = x.positions
	return x, y
}

// zero is the code of the input that stands for 0.
func (x *inputSampler) zero() int32 {
	lowest, _ := x.input.Type.Range()
	return x.input.ZeroPoint - lowest
}

// Observe keeps what the places of the next example read.
func (x *inputSampler) Observe(v []float32) error {
	chosen := x.next()
	if chosen == nil {
		return nil
	}
	n, at := x.samples(), (x.examples-1)*x.per
	if x.input.Scale == 0 {
		for i, e := range v {
			if e-e != 0 {
				return &calib.NotFiniteError{Example: x.examples - 1, Element: i, X: e}
			}
		}
		if x.reals == nil {
			x.reals = grown(&x.room.inputs, x.groups*x.depth*n)
		}
		gather(&x.taps, x.reals[at:], n, v, chosen, 0)
		return nil
	}
	x.whole = resize(x.whole, len(v))
	zero := float64(x.zero())
	inverse := 1 / float64(x.input.Scale)
	for i, e := range v { // e is scale·(code − zero point)
		x.whole[i] = byte(float64(float64(e)*inverse) + zero + 0.5)
	}
	if x.codes == nil {
		x.codes = grown(&x.room.codes, x.groups*x.depth*n)
	}
	gather(&x.taps, x.codes[at:], n, x.whole, chosen, byte(x.zero()))
	return nil
}

// gather fills the first columns of a matrix with rows of step elements, one for each input of an output and group, with what the
// chosen places read of an example.
func gather[T byte | float32](t *taps, to []T, step int, v []T, chosen []int, zero T) {
	if !t.convolution {
		for s, at := range chosen {
			for i, e := range v[at*t.row:][:t.row] {
				to[i*step+s] = e
			}
		}
		return
	}
	w := &t.window
	row := 0
	for c := range t.channels {
		picture := v[c*t.height*t.width:][:t.height*t.width]
		for ky := range w.Kernel[0] {
			for kx := range w.Kernel[1] {
				line := to[row*step:][:len(chosen)]
				for s, at := range chosen {
					y := at/w.Out[1]*w.Stride[0] + ky*w.Dilation[0] - w.Pad[0]
					x := at%w.Out[1]*w.Stride[1] + kx*w.Dilation[1] - w.Pad[1]
					if uint(y) < uint(t.height) && uint(x) < uint(t.width) {
						line[s] = picture[y*t.width+x]
					} else {
						line[s] = zero
					}
				}
				row++
			}
		}
	}
}

// samples is how many there are, once all examples are seen.
func (p *positions) samples() int { return p.looked * p.per }

// group returns the samples of a group, one row for each input of an output, as codes or as reals, and which inputs these
// are: those that vary least come first. It is called once for each group, whose samples it puts into that order.
func (x *inputSampler) group(g int) (codes []byte, reals linalg.Matrix, order []int) {
	n := x.samples()
	first, size := g*x.depth*n, x.depth*n
	variance := make([]float64, x.depth)
	order = make([]int, x.depth)
	for i := range order {
		order[i] = i
		variance[i] = x.variance(g*x.depth + i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case variance[a] < variance[b]:
			return -1
		case variance[a] > variance[b]:
			return 1
		}
		return 0
	})
	if x.reals != nil {
		reals = linalg.Matrix{Rows: x.depth, Cols: n, Step: n, Data: x.reals[first:][:size:size]}
		permute(reals.Data, n, order)
		return nil, reals, order
	}
	codes = x.codes[first:][:size:size]
	permute(codes, n, order)
	return codes, linalg.Matrix{}, order
}

// permute moves the rows of a matrix of n columns: row order[i] becomes row i.
func permute[T any](a []T, n int, order []int) {
	done, first := make([]bool, len(order)), make([]T, n)
	row := func(i int) []T { return a[i*n:][:n] }
	for start := range order {
		if done[start] {
			continue
		}
		copy(first, row(start))
		i := start
		for ; order[i] != start; i = order[i] {
			copy(row(i), row(order[i]))
			done[i] = true
		}
		copy(row(i), first)
		done[i] = true
	}
}

// variance returns that of an input, up to a factor.
func (x *inputSampler) variance(row int) float64 {
	n := x.samples()
	if x.reals != nil {
		sum, squares := 0.0, 0.0
		for _, v := range x.reals[row*n:][:n] {
			sum += float64(v)
			squares += float64(float64(v) * float64(v))
		}
		return squares - sum*sum/float64(n)
	}
	sum, squares := int64(0), int64(0)
	for _, c := range x.codes[row*n:][:n] {
		sum += int64(c)
		squares += int64(c) * int64(c)
	}
	return float64(int64(n)*squares - sum*sum)
}

// Observe keeps the output's places of the next example.
func (y *outputSampler) Observe(v []float32) error {
	chosen := y.next()
	if chosen == nil {
		return nil
	}
	n, first := y.samples(), (y.examples-1)*y.per
	if y.kept == nil {
		y.kept = grown(&y.room.outputs, y.channels*n)
	}
	for c := range y.channels {
		for s, at := range chosen {
			e := v[c*y.stepChannel+at*y.step]
			if e-e != 0 || math.IsNaN(float64(e)) {
				return &calib.NotFiniteError{Example: y.examples - 1, Element: c*y.stepChannel + at*y.step, X: e}
			}
			y.kept[c*n+first+s] = e
		}
	}
	return nil
}

// rows returns the samples of some channels, a row for each.
func (y *outputSampler) rows(first, count int) linalg.Matrix {
	n := y.samples()
	return linalg.Matrix{Rows: count, Cols: n, Step: n, Data: y.kept[first*n:][: count*n : count*n]}
}
