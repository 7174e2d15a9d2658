//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/kernel"
)

// leastAVX2Depth is the depth of a tap from which windows pay on AVX2: the steps of each tap are grouped for themselves,
// and of few steps fewer find partners.
const leastAVX2Depth = 128

// avx2Taps is how many taps a call of the kernel takes.
const avx2Taps = 9

// codeWindowsAVX2 computes tiles of a panel of maxWidth channels.
func codeWindowsAVX2(w *Int8, dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel int) {
	j := panel * maxWidth
	n := min(maxWidth, w.N-j)
	var taps [avx2Taps]avx2Tap
	var runs [avx2Taps]int // of the taps, in a panel
	var room [maxTileRows * maxWidth]int32
	acc := kernel.NoEscape(&room)[:]
	var add func(height, count int, more bool)
	var depth, width int
	switch p := w.packed.(type) {
	case *avx2Panels:
		panels := (n + avx2Width - 1) / avx2Width
		depth, width = p.depth, panels*avx2Width
		perPanel := p.runsOf()
		first := p.runs[j/avx2Width*perPanel:]
		add = func(height, count int, more bool) {
			for i := range count {
				taps[i].run = unsafe.Pointer(&first[runs[i]])
			}
			w.own.tiles.avx2(height, &acc[0], width, &taps[0], count, perPanel, panels, 1, 0, nil, more)
		}
	case *longPanels:
		depth, width = p.depth, (n+longWidth-1)/longWidth*longWidth
		add = func(height, count int, more bool) {
			p.addTaps(&w.own.tiles, acc, width, height, taps[:count], runs[:count], j, more)
		}
	}
	if depth != v.depth {
		panic("gemm: weights are not packed for these windows")
	}
	own := *s
	for i := first; i < end; i++ {
		tile := &v.tiles[i]
		pattern := tile.pattern
		count, more := 0, false
		flush := func() {
			add(pattern.height, count, more)
			count, more = 0, true
		}
		for t := range pattern.taps {
			tap := &pattern.taps[t]
			for at := 0; at < tap.depth; at += depth {
				if count == avx2Taps {
					flush()
				}
				to := &taps[count]
				for r, row := range tap.rows {
					if row < 0 {
						to.rows[r] = unsafe.Pointer(&v.padding[0])
					} else {
						to.rows[r] = unsafe.Pointer(&a[tile.in+int(row)+at])
					}
				}
				runs[count] = tap.weight/16/depth + at/depth
				count++
			}
		}
		if count > 0 {
			flush()
		} else {
			clear(acc)
		}
		own.Bias = bias[pattern.bias/4:][:w.N]
		for r := 0; r < pattern.height; {
			rows, step := evenly(pattern.outs[r:pattern.height])
			out := tile.out + int(pattern.outs[r])
			kernel.NoEscape(&own).apply(w.kernels, dst[out+j:], step, acc[r*width:], width, rows, j, n)
			r += rows
		}
	}
}

// evenly returns how many of the first rows lie equally far apart, one after the other, and how far.
func evenly(outs []int32) (rows, step int) {
	if len(outs) < 2 || outs[1] <= outs[0] {
		return 1, 0
	}
	gap := outs[1] - outs[0]
	rows = 2
	for rows < len(outs) && outs[rows]-outs[rows-1] == gap {
		rows++
	}
	return rows, int(gap)
}
