//go:build !purego

package gemm

import "linquant/internal/kernel"

// codeTiles are the integer kernels of all tiers, of which each has some.
type codeTiles struct {
	wide512, narrow512 tiles[tile512] // VPDPBUSD, for panels of 32 and of 16 channels
	tiles256           tiles[tile256] // of 16 channels
	taps               tiles[tapTile]
	wordRows           kernel.Func[func(panel, src *byte, step, blocks int, zero int16)]
	wordColumns        kernel.Func[func(panel, src *byte, step, steps int, zero int16)]
	widened            kernel.Func[func(task *widenedTask)]
	long               tiles[longTile]
	widenRows          kernel.Func[func(dst *uint16, a *byte, lda, rows, steps int, tail *uint32)]
	amx                [2]kernel.Func[func(t *amxTask)]
	amxStage           kernel.Func[func(t *amxStageTask)]

	wideWindows, narrowWindows [lineRows + 1]kernel.Func[func(t *codeTask)] // by the height of the tile
}

type (
	longTile = func(acc *int32, ldacc int, taps *avx2Tap, row, count int, more bool)
	tile512  = func(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
	tile256  = func(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
	tapTile  = func(
		acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool,
	)
)

// sums256 is codeKernels.sums on AVX-VNNI.
func sums256(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = rowTails(kernel.NoEscape(&room)[:], a, lda, rows, w.K)
	}
	w.sum256(acc, 16, a, lda, rows, j, tails)
	return 16
}

// sum256 fills acc, rows of which are ldacc apart, with the sums of the panel that begins at channel j, on AVX-VNNI.
func (w *Int8) sum256(acc []int32, ldacc int, a []byte, lda, rows, j int, tails []uint32) {
	t, panel, steps := &w.own.tiles.tiles256, &w.panels[w.own.offset(j, w.K)], w.K/4
	for r := 0; r < rows; {
		start, height, count := t.next(r, rows)
		var tail *uint32
		if tails != nil {
			tail = &tails[start]
		}
		t.of(height)(&acc[start*ldacc], ldacc, &a[start*lda], lda, count, panel, steps, tail)
		r = start + height*count
	}
}

// mulInt32Of256 is codeKernels.mulInt32 on AVX-VNNI: without bias, for whole panels.
func mulInt32Of256(w *Int8, dst []int32, ldd int, a []byte, lda, m int, bias []int32) bool {
	if w.N%16 != 0 || bias != nil {
		return false
	}
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = kernel.NoEscape(&room)[:]
	}
	for i := 0; i < m; i += blockRows {
		rows, a := min(blockRows, m-i), a[i*lda:]
		tails := rowTails(tails, a, lda, rows, w.K)
		for j := 0; j < w.N; j += 16 {
			w.sum256(dst[i*ldd+j:], ldd, a, lda, rows, j, tails)
		}
	}
	return true
}
