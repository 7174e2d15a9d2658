package engine

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

// Attention divides its scores by a number, adds a mask to them, and takes a Softmax of each row. They are one step, which does all of it
// to a row while that is in the cache, with the bits of one after the other.
type scoresSoftmax struct {
	from, to *place
	length   int                                       // of a row
	number   []float32                                 // in a row, nil for none
	scale    func(dst, a, b []float32, lo, hi float32) // by the number
	mask     *place                                    // nil for none
	at       []int32                                   // where the mask of each row begins
	tier     cpu.Tier
}

// scores lowers a Div or Mul by a number, or an Add of a mask, of which p are the operands, with the Softmax that alone reads it, and the
// Add between them. It returns false, and has done nothing, where no such thing follows.
func (s *lowerer) scores(p *pair) (bool, error) {
	k, folded, err := s.scoresOf(p)
	if k == nil || err != nil {
		return false, err
	}
	ops := string(s.n.Op)
	for _, n := range folded {
		ops += "+" + string(n.Op)
	}
	s.foldIslands(folded)
	softmax := folded[len(folded)-1]
	s.out, s.value = k.to, softmax.Outputs[0]
	in := []*place{k.from}
	if k.mask != nil && !k.mask.isConst() {
		in = append(in, k.mask)
	}
	s.emit(s.n, k, step{Step: Step{Op: ops}, in: in, out: []*place{k.to}, inPlace: k.mask == nil})
	s.finish()
	return true, nil
}

// foldIslands notes that nodes are a part of this one, in floating point.
func (s *lowerer) foldIslands(nodes []*graph.Node) {
	for _, n := range nodes {
		s.folded[n] = true
		if s.quantized {
			(&lowerer{compiler: s.compiler, n: n}).addIsland()
		}
	}
}

// scoresOf returns what scores lowers, and the nodes behind this one that are a part of it, the Softmax last; nil where there is no such
// thing.
func (s *lowerer) scoresOf(p *pair) (*scoresSoftmax, []*graph.Node, error) {
	k := &scoresSoftmax{tier: s.tier}
	var folded []*graph.Node
	value := s.value
	x, number := p.operands[0], p.operands[1]
	if s.n.Op == graph.Mul && x.isConst() {
		x, number = number, x
	}
	k.from = x
	switch s.n.Op {
	case graph.Div, graph.Mul:
		if !number.isConst() || number.n != 1 {
			return nil, nil, nil
		}
		if add := s.reader(value); add != nil && add.Op == graph.Add {
			mask := add.Inputs[0]
			if mask == value {
				mask = add.Inputs[1]
			}
			if k.mask = s.places[mask]; k.mask == nil || k.mask.row() > 0 {
				return nil, nil, nil
			}
			folded, value = append(folded, add), add.Outputs[0]
		}
	case graph.Add:
		k.mask = number
		if k.mask.n > k.from.n {
			k.from, k.mask = k.mask, k.from
		}
	default:
		return nil, nil, nil
	}
	softmax := s.reader(value)
	if softmax == nil || softmax.Op != graph.Softmax || k.from.isConst() || !s.rowMajor(k.from) {
		return nil, nil, nil
	}
	if ok, err := s.softmaxOf(k, softmax); !ok || err != nil {
		return nil, nil, err
	}
	if k.mask != nil {
		if ok, err := s.maskRows(k, k.to); !ok || err != nil {
			return nil, nil, err
		}
	}
	if s.n.Op != graph.Add {
		k.scale = s.onSlices(nil)
		s.weights += 4 * int64(min(k.length, numberRow))
		if !s.dry {
			k.number = slices.Repeat(number.floats[:1], min(k.length, numberRow))
		}
	}
	return k, append(folded, softmax), nil
}

// softmaxOf makes k the Softmax of its rows. ok is false where the rows that the node normalizes are others.
func (s *lowerer) softmaxOf(k *scoresSoftmax, softmax *graph.Node) (ok bool, err error) {
	k.to, err = s.place(s.g.Values[softmax.Outputs[0]])
	if err != nil {
		return false, nil // which the Softmax says
	}
	rank := len(k.to.shape)
	if rank == 0 || k.to.quant != nil || !s.rowMajor(k.to) || !k.to.shape.Equal(k.from.shape) || graph.AxisOf(softmax, 1+rank) != rank {
		return false, nil
	}
	k.length = k.to.shape[rank-1]
	return true, nil
}

// reader returns the node that alone reads a value, if no one else sees it.
func (s *lowerer) reader(value string) *graph.Node {
	if !s.hidden(value) {
		return nil
	}
	return s.consumers[value][0]
}

// rowMajor reports whether reals lie as they are counted.
func (s *lowerer) rowMajor(p *place) bool {
	return p.quant == nil && p.steps == nil && p.order.channels == 1
}

// maskRows finds out where the mask of each row begins. ok is false where a row's mask is no row.
func (s *lowerer) maskRows(k *scoresSoftmax, to *place) (ok bool, err error) {
	m, rank := k.mask, len(to.shape)
	if !s.rowMajor(m) || len(m.shape) == 0 || len(m.shape) > rank || m.shape[len(m.shape)-1] != k.length {
		return false, nil
	}
	if err := s.table(4 * int64(to.n/k.length)); err != nil {
		return false, s.errorf("%w", err)
	}
	k.at = []int32{0}
	if s.dry {
		return true, nil
	}
	steps := broadcastSteps(m, rank)
	for d, n := range to.shape[:rank-1] {
		k.at = spread(k.at, n, steps[d])
	}
	return true, nil
}

func (k *scoresSoftmax) units() (n, grain int) {
	return k.to.n / k.length, max(elementGrain/k.length, 1)
}

func (k *scoresSoftmax) part(s *state, _ *scratch, lo, hi int) {
	src, dst, mask := s.floatsOf(k.from), s.floatsOf(k.to), k.masks(s)
	for r := lo; r < hi; r++ {
		k.row(dst[r*k.length:][:k.length], src[r*k.length:][:k.length], r, mask)
	}
}

// masks returns the elements of the mask, nil where there is none.
func (k *scoresSoftmax) masks(s *state) []float32 {
	if k.mask == nil {
		return nil
	}
	return s.floatsOf(k.mask)
}

// row does row r. y may be x.
func (k *scoresSoftmax) row(y, x []float32, r int, mask []float32) {
	inf := float32(math.Inf(1))
	if k.number != nil {
		for at := 0; at < len(y); at += len(k.number) {
			end := min(at+len(k.number), len(y))
			k.scale(y[at:end], x[at:end], k.number[:end-at], -inf, inf)
		}
		x = y
	}
	if mask != nil {
		elementwise.AddReals(y, x, mask[k.at[r]:][:k.length], -inf, inf, k.tier)
		x = y
	}
	elementwise.Softmax(y, x, k.tier)
}
