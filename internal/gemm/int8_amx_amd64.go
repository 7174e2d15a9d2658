//go:build !purego

package gemm

import (
	"encoding/binary"

	"linquant/internal/kernel"
)

// Of a tile register of AMX: rows, bytes of a row, and channels in a row of weights or of sums.
const (
	amxRows     = 16
	amxBytes    = 64
	amxChannels = 16

	amxTile = 4 * amxRows * amxChannels // the sums of a tile of four registers
)

// amxPanels are weights for AMX, in panels of 32 or 16 channels, in steps of up to 64 k. Activations are read in
// tiles where they lie: 64 bytes of each of 16 rows. A step never leaves a row, so the last one begins 64 bytes
// before its end; the weights of those k that were in the step before are 0 there.
type amxPanels struct {
	n, k  int
	depth int     // the k of a step, a multiple of 4: 64, or what there is of fewer
	at    []int32 // [steps] where a step's bytes begin, from the row's first
	codes []int8  // [panels][steps][depth/4][width][4]
}

// amxTask is what the kernels read. They know where the fields are.
type amxTask struct {
	config    tileConfig
	acc       *int32
	a         *byte // the first tile
	lda       int
	apart     int // rows from the first of a register to the first of the next
	tiles     int
	w         *int8
	at        *int32
	steps     int
	stepBytes int // of weights
	aStep     int // from a tile to the next, in bytes of a
	wStep     int // the same of w
	row       int // of acc, in bytes
	accStep   int // from a tile to the next, in bytes of acc
}

// int8AMX2x32 fills tiles of acc of 32 rows by 32 channels, and int8AMX4x16 of 64 rows by 16. A tile is made of 2 or
// of 4 registers of up to 16 rows each, as the configuration says; with fewer, rows beyond them stay as they are.
//
//	for i := range tiles {
//		for r := range rows {
//			for c := range channels {
//				sum := 0
//				for s := range steps {
//					for k := range stepBytes / channels {
//						sum += int32(a[i*aStep+r*lda+at[s]+k]) * int32(w[i*wStep+s*stepBytes+k/4*4*channels+4*c+k%4])
//					}
//				}
//				acc[i*accStep/4+r*row/4+c] = sum
//			}
//		}
//	}
//
//go:noescape
func int8AMX2x32(t *amxTask)

//go:noescape
func int8AMX4x16(t *amxTask)

// amxCode returns where the machine code of int8AMX2x32 is, so that a test can read the encodings.
func amxCode() *byte

// tileConfig is what LDTILECFG reads: the palette, which is 1, the bytes of a row of each register from byte 16 on, and
// their rows from byte 48 on.
type tileConfig [64]byte

// fill gives the registers of the kernel for panels of that width: sums and activations have so many rows, and a
// step so many k.
func (c *tileConfig) fill(width, rows, depth int) {
	*c = tileConfig{1}
	weights := 6 // the first register of weights, the activations are before
	if width == amxChannels {
		weights = 7
	}
	for t := range 8 {
		r, b := rows, amxBytes
		switch {
		case t >= weights:
			r = depth / 4
		case t >= 4:
			b = depth
		}
		binary.LittleEndian.PutUint16(c[16+2*t:], uint16(b))
		c[48+t] = byte(r)
	}
}

func packAMX(w []int8, n int, r Runs) *amxPanels {
	p := &amxPanels{n: n, k: r.Count * r.Length, depth: min((r.Length+3)&^3, amxBytes)}
	var parts []amxPart
	for i := range r.Count {
		for k := 0; k < r.Length; k += p.depth {
			first := max(min(k, r.Length-p.depth), 0)
			p.at = append(p.at, int32(i*r.Step+first))
			parts = append(parts, amxPart{i*r.Length + k, i*r.Length + min(k+p.depth, r.Length), k - first})
		}
	}
	p.codes = make([]int8, p.offset((n+amxChannels-1)/amxChannels*amxChannels))
	for j := range n {
		first := j &^ (2*amxChannels - 1)
		width, row := p.width(first), w[j*p.k:][:p.k]
		for s, part := range parts {
			step := p.codes[p.offset(first)+s*p.depth*width+4*(j-first):]
			for i, code := range row[part.k:part.end] {
				i += part.skip
				step[i/4*4*width+i%4] = code
			}
		}
	}
	return p
}

// amxPart is what a step multiplies: weights k ≤ i < end, by bytes from the one at skip on.
type amxPart struct{ k, end, skip int }

// width returns the number of channels in the panel that begins at channel j.
func (p *amxPanels) width(j int) int {
	if p.n-j > amxChannels {
		return 2 * amxChannels
	}
	return amxChannels
}

// offset returns where the panel that begins at channel j begins.
func (p *amxPanels) offset(j int) int { return j * len(p.at) * p.depth }

// filled reports whether a step would leave the row: of a few bytes, of no multiple of 4.
func (p *amxPanels) filled() bool { return p.depth > p.k }

// sumsAMX is codeKernels.sums.
func sumsAMX(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	p := w.packed.(*amxPanels)
	return p.accumulate(w.kernels, acc, p.width(j), a, lda, rows, j)
}

// accumulate fills acc for the panel that begins at channel j, and returns its width. Rows of acc are ld apart.
func (p *amxPanels) accumulate(k *kernels, acc []int32, ld int, a []byte, lda, rows, j int) (width int) {
	if p.filled() {
		var wide [blockRows * amxBytes]byte
		for r := range rows {
			copy(wide[r*p.depth:], a[r*lda:][:p.k])
		}
		a, lda = kernel.NoEscape(&wide)[:], p.depth
	}
	width = p.width(j)
	high := amxTile / width
	t := p.task(lda, ld, j)
	if tiles := rows / high; tiles > 0 {
		t.configure(width, high, p.depth)
		t.acc, t.a, t.tiles, t.aStep, t.accStep = &acc[0], &a[0], tiles, high*lda, 4*high*ld
		t.run(k, width)
	}
	for r := rows / high * high; r < rows; {
		n := t.configure(width, rows-r, p.depth)
		t.acc, t.a, t.tiles = &acc[r*ld], &a[r*lda], 1
		t.run(k, width)
		r += n
	}
	return width
}

// across is accumulate for up to 32 rows and panels of 32 channels from the one that begins at channel j on, whose sums
// begin at every accStep of acc.
func (p *amxPanels) across(k *kernels, acc []int32, ld, accStep int, a []byte, lda, rows, j, panels int) {
	const width = 2 * amxChannels
	t := p.task(lda, ld, j)
	t.configure(width, rows, p.depth)
	t.acc, t.a, t.tiles, t.wStep, t.accStep = &acc[0], &a[0], panels, p.offset(width), 4*accStep
	t.run(k, width)
}

// task returns one for the panel that begins at channel j.
func (p *amxPanels) task(lda, ld, j int) amxTask {
	return amxTask{
		lda: lda, w: &p.codes[p.offset(j)], at: &p.at[0], steps: len(p.at), stepBytes: p.depth * p.width(j), row: 4 * ld,
	}
}

func (t *amxTask) run(k *kernels, width int) {
	tile := &k.codes.tiles.amx[0]
	if width == amxChannels {
		tile = &k.codes.tiles.amx[1]
	}
	tile.Get()(kernel.NoEscape(t))
}

// configure gives tiles of that width so many rows, or fewer, and returns how many. The registers have the same
// number of rows each, and may overlap.
func (t *amxTask) configure(width, rows, depth int) int {
	registers := 4 * amxChannels / width
	t.apart = rows / registers
	high := rows - (registers-1)*t.apart
	if high > amxRows { // of 59, 62 and 63 rows the first 32
		rows, t.apart, high = 2*amxRows, amxRows/2, amxRows/2
	}
	t.config.fill(width, high, depth)
	return rows
}

// packAMXRows is codeKernels.pack, and packAMXRuns packRuns.
func packAMXRows(w *Int8, codes []int8, _ int) {
	w.packed = packAMX(codes, w.N, Runs{Count: 1, Length: w.K})
}

func packAMXRuns(w []int8, n int, r Runs) runProduct { return packAMX(w, n, r) }
