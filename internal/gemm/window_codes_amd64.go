//go:build !purego

package gemm

import "linquant/internal/kernel"

// codeTask is what a kernel for windows of codes reads: tiles with one panel of weights.
type codeTask struct {
	dst, a  *byte // dst at the panel's first channel
	padding *byte
	w       *int8
	bias    *int32
	mult    *[maxWidth]float32
	tiles   *codeTile
	count   int // of tiles
	params  stageParams
	mask    uint32 // a bit for each channel that exists

	n     int     // channels, of codeWindowsAVXVNNI
	exist *uint32 // 16 numbers, all ones where the channel exists

	after, lowByte [8]uint32 // params.after and 0xff
}

// Each stores count tiles of height rows by 32 or 16 channels:
//
//	for _, tile := range tiles {
//		for r := range height {
//			for c := range channels {
//				sum := bias[tile.pattern.bias/4+c]
//				for _, tap := range tile.pattern.taps {
//					for k := range tap.depth {
//						sum += int32(row(tap, r)[k]) * int32(w[tap.weight/16+k][c])
//					}
//				}
//				dst[tile.out+outs[r]+c] = stage(sum) // as stageAVX512
//			}
//		}
//	}
//
//go:noescape
func codeWindows8x32(t *codeTask)

//go:noescape
func codeWindows4x32(t *codeTask)

//go:noescape
func codeWindows8x16(t *codeTask)

//go:noescape
func codeWindows4x16(t *codeTask)

// codeLines16x16 is for tiles of lineRows rows.
//
//go:noescape
func codeLines16x16(t *codeTask)

// codeWindowsAVXVNNI is for tiles of 4, 6 and lineRows rows, with 16 channels.
//
//go:noescape
func codeWindowsAVXVNNI(t *codeTask)

// newCodeTask returns a task for one panel, and the number of its channels.
func (w *Int8) newCodeTask(dst, a []byte, v *Int8Windows, bias []int32, s *Stage, panel int, mult *[maxWidth]float32) (
	t codeTask, n int,
) {
	j := panel * maxWidth
	if all := s.Requant.Multipliers(); len(all) == 1 {
		for c := range mult {
			mult[c] = all[0]
		}
	} else {
		copy(mult[:], all[j:])
	}
	n = min(maxWidth, w.N-j)
	return codeTask{
		dst: &dst[j], a: &a[0], padding: &v.padding[0], w: &w.panels[w.own.offset(j, w.K)], bias: &bias[j],
		mult: mult, params: newStageParams(s.Requant, s.Flip), mask: uint32(1<<n - 1),
	}, n
}

// codeWindows256 computes tiles of one panel with AVX-VNNI, whose panels have 16 channels.
func codeWindows256(w *Int8, dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel int) {
	var mult [maxWidth]float32
	t, n := w.newCodeTask(dst, a, v, bias, s, panel, kernel.NoEscape(&mult))
	t.tiles, t.count = &v.tiles[first], end-first
	t.n, t.exist = min(n, 16), &lanes[16-min(n, 16)]
	for i := range t.after {
		t.after[i], t.lowByte[i] = uint32(t.params.after), 0xff
	}
	codeWindowsAVXVNNI(&t)
	if n -= 16; n > 0 {
		j := panel*maxWidth + 16
		copy(mult[:], mult[16:])
		t.dst, t.w, t.bias = &dst[j], &w.panels[w.own.offset(j, w.K)], &bias[j]
		t.n, t.exist = n, &lanes[16-n]
		codeWindowsAVXVNNI(&t)
	}
}

// codeWindows512 computes tiles of one panel with AVX-512 VNNI.
func codeWindows512(w *Int8, dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel int) {
	var mult [maxWidth]float32
	t, _ := w.newCodeTask(dst, a, v, bias, s, panel, kernel.NoEscape(&mult))
	j, kernels := panel*maxWidth, &w.own.tiles.wideWindows
	if w.own.width(j, w.N) == w.own.narrow {
		kernels = &w.own.tiles.narrowWindows
	}
	for first < end {
		height, next := v.tiles[first].pattern.height, first+1
		for next < end && v.tiles[next].pattern.height == height {
			next++
		}
		t.tiles, t.count = &v.tiles[first], next-first
		first = next
		kernels[height].Get()(kernel.NoEscape(&t))
	}
}

// lanes is 16 channels that exist, and 16 that do not.
var lanes = [32]uint32{
	1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1,
	1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1,
}
