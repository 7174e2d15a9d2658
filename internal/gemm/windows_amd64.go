//go:build !purego

package gemm

import "linquant/internal/cpu"

// windowTask is what a kernel for windows reads: one tile with one panel of weights.
type windowTask struct {
	dst, a   *float32 // the tile's origins; dst at the panel's first channel
	zeros    *float32
	w, bias  *float32
	prefetch *float32 // weights that are needed next
	taps     *windowTap
	count    int // of taps
	outs     *[maxWindowRows]int32
	begin    bool // there are no steps before
	end      bool // there are no steps after
	ahead    int  // bytes to prefetch in a step
	lo, hi   float32
	channels uint32 // a bit for each that exists
}

// Each stores the tile of height rows by 32 or 16 channels, or leaves its sums, [height][width], to go on with:
//
//	for r := range height {
//		for c := range channels {
//			sum := sums[r][c], or 0 at the beginning
//			for _, tap := range taps {
//				for k := range tap.depth {
//					sum = fma(row(tap, r)[k], w[tap.weight+k][c], sum)
//				}
//			}
//			sums[r][c] = sum, or at the end
//			dst[outs[r]+c] = clamp(sum+bias[c], lo, hi)
//		}
//	}
//
//go:noescape
func windowsAVX512x8x32(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x4x32(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x12x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x8x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x4x16(t *windowTask, sums *float32)

// Those of AVX2 store whole panels of 16 channels only.
//
//go:noescape
func windowsAVX2x6x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX2x4x16(t *windowTask, sums *float32)

// windowHeight returns the rows of the largest tile for so many channels, 0 where the tier has no kernels for windows.
func windowHeight(tier cpu.Tier, channels int) int {
	switch {
	case tier == cpu.AVX2 || tier == cpu.AVXVNNI:
		return 6
	case tier != cpu.AVX512VNNI && tier != cpu.AMX:
		return 0
	case channels <= 16:
		return 12
	default:
		return 8
	}
}

// windowWidth is the width of all panels but the last.
func (w *Float32) windowWidth() int { return panelWidth(0, maxWidth, w.tier) }

// windowPanels returns the number of panels of weights.
func (w *Float32) windowPanels() int { return (w.N + w.windowWidth() - 1) / w.windowWidth() }

// tileSums are those of a tile.
type tileSums [maxTileRows * maxWidth]float32

// blockTiles is the number of tiles whose sums are kept while they go through a panel of weights chunk by chunk.
const blockTiles = 16

// largePanel is the number of weights of a panel that does not stay in L2 together with the pictures.
const largePanel = 1 << 16

func (w *Float32) mulWindows(dst, a []float32, v *Windows, bias []float32, lo, hi float32, first, end int) {
	b := windowBlock{w: w, v: v, dst: dst, a: a, bias: bias}
	b.zeros, b.lo, b.hi = &v.zeros[0], lo, hi
	var sums [blockTiles]tileSums
	for first < end {
		j, at := first/len(v.tiles)*w.windowWidth(), first%len(v.tiles)
		count := min(end-first, len(v.tiles)-at)
		b.panel(j)
		for n := 0; n < count; n += blockTiles {
			b.run(v.tiles[at+n:at+min(count, n+blockTiles)], n == 0, &sums)
		}
		first += count
	}
}

// windowBlock is some tiles that go through one panel of weights.
type windowBlock struct {
	windowTask
	w      *Float32
	v      *Windows
	dst, a []float32
	bias   []float32

	j, width int       // first channel, channels
	weights  []float32 // from the panel on
}

// panel turns to the panel that begins at channel j.
func (b *windowBlock) panel(j int) {
	b.j, b.width = j, panelWidth(j, b.w.N, b.w.tier)
	b.weights = b.w.panels.weights[j*b.w.K:]
	b.channels = uint32(1<<min(b.width, b.w.N-j) - 1)
	b.windowTask.w, b.windowTask.bias = &b.weights[0], &b.v.zeros[0]
	if b.bias != nil {
		b.windowTask.bias = &b.bias[j]
	}
}

// run computes tiles. Where it is the first to use the panel, the weights that it needs next are fetched while it works.
func (b *windowBlock) run(tiles []windowTile, fetch bool, sums *[blockTiles]tileSums) {
	var done [blockTiles]int
	chunk := b.v.chunk
	if len(tiles) == 1 || b.w.K*b.width < largePanel {
		chunk = b.w.K
	}
	partial := b.w.tier == cpu.AVX2 && b.w.N-b.j < b.width
	for k := chunk; k < b.w.K+chunk; k += chunk {
		b.prefetch, b.ahead = &b.weights[0], 0
		share := 0
		if fetch && k*b.width < len(b.weights) {
			share = chunk * b.width / len(tiles)
			b.ahead = (4*b.width + len(tiles) - 1) / len(tiles)
		}
		for i := range tiles {
			tile := &tiles[i]
			from := done[i]
			to := from
			for to < len(tile.taps) && tile.taps[to].weight < 64*int64(k) {
				to++
			}
			if from == to {
				continue
			}
			done[i] = to
			b.begin, b.end = from == 0, to == len(tile.taps)
			b.taps, b.count, b.outs = &tile.taps[from], to-from, &tile.outs
			b.windowTask.dst, b.windowTask.a = &b.dst[tile.out+b.j], &b.a[tile.in]
			if share > 0 {
				b.prefetch = &b.weights[min(k*b.width+share*i, len(b.weights)-1)]
			}
			if partial && b.end {
				b.end = false
				b.kernel(tile.height, &sums[i])
				b.finish(tile, &sums[i])
			} else {
				b.kernel(tile.height, &sums[i])
			}
		}
	}
}

// finish stores what the sums of a tile are with the channels that exist, of a panel that has too many.
func (b *windowBlock) finish(tile *windowTile, sums *tileSums) {
	n := b.w.N - b.j
	stage := floatStage{bias: b.v.zeros[:n], lo: b.lo, hi: b.hi}
	if b.bias != nil {
		stage.bias = b.bias[b.j:]
	}
	for r := range tile.height {
		stage.applyGeneric(b.dst[tile.out+int(tile.outs[r])/4+b.j:], 0, sums[r*b.width:], 0, 1, 0, n)
	}
}

func (b *windowBlock) kernel(height int, sums *tileSums) {
	switch {
	case height == 6:
		windowsAVX2x6x16(&b.windowTask, &sums[0])
	case b.w.tier == cpu.AVX2:
		windowsAVX2x4x16(&b.windowTask, &sums[0])
	case b.width == 32 && height == 8:
		windowsAVX512x8x32(&b.windowTask, &sums[0])
	case b.width == 32:
		windowsAVX512x4x32(&b.windowTask, &sums[0])
	case height == 12:
		windowsAVX512x12x16(&b.windowTask, &sums[0])
	case height == 8:
		windowsAVX512x8x16(&b.windowTask, &sums[0])
	default:
		windowsAVX512x4x16(&b.windowTask, &sums[0])
	}
}
