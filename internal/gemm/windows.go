package gemm

import (
	"encoding/binary"
	"fmt"
	"math"

	"linquant/internal/cpu"
)

// Windows is what the output rows of a convolution of floats are made of, where they are not copied to a panel first:
//
//	dst[i, j] = clamp(Σ_t Σ_c a[Row(i, t), c]·w[j, t·depth+c] + bias[j], lo, hi)
//
// Output row i sees a row of depth channels for each tap t of the kernel, or padding, which is a row of zeros. Output
// rows that see alike make a tile of registers, and taps that are padding for all rows of a tile are left out. That
// changes no bit as long as no weight is infinite or NaN and no bias is -0: what is left out are products with 0, and
// adding those to a sum changes at most the sign of a sum that is 0.
//
// A Windows is immutable, and may be used from several goroutines at once.
type Windows struct {
	WindowShape
	lastIn int // the largest row of a that is read
	height int // of the tallest tile
	tiles  []windowTile
	zeros  []float32 // as many as a windowTap is long, and as a panel is wide
	chunk  int       // of k, that tiles of a block go through one after the other
}

// HasWindows reports whether there are kernels for windows: of this tier, and for so many channels that their loops are
// worth starting.
func HasWindows(tier cpu.Tier, depth int) bool {
	return kernelsOf(tier).windows.there() && depth >= leastDepth
}

const (
	leastDepth    = 8
	shortDepth    = 256 // taps are joined up to that many k
	chunkDepth    = 256 // a panel's weights of so many k stay in L1 while a block of tiles uses them
	maxTileRows   = 8   // of windows of codes
	maxWindowRows = 12
	maxLeftovers  = 64      // more than that are not paired with each other, which takes their number squared
	maxTileExtent = 1 << 30 // bytes that a tile spans, so that a distance in it is an int32
	maxWindowTaps = 128     // a pattern has a list of them
	maxPlanned    = 1 << 21 // taps of all rows; planning takes about 20 ns for each
)

// windowTile is a tile of rows that lie about two origins in the way that others may too.
type windowTile struct {
	*windowPattern
	in, out int // elements of a and of dst
}

// windowPattern says what a tile reads and writes, in bytes from the origins. The kernels read it.
type windowPattern struct {
	height int // the rows that are computed; those too many are copies of the first
	outs   [maxWindowRows]int32
	taps   []windowTap
}

// windowTap is where the rows of a tile are read for one tap, or for several whose rows lie together; -1 is padding.
type windowTap struct {
	weight int64 // the tap's first k, times 64
	depth  int64 // bytes
	rows   [maxWindowRows]int32
}

// WindowShape is what Windows are made of.
type WindowShape struct {
	Outputs  int                  // output rows
	Taps     int                  // of the kernel
	Depth    int                  // products of a tap
	Channels int                  // of the output
	LDA, LDD int                  // distances between rows of a and of dst
	Row      func(i, tap int) int // the row of a that output row i sees at a tap, -1 for padding
}

// NewWindows plans the products with weights [Channels, Taps·Depth] for a tier that HasWindows. ok is false where the
// rows of a tile are too far apart for the kernels, or there is so much to plan that rows are better copied.
func NewWindows(tier cpu.Tier, s WindowShape) (w *Windows, ok bool) {
	if !HasWindows(tier, s.Depth) || min(s.Outputs, s.Taps, s.Channels) < 1 || s.LDA < s.Depth || s.LDD < s.Channels {
		s.Row = nil
		panic(fmt.Sprintf("gemm: no windows on %v: %+v", tier, s))
	}
	if s.Taps > maxWindowTaps || int64(s.Outputs)*int64(s.Taps) > maxPlanned {
		return nil, false
	}
	w = &Windows{WindowShape: s, height: kernelsOf(tier).tallest(s.Channels)}
	w.zeros = make([]float32, max(s.Depth, shortDepth))
	w.chunk = max(s.Depth, chunkDepth/s.Depth*s.Depth)
	patterns := map[string]*windowPattern{}
	for _, rows := range arrange(s.Outputs, s.Taps, w.height, s.Row) {
		if ok := w.add(rows, patterns); !ok {
			return nil, false
		}
	}
	return w, true
}

// add appends the tile of some output rows.
func (w *Windows) add(rows []int, patterns map[string]*windowPattern) (ok bool) {
	first, last := math.MaxInt, 0
	for _, i := range rows {
		for t := range w.Taps {
			if r := w.Row(i, t); r >= 0 {
				first, last = min(first, r), max(last, r)
			}
		}
	}
	first = min(first, last) // where all is padding
	w.lastIn = max(w.lastIn, last)
	if int64(last-first)*int64(w.LDA) > maxTileExtent/4 || int64(w.Outputs)*int64(w.LDD) > maxTileExtent/4 {
		return false
	}
	tile := windowTile{&windowPattern{height: tileHeight(len(rows), w.height)}, first * w.LDA, rows[0] * w.LDD}
	of := func(k int) int { // rows too many are the first again
		if k < len(rows) {
			return rows[k]
		}
		return rows[0]
	}
	for k := range tile.outs {
		tile.outs[k] = int32(4 * (of(k) - rows[0]) * w.LDD)
	}
	for t := range w.Taps {
		tap, seen := windowTap{weight: 64 * int64(t*w.Depth), depth: 4 * int64(w.Depth)}, false
		for k := range tap.rows {
			if r := w.Row(of(k), t); r >= 0 {
				tap.rows[k], seen = int32(4*(r-first)*w.LDA), true
			} else {
				tap.rows[k] = -1
			}
		}
		if seen || t == w.Taps-1 && len(tile.taps) == 0 { // there is always one, though all be padding
			tile.append(tap)
		}
	}
	key := tile.key()
	if known := patterns[key]; known != nil {
		tile.windowPattern = known
	} else {
		patterns[key] = tile.windowPattern
	}
	w.tiles = append(w.tiles, tile)
	return true
}

// append adds a tap: to the one before it, where all rows go on there.
func (p *windowPattern) append(tap windowTap) {
	if n := len(p.taps); n > 0 {
		last := &p.taps[n-1]
		if last.weight+16*last.depth == tap.weight && last.depth+tap.depth <= 4*shortDepth &&
			follow(last.rows[:], tap.rows[:], last.depth) {
			last.depth += tap.depth
			return
		}
	}
	p.taps = append(p.taps, tap)
}

// follow reports whether all rows lie depth bytes behind those of the tap before, or are padding as they are.
func follow(before, rows []int32, depth int64) bool {
	for k, at := range rows {
		if b := before[k]; (at >= 0 || b >= 0) && (b < 0 || int64(b)+depth != int64(at)) {
			return false
		}
	}
	return true
}

// key is the same for patterns that are.
func (p *windowPattern) key() string {
	list := append([]int32{int32(p.height)}, p.outs[:]...)
	for i := range p.taps {
		list = append(append(list, int32(p.taps[i].weight/64), int32(p.taps[i].depth)), p.taps[i].rows[:]...)
	}
	key, _ := binary.Append(nil, binary.LittleEndian, list)
	return string(key)
}

// Units returns the number of parts that Mul with these weights can be divided into.
func (w *Windows) Units(weight *Float32) int { return len(w.tiles) * weight.windowPanels() }

// Mul computes units first ≤ u < end; all of them are all output rows with all channels. It leaves all else in dst
// alone. A nil bias is 0; without a clamp, lo and hi are -Inf and +Inf.
func (w *Windows) Mul(dst, a []float32, weight *Float32, bias []float32, lo, hi float32, first, end int) {
	switch {
	case weight.K != w.Taps*w.Depth || weight.N != w.Channels:
		panic(fmt.Sprintf("gemm: weights [%d, %d] are not for %d channels, %d taps of depth %d",
			weight.N, weight.K, w.Channels, w.Taps, w.Depth))
	case bias != nil && len(bias) != weight.N:
		panic(fmt.Sprintf("gemm: %d biases for %d channels", len(bias), weight.N))
	case len(dst) < (w.Outputs-1)*w.LDD+weight.N || len(a) < w.lastIn*w.LDA+w.Depth:
		panic(fmt.Sprintf("gemm: windows of %d rows do not fit: %d elements of dst, %d of a", w.Outputs, len(dst), len(a)))
	case first < 0 || end > w.Units(weight):
		panic(fmt.Sprintf("gemm: units %d to %d of %d", first, end, w.Units(weight)))
	}
	weight.mulWindows(dst, a, w, bias, lo, hi, first, end)
}
