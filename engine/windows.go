package engine

import (
	"math"
	"slices"

	"linquant/internal/gemm"
)

// floatWindows is a convolution of reals that reads its windows where they lie and leaves out what is padding, where
// the processor has kernels for that.
type floatWindows struct {
	in, out  *place
	weight   *gemm.Float32
	bias     []float32
	lo, hi   float32
	examples []*gemm.Windows // of one example, and where the weights are heavy of so many
}

// windows returns the kernel for a convolution with that frame and weight, nil where a panel is needed: for groups, few
// channels, numbers for which a product with 0 says something.
func (s *lowerer) windows(l *layer, w, bias []float32) *floatWindows {
	g := l.window
	if g.Group > 1 || g.pointwise() || !gemm.HasWindows(s.tier, l.inGroup) || !skipsZeros(w, bias) {
		return nil
	}
	k := &floatWindows{in: s.in[0], out: s.out, bias: bias}
	count := 1
	if l.rows <= groupRows && 4*len(w) >= heavy {
		count = groupSize
	}
	for n := 1; n <= count; n++ {
		v := s.floatPlan(floatPlan{*g, n, l.ldd})
		if v == nil {
			return nil
		}
		k.examples = append(k.examples, v)
	}
	return k
}

// floatPlan is what the windows of a layer of reals depend on; layers that are alike share them.
type floatPlan struct {
	geometry
	examples, channels int
}

// floatPlan makes the windows, nil where there are none or no room for them.
func (c *compiler) floatPlan(p floatPlan) *gemm.Windows {
	v, ok := c.floatPlans[p]
	if ok {
		return v
	}
	taps := p.Kernel[0] * p.Kernel[1]
	if c.plannable(int64(p.examples)*int64(p.pixels())*int64(taps)) && !c.dry {
		v, ok = gemm.NewWindows(c.tier, gemm.WindowShape{
			Outputs: p.examples * p.pixels(), Taps: taps, Depth: p.geometry.channels, Channels: p.channels,
			LDA: p.geometry.channels, LDD: p.channels, Row: p.pixelOf,
		})
		if !ok {
			v = nil
		}
	}
	c.floatPlans[p] = v
	return v
}

// pixelOf returns the input pixel that output pixel i sees at tap t, -1 for padding. Pixels of further examples follow
// those of the first.
func (g *geometry) pixelOf(i, t int) int {
	example, i := i/g.pixels(), i%g.pixels()
	y := i/g.Out[1]*g.Stride[0] - g.Pad[0] + t/g.Kernel[1]*g.Dilation[0]
	x := i%g.Out[1]*g.Stride[1] - g.Pad[1] + t%g.Kernel[1]*g.Dilation[1]
	if y < 0 || y >= g.height || x < 0 || x >= g.width {
		return -1
	}
	return (example*g.height+y)*g.width + x
}

// skipsZeros reports whether products with 0 can be left out of sums without a trace (gemm.Windows says why).
func skipsZeros(w, bias []float32) bool {
	for _, v := range w {
		if v-v != 0 { // infinite or NaN
			return false
		}
	}
	return !slices.ContainsFunc(bias, func(v float32) bool { return v == 0 && math.Signbit(float64(v)) })
}

func (k *floatWindows) units() (n, grain int) { return k.examples[0].Units(k.weight), 1 }

func (k *floatWindows) part(s *state, _ *scratch, lo, hi int) {
	k.examples[0].Mul(s.floatsOf(k.out), s.floatsOf(k.in), k.weight, k.bias, k.lo, k.hi, lo, hi)
}

func (k *floatWindows) heavy() grouped {
	if len(k.examples) > 1 {
		return k
	}
	return nil
}

// need is that of a group: its pictures lie together.
func (k *floatWindows) need() need {
	if k.heavy() == nil {
		return need{}
	}
	return need{floats: groupSize * (k.in.n + k.out.n)}
}

func (k *floatWindows) runGroup(examples []*state) {
	n := len(examples)
	x, y := examples[0].scratch.floats[:n*k.in.n], examples[0].scratch.floats[groupSize*k.in.n:][:n*k.out.n]
	for i, e := range examples {
		copy(x[i*k.in.n:], e.floatsOf(k.in))
	}
	v := k.examples[n-1]
	v.Mul(y, x, k.weight, k.bias, k.lo, k.hi, 0, v.Units(k.weight))
	for i, e := range examples {
		copy(e.floatsOf(k.out), y[i*k.out.n:])
	}
}
