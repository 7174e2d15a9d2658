package engine

import (
	"linquant/internal/gemm"
	"linquant/quant"
)

// padded is a convolution of codes on a processor that multiplies tiles of rows where they lie, if the rows are the
// same number of bytes apart. So the picture is copied once, with its padding: to lines of pixels that begin with the
// padding on the left, which is also what the line before ends with. What a window sees is then a run of bytes in
// each of a few lines, and every pixel's window begins a pixel after the one before it. Those that begin where a line
// ends, and would see two lines, are computed and dropped.
type padded struct {
	layer
	weight *gemm.Int8Runs
	stage  gemm.Stage
	pitch  int  // pixels from a line to the next
	wide   int  // channels of a pixel there, a multiple of 4
	zero   byte // the code of padding
}

// readsPadded reports whether a convolution with that frame and weight is computed that way: where less is dropped than
// a panel costs, and where runs fill steps of 64 bytes nearly as well as a panel's row does. A few steps more do not
// matter: the output stage takes as long.
func (s *lowerer) readsPadded(l *layer, w *codedWeight) bool {
	g := l.window
	if w.zero != nil || g.Group != 1 || g.Stride != [2]int{1, 1} || g.pointwise() || g.Out[1] < leastPaddedWidth {
		return false
	}
	r := g.runs(0, widthOf(g.channels))
	steps := func(bytes int) int { return (bytes + 63) / 64 }
	return gemm.HasRuns(s.tier, r.Length) && r.Count*steps(r.Length) <= max(5, 5*steps(l.depth)/4) && gemm.RunsPay(s.tier, w.codes, l.depth)
}

// leastPaddedWidth is where dropping a pixel of each line is no great loss.
const leastPaddedWidth = 16

// runs returns how a window lies in lines of pitch pixels that have wide channels.
func (g *geometry) runs(pitch, wide int) gemm.Runs {
	line := g.Dilation[0] * pitch * wide
	if g.Dilation[1] == 1 {
		return gemm.Runs{Count: g.Kernel[0], Length: g.Kernel[1] * wide, Step: line}
	}
	if g.Kernel[0] == 1 {
		return gemm.Runs{Count: g.Kernel[1], Length: wide, Step: g.Dilation[1] * wide}
	}
	return gemm.Runs{}
}

// paddedConv returns the kernel for a convolution that readsPadded. Its weight is packed later.
func (s *lowerer) paddedConv(l *layer, w *codedWeight, bias []int32, requant *quant.Requantizer) *padded {
	g, in := l.window, s.in[0]
	k := &padded{layer: *l, zero: byte(in.zero()), pitch: g.width + max(g.Pad[1], g.Pad[3]), wide: widthOf(g.channels)}
	k.panel = nil
	flip, tier := s.out.flip, s.tier
	s.later(func() error {
		if err := checkAccumulators(w.codes, nil, len(bias), in.quant, 0); err != nil {
			return s.errorf("%w", err)
		}
		k.stage = gemm.Stage{Bias: foldBias(bias, w.codes, in.zero()), Requant: requant, Flip: flip}
		runs := g.runs(k.pitch, k.wide)
		k.weight = share(&s.packs, s.key(1, 0, 1, runs), func() *gemm.Int8Runs {
			codes := widened(channelsInnermost(w.codes, l.inGroup, l.depth), l.inGroup, k.wide)
			return gemm.PackInt8Runs(codes, len(bias), runs, tier)
		})
		return nil
	})
	return k
}

// units are lines of the output.
func (k *padded) units() (n, least int) { return k.window.Out[0], 2 }

func (k *padded) part(s *state, w *scratch, lo, hi int) {
	g := k.window
	line := g.Out[1] * k.ldd
	lines := w.codes[:k.bytes(hi-lo)]
	k.fill(lines, s.codesOf(k.in), lo)
	k.weight.Mul(s.codesOf(k.out)[lo*line:], k.ldd, lines, k.wide, g.Out[1], hi-lo, k.pitch, &k.stage)
}

// bytes returns how many bytes the windows of so many lines of the output lie in.
func (k *padded) bytes(lines int) int {
	g := k.window
	return ((lines-1+(g.Kernel[0]-1)*g.Dilation[0]+1)*k.pitch + g.Pad[1]) * k.wide
}

// fill copies the lines that are seen from output line first on.
func (k *padded) fill(dst, src []byte, first int) {
	g := k.window
	line, pitch := g.width*g.channels, k.pitch*k.wide
	left, right := g.Pad[1]*k.wide, (g.Pad[1]+g.width)*k.wide
	for y := first - g.Pad[0]; len(dst) >= pitch; y++ {
		if y < 0 || y >= g.height {
			fill(dst[:pitch], k.zero)
		} else {
			fill(dst[:left], k.zero)
			if k.wide == g.channels {
				copy(dst[left:right], src[y*line:])
			} else {
				widenPixels(dst[left:right], src[y*line:][:line], g.channels, k.wide)
			}
			fill(dst[right:pitch], k.zero)
		}
		dst = dst[pitch:]
	}
	fill(dst, k.zero)
}

// need is the picture with its padding.
func (k *padded) need() need { return need{codes: k.bytes(k.window.Out[0])} }

// rowsAtOnce returns how many rows of a group of examples a weight of bytes or larger elements is multiplied with at
// once, and changes how many rows a panel has. Some kernels compute so fast that weights must be read less often than by
// others.
func (s *lowerer) rowsAtOnce(l *layer, elementSize int) int {
	tile := gemm.TileRows(s.tier)
	if tile == 0 || elementSize != 1 {
		return groupRows
	}
	if l.panel != nil {
		l.block = min(max(l.block/tile*tile, 2*tile), l.rows)
	}
	return groupSize * groupRows
}
