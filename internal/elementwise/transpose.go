package elementwise

import (
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Transposed says how rows are made of the columns of matrices: for each of Matrices, m,
//
//	dst[m·DstNext + c·DstStep + r] = src[m·SrcNext + r·SrcStep + c]
type Transposed struct {
	Rows, Columns    int // of src
	SrcStep, DstStep int // elements between rows

	Matrices         int // 0 is 1
	SrcNext, DstNext int // elements between matrices
}

func (t *Transposed) check(dst, src int) {
	fits := func(rows, row, step, size int) (matrix int, ok bool) {
		room := size - row
		ok = rows > 0 && row > 0 && step >= 0 && room >= 0 && (rows == 1 || step <= room/max(rows-1, 1))
		return (rows-1)*step + row, ok
	}
	from, ok := fits(t.Rows, t.Columns, t.SrcStep, src)
	to, also := fits(t.Columns, t.Rows, t.DstStep, dst)
	ok = ok && also && t.Matrices >= 0
	if ok && t.Matrices > 1 {
		_, ok = fits(t.Matrices, from, t.SrcNext, src)
		_, also = fits(t.Matrices, to, t.DstNext, dst)
	}
	if !ok || !also {
		panic(fmt.Sprintf("elementwise: %+v does not fit slices of %d and %d elements", *t, src, dst))
	}
}

// Transpose fills dst, which does not overlap src, with elements of either kind.
func Transpose[T byte | float32](dst, src []T, t *Transposed, tier cpu.Tier) {
	t.check(len(dst), len(src))
	k := kernelsOf(tier)
	switch dst := any(dst).(type) {
	case []byte:
		transpose(dst, any(src).([]byte), t, &k.transposeCodes)
	case []float32:
		transpose(dst, any(src).([]float32), t, &k.transposeReals)
	}
}

// transposer is what a tier transposes elements of one kind with.
type transposer[T any] struct {
	rows, columns int // of a block
	blocks        kernel.Func[func(dst, src *T, blocks, srcStep, dstStep int)]
	pair          int // the least elements that interleave takes
	interleave    kernel.Func[func(dst, a, b *T, n, count, dstNext, srcNext int)]
}

func transpose[T any](dst, src []T, t *Transposed, k *transposer[T]) {
	count := max(t.Matrices, 1)
	if t.Rows == 2 && t.DstStep == 2 && k.interleave.Has() && t.Columns >= k.pair {
		k.interleave.Get()(&dst[0], &src[0], &src[t.SrcStep], t.Columns, count, t.DstNext, t.SrcNext)
		return
	}
	for m := range count {
		transposeOne(dst[m*t.DstNext:], src[m*t.SrcNext:], t, k)
	}
}

func transposeOne[T any](dst, src []T, t *Transposed, k *transposer[T]) {
	down, n := spans(t.Rows, k.rows)
	across, m := spans(t.Columns, k.columns)
	if n == 0 || m == 0 {
		transposeSimply(dst, src, t)
		return
	}
	for _, rows := range down[:n] {
		for r := rows.first; r < rows.first+rows.count; r += k.rows {
			for _, columns := range across[:m] {
				c := columns.first
				k.blocks.Get()(&dst[c*t.DstStep+r], &src[r*t.SrcStep+c], columns.count/k.columns, t.SrcStep, t.DstStep)
			}
		}
	}
}

// transposeSimply goes through src in strips of rows, so that what it writes of a line of the cache is written together.
func transposeSimply[T any](dst, src []T, t *Transposed) {
	const strip = 16
	for first := 0; first < t.Rows; first += strip {
		rows := min(strip, t.Rows-first)
		for c := range t.Columns {
			out := dst[c*t.DstStep+first:][:rows]
			for r := range out {
				out[r] = src[(first+r)*t.SrcStep+c]
			}
		}
	}
}
