package engine

import (
	"math"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/gemm"
)

// attention is two products and the Softmax between them, which is all that reads the first. A block of rows goes through all of it while
// it is in the cache, with the bits of one step after the other, and the scores of all rows are nowhere.
type attention struct {
	scores, values *packedProduct
	softmax        *scoresSoftmax
	codes          *place                // what scores is, for codes; nil for reals
	weights        elementwise.Quantizer // of codes that values multiplies
	tier           cpu.Tier
}

// attentionRows are a block: their scores should stay in L1, and fill tiles of every kernel.
const attentionRows = 36

// attention lowers a product with the Softmax and the product that follow. It returns false, and has done nothing, where they do not.
func (s *lowerer) attention(scores *packedProduct) (bool, error) {
	k, value := &attention{scores: scores, tier: s.tier}, s.value
	if s.out.order.channels > 1 || scores.toStep[0] != scores.columns {
		return false, nil
	}
	ops := string(s.n.Op)
	from := s.out
	var boundaries []*graph.Node
	if from.quant != nil {
		dequantize := s.reader(value)
		if dequantize == nil || dequantize.Op != graph.DequantizeLinear {
			return false, nil
		}
		boundaries, value = append(boundaries, dequantize), dequantize.Outputs[0]
		k.codes, from = from, like(from, nil)
	}
	softmax, folded, err := s.softmaxBehind(from, value)
	if softmax == nil || err != nil {
		return false, err
	}
	k.softmax, value = softmax, folded[len(folded)-1].Outputs[0]
	for _, n := range folded {
		ops += "+" + string(n.Op)
	}
	next, weights := s.reader(value), softmax.to
	if next != nil && next.Op == graph.QuantizeLinear {
		boundaries, value = append(boundaries, next), next.Outputs[0]
		if weights, err = s.place(s.g.Values[value]); err != nil || weights.order.channels > 1 {
			return false, nil
		}
		k.weights, next = newQuantizer(weights.quant), s.reader(value)
	}
	if next == nil || next.Op != graph.MatMul || graph.IsDynamic(next) || next.Inputs[0] != value {
		return false, nil
	}
	second := s.places[next.Inputs[1]]
	if second == nil || second.input >= 0 || second.row() > 0 {
		return false, nil
	}
	last := &lowerer{compiler: s.compiler, n: next, value: next.Outputs[0], in: []*place{weights, second}}
	if last.out, err = s.place(s.g.Values[last.value]); err != nil || (last.out.quant == nil) != (weights.quant == nil) {
		return false, nil
	}
	values, err := last.newProduct()
	if err != nil {
		return false, err
	}
	ok := false
	if k.values, ok = last.packed(values); !ok || !k.fits() {
		if last.n.Outputs[0] != last.value { // a Transpose is no part of it
			delete(s.folded, s.consumers[last.n.Outputs[0]][0])
		}
		return false, nil
	}
	for _, n := range boundaries {
		s.folded[n] = true
	}
	s.foldIslands(folded)
	s.folded[next] = true
	if s.quantized && last.out.quant == nil {
		last.addIsland()
	}
	in := append(scores.computed(), k.values.operands[1])
	if softmax.mask != nil && !softmax.mask.isConst() {
		in = append(in, softmax.mask)
	}
	s.emit(s.n, k, step{
		Step: Step{Op: ops + "+" + string(next.Op) + last.fusedOps, MACs: scores.macs() + values.macs()},
		in:   in, out: []*place{last.out}, need: k.need(),
	})
	last.finish()
	return true, nil
}

// softmaxBehind returns the Softmax of the rows of a value, which lies where from does, with what scales and masks them, and the nodes of
// that, the Softmax last; nil where there is none.
func (s *lowerer) softmaxBehind(from *place, value string) (*scoresSoftmax, []*graph.Node, error) {
	next := s.reader(value)
	if next == nil {
		return nil, nil, nil
	}
	if next.Op == graph.Softmax {
		k := &scoresSoftmax{from: from, tier: s.tier}
		if ok, err := s.softmaxOf(k, next); !ok || err != nil {
			return nil, nil, err
		}
		return k, []*graph.Node{next}, nil
	}
	if next.Op != graph.Div && next.Op != graph.Mul && next.Op != graph.Add || s.g.Values[next.Outputs[0]].Quant != nil {
		return nil, nil, nil
	}
	l := &lowerer{compiler: s.compiler, n: next, value: next.Outputs[0]}
	for _, name := range next.Inputs {
		p := s.places[name] // nil for a constant
		if name == value {
			p = from
		} else if p == nil && s.g.Values[name].Const == nil || p != nil && (p.quant != nil || p.row() > 0) {
			return nil, nil, nil
		}
		l.in = append(l.in, p)
	}
	var err error
	if l.out, err = s.place(s.g.Values[l.value]); err != nil || !l.out.shape.Equal(from.shape) {
		return nil, nil, nil
	}
	p, err := l.pair()
	if err != nil {
		return nil, nil, nil // which the node says
	}
	k, folded, err := l.scoresOf(p)
	if k == nil || err != nil || k.from != from {
		return nil, nil, err
	}
	return k, append([]*graph.Node{next}, folded...), nil
}

// fits reports whether the second product reads the matrices that the first makes.
func (k *attention) fits() bool {
	a, b := k.scores, k.values
	if a.rows != b.rows || a.columns != b.depth || b.steps[0] != [2]int{a.columns, 1} || len(a.stack) != len(b.stack) {
		return false
	}
	for i := range a.stack {
		if a.stack[i][2] != b.stack[i][0] {
			return false
		}
	}
	return true
}

// rooms are how much scratch parts of it need, those of the scores last.
func (k *attention) rooms() (floats, codes [3]int) {
	block := min(attentionRows, k.scores.rows) * k.scores.columns
	for i, p := range []*packedProduct{k.scores, k.values} {
		if p.product.stage == nil {
			floats[i], floats[2] = p.operand.RealsRoom(), block
		} else {
			codes[i], codes[2] = p.operand.CodesRoom(), block
		}
	}
	floats[2] = max(floats[2], k.scores.columns)
	return floats, codes
}

func (k *attention) need() need {
	floats, codes := k.rooms()
	return need{
		floats: floats[0] + floats[1] + floats[2], codes: codes[0] + codes[1] + codes[2], sums: k.scores.columns + k.values.columns,
	}
}

// units are blocks of rows, of one matrix after the other.
func (k *attention) units() (n, grain int) { return k.scores.units() }

func (k *attention) part(s *state, w *scratch, lo, hi int) {
	p := k.scores
	for lo < hi {
		matrix, first := lo/p.blocks, lo%p.blocks
		last := min(first+hi-lo, p.blocks)
		k.rows(s, w, matrix, first*p.height, min(last*p.height, p.rows))
		lo += last - first
	}
}

// attentionOperand is a packed matrix of one of the products.
type attentionOperand struct {
	codes gemm.Int8
	stage gemm.Stage
	reals gemm.Float32
}

// rows computes rows of a matrix of the stack.
func (k *attention) rows(s *state, w *scratch, matrix, row, end int) {
	floats, codes := k.rooms()
	a, b, n := k.scores, k.values, k.scores.columns
	fromCodes, toCodes := a.product.stage != nil, b.product.stage != nil
	var keys, values attentionOperand
	keys.pack(a, s, w.codes[:codes[0]], w.floats[:floats[0]], w.sums[:n], matrix)
	values.pack(b, s, w.codes[codes[0]:], w.floats[floats[0]:], w.sums[n:], matrix)
	block, lines := w.floats[floats[0]+floats[1]:][:floats[2]], w.codes[codes[0]+codes[1]:][:codes[2]]
	pitch := n // between rows of reals
	if fromCodes && toCodes {
		pitch = 0
	}
	mask, inf := k.softmax.masks(s), float32(math.Inf(1))
	at, to := a.stack[matrix], b.stack[matrix][2]
	for lda, ldd := a.steps[0][0], b.toStep[0]; row < end; row += attentionRows {
		rows := min(attentionRows, end-row)
		if fromCodes {
			keys.codes.Mul(lines, n, s.codesOf(a.operands[0])[at[0]+row*lda:], lda, rows, &keys.stage)
		} else {
			keys.reals.Mul(block, n, s.floatsOf(a.operands[0])[at[0]+row*lda:], lda, rows, nil, -inf, inf)
		}
		for r := range rows {
			x := block[r*pitch:][:n]
			if fromCodes {
				elementwise.Dequantize(x, lines[r*n:][:n], k.codes.zero(), k.codes.quant.Scale[0], k.tier)
			}
			k.softmax.row(x, x, at[2]/n+row+r, mask)
			if toCodes {
				k.weights.Codes(lines[r*n:][:n], x, k.tier)
			}
		}
		if toCodes {
			values.codes.Mul(s.codesOf(b.to)[to+row*ldd:], ldd, lines, n, rows, &values.stage)
		} else {
			values.reals.Mul(s.floatsOf(b.to)[to+row*ldd:], ldd, block, n, rows, nil, -inf, inf)
		}
	}
}

func (o *attentionOperand) pack(p *packedProduct, s *state, codes []byte, floats []float32, sums []int32, matrix int) {
	if p.product.stage != nil {
		o.codes, o.stage = p.packCodes(s, codes, sums, matrix)
	} else {
		o.reals = p.packReals(s, floats, matrix)
	}
}
