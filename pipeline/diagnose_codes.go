package pipeline

import (
	"context"
	"slices"

	"linquant/ptq"
	"linquant/quant"
)

// codedLayer is what a way to quantize weights made of a layer.
type codedLayer struct {
	codes  []int8
	params quant.Params
	bias   []float32
}

// resuming is a way to quantize weights that gives layers the codes that they had before, if nothing has changed for them, and remembers all.
type resuming struct {
	ptq.WeightMethod
	before map[string]codedLayer // by the names of layers
	same   func(layer string) bool
	made   map[string]codedLayer
}

func (r *resuming) known(w *ptq.LayerWeight) (codedLayer, bool) {
	name := w.Node.Label()
	c, ok := r.before[name]
	return c, ok && r.same(name) && c.params.Type == w.Type && c.params.Layout == w.Layout
}

// Needs asks for nothing of a layer that is known.
func (r *resuming) Needs(w *ptq.LayerWeight) ([]ptq.Watch, error) {
	if _, ok := r.known(w); ok {
		return nil, nil
	}
	return r.WeightMethod.Needs(w)
}

// Quantize makes the codes, or takes those that are known. Scales are copied, since what builds the network may raise them.
func (r *resuming) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	c, ok := r.known(w)
	if !ok {
		p, bias, err := r.WeightMethod.Quantize(ctx, w, codes)
		if err != nil {
			return p, bias, err
		}
		c = codedLayer{slices.Clone(codes), p, slices.Clone(bias)}
	}
	r.made[w.Node.Label()] = c
	copy(codes, c.codes)
	p := c.params
	p.Scale, p.ZeroPoint = slices.Clone(p.Scale), slices.Clone(p.ZeroPoint)
	return p, slices.Clone(c.bias), nil
}
