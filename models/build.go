package models

import (
	"fmt"
	"math"
	"slices"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// Build makes the float graph of the network that the tensors are a checkpoint of, and describes it as Recognize does.
// arch is the name of an architecture to insist on, or "" to take the one that is recognised. It reads the tensors it
// needs, those of narrower or wider floats and PyTorch's quantized ones as float32.
//
// The graph is the network as it was trained, nothing folded: Conv, BatchNormalization, Relu, and so on. The input is
// called "input" and has the shape [Batch, 3, 32, 32]. A node, and the value it computes, has the name of the layer,
// such as "layer1.0.conv2"; constants those of their tensors, without the prefix that all may have; so the output is
// called "classifier" or "linear". The metadata says how pixels become the input (vision.Of), and the architecture under
// "linquant.arch"; what the classes are called, no checkpoint says.
//
// Errors: those of RecognizeAs, and tensors that do not read or hold what no trained network has, a NaN,
// an infinity or a negative variance.
func Build(tensors []*checkpoint.Tensor, arch string) (*graph.Graph, *Network, error) {
	network, err := RecognizeAs(arch, tensors)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(known, func(a architecture) bool { return a.name == network.Arch })
	b := &builder{graph: graph.New(network.Name), tensors: index(tensors)}
	b.graph.Metadata["linquant.arch"] = network.Arch
	known[i].build(b, network)
	if b.err != nil {
		return nil, nil, b.err
	}
	return b.graph, network, nil
}

// builder adds layers to a graph. Its methods return the name of the layer's output; after the first error they do
// nothing more.
type builder struct {
	graph   *graph.Graph
	tensors named
	err     error
}

// input adds the network's input, an image.
func (b *builder) input(p vision.Preprocess) string {
	const name = "input"
	b.graph.AddInput(name, tensor.Shape{graph.Batch, cifarChannels, cifarSize, cifarSize})
	if err := p.Store(b.graph); err != nil && b.err == nil {
		b.err = err
	}
	return name
}

// node adds an operator whose output has its own name.
func (b *builder) node(op graph.Op, name string, attrs graph.Attrs, inputs ...string) string {
	return b.graph.AddNode(op, name, name, attrs, inputs...)
}

// conv adds a 3×3 convolution that keeps the size of the image but for the stride.
func (b *builder) conv(name, x string, c Conv, stride int) string {
	return b.node(graph.Conv, name, graph.Attrs{
		"kernel_shape": []int{3, 3}, "pads": []int{1, 1, 1, 1}, "strides": []int{stride, stride},
	}, x, b.constant(name+".weight", tensor.Shape{c.Out, c.In, 3, 3}))
}

// batchNorm adds a batch norm with PyTorch's default for what keeps the deviation from 0.
func (b *builder) batchNorm(name, x string, channels int) string {
	shape := tensor.Shape{channels}
	variance := b.constant(name+".running_var", shape)
	b.notNegative(variance)
	return b.node(graph.BatchNormalization, name, graph.Attrs{"epsilon": float32(1e-5)},
		x, b.constant(name+".weight", shape), b.constant(name+".bias", shape), b.constant(name+".running_mean", shape), variance)
}

// subsample adds a shortcut without weights: every second row and column, and so many channels of zeros on both sides.
func (b *builder) subsample(name, x string, channels int) string {
	x = b.node(graph.Slice, name+".slice", graph.Attrs{
		"starts": []int{0, 0}, "ends": []int{math.MaxInt32, math.MaxInt32}, "axes": []int{2, 3}, "steps": []int{2, 2},
	}, x)
	return b.node(graph.Pad, name+".pad", graph.Attrs{
		"mode": "constant", "value": float32(0), "pads": []int{0, channels, 0, 0, 0, channels, 0, 0},
	}, x)
}

// head adds the mean over the image, called pool, and the linear layer, and makes that the output.
func (b *builder) head(pool string, n *Network, x string) {
	in := n.Convs[len(n.Convs)-1].Out
	x = b.node(graph.GlobalAveragePool, pool, nil, x)
	x = b.node(graph.Flatten, "flatten", graph.Attrs{"axis": 1}, x)
	x = b.node(graph.Gemm, n.Classifier, graph.Attrs{"transB": 1}, x,
		b.constant(n.Classifier+".weight", tensor.Shape{n.Classes, in}), b.constant(n.Classifier+".bias", tensor.Shape{n.Classes}))
	b.graph.Outputs = []string{x}
}

// constant reads a tensor of the checkpoint and adds it under its name without prefix.
func (b *builder) constant(name string, shape tensor.Shape) string {
	if b.err != nil {
		return name
	}
	t := b.tensors.byName[name]
	x, err := t.Float32s(nil)
	if err != nil {
		b.err = err
		return name
	}
	if i := slices.IndexFunc(x, func(v float32) bool { return float32(v-v) != 0 }); i >= 0 {
		b.err = fmt.Errorf("tensor %s: element %d is %v: a network computes nothing with it; take another checkpoint",
			printable(t.Name), i, x[i])
		return name
	}
	c, err := tensor.Of(shape, x)
	if err != nil {
		b.err = fmt.Errorf("tensor %s: %w", printable(t.Name), err)
		return name
	}
	b.graph.AddConst(name, c)
	return name
}

// notNegative checks a constant whose root will be taken.
func (b *builder) notNegative(name string) {
	if b.err != nil {
		return
	}
	x, err := b.graph.Value(name).Const.Float32s()
	if err != nil {
		b.err = err
		return
	}
	if i := slices.IndexFunc(x, func(v float32) bool { return v < 0 }); i >= 0 {
		b.err = fmt.Errorf("tensor %s: element %d is %v: a variance is not negative; take another checkpoint",
			printable(b.tensors.byName[name].Name), i, x[i])
	}
}
