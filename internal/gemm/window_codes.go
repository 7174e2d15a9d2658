package gemm

import (
	"fmt"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// Int8Windows is what the output rows of a convolution of codes are made of where they are not copied to a panel first:
//
//	dst[out(i)+j] = stage(Σ_t Σ_c a[in(i, t)+c]·w[j, t·depth+c])
//
// Output row i sees a row of depth codes for each tap t of the kernel, or padding, which is a row of the input's zero
// point. Output rows that see alike make a tile of registers, and taps that are padding for all rows of a tile are left
// out: what they would add goes into the bias of the tile. So products with padding cost nothing.
//
// An Int8Windows is immutable, and may be used from several goroutines at once.
type Int8Windows struct {
	kernels         *kernels
	taps, depth     int
	lastIn, lastOut int // the largest offsets of rows
	tiles           []codeTile
	absent          [][]bool // of each of the tiles' biases, the taps that are left out
	padding         []byte
}

// codeTile is a tile of rows that lie about two origins in the way that others may too. The kernels read it.
type codeTile struct {
	pattern *codePattern
	in, out int
}

// codePattern says what a tile reads and writes, in bytes from the origins. In a tile of lineRows rows, rows and
// columns of the window follow each other: there only the first row of each third tap is given, and the first two of
// the output.
type codePattern struct {
	outs  [maxTileRows]int32
	bias  int // which of the biases, times the bytes of one
	count int // of taps
	first *codeTap

	height int // the rows that are computed; those too many are copies of the first
	taps   []codeTap
}

// codeTap is where the rows of a tile are read for one tap, or for several whose rows lie together; -1 is padding.
type codeTap struct {
	weight int // the tap's first k, times 16
	depth  int
	rows   [maxTileRows]int32
}

// HasInt8Windows reports whether the tier has kernels for windows of rows of depth codes: for output stages that
// multiply in floating point, and weights without zero points.
func HasInt8Windows(tier cpu.Tier, depth int, c quant.Convention) bool {
	k := &kernelsOf(tier).codeWindows
	return k.mul.Has() && depth >= k.depth && depth%4 == 0 && (c == quant.ONNX || c == quant.Torch)
}

// codeWindowKernels are the kernels for windows of codes, and what they take: plans are made from that.
type codeWindowKernels struct {
	depth        int // the least of a tap
	rows         int // of the tallest tile, besides those of lines; the lower one has 4
	lineChannels int // the most channels that tiles of lines have, where there are such

	// mul computes tiles first ≤ t < end of the channels of a panel of maxWidth channels.
	mul kernel.Func[func(w *Int8, dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel int)]

	tall, low, lines planned // there is a kernel for tiles of that form
}

// planned counts the tiles of one form that are planned.
type planned = kernel.Func[struct{}]

// NewInt8Windows plans the products of outputs rows with weights [n, taps·depth] for a tier that HasInt8Windows. in
// returns where the row that output row i sees at tap t begins, -1 for padding, which has the code zero; out where
// output row i begins. Offsets are below 2 GiB.
func NewInt8Windows(n, outputs, taps, depth int, zero byte, in func(i, t int) int, out func(i int) int,
	tier cpu.Tier,
) *Int8Windows {
	if n < 1 || outputs < 1 || taps < 1 || depth < 4 || depth%4 != 0 {
		panic(fmt.Sprintf("gemm: no windows of %d rows, %d taps, depth %d for %d channels", outputs, taps, depth, n))
	}
	w := &Int8Windows{kernels: kernelsOf(tier), taps: taps, depth: depth, padding: make([]byte, taps*depth)}
	for i := range w.padding {
		w.padding[i] = zero
	}
	plan := codePlan{
		Int8Windows: w, channels: n, in: in, out: out, known: map[string]*codePattern{}, biases: map[string]int{},
	}
	rest := plan.addLines(outputs)
	if len(rest) == 0 {
		return w
	}
	for _, rows := range arrange(len(rest), taps, w.kernels.codeWindows.rows, func(i, t int) int { return in(rest[i], t) }) {
		for k, i := range rows {
			rows[k] = rest[i]
		}
		plan.add(rows)
	}
	return w
}

// Tiles returns the number of tiles, of which each may be computed apart.
func (w *Int8Windows) Tiles() int { return len(w.tiles) }

// Kinds returns how many sets of taps tiles leave out.
func (w *Int8Windows) Kinds() int { return len(w.absent) }

// Bytes returns about how much memory the plan takes.
func (w *Int8Windows) Bytes() int64 {
	seen, bytes := map[*codePattern]bool{}, int64(len(w.tiles))*int64(unsafe.Sizeof(codeTile{}))
	for i := range w.tiles {
		if p := w.tiles[i].pattern; !seen[p] {
			seen[p] = true
			bytes += int64(unsafe.Sizeof(*p)) + int64(cap(p.taps))*int64(unsafe.Sizeof(codeTap{}))
		}
	}
	return bytes
}

// TapSums returns the sum of each row of depth codes of a weight [n, taps·depth], for Biases.
func TapSums(weight []int8, depth int) []int32 {
	sums := make([]int32, len(weight)/depth)
	for i := range sums {
		sum := int32(0)
		for _, v := range weight[i*depth:][:depth] {
			sum += int32(v)
		}
		sums[i] = sum
	}
	return sums
}

// Biases returns the biases of all kinds of tiles, for MulWindows: with the input's zero point zero folded in for the
// taps that they see. sums are the TapSums of the weight, and bias is without it.
func (w *Int8Windows) Biases(sums, bias []int32, zero int32) []int32 {
	if len(sums) != len(bias)*w.taps {
		panic(fmt.Sprintf("gemm: %d sums of taps and %d biases for %d taps", len(sums), len(bias), w.taps))
	}
	all := make([]int32, 0, len(w.absent)*len(bias))
	for _, absent := range w.absent {
		for j, b := range bias {
			for t, sum := range sums[j*w.taps:][:w.taps] {
				if !absent[t] {
					b -= zero * sum
				}
			}
			all = append(all, b)
		}
	}
	return all
}

// MulWindows computes tiles first ≤ t < end of the channels of panels panel ≤ p < endPanel, and leaves all else in dst
// alone. The weight is packed for a tier that HasInt8Windows. bias is what Biases returned, and stands for the stage's.
func (w *Int8) MulWindows(dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel, endPanel int) {
	switch {
	case w.K != v.taps*v.depth || len(bias) != len(v.absent)*w.N:
		panic(fmt.Sprintf("gemm: weights [%d, %d] and %d biases for %d taps of depth %d",
			w.N, w.K, len(bias), v.taps, v.depth))
	case len(dst) < v.lastOut+w.N || len(a) < v.lastIn+v.depth:
		panic(fmt.Sprintf("gemm: windows up to %d and %d do not fit: %d bytes of dst, %d of a",
			v.lastOut, v.lastIn, len(dst), len(a)))
	case first < 0 || end > len(v.tiles) || panel < 0 || endPanel > w.Panels():
		panic(fmt.Sprintf("gemm: tiles %d to %d of %d, panels %d to %d of %d",
			first, end, len(v.tiles), panel, endPanel, w.Panels()))
	case w.kernels != v.kernels:
		panic(fmt.Sprintf("gemm: windows for %v, and weights for %v", v.kernels.tier, w.tier))
	case s.WeightZero != nil || !HasInt8Windows(w.tier, v.depth, s.Requant.Convention):
		panic("gemm: windows with an output stage that no kernel has")
	}
	s.check(w.N)
	kernel.NoEscape(w).mulWindows(dst, a, v, bias, kernel.NoEscape(s), first, end, panel, endPanel)
}

func (w *Int8) mulWindows(dst, a []byte, v *Int8Windows, bias []int32, s *Stage, first, end, panel, endPanel int) {
	tiles := end - first
	if w.N*w.K <= windowCache {
		tiles = max(windowCache/(maxTileRows*v.depth), 64)
	}
	for ; first < end; first += tiles {
		for p := panel; p < endPanel; p++ {
			w.codeWindows.mul.Get()(w, dst, a, v, bias, s, first, min(first+tiles, end), p)
		}
	}
}

// windowCache is how many bytes of a picture, and of weights beside them, stay in the cache.
const windowCache = 384 << 10

// Panels returns the number of panels of channels of MulWindows.
func (w *Int8) Panels() int { return (w.N + maxWidth - 1) / maxWidth }
