package graph

import (
	"math"

	"linquant/internal/arith"
	"linquant/quant"
	"linquant/tensor"
)

// checkAccumulators proves that the accumulators of a Conv, Gemm or MatMul on codes stay within int32, whatever the
// input.
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
	var bias []int32
	if s.n.Input(2) != "" {
		var err error
		if bias, err = quant.Widen(*s.value(2).Const); err != nil {
			return s.errorf("bias %q: %w", s.n.Inputs[2], err)
		}
	}
	a := sumsOf(s.n, w.Const.Shape)
	if bias != nil && len(bias) != a.channels {
		return s.errorf("bias %q: it must hold %d int32 codes", s.n.Inputs[2], a.channels)
	}
	for stack := range a.stacks {
		for c := range a.channels {
			negative, positive := a.signed(w.Const.Data, stack, c, w.Quant)
			b := int64(0)
			if bias != nil {
				b = int64(bias[c])
			}
			if least, most, fits := arith.Reach(negative, positive, lo, hi, b); !fits {
				return s.errorf("output channel %d: the accumulator can reach [%d, %d], beyond int32: use fewer bits or larger scales", c, least, most)
			}
		}
	}
	return nil
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
