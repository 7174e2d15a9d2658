//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/kernel"
)

// Weights of few bits: of int4 the sums of some twenty steps fit 16 bits, of int2 those of sixty. There is nothing to match
// then, and hardly anything to widen: steps are taken in the order of the row, and their sums go to 32 bits at the end of
// each segment, as many steps as are exact for any bytes with all 16 channels of a panel (see loads).

// longPanels are weights for AVX2, in panels of 16 channels.
type longPanels struct {
	n, k  int
	depth int       // k of a run: all, or those of one tap of a window
	runs  []longRun // [⌈n/16⌉][k/depth]
}

// longRun holds the weights of 16 channels for neighbouring k, [steps][16][4].
type longRun struct {
	weights  []byte   // aligned
	segments []uint32 // their lengths, in steps
}

const (
	longWidth = 16
	longRows  = 4

	// longMost is the largest weight of which panels are tried: 5 bits of a sum of two products are left.
	longMost = 16
)

// int8LongAVX2x4x16 and x1x16 fill or add to, if more, acc, rows of 16 channels ldacc apart, of taps whose runs are long:
//
//	acc[r][c] += Σ_tap Σ_k row(tap, row+r)[k]·run(tap)[c][k]
//
//go:noescape
func int8LongAVX2x4x16(acc *int32, ldacc int, taps *avx2Tap, row, count int, more bool)

//go:noescape
func int8LongAVX2x1x16(acc *int32, ldacc int, taps *avx2Tap, row, count int, more bool)

// packLong packs w [n, k] in runs of depth k, a multiple of 4, and returns how many cycles a row takes with all panels, as
// avx2Panels.cycles does; nil where a weight is not of few bits.
func packLong(w []int8, n, k, depth int) (p *longPanels, cycles float64) {
	if depth%4 != 0 || !fewBits(w) {
		return nil, 0
	}
	p = &longPanels{n: n, k: k, depth: depth}
	size := depth * longWidth
	weights := alignedOf[byte]((n + longWidth - 1) / longWidth * (k / depth) * size)
	for j := 0; j < n; j += longWidth {
		for first := 0; first < k; first += depth {
			run := longRun{weights: weights[:size:size]}
			weights = weights[size:]
			run.fill(w[j*k:min(j+longWidth, n)*k], k, first)
			p.runs = append(p.runs, run)
			cycles += 1.3*float64(depth/4) + 3*float64(len(run.segments))
		}
		cycles += 6
	}
	return p, cycles
}

// fewBits reports whether no weight is larger than longMost.
func fewBits(w []int8) bool {
	for _, v := range w {
		if v > longMost || v < -longMost {
			return false
		}
	}
	return true
}

// fill packs the weights of up to 16 channels [channels, k] from the first on.
func (r *longRun) fill(w []int8, k, first int) {
	var sums [2]loads // of the segment, for 8 channels each
	length := uint32(0)
	for step := range len(r.weights) / (4 * longWidth) {
		var own [2]loads
		for c := range len(w) / k {
			codes := w[c*k+first+4*step:][:4]
			own[c/avx2Width].take(c%avx2Width, codes, &orders[0])
			for x, v := range codes {
				r.weights[(step*longWidth+c)*4+x] = byte(v)
			}
		}
		if !sums[0].fits(&own[0]) || !sums[1].fits(&own[1]) {
			r.segments = append(r.segments, length)
			length, sums = 0, [2]loads{}
		}
		sums[0].add(&own[0])
		sums[1].add(&own[1])
		length++
	}
	r.segments = append(r.segments, length)
}

// sumsLong is codeKernels.sums for longPanels: of one panel, whose width the rows of acc have.
func sumsLong(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	p := w.packed.(*longPanels)
	run := &p.runs[j/longWidth]
	for r := 0; r < rows; {
		tap := avx2Tap{run: unsafe.Pointer(run)}
		height := longRows
		if rows-r == 1 {
			height = 1
		}
		for i := range height {
			tap.rows[i] = unsafe.Pointer(&a[min(r+i, rows-1)*lda]) // acc has room for those that are not there
		}
		w.own.tiles.long.of(height)(&acc[r*longWidth], longWidth, kernel.NoEscape(&tap), 0, 1, false)
		r += height
	}
	return longWidth
}

// addTaps adds the products of taps to acc [height, width] of the panels from channel j on, or begins with them. runs are
// those of the taps in a panel.
func (p *longPanels) addTaps(k *codeTiles, acc []int32, width, height int, taps []avx2Tap, runs []int, j int, more bool) {
	perPanel := p.k / p.depth
	for panel := range width / longWidth {
		first := (j/longWidth + panel) * perPanel
		for i := range taps {
			taps[i].run = unsafe.Pointer(&p.runs[first+runs[i]])
		}
		for r := 0; r < height; r += longRows {
			k.long.of(longRows)(&acc[r*width+panel*longWidth], width, kernel.NoEscape(&taps[0]), r, len(taps), more)
		}
	}
}
