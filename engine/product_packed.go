package engine

import (
	"math"
	"slices"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
)

// packedProduct is a product whose second operand is packed as weights are, in scratch memory, each time.
type packedProduct struct {
	*product
	stack   [][3]int     // where the matrices begin: both operands and the result
	operand gemm.Operand // each matrix of the second one
	stage   gemm.Stage   // for codes, without its bias
	blocks  int          // that the rows of a matrix are divided into
	height  int          // rows of a block
	tier    cpu.Tier
}

const (
	leastProducts      = 1 << 10 // of a matrix that are worth the packing
	leastPackedRows    = 4
	leastPackedColumns = 8       // for less, most of what is packed would be 0
	mostPacked         = 1 << 22 // elements of a matrix, whose packed form is scratch memory
	mostMatrices       = 1 << 16 // of a stack, of which there is a list
	productRows        = 64      // about so many are a block
)

// packed returns the kernel for a product where rows lie together. ok is false where they do not.
func (s *lowerer) packed(k *product) (p *packedProduct, ok bool) {
	size, matrices := int64(k.columns)*int64(k.depth), s.out.n/k.rows/k.columns
	if k.rows < leastPackedRows || k.columns < leastPackedColumns || int64(k.rows)*size < leastProducts ||
		size > mostPacked || matrices > mostMatrices ||
		k.steps[0][1] != 1 && k.depth > 1 || k.toStep[1] != 1 || k.toStep[0] < k.columns {
		return nil, false
	}
	p = &packedProduct{product: k, tier: s.tier}
	if s.table(24*int64(matrices)) != nil {
		return nil, false
	}
	if !s.dry {
		k.loops.each(func(at [3]int) { p.stack = append(p.stack, at) })
	}
	p.operand = gemm.Operand{N: k.columns, K: k.depth, StepN: k.steps[1][1], StepK: k.steps[1][0], Zero: 128}
	p.blocks = (k.rows + productRows - 1) / productRows
	p.height = ((k.rows+p.blocks-1)/p.blocks + 7) / 8 * 8
	p.blocks = (k.rows + p.height - 1) / p.height
	if k.stage == nil {
		return p, true
	}
	p.stage = gemm.Stage{Requant: k.stage, Flip: k.to.flip, InputZero: k.zero}
	if z := k.columnZeros[0]; gemm.AnyZero(s.tier) && z == int32(byte(z)) && !slices.ContainsFunc(k.columnZeros, func(v int32) bool { return v != z }) {
		p.operand.Zero = byte(z)
		return p, true
	}
	for j, z := range k.columnZeros {
		if z -= 128; z != 0 && p.stage.WeightZero == nil { // codes are packed less 128
			p.stage.WeightZero = make([]int32, k.columns)
		}
		if p.stage.WeightZero != nil {
			p.stage.WeightZero[j] = z
		}
	}
	return p, true
}

func (k *packedProduct) need() need {
	if k.product.stage == nil {
		return need{floats: k.operand.RealsRoom()}
	}
	return need{codes: k.operand.CodesRoom(), sums: k.columns}
}

// units are blocks of rows, of one matrix after the other.
func (k *packedProduct) units() (n, grain int) { return len(k.stack) * k.blocks, 1 }

func (k *packedProduct) part(s *state, w *scratch, lo, hi int) {
	for lo < hi {
		matrix, first := lo/k.blocks, lo%k.blocks
		last := min(first+hi-lo, k.blocks)
		row, end := first*k.height, min(last*k.height, k.rows)
		if k.product.stage == nil {
			k.reals(s, w, matrix, row, end)
		} else {
			k.codes(s, w, matrix, row, end)
		}
		lo += last - first
	}
}

// codes computes rows of a matrix of the stack.
func (k *packedProduct) codes(s *state, w *scratch, matrix, row, end int) {
	at, lda, ldd := k.stack[matrix], k.steps[0][0], k.toStep[0]
	x, dst := s.codesOf(k.operands[0])[at[0]:], s.codesOf(k.to)[at[2]:]
	weight, stage := k.packCodes(s, w.codes, w.sums, matrix)
	weight.Mul(dst[row*ldd:], ldd, x[row*lda:], lda, end-row, &stage)
}

// packCodes packs a matrix of the second operand into room, and returns it with its stage, whose biases are in sums.
func (k *packedProduct) packCodes(s *state, room []byte, sums []int32, matrix int) (gemm.Int8, gemm.Stage) {
	stage, bias := k.stage, sums[:k.columns]
	stage.Bias = bias
	if k.zero == 0 {
		clear(bias)
		sums = nil
	} else {
		sums = bias
	}
	weight := k.operand.PackCodes(room, s.codesOf(k.operands[1])[k.stack[matrix][1]:], sums, k.tier)
	for j := range sums {
		bias[j] *= -k.zero
	}
	return weight, stage
}

// reals is codes for reals.
func (k *packedProduct) reals(s *state, w *scratch, matrix, row, end int) {
	at, lda, ldd := k.stack[matrix], k.steps[0][0], k.toStep[0]
	x, dst := s.floatsOf(k.operands[0])[at[0]:], s.floatsOf(k.to)[at[2]:]
	weight := k.packReals(s, w.floats, matrix)
	inf := float32(math.Inf(1))
	weight.Mul(dst[row*ldd:], ldd, x[row*lda:], lda, end-row, nil, -inf, inf)
}

// packReals is packCodes for reals.
func (k *packedProduct) packReals(s *state, room []float32, matrix int) gemm.Float32 {
	return k.operand.PackReals(room, s.floatsOf(k.operands[1])[k.stack[matrix][1]:], k.tier)
}
