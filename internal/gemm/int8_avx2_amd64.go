//go:build !purego

package gemm

import (
	"cmp"
	"encoding/binary"
	"slices"
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

	// avx2Deep is the most k that rows are read for in one turn, so that those of a tile stay in L1.
	avx2Deep = 2304
)

// avx2Run holds the weights of 8 channels for neighbouring k, in the order in which the kernel goes through them: steps of
// 4 k in trios, then in duos, then two that are turned, then alone, then wide.
//
// A trio is [3 steps][8][4] bytes, a duo [2 steps][8][4]. Steps that are turned, or alone, have before them the 32 bytes
// that say in which order VPSHUFB takes the four of each channel, and their weights are in that order. A wide step is
// 32 words, [2][8][2], k = 0 and 2 of the step before 1 and 3. The last depth%4 are one more wide step.
type avx2Run struct {
	trios, duos, turned, solos, wides int

	weights []byte   // aligned, before those of the run that comes next
	places  []uint32 // where the steps are, from the first k of the run
}

// avx2Tap is where 8 rows of a tile, the last 4 of which may not be used, are read for a run, and the run of the first of
// the panels, an *avx2Run or a *longRun.
type avx2Tap struct {
	rows [maxTileRows]unsafe.Pointer
	run  unsafe.Pointer
}

// packAVX2 is codeKernels.pack: in groups of steps, or as words or for long sums where that is faster.
func packAVX2(w *Int8, codes []int8, depth int) {
	windows := depth > 0
	long, least := packLong(codes, w.N, w.K, cmp.Or(depth, w.K))
	if !windows { // as many turns of one length as it takes
		turns := (w.K + avx2Deep - 1) / avx2Deep
		depth = ((w.K+turns-1)/turns + 3) &^ 3
	}
	words := cyclesOfWords(w.N, w.K)
	panels := (w.N + avx2Width - 1) / avx2Width
	if long != nil && (windows || least <= words) && least <= 0.8*float64(panels*w.K/4) { // no groups are as fast
		w.own, w.packed = &w.long, long
		return
	}
	p := (&avx2Builder{k: w.K}).pack(codes, w.N, depth)
	switch groups := p.cycles(); {
	case long != nil && least <= groups && (windows || least <= words):
		w.own, w.packed = &w.long, long
		return
	case windows || groups <= words:
		w.packed = p
		return
	}
	w.own = &w.computed
	w.panels = alignedOf[int8](wordsOffset(w.N+widenedWidth-1, w.K))
	room := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.panels))), len(w.panels))
	packWords(&w.computed, &Operand{N: w.N, K: w.K, StepN: w.K, StepK: 1, Zero: 128}, room, storedCodes(codes))
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
// output stage, and the loops of five lengths that processors do not foresee.
func (p *avx2Panels) cycles() (sum float64) {
	for i := range p.runs {
		r := &p.runs[i]
		sum += 0.85*float64(3*r.trios+2*r.duos) + float64(2*r.turned) + 1.1*float64(r.solos)
		sum += 1.6*float64(r.wides) + 10
	}
	if p.k%4 != 0 {
		sum += 1.6 * float64(len(p.runs)/p.runsOf())
	}
	return sum
}

func cyclesOfWords(n, k int) float64 {
	panels, steps := (n+widenedWidth-1)/widenedWidth, (k+3)/4
	return 2 * float64(panels) * (1.3*float64(steps) + 3)
}

// avx2Builder writes the weights of runs one after the other.
type avx2Builder struct {
	grouping
	w          []int8 // of up to 8 channels, [channels, k]
	k          int
	first, end int  // the k of the run
	rows       Runs // how rows lie that are not copied next to each other; Count is 0 for others

	weights []byte
	places  []uint32
	ends    [][2]int // of each run
}

// pack packs codes [n, k] in runs of that depth.
func (b *avx2Builder) pack(codes []int8, n, depth int) *avx2Panels {
	p := &avx2Panels{n: n, k: b.k, depth: depth}
	for j := 0; j < n; j += avx2Width {
		b.w = codes[j*b.k : min(j+avx2Width, n)*b.k]
		for first := 0; first < b.k; first += depth {
			b.first, b.end = first, min(first+depth, b.k)
			p.runs = append(p.runs, b.run())
		}
	}
	b.place(p.runs)
	return p
}

// run packs a run, but for where its weights and places lie.
func (b *avx2Builder) run() avx2Run {
	depth := b.end - b.first
	b.divide(b.w, b.k, b.first, depth)
	for _, steps := range b.trios {
		b.group(steps[:], 0)
	}
	for _, steps := range b.duos {
		b.group(steps[:], 0)
	}
	for _, t := range b.turned {
		b.order(t.order)
		b.group(t.steps[:], t.order)
	}
	for _, t := range b.solos {
		b.order(t.order)
		b.group(t.steps[:1], t.order)
	}
	for _, step := range b.wides {
		b.wide(step)
	}
	if depth%4 != 0 {
		b.wide(depth / 4)
	}
	b.ends = append(b.ends, [2]int{len(b.weights), len(b.places)})
	return avx2Run{
		trios: len(b.trios), duos: len(b.duos), turned: len(b.grouping.turned), solos: len(b.solos), wides: len(b.wides),
	}
}

// place gives runs their part of all weights and places, one after the other: what the processor fetches ahead is the next
// run's where one ends.
func (b *avx2Builder) place(runs []avx2Run) {
	weights, places := alignedOf[byte](len(b.weights)), slices.Clone(b.places)
	copy(weights, b.weights)
	for i, end := range b.ends {
		from := [2]int{}
		if i > 0 {
			from = b.ends[i-1]
		}
		runs[i].weights, runs[i].places = weights[from[0]:end[0]], places[from[1]:end[1]]
	}
}

// room appends n vectors of zeros to the weights.
func (b *avx2Builder) room(n int) []byte {
	length := len(b.weights)
	b.weights = slices.Grow(b.weights, 32*n)[:length+32*n]
	clear(b.weights[length:])
	return b.weights[length:]
}

// at returns where a step of the run is.
func (b *avx2Builder) at(step int) uint32 {
	if b.rows.Count == 0 {
		return 4 * uint32(step)
	}
	return uint32(4*step/b.rows.Length*b.rows.Step + 4*step%b.rows.Length)
}

// order writes what VPSHUFB takes.
func (b *avx2Builder) order(order int) {
	to := b.room(1)
	for i := range to {
		to[i] = byte(i%16&^3 + orders[order][i%4])
	}
}

func (b *avx2Builder) group(steps []int, order int) {
	for _, step := range steps {
		b.places = append(b.places, b.at(step))
		to, at := b.room(1), b.first+4*step
		for c := range len(b.w) / b.k {
			codes, turned := b.w[at:][:4], to[4*c:][:4]
			at += b.k
			o := &orders[order]
			turned[0], turned[1] = byte(codes[o[0]&3]), byte(codes[o[1]&3])
			turned[2], turned[3] = byte(codes[o[2]&3]), byte(codes[o[3]&3])
		}
	}
}

// wide writes a step, which may be one of less than 4 k, at the end.
func (b *avx2Builder) wide(step int) {
	b.places = append(b.places, b.at(step))
	from, to := b.first+4*step, b.room(2)
	for c := range len(b.w) / b.k {
		for x, code := range b.w[c*b.k+from : c*b.k+min(from+4, b.end)] {
			binary.LittleEndian.PutUint16(to[x%2*4*avx2Width+4*c+x/2*2:], uint16(code))
		}
	}
}

// runsOf returns how many runs a panel has.
func (p *avx2Panels) runsOf() int { return (p.k + p.depth - 1) / p.depth }

// sumsAVX2 is codeKernels.sums. It takes up to 4 panels at once.
func sumsAVX2(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	var tails []uint32
	if w.K%4 != 0 {
		var room [blockRows]uint32
		tails = rowTails(kernel.NoEscape(&room)[:], a, lda, rows, w.K)
	}
	p := w.packed.(*avx2Panels)
	perPanel := p.runsOf()
	runs := p.runs[j/avx2Width*perPanel:]
	panels := min(len(runs)/perPanel, maxWidth/avx2Width)
	for t := range perPanel - 1 {
		w.own.tiles.sumsOfRun(acc, a[t*p.depth:], lda, rows, runs[t:], perPanel, panels, nil, t > 0)
	}
	t := perPanel - 1
	w.own.tiles.sumsOfRun(acc, a[t*p.depth:], lda, rows, runs[t:], perPanel, panels, tails, t > 0)
	return panels * avx2Width
}

// sumsOfRun adds the products of one run of each of some panels to acc, or begins with them. tails are nil where the run
// is of whole steps. Where no more than 3 rows are left acc has room for a fourth.
func (k *codeTiles) sumsOfRun(
	acc []int32, a []byte, lda, rows int, runs []avx2Run, perPanel, panels int, tails []uint32, more bool,
) {
	width := panels * avx2Width
	for r := 0; r < rows; {
		start, height, count := k.taps.next(r, rows)
		if left := rows - r; height == 1 && left > 1 || more && start < r { // nothing is added twice
			start, height, count = r, min(left, 4), 1
		}
		var tap avx2Tap
		var lasts [maxTileRows]uint32
		if height > 1 && height < 4 { // the first of them once more
			height = 4
		}
		r = start + height*count
		for i := range height {
			at := start + i
			if at >= rows {
				at = start
			}
			tap.rows[i] = unsafe.Pointer(&a[at*lda])
			if tails != nil {
				lasts[i] = tails[at]
			}
		}
		tap.run = unsafe.Pointer(&runs[0])
		var tail *uint32
		switch {
		case tails == nil:
		case r > rows:
			tail = kernel.NoEscape(&lasts[0])
		default:
			tail = &tails[start]
		}
		k.avx2(height, &acc[start*width], width, &tap, 1, perPanel, panels, count, height*lda, tail, more)
	}
}

// avx2 runs the kernel for tiles of that height.
func (k *codeTiles) avx2(
	height int, acc *int32, ldacc int, taps *avx2Tap, count, perPanel, panels, tiles, step int, tail *uint32, more bool,
) {
	stride := perPanel * int(unsafe.Sizeof(avx2Run{}))
	k.taps.of(height)(acc, ldacc, kernel.NoEscape(taps), count, stride, panels, tiles, step, tail, more)
}
