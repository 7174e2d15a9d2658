package gemm

import "linquant/internal/kernel"

// windowKernels are the kernels for windows of floats.
type windowKernels struct {
	wide, narrow [maxWindowRows + 1]kernel.Func[windowKernel] // for panels of that width, by the height of the tile
	whole        bool                                         // they store all channels of a panel, whether they exist or not
}

// windowKernel computes a tile.
type windowKernel = func(t *windowTask, sums *float32)

// there reports whether there are any.
func (k *windowKernels) there() bool { return tallestOf(&k.narrow) > 0 }

func tallestOf(kernels *[maxWindowRows + 1]kernel.Func[windowKernel]) int {
	height := len(kernels) - 1
	for height > 0 && !kernels[height].Has() {
		height--
	}
	return height
}

// tallest returns the rows of the tallest tile for so many channels.
func (k *kernels) tallest(channels int) int {
	if k.reals.width(0, channels) > k.reals.narrow {
		return tallestOf(&k.windows.wide)
	}
	return tallestOf(&k.windows.narrow)
}

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

// windowPanels returns the number of panels of weights.
func (w *Float32) windowPanels() int { return (w.N + w.reals.wide - 1) / w.reals.wide }

// tileSums are those of a tile.
type tileSums [maxTileRows * maxWidth]float32

// blockTiles is the number of tiles whose sums are kept while they go through a panel of weights chunk by chunk.
const blockTiles = 16

// largePanel is the number of weights of a panel that does not stay in L2 together with the pictures.
const largePanel = 1 << 16

func (w *Float32) mulWindows(dst, a []float32, v *Windows, bias []float32, lo, hi float32, first, end int) {
	b := windowBlock{w: w, v: v, dst: dst, a: a, bias: bias}
	b.zeros, b.lo, b.hi = &v.zeros[0], lo, hi
	var room [blockTiles]tileSums
	sums := kernel.NoEscape(&room)
	for first < end {
		j, at := first/len(v.tiles)*w.reals.wide, first%len(v.tiles)
		count := min(end-first, len(v.tiles)-at)
		b.panel(j)
		for n := 0; n < count; n += blockTiles {
			b.run(v.tiles[at+n:at+min(count, n+blockTiles)], n == 0, sums)
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
	b.j, b.width = j, b.w.reals.width(j, b.w.N)
	b.weights = b.w.panels[j*b.w.K:]
	b.channels = uint32(1<<min(b.width, b.w.N-j) - 1)
	b.windowTask.w, b.windowTask.bias = &b.weights[0], &b.v.zeros[0]
	if b.bias != nil {
		b.windowTask.bias = &b.bias[j]
	}
}

// run computes tiles. Where it is the first to use the panel, the weights that it needs next are fetched while it works.
func (b *windowBlock) run(tiles []windowTile, fetch bool, sums *[blockTiles]tileSums) {
	var done [blockTiles]int
	task := kernel.NoEscape(&b.windowTask)
	chunk := b.v.chunk
	if len(tiles) == 1 || b.w.K*b.width < largePanel {
		chunk = b.w.K
	}
	own := &b.w.windows
	kernels := &own.narrow
	if b.width > b.w.reals.narrow {
		kernels = &own.wide
	}
	partial := own.whole && b.w.N-b.j < b.width
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
				kernels[tile.height].Get()(task, &sums[i][0])
				b.finish(tile, &sums[i])
			} else {
				kernels[tile.height].Get()(task, &sums[i][0])
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
