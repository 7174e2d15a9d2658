//go:build !purego

package gemm

import (
	"encoding/binary"
	"unsafe"

	"linquant/internal/kernel"
)

// avx2Panels are weights for AVX2, in panels of 8 channels.
type avx2Panels struct {
	n, k  int
	depth int       // k of a run: all, or those of one tap of a window
	runs  []avx2Run // [⌈n/8⌉][k/depth]
}

const (
	avx2Width = 8

	// avx2Shallow is the k to which 4 panels of weights stay in L1 while the rows pass. Deeper ones are taken one by one.
	avx2Shallow = 640
)

// avx2Run holds the weights of 8 channels for neighbouring k, in the order in which the kernel goes through them: steps of
// 4 k in trios, then in duos, then two that are turned, then alone, then wide.
//
// A trio is [3 steps][8][4] bytes, a duo [2 steps][8][4]. Steps that are turned, or alone, have before them the 32 bytes
// that say in which order VPSHUFB takes the four of each channel, and their weights are in that order. A wide step is
// 32 words, [2][8][2], k = 0 and 2 of the step before 1 and 3. The last depth%4 are one more wide step.
type avx2Run struct {
	trios, duos, turned, solos, wides int

	weights []byte   // aligned
	places  []uint32 // where the steps are, from the first k of the run
}

// avx2Tap is where 8 rows of a tile, the last 4 of which may not be used, are read for a run, and the run of the first of
// the panels.
type avx2Tap struct {
	rows [maxTileRows]unsafe.Pointer
	run  *avx2Run
}

// packAVX2 is codeKernels.pack: in groups of steps, or as words where that is faster.
func packAVX2(w *Int8, codes []int8, depth int) {
	windows := depth > 0
	if !windows {
		depth = w.K
	}
	p := &avx2Panels{n: w.N, k: w.K, depth: depth}
	var g grouping
	for j := 0; j < w.N; j += avx2Width {
		for first := 0; first < w.K; first += depth {
			p.runs = append(p.runs, g.run(codes[j*w.K:min(j+avx2Width, w.N)*w.K], w.K, first, depth))
		}
	}
	if windows || p.cycles() <= cyclesOfWords(w.N, w.K) {
		w.packed = p
		return
	}
	w.own = &w.computed
	w.panels = alignedOf[int8](wordsOffset(w.N+widenedWidth-1, w.K))
	room := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.panels))), len(w.panels))
	packWords(&Operand{N: w.N, K: w.K, StepN: w.K, StepK: 1}, room, storedCodes(codes))
}

// storedCodes returns codes plus 128.
func storedCodes(codes []int8) []byte {
	stored := make([]byte, len(codes))
	for i, v := range codes {
		stored[i] = byte(v) ^ 0x80
	}
	return stored
}

// cycles are about those that a row takes with all panels, and cyclesOfWords with panels of packWords: on Zen 3, from the
// least times of many, K from 16 to 256. What comes with each panel is a share of the tile's beginning and end and of the
// output stage, and the loops of four lengths that processors do not foresee.
func (p *avx2Panels) cycles() (sum float64) {
	for i := range p.runs {
		r := &p.runs[i]
		sum += 0.85*float64(3*r.trios+2*r.duos) + float64(2*r.turned) + 1.1*float64(r.solos)
		sum += 1.6*float64(r.wides+min(p.depth%4, 1)) + 10
	}
	return sum
}

func cyclesOfWords(n, k int) float64 {
	panels, steps := (n+widenedWidth-1)/widenedWidth, (k+3)/4
	return 2 * float64(panels) * (1.3*float64(steps) + 3)
}

// run packs depth weights from the first on of up to 8 channels, [channels, k].
func (g *grouping) run(w []int8, k, first, depth int) avx2Run {
	g.divide(w, k, first, depth)
	p := avx2Run{
		trios: len(g.trios), duos: len(g.duos), turned: len(g.turned), solos: len(g.solos), wides: len(g.wides),
	}
	tail := min(depth%4, 1)
	p.weights = alignedOf[byte](96*(p.trios+p.turned) + 64*(p.duos+p.solos+p.wides+tail))
	p.places = make([]uint32, 0, 3*p.trios+2*(p.duos+p.turned)+p.solos+p.wides+tail)
	b := avx2Builder{avx2Run: &p, to: p.weights, w: w, k: k, first: first, end: first + depth}
	for _, steps := range g.trios {
		b.group(steps[:], 0)
	}
	for _, steps := range g.duos {
		b.group(steps[:], 0)
	}
	for _, t := range g.turned {
		b.order(t.order)
		b.group(t.steps[:], t.order)
	}
	for _, t := range g.solos {
		b.order(t.order)
		b.group(t.steps[:1], t.order)
	}
	for _, step := range g.wides {
		b.wide(step)
	}
	if tail != 0 {
		b.wide(depth / 4)
	}
	return p
}

// avx2Builder writes the weights of a run one after the other.
type avx2Builder struct {
	*avx2Run
	to         []byte // room for those that are left
	w          []int8
	k          int
	first, end int
}

// order writes what VPSHUFB takes.
func (b *avx2Builder) order(order int) {
	for i := range 4 * avx2Width {
		b.to[i] = byte(i%16&^3 + orders[order][i%4])
	}
	b.to = b.to[4*avx2Width:]
}

func (b *avx2Builder) group(steps []int, order int) {
	for _, step := range steps {
		b.places = append(b.places, 4*uint32(step))
		for c := range len(b.w) / b.k {
			codes := b.w[c*b.k+b.first+4*step:][:4]
			for x, from := range orders[order] {
				b.to[4*c+x] = byte(codes[from])
			}
		}
		b.to = b.to[4*avx2Width:]
	}
}

// wide writes a step, which may be one of less than 4 k, at the end.
func (b *avx2Builder) wide(step int) {
	b.places = append(b.places, 4*uint32(step))
	from := b.first + 4*step
	for c := range len(b.w) / b.k {
		for x, code := range b.w[c*b.k+from : c*b.k+min(from+4, b.end)] {
			binary.LittleEndian.PutUint16(b.to[x%2*4*avx2Width+4*c+x/2*2:], uint16(code))
		}
	}
	b.to = b.to[8*avx2Width:]
}

// sumsAVX2 is codeKernels.sums. It takes up to 4 panels at once. Where rows are no multiple of a tile, acc has room for
// rows up to one.
func sumsAVX2(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = rowTails(kernel.NoEscape(&room)[:], a, lda, rows, w.K)
	}
	p := w.packed.(*avx2Panels)
	perPanel := p.k / p.depth
	runs := p.runs[j/avx2Width*perPanel:]
	panels := min(len(runs)/perPanel, maxWidth/avx2Width)
	width = panels * avx2Width
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, 8, 4)
		if height < 4 { // there are no more than 3 rows: the first once more
			start, height, count = 0, 4, 1
			r = rows
		} else {
			r = start + height*count
		}
		var tail *uint32
		var lasts [maxTileRows]uint32
		if tails != nil {
			tail = &tails[start]
			if rows < 4 {
				copy(lasts[:], tails)
				tail = kernel.NoEscape(&lasts[0])
			}
		}
		if perPanel > 1 {
			count = 1
			r = min(r, start+height)
		}
		for t := range perPanel {
			var tap avx2Tap
			for i := range height {
				at := start + i
				if at >= rows {
					at = 0
				}
				tap.rows[i] = unsafe.Pointer(&a[at*lda+t*p.depth])
			}
			atOnce := panels
			if p.k > avx2Shallow {
				atOnce = 1
			}
			for i := 0; i < panels; i += atOnce {
				tap := tap // the kernel changes it
				tap.run = &runs[i*perPanel+t]
				w.own.tiles.avx2(height, &acc[start*width+i*avx2Width], width, &tap, 1, perPanel, atOnce, count, height*lda, tail, t > 0)
			}
		}
	}
	return width
}

// avx2 runs the kernel for tiles of that height.
func (k *codeTiles) avx2(
	height int, acc *int32, ldacc int, taps *avx2Tap, count, perPanel, panels, tiles, step int, tail *uint32, more bool,
) {
	run := &k.taps[0]
	if height != 8 {
		run = &k.taps[1]
	}
	stride := perPanel * int(unsafe.Sizeof(avx2Run{}))
	run.Get()(acc, ldacc, kernel.NoEscape(taps), count, stride, panels, tiles, step, tail, more)
}
