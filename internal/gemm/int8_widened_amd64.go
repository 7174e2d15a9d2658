//go:build !purego

package gemm

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"linquant/internal/kernel"
)

// On AVX2 products of few k for each output, and those of computed operands, go through rows that are widened to words
// once for all channels. VPMADDWD is exact for whatever bytes: it needs no proof and no groups, there is one loop of the
// same length for all panels, and sums become codes in the registers that they are added up in.

const (
	widenedRows  = 6
	widenedWidth = 16

	// widenedRoom is how many words of rows there is room for, and widenedDepth how many of them one row may take. Deeper
	// rows are taken in parts.
	widenedRoom  = 4096
	widenedDepth = widenedRoom / widenedRows &^ 3
)

// widenedTask is what int8WidenedAVX2x6x16 computes: tiles of 6 rows by 16 channels of
//
//	sum[r][c] = start[c] + Σ_k rows[r][k]·w[c][k]
//
// where rows are words as widenRowsAVX2 leaves them, one tile below the other, and weights a panel of packWords. With a
// stage it stores at dst the bytes that this makes of the sums; without one the sums, and begins with what is at dst
// where start is nil.
type widenedTask struct {
	rows    unsafe.Pointer
	ldrows  int // in bytes
	tiles   int
	weights unsafe.Pointer
	steps   int // of 4 k
	start   *int32
	dst     unsafe.Pointer
	ldd     int // in bytes
	stage   *widenedStage
}

// widenedStage is the output stage of 16 channels, but for the bias, which sums begin with:
//
//	byte(RNE(clamp(float32(sum)·mult + before, lo, hi)) + after)
//
// Where it is whole codes have the whole range of a byte, before is 0 and no sum times a multiplier leaves int32.
type widenedStage struct {
	mult           [widenedWidth]float32
	lo, hi, before float32
	after          int16
	whole          bool
}

//go:noescape
func int8WidenedAVX2x6x16(task *widenedTask)

// widenRowsAVX2 makes words of steps of 4 bytes of rows, and of one step more where there is a tail: the bytes 0, 2, 1 and
// 3 of each. What it makes of a row follows that of the one before.
//
//go:noescape
func widenRowsAVX2(dst *uint16, a *byte, lda, rows, steps int, tail *uint32)

// widen fills room with rows of k bytes.
func (k *codeTiles) widen(room *[widenedRoom]uint16, a []byte, lda, rows, depth int) {
	var tails [blockRows]uint32
	var tail *uint32
	if depth%4 != 0 {
		tail = &rowTails(kernel.NoEscape(&tails)[:], a, lda, rows, depth)[0]
	}
	k.widenRows.Get()(&room[0], &a[0], lda, rows, depth/4, tail)
}

// widenedBlock returns how many rows of so many steps are widened at once, at least those of a tile.
func widenedBlock(steps int) int {
	return min(widenedRoom/(4*steps), blockRows) / widenedRows * widenedRows
}

// sumsOfWords is codeKernels.sums for panels of packWords. acc has room for whole tiles.
func sumsOfWords(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	var room [widenedRoom]uint16
	var zero [widenedWidth]int32
	t := widenedTask{start: kernel.NoEscape(&zero[0]), ldd: 4 * widenedWidth}
	panel := w.panels[wordsOffset(j, w.K):]
	for k := 0; k < w.K; k += widenedDepth {
		depth := min(widenedDepth, w.K-k)
		t.steps = (depth + 3) / 4
		t.ldrows = 8 * t.steps
		t.weights = unsafe.Pointer(&panel[wordsOffset(widenedWidth, k)])
		block := widenedBlock(t.steps)
		for r := 0; r < rows; r += block {
			n := min(block, rows-r)
			w.own.tiles.widen(kernel.NoEscape(&room), a[r*lda+k:], lda, n, depth)
			t.rows, t.dst = unsafe.Pointer(kernel.NoEscape(&room)), unsafe.Pointer(&acc[r*widenedWidth])
			t.tiles = (n + widenedRows - 1) / widenedRows
			w.own.tiles.widened.Get()(kernel.NoEscape(&t))
		}
		t.start = nil
	}
	return widenedWidth
}

// mulWords is codeKernels.mul for panels of packWords.
func mulWords(w *Int8, dst []byte, ldd int, a []byte, lda, m int, s *Stage) bool {
	var stage widenedStage
	if !stage.of(s) || w.K > widenedDepth {
		return false
	}
	var bias [widenedWidth]int32
	t := widenedTask{start: kernel.NoEscape(&bias[0]), stage: kernel.NoEscape(&stage)}
	return w.eachWidened(&t, dst, ldd, a, lda, m, func(j, n int) {
		copy(bias[:], s.Bias[j:][:n])
		if mult := s.Requant.Multipliers(); len(mult) > 1 {
			copy(stage.mult[:], mult[j:][:n])
		}
	})
}

// of takes s over but for what channels have of their own, and reports whether there is a kernel for it.
func (t *widenedStage) of(s *Stage) bool {
	mult := s.Requant.Multipliers()
	if s.WeightZero != nil || len(mult) == 0 {
		return false
	}
	p := newStageParams(s.Requant, s.Flip)
	lo, hi := p.lo+float32(p.after), p.hi+float32(p.after)
	if lo < 0 || hi > 255 { // packing would saturate
		return false
	}
	*t = widenedStage{lo: p.lo, hi: p.hi, before: p.before, after: int16(p.after)}
	t.whole = p.whole(mult)
	if len(mult) == 1 {
		for c := range t.mult {
			t.mult[c] = mult[0]
		}
	}
	return true
}

// eachWidened computes all tiles of a product, of at least a tile's rows. channels is called before those of a panel of n
// channels from j on.
func (w *Int8) eachWidened(t *widenedTask, dst []byte, ldd int, a []byte, lda, m int, channels func(j, n int)) bool {
	if m < widenedRows {
		return false
	}
	var room [widenedRoom]uint16
	rows := kernel.NoEscape(&room)
	t.steps = (w.K + 3) / 4
	t.ldrows = 8 * t.steps
	block := widenedBlock(t.steps)
	for first := 0; first < m; first += block {
		first = min(first, m-widenedRows) // some rows a second time, if less than a tile is left
		n := min(block, m-first)
		w.own.tiles.widen(rows, a[first*lda:], lda, n, w.K)
		for j := 0; j < w.N; j += widenedWidth {
			width := min(widenedWidth, w.N-j)
			channels(j, width)
			t.weights = unsafe.Pointer(&w.panels[wordsOffset(j, w.K)])
			w.own.tiles.widenedPanel(t, rows, dst[first*ldd+j:], ldd, n, width)
		}
	}
	return true
}

// widenedPanel computes n rows of the width first channels of a panel.
func (k *codeTiles) widenedPanel(t *widenedTask, rows *[widenedRoom]uint16, dst []byte, ldd, n, width int) {
	step := t.ldrows / 2
	for r := 0; r < n; r += widenedRows * t.tiles {
		r = min(r, n-widenedRows) // as above
		t.rows, t.tiles = unsafe.Pointer(&rows[r*step]), (n-r)/widenedRows
		if width == widenedWidth {
			t.dst, t.ldd = unsafe.Pointer(&dst[r*ldd]), ldd
			k.widened.Get()(kernel.NoEscape(t))
			continue
		}
		// There is no room for all channels of the panel.
		var codes [widenedRows * widenedWidth]byte
		t.dst, t.ldd, t.tiles = unsafe.Pointer(kernel.NoEscape(&codes)), widenedWidth, 1
		k.widened.Get()(kernel.NoEscape(t))
		for i := range widenedRows {
			copy(dst[(r+i)*ldd:][:width], codes[i*widenedWidth:])
		}
	}
}

// wordsOffset returns the byte at which the panel that begins at channel j begins, of a matrix that is packed as words:
// panels of 16 channels, any bytes, [⌈n/16⌉][⌈k/4⌉][2][16][2] words.
func wordsOffset(j, k int) int { return j / widenedWidth * ((k + 3) / 4) * 128 }

// packWordRowsAVX2 packs, of a panel, 8 channels whose rows begin step apart, blocks times 32 k of each, less zero. packWordColumnsAVX2
// packs 16 channels that lie together, of k that are step apart, steps times 4 k.
//
//go:noescape
func packWordRowsAVX2(panel, src *byte, step, blocks int, zero int16)

//go:noescape
func packWordColumnsAVX2(panel, src *byte, step, steps int, zero int16)

// packWords packs o's codes less its zero point.
func packWords(own *codeKernels, o *Operand, room, src []byte) {
	tiles, zero := &own.tiles, int16(o.Zero)
	for first := 0; first < o.N; first += widenedWidth {
		panel, src := room[wordsOffset(first, o.K):][:wordsOffset(widenedWidth, o.K)], src[first*o.StepN:]
		n := min(widenedWidth, o.N-first)
		if n < widenedWidth || o.K%4 != 0 {
			clear(panel)
		}
		switch whole := o.K / 4; {
		case o.StepK == 1 && whole >= 8:
			done := n &^ 7
			for c := 0; c < done; c += 8 {
				pack := tiles.wordRows.Get()
				pack(&panel[4*c], &src[c*o.StepN], o.StepN, whole/8, zero)
				if whole%8 > 0 { // the last block again, with those before it
					pack(&panel[(whole-8)*128+4*c], &src[c*o.StepN+4*(whole-8)], o.StepN, 1, zero)
				}
			}
			o.words(panel, src, 0, done, 4*whole)
			o.words(panel, src, done, n, 0)
		case o.StepN == 1 && n == widenedWidth && whole > 0:
			tiles.wordColumns.Get()(&panel[0], &src[0], o.StepK, whole, zero)
			o.words(panel, src, 0, n, 4*whole)
		default:
			o.words(panel, src, 0, n, 0)
		}
	}
}

// words packs, of channels from first to end of a panel, k from begin on.
func (o *Operand) words(panel, src []byte, first, end, begin int) {
	for k := begin; k < o.K; k++ {
		to := panel[k/4*128+k%2*64+k%4/2*2:]
		for c := first; c < end; c++ {
			binary.LittleEndian.PutUint16(to[4*c:], uint16(src[c*o.StepN+k*o.StepK])-uint16(o.Zero))
		}
	}
}

// onesWords are read and never written.
var onesWords = [widenedDepth]uint16(slices.Repeat([]uint16{1}, widenedDepth))

// sumWords fills sums[j] = Σ_k w[j,k] from packed panels: the product with a row of ones.
func sumWords(own *codeKernels, o *Operand, sums []int32, room []byte) {
	var zero [widenedWidth]int32
	var all [widenedRows * widenedWidth]int32 // rows alike
	for first := 0; first < o.N; first += widenedWidth {
		t := widenedTask{
			rows: unsafe.Pointer(&onesWords[0]), tiles: 1, start: kernel.NoEscape(&zero[0]),
			dst: unsafe.Pointer(kernel.NoEscape(&all)), ldd: 4 * widenedWidth,
		}
		for panel := room[wordsOffset(first, o.K):][:wordsOffset(widenedWidth, o.K)]; len(panel) > 0; {
			t.weights, t.steps = unsafe.Pointer(&panel[0]), min(len(panel)/128, widenedDepth/4)
			own.tiles.widened.Get()(kernel.NoEscape(&t))
			panel, t.start = panel[128*t.steps:], nil
		}
		copy(sums[first:], all[:widenedWidth])
	}
}
