package engine_test

import (
	"context"
	"math"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// quantized returns the network in 8 bits: weights symmetric per channel, activations affine over the range that random
// inputs reach. It is no good quantizer; it makes codes that fill their range.
func quantized(g *graph.Graph, unsigned bool, c quant.Convention) *graph.Graph {
	ranges := map[string][2]float32{}
	p, err := engine.Compile(context.Background(), g, engine.Config{Threads: 1, KeepAll: true, Keep: g.Inputs})
	if err != nil {
		panic(err)
	}
	n, _ := g.Values[g.Inputs[0]].Shape[1:].Elements()
	err = p.Trace(context.Background(), [][]float32{pictures(2, n)}, func(name string, x []float32) error {
		r := ranges[name]
		for _, v := range x {
			r[0], r[1] = min(r[0], v), max(r[1], v)
		}
		ranges[name] = r
		return nil
	})
	if err != nil {
		panic(err)
	}
	if g, err = graph.InferShapes(g); err != nil {
		panic(err)
	}
	q := graph.New(g.Name)
	q.Requant = c
	params := map[string]*quant.Params{}
	paramsOf := func(name string) *quant.Params {
		scale, zero, err := quant.AffineScale(ranges[name][0], ranges[name][1], quant.Type{Bits: 8, Unsigned: unsigned})
		if err != nil {
			panic(err)
		}
		p := quant.TensorParams(quant.Type{Bits: 8, Unsigned: unsigned}, scale, zero)
		return &p
	}
	for _, name := range g.Inputs {
		q.AddInput(name, g.Values[name].Shape)
		params[name] = paramsOf(name)
		q.AddNode(graph.QuantizeLinear, name+"_quantize", name+"_quantized", nil, name)
		q.Values[name+"_quantized"].Quant = params[name]
	}
	consumers := g.Consumers()
	for _, n := range g.Nodes {
		out := n.Outputs[0]
		var inputs []string
		for _, name := range n.Inputs {
			if g.Values[name].Const == nil {
				inputs = append(inputs, name+"_quantized")
			}
		}
		switch n.Op {
		case graph.Conv, graph.Gemm:
			inputs = append(inputs, quantizeWeights(q, g, n, params[n.Inputs[0]])...)
			params[out] = paramsOf(out)
			if next := consumers[out]; len(next) == 1 && next[0].Op == graph.Relu {
				params[out] = paramsOf(next[0].Outputs[0])
			}
		case graph.Add, graph.GlobalAveragePool, graph.AveragePool:
			params[out] = paramsOf(out)
			if next := consumers[out]; len(next) == 1 && next[0].Op == graph.Relu {
				params[out] = paramsOf(next[0].Outputs[0])
			}
		default:
			params[out] = params[n.Inputs[0]]
		}
		q.AddNode(n.Op, n.Name, out+"_quantized", n.Attrs, inputs...)
		q.Values[out+"_quantized"].Quant = params[out]
	}
	for _, name := range g.Outputs {
		q.AddNode(graph.DequantizeLinear, name+"_dequantize", name, nil, name+"_quantized")
	}
	q.Outputs = g.Outputs
	return q
}

func quantizeWeights(q, g *graph.Graph, n *graph.Node, input *quant.Params) []string {
	names := n.Inputs[1:]
	weight, bias := g.Values[names[0]].Const, g.Values[names[1]].Const
	w, _ := weight.Float32s()
	codes := make([]int8, len(w))
	wp, err := quant.QuantizeSymmetric(codes, w, weight.Shape, quant.Int(8), quant.Layout{Per: quant.PerChannel})
	if err != nil {
		panic(err)
	}
	b, _ := bias.Float32s()
	biasCodes := make([]int32, len(b))
	if err := quant.QuantizeBias(biasCodes, b, *input, wp); err != nil {
		panic(err)
	}
	bp, err := quant.BiasParams(*input, wp)
	if err != nil {
		panic(err)
	}
	q.AddConst(names[0], mustTensor(weight.Shape, codes))
	q.Values[names[0]].Quant = &wp
	q.AddConst(names[1], mustTensor(tensor.Shape{len(b)}, biasCodes))
	q.Values[names[1]].Quant = &bp
	return names
}

// sqnr returns the ratio of signal to noise in dB.
func sqnr(got, want []float32) float64 {
	signal, noise := 0.0, 0.0
	for i := range want {
		signal += float64(want[i]) * float64(want[i])
		d := float64(got[i]) - float64(want[i])
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}
