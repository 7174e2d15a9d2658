package engine

import (
	"math"
	"sync"

	"linquant/internal/gemm"
	"linquant/quant"
)

// codeWindows is a convolution of codes that reads its windows where they lie and leaves out what is padding, where the
// processor has kernels for that.
type codeWindows struct {
	layer
	wide     int                 // channels of a group that pixels have for the kernels, inGroup or a few more
	widens   bool                // pixels are copied for that
	examples []*gemm.Int8Windows // of one example, and where that pays of several
	several  int
	plan     windowPlan
	windows  func() []*gemm.Int8Windows // of the plan
	matrices []codeMatrix
	byPanel  bool // workers share the channels, else the rows
}

// codeMatrix is the weight of one group of the convolution.
type codeMatrix struct {
	weight   *gemm.Int8
	stage    gemm.Stage
	biases   [][]int32 // for each of examples
	inAt, at int       // first input channel, first output channel
}

// reads reports whether there are kernels for the windows of a convolution with that frame and weight. Others need a
// panel.
func (s *lowerer) readsCodeWindows(l *layer, w *codedWeight) bool {
	wide := widthOf(l.inGroup)
	if l.window.pointwise() || w.zero != nil || wide != l.inGroup && l.window.Group > 1 || !gemm.HasInt8Windows(s.tier, wide, s.g.Requant) {
		return false
	}
	p := s.windowPlan(l, w)
	if s.plans[p] != nil {
		return true
	}
	if !s.plannable(p.taps()) {
		return false
	}
	s.plan(p)
	return true
}

// windowPlan returns what the windows depend on.
func (s *lowerer) windowPlan(l *layer, w *codedWeight) windowPlan {
	g := l.window
	p := windowPlan{*g, l.ldd / g.Group, l.ldd, widthOf(l.inGroup), g.channels, 0, byte(s.in[0].zero())}
	switch {
	case p.wide != l.inGroup:
		p.pixel = p.wide
	case g.Group == 1 && l.rows <= groupRows:
		p.several = groupSize
	case g.Group == 1 && l.rows <= windowRows && len(w.codes) >= windowWeights:
		p.several = 2
	}
	return p
}

// widthOf returns how many channels the kernels take for those of a group.
func widthOf(channels int) int { return (channels + 3) &^ 3 }

// codeWindows returns the kernel for a convolution that readsCodeWindows. Its matrices are packed later.
func (s *lowerer) codeWindows(l *layer, w *codedWeight, bias []int32, requant []*quant.Requantizer) *codeWindows {
	g := l.window
	k := &codeWindows{layer: *l, wide: widthOf(l.inGroup), matrices: make([]codeMatrix, g.Group)}
	k.panel = nil
	n, taps := l.ldd/g.Group, g.Kernel[0]*g.Kernel[1]
	k.byPanel = n >= 2*sliceGrain*s.threads && n*l.depth > 4*s.in[0].n
	k.plan = s.windowPlan(l, w)
	k.windows = s.plan(k.plan)
	k.several, k.widens = k.plan.several, k.wide != l.inGroup && !s.quantizesWide(k.wide)
	in, flip, tier := s.in[0], s.out.flip, s.tier
	s.later(func() error {
		k.examples = k.windows()
		for i := range k.matrices {
			m := codeMatrix{inAt: i * l.inGroup, at: i * n}
			m.stage = gemm.Stage{Bias: bias[i*n:][:n], Requant: requant[i], Flip: flip}
			codes := w.codes[i*n*l.depth:][:n*l.depth]
			if err := checkAccumulators(codes, nil, n, in.quant, i*n); err != nil {
				return s.errorf("%w", err)
			}
			codes = widened(channelsInnermost(codes, l.inGroup, l.depth), l.inGroup, k.wide)
			sums := gemm.TapSums(codes, k.wide)
			for _, v := range k.examples {
				m.biases = append(m.biases, v.Biases(sums, m.stage.Bias, in.zero()))
			}
			m.weight = share(&s.packs, s.key(1, i, g.Group, windowForm{taps, k.wide}), func() *gemm.Int8 {
				return gemm.PackInt8Windows(codes, n, taps, k.wide, tier)
			})
			k.matrices[i] = m
		}
		return nil
	})
	return k
}

// windowForm is how the weight of such a layer is packed.
type windowForm struct{ taps, wide int }

// windowPlan is what the windows of a layer depend on; layers that are alike share them.
type windowPlan struct {
	geometry
	channels, ldd        int
	wide, pixel, several int
	zero                 byte
}

// taps is for how many taps of output pixels there are windows.
func (p *windowPlan) taps() int64 {
	return int64(1+p.several) * int64(p.pixels()) * int64(p.Kernel[0]*p.Kernel[1])
}

// plan returns a function that makes the windows, which is done once.
func (c *compiler) plan(p windowPlan) func() []*gemm.Int8Windows {
	if c.plans[p] == nil && c.dry {
		c.plans[p] = func() []*gemm.Int8Windows { return nil }
	}
	if c.plans[p] == nil {
		c.plans[p] = sync.OnceValue(func() []*gemm.Int8Windows {
			var list []*gemm.Int8Windows
			in, out := p.offsets(p.pixel), func(i int) int { return i * p.ldd }
			for _, n := range []int{1, p.several}[:min(1+p.several, 2)] {
				list = append(list, gemm.NewInt8Windows(p.channels, n*p.pixels(), p.Kernel[0]*p.Kernel[1], p.wide, p.zero,
					in, out, c.tier))
				c.planned.Add(list[len(list)-1].Bytes())
			}
			return list
		})
	}
	return c.plans[p]
}

// offsets returns a function that says where the pixel lies that output pixel i sees at tap t, -1 for padding. Pixels
// of further examples follow those of the first.
func (g *geometry) offsets(pixel int) func(i, t int) int {
	const outside = math.MinInt32 / 2
	// Made once, since all this is asked for many times: where the line begins that a line of windows sees at a row of
	// the kernel, and where the pixel lies in it that a column of windows sees at a column.
	lines := make([]int32, 0, g.Out[0]*g.Kernel[0])
	for oy := range g.Out[0] {
		for ky := range g.Kernel[0] {
			y := oy*g.Stride[0] - g.Pad[0] + ky*g.Dilation[0]
			if y < 0 || y >= g.height {
				y = outside
			} else {
				y *= g.width * pixel
			}
			lines = append(lines, int32(y))
		}
	}
	pixels := make([]int32, 0, g.Out[1]*g.Kernel[1])
	for ox := range g.Out[1] {
		for kx := range g.Kernel[1] {
			x := ox*g.Stride[1] - g.Pad[1] + kx*g.Dilation[1]
			if x < 0 || x >= g.width {
				x = outside
			} else {
				x *= pixel
			}
			pixels = append(pixels, int32(x))
		}
	}
	width, down, across := uint32(g.Out[1]), uint32(g.Kernel[0]), uint32(g.Kernel[1])
	rows, example := uint32(g.pixels()), g.height*g.width*pixel
	return func(i, t int) int {
		first, row, tap := 0, uint32(i), uint32(t)
		if row >= rows {
			first, row = int(row/rows)*example, row%rows
		}
		at := lines[row/width*down+tap/across] + pixels[row%width*across+tap%across]
		if at < 0 {
			return -1
		}
		return first + int(at)
	}
}

// quantizesWide makes the step that quantizes the layer's input leave room in each pixel, if there is such a step and
// nobody else reads what it makes.
func (s *lowerer) quantizesWide(wide int) bool {
	in := s.in[0]
	if !s.hidden(s.n.Inputs[0]) {
		return false
	}
	if k := s.quantizers[in]; k != nil && k.from.order != in.order {
		in.wide = wide
		in.buffer.n = in.order.plane * wide
		return true
	}
	return false
}

const (
	windowRows    = 256      // more rows fill their tiles by themselves
	windowWeights = 64 << 10 // fewer need not be read for several examples at once
)

func (k *codeWindows) units() (n, grain int) {
	if k.byPanel {
		return k.matrices[0].weight.Panels(), 1
	}
	return k.examples[0].Tiles(), 1
}

func (k *codeWindows) part(s *state, w *scratch, lo, hi int) {
	x := s.codesOf(k.in)
	if k.widens {
		x = widenPixels(w.codes, x, k.inGroup, k.wide)
	}
	tile, endTile, panel, endPanel := lo, hi, 0, k.matrices[0].weight.Panels()
	if k.byPanel {
		tile, endTile, panel, endPanel = 0, k.examples[0].Tiles(), lo, hi
	}
	k.compute(s.codesOf(k.out), x, 0, tile, endTile, panel, endPanel)
}

// compute is part for the examples of windows i, one after the other in x and y.
func (k *codeWindows) compute(y, x []byte, i, tile, endTile, panel, endPanel int) {
	for j := range k.matrices {
		m := &k.matrices[j]
		m.weight.MulWindows(y[m.at:], x[m.inAt:], k.examples[i], m.biases[i], &m.stage, tile, endTile, panel, endPanel)
	}
}

// heavy returns the kernel where it pays to run it on groups: weights are read once for all, and where pictures are
// small, rows of several fill the tiles at their edges.
func (k *codeWindows) heavy() grouped {
	if k.several > 0 {
		return k
	}
	return nil
}

// need is a group's pictures, which lie together, or a picture of widened pixels.
func (k *codeWindows) need() need {
	switch {
	case k.several > 0:
		return need{codes: k.several * (k.in.n + k.out.n)}
	case k.widens:
		return need{codes: k.in.n / k.inGroup * k.wide}
	}
	return need{}
}

// biases is the bytes of them.
func (k *codeWindows) biases() int64 {
	bytes := int64(0)
	for _, m := range k.matrices {
		for _, b := range m.biases {
			bytes += 4 * int64(len(b))
		}
	}
	return bytes
}

func (k *codeWindows) runGroup(examples []*state) {
	n, w := k.several, &examples[0].scratch
	for ; len(examples) >= n; examples = examples[n:] {
		x, y := w.codes[:n*k.in.n], w.codes[n*k.in.n:][:n*k.out.n]
		for i, e := range examples[:n] {
			copy(x[i*k.in.n:], e.codesOf(k.in))
		}
		k.compute(y, x, 1, 0, k.examples[1].Tiles(), 0, k.matrices[0].weight.Panels())
		for i, e := range examples[:n] {
			copy(e.codesOf(k.out), y[i*k.out.n:])
		}
	}
	for _, e := range examples {
		runWhole(k, e)
	}
}

// widenPixels copies pixels of src to dst, with zeros after each, and returns that part of dst.
func widenPixels(dst, src []byte, channels, wide int) []byte {
	n := len(src) / channels
	dst = dst[:n*wide]
	if channels == 3 && wide == 4 {
		widenThree(dst, src)
		return dst
	}
	clear(dst)
	for i := range n {
		copy(dst[i*wide:], src[i*channels:][:channels])
	}
	return dst
}

// widenThree is widenPixels for 3 channels in 4.
func widenThree(dst, src []byte) {
	for len(dst) >= 16 && len(src) >= 12 {
		d, s := dst[:16:16], src[:12:12]
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 0
		d[4], d[5], d[6], d[7] = s[3], s[4], s[5], 0
		d[8], d[9], d[10], d[11] = s[6], s[7], s[8], 0
		d[12], d[13], d[14], d[15] = s[9], s[10], s[11], 0
		dst, src = dst[16:], src[12:]
	}
	for len(dst) > 0 {
		dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], 0
		dst, src = dst[4:], src[3:]
	}
}
