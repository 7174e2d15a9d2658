package onnx

import (
	"linquant/graph"
	"linquant/tensor"
)

// SmallInputs returns a batch of two for every input of a network with shapes; ok is false for a network whose values
// have more elements than most, or that has many nodes or multiplications.
func SmallInputs(g *graph.Graph, most int) (inputs map[string]tensor.Tensor, ok bool) {
	if macs, err := graph.MACs(g); err != nil || macs > 32*int64(most) || len(g.Nodes) > 400 {
		return nil, false
	}
	total := 0
	for _, v := range g.Values {
		n, fits := elementsWithin(v.Shape, most)
		if total += n; !fits || total > 32*most {
			return nil, false
		}
	}
	inputs = map[string]tensor.Tensor{}
	for i, name := range g.Inputs {
		t, err := ramps(g.Values[name], uint32(i))
		if err != nil {
			return nil, false
		}
		inputs[name] = t
	}
	return inputs, true
}

func elementsWithin(shape tensor.Shape, most int) (n int, ok bool) {
	n = 1
	for _, d := range shape {
		if d == graph.Batch {
			d = 2
		}
		if d > 0 && n > most/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// ramps is an input of numbers that look random: reals of -4 to 4, or codes.
func ramps(v *graph.Value, seed uint32) (tensor.Tensor, error) {
	shape := append(tensor.Shape{}, v.Shape...)
	if len(shape) > 0 && shape[0] == graph.Batch {
		shape[0] = 2
	}
	n, err := shape.Elements()
	if err != nil {
		return tensor.Tensor{}, err
	}
	next := func() uint32 {
		seed = seed*1664525 + 1013904223
		return seed >> 16
	}
	if v.Quant == nil {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(int(next()%129)-64) / 16
		}
		return tensor.Of(shape, x)
	}
	lo, hi := v.Quant.Type.Range()
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(int64(lo) + int64(next())%(int64(hi)-int64(lo)+1))
	}
	return tensor.New(v.DType, shape, data)
}
