package ptq

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"linquant/graph"
	"linquant/internal/arith"
	"linquant/quant"
	"linquant/tensor"
)

// integerLayer is a Conv, Gemm or MatMul in integers.
type integerLayer struct {
	weight, bias *graph.Value // without names; bias is nil where there is none
	report       LayerReport
}

// codedWeight is a layer's weight and its codes.
type codedWeight struct {
	*LayerWeight
	codes      []int8
	params     quant.Params
	floatBytes int64
}

// layerWeight returns what is known of the weight of a layer before anything is read of it.
func (p *plan) layerWeight(n *graph.Node) (*LayerWeight, error) {
	shape := p.g.Value(n.Input(1)).Const.Shape
	w := &LayerWeight{
		Shape: shape, Type: quant.Int(p.settings[n].weightBits), Node: n, Axis: graph.ChannelAxis(n, len(shape)), CanBias: n.Op != graph.MatMul,
		InputShape: p.g.Value(n.Input(0)).Shape,
	}
	if !p.cfg.PerTensor {
		w.Layout = quant.Layout{Per: quant.PerChannel, Axis: w.Axis}
	}
	if n.Op == graph.Conv && len(w.InputShape) == 4 {
		var err error
		if w.window, err = graph.WindowOf(p.g, n, w.InputShape[2], w.InputShape[3]); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// codeWeight quantizes the weight of a layer; b is the network that is quantized up to it, for methods that want to see it.
// The bias is what it is to be from now on.
func (p *plan) codeWeight(n *graph.Node, input Activation, b built) (*codedWeight, error) {
	name, method := n.Input(1), p.cfg.WeightMethod
	w, err := p.layerWeight(n)
	if err != nil {
		return nil, err
	}
	if w.room = &p.room; !p.cfg.Alone {
		w.Input = input // alone, what it is shown is reals
	}
	channels, v := w.Shape[w.Axis], p.g.Value(name).Const
	if w.Real, err = v.Float32s(); err != nil {
		return nil, fmt.Errorf("weight %q: %w", name, err)
	}
	if w.Bias, err = p.biasOf(n, channels); err != nil {
		return nil, err
	}
	if w.Seen, err = method.Needs(w); err != nil {
		return nil, fmt.Errorf("weight %q: %w", name, err)
	}
	c := &codedWeight{LayerWeight: w, codes: make([]int8, len(w.Real)), floatBytes: int64(len(v.Data))}
	layer := p.chosen
	p.chosen++
	if len(w.Seen) > 0 {
		if p.watcher == nil {
			p.watcher, err = newWatcher(p, b, input.Scale != 0)
		}
		if err == nil && p.cfg.Progress != nil {
			p.cfg.Progress(Progress{Done: layer, Total: p.layers, Layer: n.Label(), Memory: p.watcher.memory, Left: p.watcher.left(layer)})
		}
		if err != nil {
			return nil, fmt.Errorf("weight %q: %w", name, err)
		}
	}
	params, bias, err := p.choose(n, c, b, layer)
	if err != nil {
		return nil, fmt.Errorf("weight %q: %w", name, err)
	}
	if c.params = params; bias != nil {
		w.Bias = bias
	}
	return c, nil
}

// choose fills in the codes of a layer, of that index among those with weights, and returns their parameters and a bias, nil where that
// stays as it is: those that are finished already, or those that the method chooses.
func (p *plan) choose(n *graph.Node, c *codedWeight, b built, layer int) (params quant.Params, bias []float32, err error) {
	w, taken := c.LayerWeight, false
	f := p.finished
	if len(w.Seen) == 0 {
		f = nil
	}
	if f != nil {
		if params, bias, taken, err = f.take(layer, w, c.codes); err != nil {
			return params, nil, err
		}
	}
	if taken {
		p.watcher.expect(w)
	} else {
		start := time.Now()
		if err = p.show(n, w, b); err == nil {
			params, bias, err = p.cfg.WeightMethod.Quantize(p.ctx, w, c.codes)
		}
		if err != nil {
			return params, nil, err
		}
		if len(w.Seen) > 0 && layer < len(p.watcher.work) {
			p.watcher.done += p.watcher.work[layer]
			p.watcher.took += time.Since(start)
		}
	}
	if err = checkParams(w, params); err == nil {
		err = checkSymmetric(c.codes, params)
	}
	if err == nil {
		err = checkBias(w, bias, w.Shape[w.Axis])
	}
	if err == nil && f != nil {
		if !taken {
			err = f.keep(layer, w, c.codes, params, bias)
		}
		f.follow(c.codes, params, bias)
	}
	return params, bias, err
}

// checkParams returns an error unless the parameters that a method gives a weight are those of the codes it was asked for.
func checkParams(w *LayerWeight, p quant.Params) error {
	switch {
	case p.Type != w.Type:
		return fmt.Errorf("the method returns codes of %v, and %v are wanted", p.Type, w.Type)
	case p.Layout != w.Layout:
		return fmt.Errorf("the method returns scales for the layout %+v, and %+v is wanted", p.Layout, w.Layout)
	}
	return p.Check(w.Shape)
}

// checkSymmetric returns an error where a method has given a weight with symmetric codes of 8 bits the most negative one, which
// stays unused: sums of two products with it leave the 16 bits that some processors have for them.
func checkSymmetric(codes []int8, p quant.Params) error {
	if p.Type.Bits < 8 {
		return nil
	}
	qmin, qmax := p.Type.Range()
	for _, z := range p.ZeroPoint {
		if z != 0 {
			return nil
		}
	}
	if i := slices.Index(codes, int8(qmin)); i >= 0 {
		return fmt.Errorf("the method gives element %d the code %d, and symmetric codes of %v reach from %d to %d", i, qmin, p.Type, -qmax, qmax)
	}
	return nil
}

// checkBias returns an error unless a layer can have the bias that a method gives it.
func checkBias(w *LayerWeight, bias []float32, channels int) error {
	switch {
	case bias == nil:
		return nil
	case !w.CanBias:
		return errors.New("its layer can have no bias")
	case len(bias) != channels:
		return fmt.Errorf("a bias of %d elements is none for %d output channels", len(bias), channels)
	}
	_, err := quant.AbsMax(bias)
	return err
}

// integerLayer quantizes the weight and the bias of a layer between activations with the given parameters. Errors:
// weights that are not finite, scales whose products leave float32, an accumulator that can leave int32.
func (b *builder) integerLayer(n *graph.Node, input, output Activation) (*integerLayer, error) {
	w, err := b.codeWeight(n, input, b.soFar(n))
	if err != nil {
		return nil, err
	}
	name := n.Input(1)
	raised := 0
	if !b.cfg.SaturateBias {
		if raised, err = w.raiseScales(input.Scale); err != nil {
			return nil, fmt.Errorf("weight %q: %w", name, err)
		}
	}

	l := &integerLayer{report: LayerReport{Raised: raised, Input: input, Output: output}}
	if err := b.setWeight(l, n, w); err != nil {
		return nil, err
	}
	biasCodes := make([]int32, w.Shape[w.Axis])
	if w.Bias != nil {
		if l.bias, err = quantizeBias(biasCodes, w.Bias, input, w.params); err != nil {
			return nil, err
		}
		l.report.BiasBytes = storedBytes(l.bias)
	}
	if err := checkAccumulator(w.codes, w.Shape, w.Axis, biasCodes, input); err != nil {
		return nil, err
	}
	return l, b.checkStage(w.params.Scale, input, output)
}

// setWeight makes the constant of a layer's weight, and fills in what the report says about it.
func (p *plan) setWeight(l *integerLayer, n *graph.Node, w *codedWeight) error {
	var err error
	if l.weight, err = constant(w.codes, w.Shape, w.params); err != nil {
		return err
	}
	r := &l.report
	if len(w.Seen) > 0 {
		r.Shown, r.Constant = p.watcher.examples, w.constant
		if x, ok := w.Seen[0].Observer.(*inputSampler); ok {
			r.Samples, r.Inputs = x.samples(), x.depth
		}
	}
	r.Node, r.Op, r.Bits, r.Per = n.Label(), n.Op, w.params.Type.Bits, w.params.Per
	r.PackedBytes = packedBytes(l.weight)
	r.Weight = Layer{
		Name: n.Input(1), Shape: w.Shape, Scales: len(w.params.Scale), FloatBytes: w.floatBytes, Bytes: storedBytes(l.weight),
	}
	p.restored = resize(p.restored, len(w.Real))
	if err := quant.Dequantize(p.restored, w.codes, w.Shape, w.params); err != nil {
		return err
	}
	return r.Weight.compare(w.Real, p.restored)
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

// raiseScales makes weight scales, one or one per channel, larger where a bias would be too large an integer in units of
// input scale × weight scale, rounds the weights of such channels to the nearest codes, and returns how many scales it
// changed. What these weights lose is small beside a step of their output, whose range holds the bias.
func (w *codedWeight) raiseScales(input float32) (int, error) {
	raised := map[int]bool{}
	for c, b := range w.Bias {
		k := min(c, len(w.params.Scale)-1)
		least := math.Abs(float64(b)) / (float64(input) * largestBias)
		if float64(w.params.Scale[k]) < least {
			w.params.Scale[k] = float32(least)
			raised[k] = true
		}
	}
	if len(raised) == 0 {
		return 0, nil
	}
	codes := make([]int8, len(w.codes))
	if err := nearest(codes, w.Real, w.Shape, w.params); err != nil {
		return 0, err
	}
	for i := range codes {
		if k := min(i/w.inner()%w.Shape[w.Axis], len(w.params.Scale)-1); raised[k] {
			w.codes[i] = codes[i]
		}
	}
	return len(raised), nil
}

// inner returns how many elements lie from one of a channel to the next channel.
func (w *LayerWeight) inner() int {
	n := 1
	for _, d := range w.Shape[w.Axis+1:] {
		n *= d
	}
	return n
}

// quantizeBias returns the bias as int32 codes, which it also stores in codes.
func quantizeBias(codes []int32, bias []float32, input Activation, wp quant.Params) (*graph.Value, error) {
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
	lo, hi := int64(qmin-input.ZeroPoint), int64(qmax-input.ZeroPoint) // lo ≤ 0 ≤ hi
	positive, negative := make([]int64, len(bias)), make([]int64, len(bias))
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	for start := 0; start < len(codes); start += inner {
		c := start / inner % len(bias)
		n, p := arith.Signs(codes[start:start+inner], 0)
		positive[c], negative[c] = positive[c]+p, negative[c]+n
	}
	for c, b := range bias {
		if l, m, fits := arith.Reach(negative[c], positive[c], lo, hi, int64(b)); !fits {
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
