package engine

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"linquant/internal/arith"
	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// codedWeight is the weight of an integer layer: int8 codes, and what they stand for.
type codedWeight struct {
	codes  []int8
	params *quant.Params
	zero   []int32 // zero point of each channel, of the codes as they are here; nil where all are 0
}

// weightCodes returns the constant weight of input 1, for so many output channels. The codes of unsigned weights are
// moved by 128, and so are their zero points.
func (s *lowerer) weightCodes(channels int) (*codedWeight, error) {
	v, err := s.constant(1)
	if err != nil {
		return nil, err
	}
	q := v.Quant
	if q == nil || q.Type.Bits > 8 || v.Const.DType != tensor.Int8 && v.Const.DType != tensor.Uint8 {
		return nil, s.errorf("weight %q is not quantized to 2 to 8 bits", v.Name)
	}
	if n := len(q.Scale); n != 1 && n != channels {
		return nil, s.errorf("weight %q has %d scales for %d output channels: quantize it per tensor", v.Name, n, channels)
	}
	if err := s.read(v.Const.Elements()); err != nil {
		return nil, s.errorf("%w", err)
	}
	if err := s.table(16 * int64(channels)); err != nil {
		return nil, s.errorf("%w", err)
	}
	w := &codedWeight{params: q}
	moved := int32(0)
	if q.Type.Unsigned {
		moved = 128
		w.codes = share(&s.packs, s.key(1, 0, 1, "moved"), func() []int8 {
			codes := make([]int8, len(v.Const.Data))
			for i, b := range v.Const.Data {
				codes[i] = int8(b ^ 0x80)
			}
			return codes
		})
	} else if w.codes, err = tensor.As[int8](*v.Const); err != nil {
		return nil, s.errorf("weight %q: %w", v.Name, err)
	}
	w.zero = make([]int32, channels)
	any := false
	for c := range w.zero {
		w.zero[c] = q.ZeroPointOf(min(c, len(q.Scale)-1)) - moved
		any = any || w.zero[c] != 0
	}
	if !any {
		w.zero = nil
	}
	return w, nil
}

// biasCodes returns the int32 bias of input 2, zeros where it is left out.
func (s *lowerer) biasCodes(channels int) ([]int32, error) {
	if s.n.Input(2) == "" {
		return make([]int32, channels), nil
	}
	v, err := s.constant(2)
	if err != nil {
		return nil, err
	}
	b, err := tensor.As[int32](*v.Const)
	if err != nil {
		return nil, s.errorf("bias %q: %w", v.Name, err)
	}
	if len(b) != channels {
		return nil, s.errorf("bias %q has %d elements for %d channels", v.Name, len(b), channels)
	}
	return slices.Clone(b), nil
}

// requantizers returns the output stage of a layer for each of its groups of channels, all clamped alike.
func (s *lowerer) requantizers(w *codedWeight, channels, groups int) ([]*quant.Requantizer, error) {
	in, out := s.in[0].quant.Scale[0], s.out.quant.Scale[0]
	multipliers := make([]float64, len(w.params.Scale))
	for c, scale := range w.params.Scale {
		multipliers[c] = s.g.Requant.Multiplier(in, scale, out)
	}
	list := make([]*quant.Requantizer, groups)
	for i := range list {
		part := multipliers
		if len(part) > 1 {
			n := channels / groups
			part = part[i*n : (i+1)*n]
		}
		var err error
		if list[i], err = quant.NewRequantizer(s.g.Requant, part, *s.out.quant); err != nil {
			return nil, s.errorf("%w", err)
		}
	}
	lo, hi := s.clampCodes()
	for _, r := range list {
		r.Lo, r.Hi = lo, hi
	}
	return list, nil
}

// checkAccumulators returns an error if the sum of products of an output channel, Σ(qx − zx)(qw − zw), can leave int32 for
// some input. Partial sums may wrap, and so may the sum with a bias (graph.Wrapping). weight is [channels, depth], and first the
// number of the first channel.
func checkAccumulators(weight []int8, zero []int32, channels int, in *quant.Params, first int) error {
	depth := len(weight) / channels
	if int64(depth)*255*255 <= math.MaxInt32 { // |qw − zw| and |qx − zx| are at most 255 each: most layers are too small
		return nil
	}
	qmin, qmax := in.Type.Range()
	lo, hi := int64(qmin-in.ZeroPointOf(0)), int64(qmax-in.ZeroPointOf(0)) // lo ≤ 0 ≤ hi
	for c := range channels {
		z := int32(0)
		if zero != nil {
			z = zero[c]
		}
		negative, positive := arith.Signs(weight[c*depth:(c+1)*depth], z)
		if least, most, fits := arith.Reach(negative, positive, lo, hi, 0); !fits {
			return fmt.Errorf("output channel %d: the sum of products can reach [%d, %d], beyond int32; use fewer bits",
				first+c, least, most)
		}
	}
	return nil
}

// foldBias returns bias[c] − inZero·Σ_k weight[c,k], inZero being the input's zero point as it is stored, so that a
// kernel can multiply stored codes as they are. It may wrap, and the accumulator wraps back.
func foldBias(bias []int32, weight []int8, inZero int32) []int32 {
	folded, depth := make([]int32, len(bias)), len(weight)/len(bias)
	for c, b := range bias {
		sum := int32(0)
		for _, w := range weight[c*depth : (c+1)*depth] {
			sum += int32(w)
		}
		folded[c] = b - inZero*sum
	}
	return folded
}

// pack runs what was registered, on all processors. The error is that of the first job that has one.
func (c *compiler) pack() error {
	errs := make([]error, len(c.jobs))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(c.jobs)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(c.jobs)); i = next.Add(1) - 1 {
				if errs[i] = ended.Err(c.ctx); errs[i] == nil {
					errs[i] = c.jobs[i].run()
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
