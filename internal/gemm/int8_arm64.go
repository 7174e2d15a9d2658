//go:build !purego

package gemm

import "linquant/internal/kernel"

// stepBytes is the number of bytes of a row that kernels take at a time, a register.
const stepBytes = 16

// readAhead is the number of bytes of weights that kernels read, and do not use, beyond the end of a panel.
const readAhead = 64

// panelWidth is the number of channels in every panel.
const panelWidth = 16

// codeTiles are the integer kernels of a tier.
type codeTiles struct {
	tiles tiles[rowsTile]
	wide  tiles[rowsTile] // instead, where two products do not fit 16 bits
}

type rowsTile = func(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

// sumsOf16 is codeKernels.sums for panels of 16 channels.
func sumsOf16(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	// A step beyond the end of a row could leave the slice.
	var room [blockRows * stepBytes]byte
	tails := kernel.NoEscape(&room)[:]
	last := w.K % stepBytes
	if last != 0 {
		for r := range rows {
			copy(tails[r*stepBytes:][:stepBytes], a[r*lda+w.K-last:][:last])
		}
	}
	t, own := &w.own.tiles.tiles, w.own
	if w.overflow {
		t = &w.own.tiles.wide
	}
	panel, steps, rest := &w.panels[own.offset(j, w.K)], w.K/stepBytes, (last+own.group-1)/own.group
	var start *int32
	if own.starts {
		start = &w.starts[j]
	}
	for r := 0; r < rows; {
		from, height, count := t.next(r, rows)
		t.of(height)(&acc[from*panelWidth], &a[from*lda], lda, count, panel, start, steps, &tails[from*stepBytes], rest)
		r = from + height*count
	}
	return panelWidth
}

// unsigned adapts the kernels that take activations as they are, and begin at 0.
func unsigned(run func(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)) rowsTile {
	return func(acc *int32, a *byte, lda, tiles int, w *int8, _ *int32, steps int, tail *byte, rest int) {
		run(acc, a, lda, tiles, w, steps, tail, rest)
	}
}
