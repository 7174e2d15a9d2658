package vision

import (
	"fmt"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// pixelSuffix follows the name of the input that PixelInput replaces.
const pixelSuffix = "_uint8"

// PixelInput returns a quantized network that takes the pixels of images as they are, uint8 from 0 to 255, and prepares
// them itself as g's metadata says (see Of). Its integers are those that g computes of pixels that were prepared before, every one.
//
// The first input NAME, of reals, becomes NAME_uint8, of codes with scale 1 and zero point 0, and the nodes
// DequantizeLinear, Div, Sub and Div (those that do something) make the value NAME of it by the steps of
// Preprocess.Apply, each rounded to float32. They are ordinary nodes, so that every runtime computes the same; the
// engine makes one table of 256 codes for each channel of them and the QuantizeLinear that follows. Where these tables
// are the identity, as of pixels divided by 255 whose measured range is 0 to 1, the nodes and the QuantizeLinear are
// left out, and NAME_uint8 has the codes, and the parameters, of what the first layer reads.
//
// The deviation is not folded into the first layer's weights, nor the mean into its bias: weights would be quantized to
// other integers, and the zeros that a convolution pads with stand for the mean and not for black, so that borders would
// differ.
//
// The layout and the order of channels stay those of g's input: its Preprocess keeps BGR and ChannelsLast, and divides by
// 1 where there are nodes, which Inside tells of; it stays Assumed where these compute a guess. Errors: a network that is not quantized, an input that is no image or is codes already, a mean or
// deviation for another number of channels.
func PixelInput(g *graph.Graph) (*graph.Graph, error) {
	g, err := graph.InferShapes(g)
	if err != nil {
		return nil, err
	}
	if !g.Quantized() || len(g.Inputs) == 0 {
		return nil, fmt.Errorf("the network is not quantized: uint8 pixels are the input of integer networks; quantize it first")
	}
	in := g.Values[g.Inputs[0]]
	if in.Quant != nil {
		return nil, fmt.Errorf("input %q is codes already, of type %v", in.Name, in.Quant.Type)
	}
	pre, err := Of(g)
	if err != nil {
		return nil, err
	}
	steps, err := pre.steps(in)
	if err != nil {
		return nil, err
	}
	pixels := g.Unique(in.Name + pixelSuffix)
	if codes := identity(g, in, steps); codes != nil {
		renameInput(g, codes, pixels)
		g.Prune()
		return g, nil
	}
	g.Inputs[0] = pixels
	p := quant.Params{Type: quant.Uint(8), Scale: []float32{1}}
	g.Values[pixels] = &graph.Value{Name: pixels, DType: tensor.Uint8, Shape: in.Shape, Quant: &p}
	nodes := []*graph.Node{{Op: graph.DequantizeLinear, Inputs: []string{pixels}}}
	for i, s := range steps {
		number := g.Unique(in.Name + "_" + s.what)
		g.AddConst(number, s.values)
		value := g.Unique(fmt.Sprintf("%s_%d", pixels, i))
		g.Values[value] = &graph.Value{Name: value, DType: tensor.Float32}
		nodes[i].Outputs = []string{value}
		nodes = append(nodes, &graph.Node{Op: s.op, Inputs: []string{value, number}})
	}
	nodes[len(nodes)-1].Outputs = []string{in.Name}
	for i, n := range nodes {
		n.Name = fmt.Sprintf("%s_%s_%d", in.Name, n.Op, i)
	}
	g.Nodes = append(nodes, g.Nodes...)
	pre.Inside = &Preprocess{Divisor: pre.divisor(), Mean: pre.Mean, Std: pre.Std}
	pre.Divisor, pre.Mean, pre.Std = 1, nil, nil // where the steps are a guess, they stay Assumed
	if err := pre.Store(g); err != nil {
		return nil, err
	}
	return graph.InferShapes(g)
}

// pixelStep is one step of Preprocess.Apply.
type pixelStep struct {
	op     graph.Op
	what   string
	values tensor.Tensor // one number, or one for each channel
}

// steps returns the steps that do something to a pixel of the input.
func (p Preprocess) steps(in *graph.Value) ([]pixelStep, error) {
	channels, shape := 0, tensor.Shape{}
	switch {
	case len(in.Shape) == 4 && p.ChannelsLast:
		channels = in.Shape[3]
		shape = tensor.Shape{channels}
	case len(in.Shape) == 4:
		channels = in.Shape[1]
		shape = tensor.Shape{channels, 1, 1}
	case len(in.Shape) == 2 && len(p.Mean) <= 1 && len(p.Std) <= 1:
		channels = 1
	default:
		return nil, fmt.Errorf("input %q has the shape %v, which is no image's: pixels cannot be prepared for it", in.Name, in.Shape[min(1, len(in.Shape)):])
	}
	var steps []pixelStep
	for _, s := range []struct {
		op     graph.Op
		what   string
		values []float32
		idle   float32
		shape  tensor.Shape
	}{
		{graph.Div, "divisor", []float32{p.divisor()}, 1, tensor.Shape{}}, {graph.Sub, "mean", p.Mean, 0, shape}, {graph.Div, "std", p.Std, 1, shape},
	} {
		idle := true
		for _, v := range s.values {
			idle = idle && v == s.idle
		}
		if idle {
			continue
		}
		if n, err := s.shape.Elements(); err != nil || len(s.values) != n {
			return nil, fmt.Errorf("mean and std have %d values for %s: give images of so many channels, or another mean and std", len(s.values), count(channels))
		}
		t, err := tensor.Of(s.shape, s.values)
		if err != nil {
			return nil, err
		}
		steps = append(steps, pixelStep{s.op, s.what, t})
	}
	return steps, nil
}

// identity returns the value of codes that is all that is made of the input, if each of them is the pixel itself.
func identity(g *graph.Graph, in *graph.Value, steps []pixelStep) *graph.Value {
	consumers := g.Consumers()[in.Name]
	if g.IsOutput(in.Name) || len(consumers) != 1 || consumers[0].Op != graph.QuantizeLinear {
		return nil
	}
	codes := g.Values[consumers[0].Outputs[0]]
	if p := codes.Quant; !p.Type.Unsigned || p.Type.Bits != 8 || g.IsOutput(codes.Name) {
		return nil
	}
	channels := 1
	for _, s := range steps {
		channels = max(channels, s.values.Elements())
	}
	for c := range channels {
		var x [256]float32
		for v := range x {
			x[v] = float32(v)
			for _, s := range steps {
				values, err := s.values.Float32s()
				if err != nil {
					return nil
				}
				f, _ := graph.Binary(s.op)
				x[v] = f(x[v], values[min(c, len(values)-1)])
			}
		}
		var got [256]uint8
		if quant.Quantize(got[:], x[:], nil, *codes.Quant) != nil {
			return nil
		}
		for v, code := range got {
			if int(code) != v {
				return nil
			}
		}
	}
	return codes
}

// renameInput makes codes the first input, under another name.
func renameInput(g *graph.Graph, codes *graph.Value, name string) {
	old := codes.Name
	delete(g.Values, old)
	codes.Name = name
	g.Values[name] = codes
	delete(g.Values, g.Inputs[0])
	g.Inputs[0] = name
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		if n.Op == graph.QuantizeLinear && n.Outputs[0] == old {
			continue
		}
		for i, in := range n.Inputs {
			if in == old {
				n.Inputs[i] = name
			}
		}
		kept = append(kept, n)
	}
	g.Nodes = kept
}
