package engine

import "linquant/quant"

// A depthwise convolution has one input channel for each output channel (or for a few of them): there is no matrix to
// multiply with, and the loop runs over the channels of one tap after the other.

type integerDepthwise struct {
	layer
	weight  []int32 // [taps, channels], less the weight's zero points
	bias    []int32
	zero    int32 // the input's, as it is stored
	requant []*quant.Requantizer
	flip    byte
}

// emitDepthwise appends a depthwise convolution on codes. requant has the output stage of each group.
func (s *site) emitDepthwise(l layer, w *codedWeight, bias []int32, requant []*quant.Requantizer, macs int64) {
	channels := len(bias)
	k := &integerDepthwise{layer: l, bias: bias, zero: s.in[0].zero(), requant: requant, flip: s.out.flip}
	s.later(func() error {
		if err := checkAccumulators(w.codes, w.zero, bias, s.in[0].quant, 0); err != nil {
			return s.errorf("%w", err)
		}
		wide := make([]int32, len(w.codes))
		for i, code := range w.codes {
			wide[i] = int32(code)
			if w.zero != nil {
				wide[i] -= w.zero[i/l.depth]
			}
		}
		k.weight = tapsFirst(wide, channels, l.depth)
		return nil
	})
	s.emitLayer(k, s.in[0], macs, need{sums: channels})
}

func (k *integerDepthwise) run(s *state) {
	x, y := s.codesOf(k.in), s.codesOf(k.out)
	g, channels := k.window, len(k.bias)
	perInput := channels / g.channels
	sums := s.scratch.sums[:channels]
	for oy := range g.Out[0] {
		for ox := range g.Out[1] {
			copy(sums, k.bias)
			// What lies in the padding is the zero point, and adds nothing.
			ylo, yhi := g.Span(0, oy, g.height)
			xlo, xhi := g.Span(1, ox, g.width)
			for ky := ylo; ky < yhi; ky++ {
				line := (oy*g.Stride[0] + ky*g.Dilation[0] - g.Pad[0]) * g.width
				for kx := xlo; kx < xhi; kx++ {
					pixel := x[(line+ox*g.Stride[1]+kx*g.Dilation[1]-g.Pad[1])*g.channels:][:g.channels]
					addCodes(sums, pixel, k.weight[(ky*g.Kernel[1]+kx)*channels:][:channels], k.zero, perInput)
				}
			}
			out := y[(oy*g.Out[1]+ox)*channels:][:channels]
			for c, sum := range sums {
				r := k.requant[c/perInput]
				out[c] = byte(r.Code(sum, c%perInput*min(r.Channels()-1, 1))) ^ k.flip
			}
		}
	}
}

// addCodes adds the products of one tap to the sums of its output channels, perInput for each input channel.
func addCodes(sums []int32, pixel []byte, weight []int32, zero int32, perInput int) {
	if perInput == 1 {
		sums, weight = sums[:len(pixel)], weight[:len(pixel)]
		for c, u := range pixel {
			sums[c] += (int32(u) - zero) * weight[c]
		}
		return
	}
	for c := range sums {
		sums[c] += (int32(pixel[c/perInput]) - zero) * weight[c]
	}
}

type floatDepthwise struct {
	layer
	weight []float32 // [taps, channels]
	bias   []float32
	lo, hi float32
}

func (k *floatDepthwise) run(s *state) {
	x, y := s.floatsOf(k.in), s.floatsOf(k.out)
	g, channels := k.window, k.ldd
	perInput := channels / g.channels
	for oy := range g.Out[0] {
		for ox := range g.Out[1] {
			out := y[(oy*g.Out[1]+ox)*channels:][:channels]
			clear(out)
			ylo, yhi := g.Span(0, oy, g.height)
			xlo, xhi := g.Span(1, ox, g.width)
			for ky := ylo; ky < yhi; ky++ {
				line := (oy*g.Stride[0] + ky*g.Dilation[0] - g.Pad[0]) * g.width
				for kx := xlo; kx < xhi; kx++ {
					pixel := x[(line+ox*g.Stride[1]+kx*g.Dilation[1]-g.Pad[1])*g.channels:][:g.channels]
					addReals(out, pixel, k.weight[(ky*g.Kernel[1]+kx)*channels:][:channels], perInput)
				}
			}
			for c, v := range out {
				if k.bias != nil {
					v += k.bias[c]
				}
				out[c] = clampTo(v, k.lo, k.hi)
			}
		}
	}
}

func addReals(sums, pixel, weight []float32, perInput int) {
	if perInput == 1 {
		sums, weight = sums[:len(pixel)], weight[:len(pixel)]
		for c, v := range pixel {
			sums[c] += float32(v * weight[c])
		}
		return
	}
	for c := range sums {
		sums[c] += float32(pixel[c/perInput] * weight[c])
	}
}
