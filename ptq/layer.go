package ptq

import (
	"fmt"
	"math"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// integerLayer is a Conv, Gemm or MatMul in integers.
type integerLayer struct {
	weight, bias *graph.Value // without names; bias is nil where there is none
	report       LayerReport
}

// quantizeLayer quantizes the weight and the bias of a layer between activations with the given parameters. Errors name
// the node: weights that are not finite, scales whose products leave float32, an accumulator that can leave int32.
func (p *plan) quantizeLayer(n *graph.Node, input, output Activation) (*integerLayer, error) {
	l, err := p.integerLayer(n, input, output)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", n, err)
	}
	return l, nil
}

// weightCodes quantizes the weight of a layer, and returns the reals too.
func (p *plan) weightCodes(n *graph.Node) (codes []int8, real []float32, wp quant.Params, err error) {
	name := n.Input(1)
	w := p.g.Value(name).Const
	if real, err = w.Float32s(); err != nil {
		return nil, nil, wp, fmt.Errorf("weight %q: %w", name, err)
	}
	s := scheme{typ: quant.Int(p.settings[n].weightBits), choose: p.cfg.WeightRange}
	if !p.cfg.PerTensor {
		s.layout = quant.Layout{Per: quant.PerChannel, Axis: graph.ChannelAxis(n, len(w.Shape))}
	}
	codes = make([]int8, len(real))
	if wp, err = s.quantize(codes, real, w.Shape); err != nil {
		return nil, nil, wp, fmt.Errorf("weight %q: %w", name, err)
	}
	return codes, real, wp, nil
}

func (p *plan) integerLayer(n *graph.Node, input, output Activation) (*integerLayer, error) {
	codes, real, wp, err := p.weightCodes(n)
	if err != nil {
		return nil, err
	}
	name := n.Input(1)
	w := p.g.Value(name).Const
	axis, bits := graph.ChannelAxis(n, len(w.Shape)), p.settings[n].weightBits
	bias, err := p.biasOf(n, w.Shape[axis])
	if err != nil {
		return nil, err
	}
	raised := 0
	if !p.cfg.SaturateBias {
		raised = raiseScales(wp.Scale, bias, input.Scale)
	}
	if raised > 0 {
		if err := quantizeWith(codes, real, w.Shape, wp); err != nil {
			return nil, fmt.Errorf("weight %q: %w", name, err)
		}
	}

	l := &integerLayer{report: LayerReport{
		Node: nodeName(n), Op: n.Op, Bits: bits, Per: wp.Per, Raised: raised, Input: input, Output: output,
		Weight: Layer{Name: name, Shape: w.Shape, Scales: len(wp.Scale), FloatBytes: int64(len(w.Data))},
	}}
	if l.weight, err = constant(codes, w.Shape, wp); err != nil {
		return nil, err
	}
	biasCodes := make([]int32, w.Shape[axis])
	if bias != nil {
		if l.bias, err = quantizeBias(biasCodes, bias, input, wp); err != nil {
			return nil, err
		}
		l.report.BiasBytes = storedBytes(l.bias)
	}
	if err := checkAccumulator(codes, w.Shape, axis, biasCodes, input); err != nil {
		return nil, err
	}
	if err := p.checkStage(wp.Scale, input, output); err != nil {
		return nil, err
	}
	return l, l.measure(codes, real, wp)
}

// biasOf returns a layer's bias, one element per output channel; nil where it has none.
func (p *plan) biasOf(n *graph.Node, channels int) ([]float32, error) {
	v := p.g.Value(n.Input(2))
	if v == nil {
		return nil, nil
	}
	b, err := v.Const.Float32s()
	if err != nil {
		return nil, fmt.Errorf("bias %q: %w", v.Name, err)
	}
	if _, err := quant.AbsMax(b); err != nil {
		return nil, fmt.Errorf("bias %q: %w", v.Name, err)
	}
	if len(b) == channels {
		return b, nil
	}
	all := make([]float32, channels) // one element for all channels
	for c := range all {
		all[c] = b[0]
	}
	return all, nil
}

// largestBias is how large a bias's code may be; the accumulator's other half is left to the products.
const largestBias = 1 << 30

// raiseScales makes weight scales, one or one per channel, larger where a bias would be too large an integer in units
// of input scale × weight scale, and returns how many it changed. What the weights of such a channel lose is small
// beside a step of its output, whose range holds the bias.
func raiseScales(scales, bias []float32, input float32) int {
	raised := map[int]bool{}
	for c, b := range bias {
		k := min(c, len(scales)-1)
		least := math.Abs(float64(b)) / (float64(input) * largestBias)
		if float64(scales[k]) < least {
			scales[k] = float32(least)
			raised[k] = true
		}
	}
	return len(raised)
}

// quantizeBias returns the bias as int32 codes, which it also stores in codes.
func quantizeBias(codes []int32, bias []float32, input Activation, wp quant.Params) (*graph.Value, error) {
	wp.Axis = 0 // of the accumulators' channels, whatever the weight's axis is
	bp, err := quant.BiasParams(input.params(), wp)
	if err != nil {
		return nil, fmt.Errorf("%w; leave the layer in floating point (Override.Float)", err)
	}
	if err := quant.QuantizeBias(codes, bias, input.params(), wp); err != nil {
		return nil, err
	}
	return constant(codes, tensor.Shape{len(codes)}, bp)
}

// checkAccumulator returns an error if Σ(qx − zx)·qw + bias of an output channel can leave int32 for some input codes.
func checkAccumulator(codes []int8, shape tensor.Shape, axis int, bias []int32, input Activation) error {
	qmin, qmax := input.Type.Range()
	lo, hi := int64(qmin-input.ZeroPoint), int64(qmax-input.ZeroPoint)
	least, most := make([]int64, len(bias)), make([]int64, len(bias))
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	for start := 0; start < len(codes); start += inner {
		c := start / inner % len(bias)
		for _, w := range codes[start : start+inner] {
			least[c] += min(int64(w)*lo, int64(w)*hi)
			most[c] += max(int64(w)*lo, int64(w)*hi)
		}
	}
	for c, b := range bias {
		if l, m := least[c]+int64(b), most[c]+int64(b); l < math.MinInt32 || m > math.MaxInt32 {
			return fmt.Errorf("output channel %d: the accumulator can reach [%d, %d], beyond int32: give the layer fewer "+
				"bits or leave it in floating point (Override)", c, l, m)
		}
	}
	return nil
}

// checkStage returns an error unless the accumulators can be brought to the output's codes.
func (p *plan) checkStage(weight []float32, input, output Activation) error {
	m := make([]float64, len(weight))
	for c, sw := range weight {
		m[c] = p.cfg.Requant.Multiplier(input.Scale, sw, output.Scale)
	}
	if _, err := quant.NewRequantizer(p.cfg.Requant, m, output.params()); err != nil {
		return fmt.Errorf("from input %q, scale %g, to output %q, scale %g: %w; leave the layer in floating point "+
			"(Override.Float)", input.Value, input.Scale, output.Value, output.Scale, err)
	}
	return nil
}

// measure fills in the report of the weight.
func (l *integerLayer) measure(codes []int8, real []float32, wp quant.Params) error {
	restored := make([]float32, len(real))
	w := &l.report.Weight
	if err := quant.Dequantize(restored, codes, w.Shape, wp); err != nil {
		return err
	}
	w.Bytes = storedBytes(l.weight)
	l.report.PackedBytes = packedBytes(l.weight)
	return w.compare(real, restored)
}
