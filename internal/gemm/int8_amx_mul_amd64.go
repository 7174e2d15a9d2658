//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/kernel"
)

// put stores acc [rows, width], of which n channels from j on exist.
func (o *output) put(k *kernels, acc []int32, width, first, rows, j, n int) {
	switch {
	case o.stage == nil:
		storeSums(o.sums[first*o.ldd+j:], o.ldd, acc, width, rows, n, o.bias, j)
	case o.pitch == 0:
		o.stage.apply(k, o.codes[first*o.ldd+j:], o.ldd, acc, width, rows, j, n)
	default:
		for r := 0; r < rows; {
			y, x := (first+r)/o.pitch, (first+r)%o.pitch
			if count := min(o.width-x, rows-r); count > 0 {
				o.stage.apply(k, o.codes[(y*o.width+x)*o.ldd+j:], o.ldd, acc[r*width:], width, count, j, n)
			}
			r += o.pitch - x
		}
	}
}

// direct reports whether tiles can be stored where sums belong.
func (o *output) direct() bool { return o.stage == nil && o.bias == nil }

const (
	amxHigh, amxWidth = 2 * amxRows, 2 * amxChannels // a tile, unless it is the last panel of 16 channels

	// Tiles that one call of the kernel fills acc with: it begins and ends with instructions that are slow.
	amxAtOnce = 4

	// Blocks of rows, and weights, that are used again and again should stay in L2 together with what comes by.
	amxBlockBytes  = 5 << 18
	amxWeightBytes = 1 << 20
)

// mulAMX and mulInt32AMX are codeKernels.mul and mulInt32.
func mulAMX(w *Int8, dst []byte, ldd int, a []byte, lda, m int, s *Stage) bool {
	p := w.packed.(*amxPanels)
	if p.filled() || s.WeightZero != nil {
		return false
	}
	p.mul(w.kernels, &output{stage: s, codes: dst, ldd: ldd}, a, lda, m)
	return true
}

func mulInt32AMX(w *Int8, dst []int32, ldd int, a []byte, lda, m int, bias []int32) bool {
	p := w.packed.(*amxPanels)
	if p.filled() {
		return false
	}
	p.mul(w.kernels, &output{sums: dst, bias: bias, ldd: ldd}, a, lda, m)
	return true
}

// mul multiplies m rows of a.
//
// A tile of 32 rows by 32 channels costs the processor four products of registers a step, and four loads, for which
// L1 is fast enough and L2 nearly. So rows are taken in blocks that stay in L2. In a block, either each panel of
// weights meets all tiles of rows, or, where weights are few and panels more than tiles, each tile all panels: what
// stays is in L1 or L2, and what comes by in L2.
func (p *amxPanels) mul(k *kernels, o *output, a []byte, lda, m int) {
	if o.inKernel() {
		p.mulCodes(k, o, a, lda, m)
		return
	}
	var room [amxAtOnce*amxTile + amxBytes/4]int32
	acc := aligned(kernel.NoEscape(&room)[:])
	block := p.block(lda)
	for i := 0; i < m; i += block {
		rows, j := min(block, m-i), 0
		panels := (p.n + amxChannels - 1) / amxWidth // a last one of 16 channels is none
		if p.acrossPays(rows, panels) {
			for r := i; r < i+rows; r += amxHigh {
				p.mulAcross(k, o, acc, a[r*lda:], lda, r, min(amxHigh, i+rows-r), panels)
			}
			j = panels * amxWidth
		}
		for j < p.n {
			j += p.mulDown(k, o, acc, a[i*lda:], lda, i, rows, j)
		}
	}
}

// block returns how many rows stay in L2. They may overlap.
func (p *amxPanels) block(lda int) int {
	return max(amxBlockBytes/max(min(p.k, lda), 1), amxHigh) / amxHigh * amxHigh
}

// acrossPays reports whether tiles should meet all panels, or else panels all tiles of a block of rows.
func (p *amxPanels) acrossPays(rows, panels int) bool {
	tiles := (rows + amxHigh - 1) / amxHigh
	return tiles == 1 || panels > tiles && len(p.codes) <= amxWeightBytes
}

// mulAcross is mul for a tile of rows and panels of 32 channels.
func (p *amxPanels) mulAcross(k *kernels, o *output, acc []int32, a []byte, lda, first, rows, panels int) {
	done := 0
	if full := min(panels, p.n/amxWidth); o.direct() && full > 0 {
		p.across(k, o.sums[first*o.ldd:], o.ldd, amxWidth, a, lda, rows, 0, full)
		done = full
	}
	for done < panels {
		count := min(len(acc)/amxTile, panels-done)
		p.across(k, acc, amxWidth, amxTile, a, lda, rows, done*amxWidth, count)
		for c := range count {
			j := (done + c) * amxWidth
			o.put(k, acc[c*amxTile:], amxWidth, first, rows, j, min(amxWidth, p.n-j))
		}
		done += count
	}
}

// mulDown is mul for the panel that begins at channel j, and returns its width.
func (p *amxPanels) mulDown(k *kernels, o *output, acc []int32, a []byte, lda, first, rows, j int) (width int) {
	width = p.width(j)
	n := min(width, p.n-j)
	if o.direct() && n == width {
		return p.accumulate(k, o.sums[first*o.ldd+j:], o.ldd, a, lda, rows, j)
	}
	step := len(acc) / width
	for r := 0; r < rows; r += step {
		count := min(step, rows-r)
		p.accumulate(k, acc, width, a[r*lda:], lda, count, j)
		o.put(k, acc, width, first+r, count, j, n)
	}
	return width
}

// aligned returns the part of room, which has 64 bytes too many, that begins at a multiple of 64: a register's row is
// 64 bytes, and one across two lines of cache takes twice as long. Stacks move by multiples of 64.
func aligned(room []int32) []int32 {
	skip := -uintptr(unsafe.Pointer(&room[0])) % amxBytes / 4
	return room[skip : int(skip)+len(room)-amxBytes/4]
}
