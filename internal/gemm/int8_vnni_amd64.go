//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/kernel"
)

// chunkSteps is the number of steps of 4 k that tiles take before the next tile comes: so many of a panel, 32 KiB, stay
// in L1 while the rows pass.
const chunkSteps = 256

// vnniRows is the number of rows that a panel of weights is read for at once. For more than L2 holds, each time comes
// from L3.
const vnniRows = 128

// sums512 is a block of rows by a panel of weights for the kernels with 512 bits.
type sums512 struct {
	dst  []int32 // [rows, width], ldd apart
	ldd  int
	room []int32 // [rows, width], for sums of less than all k; may be dst
	a    []byte
	lda  int
	rows int
	from *int32 // [width], what the sums begin with

	tails []uint32 // of the rows, or none
}

// sumsOf512 is codeKernels.sums on AVX-512 VNNI.
func sumsOf512(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	width = w.own.width(j, w.N)
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = rowTails(kernel.NoEscape(&room)[:], a, lda, rows, w.K)
	}
	w.sum512(&sums512{acc, width, acc, a, lda, rows, &zeros.int32s[0], tails}, j, width)
	return width
}

// mulInt32Of512 is codeKernels.mulInt32 on AVX-512 VNNI.
func mulInt32Of512(w *Int8, dst []int32, ldd int, a []byte, lda, m int, bias []int32) bool {
	switch { // clearing room that is not needed takes longer than some products
	case w.K/4 <= chunkSteps && w.N%16 == 0:
		w.mulInt32With(dst, ldd, a, lda, m, bias, nil)
	case m <= 8:
		var room [8 * maxWidth]int32
		w.mulInt32With(dst, ldd, a, lda, m, bias, kernel.NoEscape(&room)[:])
	default:
		var room [vnniRows * maxWidth]int32
		w.mulInt32With(dst, ldd, a, lda, m, bias, kernel.NoEscape(&room)[:])
	}
	return true
}

// mulInt32With is mulInt32Of512 with room for the sums of m or vnniRows rows.
func (w *Int8) mulInt32With(dst []int32, ldd int, a []byte, lda, m int, bias, room []int32) {
	var tails []uint32
	if w.K%4 != 0 {
		var all [vnniRows]uint32
		tails = kernel.NoEscape(&all)[:]
	}
	for i := 0; i < m; i += vnniRows {
		s := sums512{room: room, a: a[i*lda:], lda: lda, rows: min(vnniRows, m-i)}
		s.tails = rowTails(tails, s.a, lda, s.rows, w.K)
		for j := 0; j < w.N; {
			width := w.own.width(j, w.N)
			n, out := min(width, w.N-j), dst[i*ldd+j:]
			s.dst, s.ldd, s.from = out, ldd, &zeros.int32s[0]
			if n < width { // there is no room for all channels of the panel
				s.dst, s.ldd = room, width
				w.sum512(&s, j, width)
				storeSums(out, ldd, room, width, s.rows, n, bias, j)
			} else {
				if bias != nil {
					s.from = &bias[j]
				}
				w.sum512(&s, j, width)
			}
			j += width
		}
	}
}

// rowTails returns the last k%4 bytes of each row, as a step of 4 bytes beyond the end of a row could leave the slice;
// none if there are none.
func rowTails(tails []uint32, a []byte, lda, rows, k int) []uint32 {
	rest := k % 4
	if rest == 0 {
		return nil
	}
	tails = tails[:rows]
	for r := range tails {
		tails[r] = 0
		for i, v := range a[r*lda+k-rest:][:rest] {
			tails[r] |= uint32(v) << (8 * i)
		}
	}
	return tails
}

// sum512 fills s.dst with the sums of the panel that begins at channel j.
func (w *Int8) sum512(s *sums512, j, width int) {
	all, t := w.K/4, &w.own.tiles.wide512
	if width == 16 {
		t = &w.own.tiles.narrow512
	}
	panel, from, ldfrom := w.panels[w.own.offset(j, w.K):], s.from, 0
	for first := 0; ; first += chunkSteps {
		steps, dst, ldd, tails := all-first, s.dst, s.ldd, s.tails
		last := steps <= chunkSteps
		if !last {
			steps, dst, ldd, tails = chunkSteps, s.room, width, nil
		}
		w, a := unsafe.SliceData(panel[first*4*width:]), s.a[first*4:]
		for r := 0; r < s.rows; {
			start, height, count := t.next(r, s.rows)
			if ldfrom > 0 && start < r { // what sums begin with is gone
				start, height, count = restTiles(r, s.rows, t.short)
			}
			var tail *uint32
			if tails != nil {
				tail = &tails[start]
			}
			begin := (*int32)(unsafe.Add(unsafe.Pointer(from), 4*start*ldfrom))
			t.of(height)(&dst[start*ldd], ldd, unsafe.SliceData(a[start*s.lda:]), s.lda, count, w, steps, tail, begin, ldfrom)
			r = start + height*count
		}
		if last {
			return
		}
		from, ldfrom = &s.room[0], width
	}
}

// restTiles is nextTiles without computing rows again, for less than a tall tile.
func restTiles(r, rows, short int) (start, height, count int) {
	if left := rows - r; left < short {
		return r, 1, left
	}
	return r, short, 1
}
