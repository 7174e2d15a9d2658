package ptq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"linquant/internal/cpu"
	"linquant/internal/linalg"
	"linquant/quant"
)

// Reconstruct is the WeightMethod that chooses codes so that each layer computes, from what the quantized network before it
// really gives it, what the layer of the float network computes. With X' that input, at sampled positions, and Y the float
// layer's output there, it
//
//  1. finds the real weights that would do best, T = (cov(Y, X') + d·W)·(cov(X') + d·I)⁻¹, where d is Damping times the
//     mean of cov(X')'s diagonal: they repair what the layers before broke;
//  2. takes for each output channel the scale with which T's nearest codes have the least squared error, and with up to 4 bits
//     that of nine multiples of it with which step 3 loses least;
//  3. rounds one input after the other, each error carried on to those that are left, in the order of falling variance
//     (GPTQ, Frantar et al., arXiv:2210.17323, computed from the Cholesky factor of the matrix itself);
//  4. moves single codes to where tr((Q−T)·cov(X')·(Q−T)ᵀ) is least, all in turn, several times, with the scale fitted
//     again in between;
//  5. gives the layer the bias with which the means of its outputs are those of Y, where it can have one.
//
// Where the layer's output is only added to a value that is there already, Y is the output and what that value has lost. Codes use the
// whole range of the type, except the most negative one of 8 bits. A MatMul whose weight is a stack of matrices, and layers of more than
// 8,192 inputs an output, whose matrices would be too large, are quantized by LeastSquares. A scale that several groups of a convolution
// share is that of LeastSquares. The zero value has the defaults. What it returns depends on the examples and on Seed, and not on
// Threads; processors without fused multiply-add may differ.
type Reconstruct struct {
	Samples int     // positions of the layer's output that are looked at; 0 means 32,768. More where the layer has many inputs
	Damping float64 // of the matrices; 0 means 0.01
	Sweeps  int     // how often codes are moved, at most, between two fits of the scale; 0 means 4
	Fits    int     // of the scale; 0 means 2
	Seed    uint64  // which positions are looked at

	// Quick leaves out what takes most of the time where layers have many inputs: one scale is tried instead of nine, and codes are moved
	// once, with no fit of the scale. It is for comparing networks that differ elsewhere.
	Quick bool

	Threads int // 0 means GOMAXPROCS
}

// String returns "reconstruct".
func (Reconstruct) String() string { return "reconstruct" }

func (r Reconstruct) complete() Reconstruct {
	if r.Samples <= 0 {
		r.Samples = 1 << 15
	}
	if !(r.Damping > 0) {
		r.Damping = 0.01
	}
	if r.Sweeps <= 0 {
		r.Sweeps = 4
	}
	if r.Fits <= 0 {
		r.Fits = 2
	}
	if r.Quick {
		r.Sweeps, r.Fits = 1, 0
	}
	if r.Threads <= 0 {
		r.Threads = runtime.GOMAXPROCS(0)
	}
	return r
}

// Needs asks for the layer's input in the quantized network and for its output in the float one.
func (r Reconstruct) Needs(w *LayerWeight) ([]Watch, error) {
	if w.Node == nil {
		return []Watch{{}}, nil // a checkpoint's: there is nothing to watch
	}
	if w.Affine {
		return nil, errors.New("reconstruction is for symmetric weights: leave out either it or the zero points")
	}
	x, y := newSamplers(w, r.complete())
	if x == nil {
		return nil, nil // of a form that is not sampled: its weights are rounded
	}
	return []Watch{{InQuantized, x}, {OfOutput, y}}, nil
}

// Quantize does it.
func (r Reconstruct) Quantize(ctx context.Context, w *LayerWeight, codes []int8) (quant.Params, []float32, error) {
	if len(w.Seen) == 0 {
		return LeastSquares{}.Quantize(ctx, w, codes)
	}
	r = r.complete()
	tier, err := cpu.FromEnv()
	if err != nil {
		return quant.Params{}, nil, err
	}
	x, y := w.Seen[0].Observer.(*inputSampler), w.Seen[1].Observer.(*outputSampler)
	c := &reconstruction{Reconstruct: r, machine: linalg.Machine{Tier: tier, Threads: r.Threads}, w: w, x: x, y: y}
	c.low, c.high = w.Type.Range()
	if w.Type.Bits == 8 {
		c.low = -c.high
	}
	c.params = quant.Params{Type: w.Type, Layout: w.Layout}
	channels := w.Shape[w.Axis]
	c.scales = make([]float32, channels)
	if w.CanBias {
		c.bias = make([]float32, channels)
	}
	if w.Layout.Per == quant.PerTensor && x.groups > 1 {
		p, err := leastSquaresParams(ctx, w.Real, w.Shape, w.Type, w.Layout)
		if err != nil {
			return quant.Params{}, nil, err
		}
		c.given = p.Scale[0]
	}
	for g := range x.groups {
		if err := context.Cause(ctx); err != nil {
			return quant.Params{}, nil, err
		}
		if err := c.group(g, codes); err != nil {
			return quant.Params{}, nil, err
		}
	}
	return c.params, c.bias, c.setScales()
}

// reconstruction is one layer's.
type reconstruction struct {
	Reconstruct
	machine   linalg.Machine
	w         *LayerWeight
	x         *inputSampler
	y         *outputSampler
	low, high int32
	scales    []float32 // one per output channel
	bias      []float32 // nil where the layer can have none
	given     float32   // the one scale of several groups; 0 where there is none
	params    quant.Params
}

// group chooses the codes of one group of a convolution.
func (c *reconstruction) group(g int, codes []int8) error {
	k, n, outputs := c.x.depth, c.x.samples(), len(c.scales)/c.x.groups
	samples, reals, order := c.x.group(g)
	y, h := c.y.rows(g*outputs, outputs), square(&c.x.room.gram, k)
	var cov linalg.Matrix
	var mean, outputMean []float64
	zero, unit := 0.0, 1.0
	if reals.Data != nil {
		cov, outputMean = c.machine.CovarianceReals(y, reals)
		mean = c.machine.GramReals(h, reals)
	} else {
		mean = c.machine.GramCodes(h, samples, n)
		cov, outputMean = c.machine.CovarianceCodes(y, samples, k)
		zero, unit = float64(c.x.zero()), float64(c.w.Input.Scale)
	}
	for i := range mean {
		mean[i] -= zero
	}
	if c.bias == nil { // then the means count as well
		for i := range k {
			for j := range k {
				h.Data[i*h.Step+j] = float32(float64(h.Data[i*h.Step+j]) + float64(mean[i]*mean[j]))
			}
			for o := range outputs {
				cov.Data[o*cov.Step+i] = float32(float64(cov.Data[o*cov.Step+i]) + float64(outputMean[o]*mean[i]))
			}
		}
	}
	weight := c.weight(g, order)
	q := &solver{
		machine: c.machine, low: float32(c.low), high: float32(c.high), bits: c.w.Type.Bits, shared: c.params.Per == quant.PerTensor,
		fits: c.Fits, sweeps: c.Sweeps, quick: c.Quick, h: h, given: c.given,
	}
	damping := c.Damping * linalg.MeanDiagonal(h)
	if damping > 0 {
		t := cov // T·(H + dI) = cov/unit + d·W
		c.machine.Each(outputs, 4, func(lo, hi int) {
			for o := lo; o < hi; o++ {
				row := t.Row(o)
				for i, v := range row {
					row[i] = float32(float64(v)/unit + float64(damping*float64(weight.At(o, i))))
				}
			}
		})
		l := c.x.room.clone(h)
		linalg.AddDiagonal(l, damping)
		factor, err := c.machine.Cholesky(l)
		if err != nil {
			return fmt.Errorf("what the layer is given cannot be told apart: %w; calibrate on other examples", err)
		}
		factor.Solve(t)
		linalg.AddDiagonal(h, damping/10)
		q.target = t
		q.run(factor.L)
	} else { // inputs that are always the same say nothing about weights
		q.target, c.w.constant = weight, true
		q.nearest()
	}
	for o := range outputs {
		channel := g*outputs + o
		c.scales[channel] = q.scales[o]
		row := q.codes.Row(o)
		sum := outputMean[o]
		for i, code := range row {
			codes[c.at(channel, order[i])] = int8(code)
			sum -= float64(unit * float64(float64(code)*float64(q.scales[o])) * mean[i])
		}
		if c.bias != nil {
			c.bias[channel] = float32(sum)
		}
	}
	return nil
}

// at returns where the weight of an output channel and of one of its inputs lies.
func (c *reconstruction) at(channel, input int) int {
	if c.w.Axis == 0 {
		return channel*c.x.depth + input
	}
	return input*len(c.scales) + channel
}

// weight returns the weights of a group, a row for each output channel, their inputs in the given order.
func (c *reconstruction) weight(g int, order []int) linalg.Matrix {
	outputs := len(c.scales) / c.x.groups
	m := linalg.New(outputs, len(order))
	for o := range outputs {
		for i, from := range order {
			m.Data[o*m.Step+i] = c.w.Real[c.at(g*outputs+o, from)]
		}
	}
	return m
}

// setScales makes parameters of the scales.
func (c *reconstruction) setScales() error {
	for i, s := range c.scales {
		if !(s > 0) || math.IsInf(float64(s), 1) {
			return fmt.Errorf("output channel %d has the scale %v", i, s)
		}
	}
	c.params.Scale = c.scales
	if c.params.Per == quant.PerTensor {
		c.params.Scale = c.scales[:1]
	}
	c.params.ZeroPoint = make([]int32, len(c.params.Scale))
	return nil
}
