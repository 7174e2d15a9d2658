package graph

import (
	"math"
	"slices"

	"linquant/internal/arith"
	"linquant/quant"
	"linquant/tensor"
)

// checkAccumulators proves that the sums of products of a Conv, Gemm or MatMul on codes stay within int32, whatever the
// input. With the bias they may leave it: Wrapping.
func (s site) checkAccumulators() error {
	x, w := s.value(0).Quant, s.value(1)
	lo, hi := centred(x)
	if w.Const == nil {
		wLo, wHi := centred(w.Quant)
		if most := s.depth() * max(lo*wLo, hi*wHi, -lo*wHi, -hi*wLo); most > math.MaxInt32 {
			return s.errorf("the accumulator can reach %d, beyond int32: use fewer bits", most)
		}
		return nil
	}
	if s.n.Input(2) != "" {
		b := s.value(2)
		if channels := sumsOf(s.n, w.Const.Shape).channels; b.Const == nil || b.Const.DType != tensor.Int32 || b.Const.Elements() != channels {
			return s.errorf("bias %q: it must hold %d int32 codes", b.Name, channels)
		}
	}
	if s.depth()*255*255 <= math.MaxInt32 {
		return nil
	}
	return s.eachSum(nil, func(channel int, least, most int64) error {
		if least >= math.MinInt32 && most <= math.MaxInt32 {
			return nil
		}
		return s.errorf("output channel %d: the sum of products can reach [%d, %d], beyond int32: use fewer bits", channel, least, most)
	})
}

// eachSum calls visit with the interval that every accumulator of a layer with a constant weight can reach; bias is nil or has
// an element for each channel.
func (s site) eachSum(bias []int32, visit func(channel int, least, most int64) error) error {
	w := s.value(1)
	lo, hi := centred(s.value(0).Quant)
	a := sumsOf(s.n, w.Const.Shape)
	for stack := range a.stacks {
		for c := range a.channels {
			negative, positive := a.signed(w.Const.Data, stack, c, w.Quant)
			b := int64(0)
			if bias != nil {
				b = int64(bias[c])
			}
			least, most, _ := arith.Reach(negative, positive, lo, hi, b)
			if err := visit(c, least, most); err != nil {
				return err
			}
		}
	}
	return nil
}

// Wrap says that accumulators of a layer on codes can leave int32, where they go on from the other end: two's complement.
type Wrap struct {
	Channels    int   // of which it is so
	Channel     int   // the first of them
	Least, Most int64 // what its sum can be
}

// Wrapping returns of a Conv, Gemm or MatMul on codes, whose shapes were inferred, whether the bias takes accumulators out of int32
// for some input; the zero value says that it does not. Tools write such biases for channels whose weights are all but 0, and
// every runtime wraps there.
func Wrapping(g *Graph, n *Node) Wrap {
	s, wrap := site{g, n}, Wrap{}
	if of(n).Class != ClassLayer || n.Input(2) == "" || IsDynamic(n) || g.Values[n.Outputs[0]].Quant == nil {
		return wrap
	}
	w, b := s.value(1), s.value(2)
	if w.Const == nil || b.Const == nil {
		return wrap
	}
	bias, err := quant.Widen(*b.Const)
	if err != nil || len(bias) != sumsOf(n, w.Const.Shape).channels {
		return wrap
	}
	room := math.MaxInt32 - s.depth()*255*255
	if !slices.ContainsFunc(bias, func(v int32) bool { return max(int64(v), -int64(v)) > room }) {
		return wrap
	}
	_ = s.eachSum(bias, func(channel int, least, most int64) error {
		if least >= math.MinInt32 && most <= math.MaxInt32 {
			return nil
		}
		if wrap.Channels == 0 {
			wrap.Channel, wrap.Least, wrap.Most = channel, least, most
		}
		wrap.Channels++
		return nil
	})
	return wrap
}

// centred returns the least and largest code − zero point under parameters with one scale.
func centred(p *quant.Params) (lo, hi int64) {
	qmin, qmax := p.Type.Range()
	return int64(qmin - p.ZeroPointOf(0)), int64(qmax - p.ZeroPointOf(0))
}

// depth returns how many products the node sums for an element of its output.
func (s site) depth() int64 {
	w := s.shape(1)
	switch {
	case s.n.Op == Conv:
		return int64(perExample(w[1:]))
	case s.n.Op == Gemm && s.n.Int("transB") != 0:
		return int64(w[1])
	}
	return int64(w[max(len(w)-2, 0)])
}

// sums says which elements of a constant weight an accumulator is the sum of: of its stack (MatMul has several), for
// each block of the channels' run-length those of the channel.
type sums struct{ stacks, blocks, channels, run int }

func sumsOf(n *Node, shape tensor.Shape) sums {
	if len(shape) < 2 { // MatMul by a vector has one channel
		return sums{1, 1, 1, perExample(shape)}
	}
	axis, stacks := ChannelAxis(n, len(shape)), 1
	if n.Op == MatMul {
		stacks = perExample(shape[:len(shape)-2])
	}
	return sums{stacks, perExample(shape[:axis]) / stacks, shape[axis], perExample(shape[axis+1:])}
}

// signed returns arith.Signs of one accumulator.
func (a sums) signed(data []byte, stack, channel int, p *quant.Params) (negative, positive int64) {
	zero := p.ZeroPointOf(min(channel, len(p.Scale)-1))
	for block := range a.blocks {
		start := ((stack*a.blocks+block)*a.channels + channel) * a.run
		run := data[start : start+a.run]
		var n, m int64
		if p.Type.Unsigned {
			n, m = arith.Signs(run, zero)
		} else {
			n, m = arith.Signs(arith.Signed(run), zero)
		}
		negative, positive = negative+n, positive+m
	}
	return negative, positive
}
