package netgen

import (
	"fmt"
	"math"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// params draws the parameters of an activation whose reals reach about as far as spread.
func (b *generator) params(spread float64) *quant.Params {
	typ := quant.Type{Bits: rapid.SampledFrom([]int{8, 8, 8, 2, 3, 4, 5, 6, 7}).Draw(b.T, "bits"), Unsigned: b.yes("unsigned")}
	lo, hi := typ.Range()
	p := quant.TensorParams(typ, spread*2/float64(hi-lo)*rapid.SampledFrom([]float64{0.3, 0.7, 1}).Draw(b.T, "scale"), b.between(lo, hi))
	return &p
}

// tieScale makes the scale of a layer's output the nearest one of which the product of the layer's scales is a power of
// two, for most layers: many sums are then ties, which conventions of rounding decide otherwise.
func tieScale(g *graph.Graph, q *quant.Params, inputs []string) {
	if len(inputs) < 2 || q.ZeroPoint[0]%3 == 0 {
		return
	}
	x, w := g.Values[inputs[0]].Quant, g.Values[inputs[1]].Quant
	if x == nil || w == nil || g.Values[inputs[1]].Const == nil {
		return
	}
	product := x.Scale[0] * w.Scale[0]
	exponent := math.Round(math.Log2(float64(q.Scale[0])/float64(product))) - 1
	q.Scale[0] = product * float32(math.Exp2(max(1, exponent)))
}

// spread is how far the reals of a value reach.
func (b *generator) spread(name string) float64 {
	q := b.g.Values[name].Quant
	if q == nil {
		return 1
	}
	lo, hi := q.Type.Range()
	return float64(q.Scale[0]) * float64(hi-lo) / 2
}

// weight adds a constant weight whose output channels are those of an axis, and its bias if there is to be one. It
// returns the inputs of the node, and the spread of its outputs.
func (b *generator) weight(x string, shape tensor.Shape, axis int) (inputs []string, spread float64) {
	name := fmt.Sprintf("w%d", b.n)
	n, _ := shape.Elements()
	channels := shape[axis]
	depth := n / channels
	inputs = []string{x, name}
	bias := b.yes("bias")
	if bias {
		inputs = append(inputs, name+".b")
	}
	if !b.codes {
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(b.between(-1000, 1000)) / 1000 / float32(math.Sqrt(float64(depth)))
		}
		b.g.AddConst(name, mustTensor(shape, w))
		if bias {
			b.g.AddConst(name+".b", mustTensor(tensor.Shape{channels}, w[:channels:channels]))
		}
		return inputs, 1
	}
	typ := quant.Type{Bits: b.in(max(2, b.leastBits), 8, "weight bits"), Unsigned: b.in(0, 3, "unsigned weight") == 0}
	lo, hi := typ.Range()
	p := quant.Params{Type: typ}
	scales := 1
	if b.yes("per channel") {
		p.Layout, scales = quant.Layout{Per: quant.PerChannel, Axis: axis}, channels
	}
	affine := typ.Unsigned || b.in(0, 3, "affine weight") == 0
	for range scales {
		p.Scale = append(p.Scale, float32(b.between(50, 150))/float32(hi)/100)
		if affine {
			p.ZeroPoint = append(p.ZeroPoint, b.between(lo, hi))
		}
	}
	if typ.Unsigned {
		b.g.AddConst(name, mustTensor(shape, fillCodes[uint8](b, n, lo, hi)))
	} else {
		b.g.AddConst(name, mustTensor(shape, fillCodes[int8](b, n, lo, hi)))
	}
	b.g.Values[name].Quant = &p
	spread = b.spread(x) * math.Sqrt(float64(depth))
	if bias {
		sx := b.g.Values[x].Quant.Scale[0]
		q := quant.Params{Type: quant.Int(32), Layout: quant.Layout{Per: p.Per}}
		codes := make([]int32, channels)
		for c := range codes {
			codes[c] = int32(float64(b.between(-1000, 1000)) / 1000 * spread / float64(sx*p.Scale[min(c, scales-1)]))
		}
		for _, s := range p.Scale {
			q.Scale = append(q.Scale, sx*s)
		}
		b.g.AddConst(name+".b", mustTensor(tensor.Shape{channels}, codes))
		b.g.Values[name+".b"].Quant = &q
	}
	return inputs, spread
}

func fillCodes[T int8 | uint8](b *generator, n int, lo, hi int32) []T {
	codes := make([]T, n)
	for i := range codes {
		codes[i] = T(b.between(lo, hi))
	}
	return codes
}

// perChannel gives each index of a constant's last dimension, the third, a scale and a zero point.
func (b *generator) perChannel(q *quant.Params, channels int) {
	lo, hi := q.Type.Range()
	q.Layout = quant.Layout{Per: quant.PerChannel, Axis: 2}
	scale := q.Scale[0]
	q.Scale, q.ZeroPoint = nil, nil
	for range channels {
		q.Scale = append(q.Scale, scale*float32(b.between(50, 150))/100)
		q.ZeroPoint = append(q.ZeroPoint, b.between(lo, hi))
	}
}

// operand adds a constant operand for x.
func (b *generator) operand(x string, shape tensor.Shape) string {
	n, _ := shape.Elements()
	name := fmt.Sprintf("c%d", b.n)
	if !b.codes {
		c := make([]float32, n)
		for i := range c {
			c[i] = float32(b.between(-100, 100)) / 100
		}
		b.g.AddConst(name, mustTensor(shape, c))
		return name
	}
	q := b.params(b.spread(x))
	lo, hi := q.Type.Range()
	if q.Type.Unsigned {
		b.g.AddConst(name, mustTensor(shape, fillCodes[uint8](b, n, lo, hi)))
	} else {
		b.g.AddConst(name, mustTensor(shape, fillCodes[int8](b, n, lo, hi)))
	}
	b.g.Values[name].Quant = q
	return name
}

func mustTensor[T tensor.Element](shape tensor.Shape, data []T) tensor.Tensor {
	t, err := tensor.Of(shape, data)
	if err != nil {
		panic(err)
	}
	return t
}
