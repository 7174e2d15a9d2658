//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/cpu"
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

// mulVNNI is MulInt32 where there is VPDPBUSD, and false where it leaves the work to it.
func (w *Int8) mulVNNI(dst []int32, ldd int, a []byte, lda, m int, bias []int32) bool {
	switch { // clearing room that is not needed takes longer than some products
	case w.tier == cpu.AVXVNNI && w.N%16 == 0 && bias == nil:
		w.panels.mulInt32Short(dst, ldd, a, lda, m)
	case w.tier != cpu.AVX512VNNI:
		return false
	case w.K/4 <= chunkSteps && w.N%16 == 0:
		w.panels.mulInt32(dst, ldd, a, lda, m, bias, nil)
	case m <= 8:
		var room [8 * maxWidth]int32
		w.panels.mulInt32(dst, ldd, a, lda, m, bias, room[:])
	default:
		var room [vnniRows * maxWidth]int32
		w.panels.mulInt32(dst, ldd, a, lda, m, bias, room[:])
	}
	return true
}

// mulInt32 is mulVNNI with room for the sums of m or vnniRows rows.
func (p *int8Panels) mulInt32(dst []int32, ldd int, a []byte, lda, m int, bias, room []int32) {
	var tails [vnniRows]uint32
	var zeros [maxWidth]int32
	for i := 0; i < m; i += vnniRows {
		s := sums512{room: room, a: a[i*lda:], lda: lda, rows: min(vnniRows, m-i)}
		s.tails = rowTails(tails[:], s.a, lda, s.rows, p.k)
		for j := 0; j < p.n; {
			width := panelWidth(j, p.n, p.tier)
			n, out := min(width, p.n-j), dst[i*ldd+j:]
			s.dst, s.ldd, s.from = out, ldd, &zeros[0]
			if n < width { // there is no room for all channels of the panel
				s.dst, s.ldd = room, width
				p.sum512(&s, j, width)
				storeSums(out, ldd, room, width, s.rows, n, bias, j)
			} else {
				if bias != nil {
					s.from = &bias[j]
				}
				p.sum512(&s, j, width)
			}
			j += width
		}
	}
}

// mulInt32Short is mulInt32 with 256 bits, without bias, for whole panels.
func (p *int8Panels) mulInt32Short(dst []int32, ldd int, a []byte, lda, m int) {
	var room [blockRows]uint32
	for i := 0; i < m; i += blockRows {
		rows, a := min(blockRows, m-i), a[i*lda:]
		tails := rowTails(room[:], a, lda, rows, p.k)
		for j := 0; j < p.n; j += 16 {
			p.sum256(dst[i*ldd+j:], ldd, a, lda, rows, j, tails)
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
func (p *int8Panels) sum512(s *sums512, j, width int) {
	all := p.k / 4
	tall, short := 8, 4
	if width == 16 {
		tall, short = 16, 8
	}
	w, from, ldfrom := p.bytes[p.offset(j):], s.from, 0
	for first := 0; ; first += chunkSteps {
		steps, dst, ldd, tails := all-first, s.dst, s.ldd, s.tails
		last := steps <= chunkSteps
		if !last {
			steps, dst, ldd, tails = chunkSteps, s.room, width, nil
		}
		w, a := unsafe.SliceData(w[first*4*width:]), s.a[first*4:]
		for r := 0; r < s.rows; {
			start, height, count := nextTiles(r, s.rows, tall, short)
			if ldfrom > 0 && start < r { // what sums begin with is gone
				start, height, count = restTiles(r, s.rows, short)
			}
			var tail *uint32
			if tails != nil {
				tail = &tails[start]
			}
			begin := (*int32)(unsafe.Add(unsafe.Pointer(from), 4*start*ldfrom))
			tiles512(width, height, &dst[start*ldd], ldd, unsafe.SliceData(a[start*s.lda:]), s.lda, count, w, steps, tail,
				begin, ldfrom)
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

// tiles512 runs the kernel for tiles of that size. (A function value would make its arguments escape.)
func tiles512(width, height int, acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32,
	from *int32, ldfrom int,
) {
	switch {
	case width == 32 && height == 8:
		int8VNNI8x32(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	case width == 32 && height == 4:
		int8VNNI4x32(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	case width == 32:
		int8VNNI1x32(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	case height == 16:
		int8VNNI16x16(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	case height == 8:
		int8VNNI8x16(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	default:
		int8VNNI1x16(acc, ldacc, a, lda, tiles, w, steps, tail, from, ldfrom)
	}
}
