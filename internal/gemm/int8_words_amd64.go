//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/kernel"
)

// int8WordsAVX2x4x16 fills, for each of tiles of 4 rows, acc with the sums of 16 channels:
//
//	acc[r·ldacc+c] = Σ_k a[r·lda+k]·w[k][c]
//
// over k in steps of 4, and one more where there is a tail: the rows' last bytes, in place of a's. Weights are words,
// [steps][2][16][2]: k = 0 and 2 of a step, then k = 1 and 3.
//
//go:noescape
func int8WordsAVX2x4x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *byte, steps int, tail *uint32)

// wordsOffset returns the byte at which the panel that begins at channel j begins, of a matrix for AVX2 whose packing is
// quick: panels of 16 channels, any bytes, [⌈n/16⌉][⌈k/4⌉][2][16][2] words.
func wordsOffset(j, k int) int { return j / 16 * ((k + 3) / 4) * 128 }

// sumsOfWords is codeKernels.sums for such a matrix.
func sumsOfWords(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = rowTails(kernel.NoEscape(&room)[:], a, lda, rows, w.K)
	}
	panel, steps := (*byte)(unsafe.Pointer(&w.panels[wordsOffset(j, w.K)])), w.K/4
	run := w.own.tiles.words.Get()
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, 4, 4)
		if height == 4 {
			var tail *uint32
			if tails != nil {
				tail = &tails[start]
			}
			run(&acc[start*16], 16, &a[start*lda], lda, count, panel, steps, tail)
			r = start + 4*count
			continue
		}
		// Fewer than 4 rows: each four times, of which the next writes over three. acc has room for that.
		var tail *uint32
		var four [4]uint32
		if tails != nil {
			four = [4]uint32{tails[r], tails[r], tails[r], tails[r]}
			tail = kernel.NoEscape(&four[0])
		}
		run(&acc[r*16:][:64][0], 16, &a[r*lda], 0, 1, panel, steps, tail)
		r++
	}
	return 16
}

// packWords packs o's codes less 128.
func packWords(o *Operand, room, src []byte) {
	for first := 0; first < o.N; first += 16 {
		panel := room[wordsOffset(first, o.K):][:wordsOffset(16, o.K)]
		n := min(16, o.N-first)
		if n < 16 || o.K%4 != 0 {
			clear(panel)
		}
		for k := range o.K {
			to := panel[k/4*128+k%2*64+k%4/2*2:]
			at := first*o.StepN + k*o.StepK
			for c := range n {
				// A code less 128, in 16 bits.
				v := src[at] ^ 0x80
				to[4*c], to[4*c+1] = v, byte(int8(v)>>7)
				at += o.StepN
			}
		}
	}
}
