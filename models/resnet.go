package models

import (
	"fmt"
	"strings"

	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// resNet is the family of networks for CIFAR-10 of He et al. ("Deep Residual Learning for Image Recognition", 2016,
// section 4.2), as the checkpoints of PyTorch have it: a 3×3 convolution, then three stages of n blocks, each of two
// 3×3 convolutions with a shortcut around them; then the mean over the image and one linear layer. With n = 3, 5, 7, 9
// and 18 these are ResNet-20, 32, 44, 56 and 110: the depth is 6n+2. Every convolution is followed by batch norm, and
// by ReLU, which the second of a block applies after the shortcut is added. Stages two and three begin with stride 2.
//
// Shortcuts have no tensors ("option A"): where the image becomes smaller they take every second row and column, and
// add channels of zeros, half of them before and half after the others.
//
//	conv1.weight                                              [w, 3, 3, 3]
//	bn1.{weight, bias, running_mean, running_var}             [w]
//	layerL.B.conv1.weight, layerL.B.conv2.weight              [out, in, 3, 3]  L = 1…3, B = 0…n-1
//	layerL.B.bn1.{weight, …}, layerL.B.bn2.{weight, …}        [out]
//	linear.weight, linear.bias                                [classes, 4w], [classes]
//
// and num_batches_tracked beside each running_var, which may be missing. The stages have w, 2w and 4w channels with
// w = 16. Here w may be any even number, as half of the new channels have to go to each side; there may be any n, any
// number of classes, and any number of channels between the two convolutions of a block, as pruning leaves them.
//
// The input is (pixels/255 − mean)/std, with the mean and deviation of ImageNet.
var resNet = architecture{name: resnetName, match: matchResNet, build: buildResNet}

const (
	resnetName       = "resnet"
	resnetClassifier = "linear"
	resnetStages     = 3
	resnetBlocks     = 3  // of a stage, where a checkpoint says nothing about it
	resnetWidth      = 16 // of the first stage, where a checkpoint says nothing about it
)

func matchResNet(tensors named) (*Network, *Mismatch) {
	c := checker{tensors: tensors, mismatch: Mismatch{Arch: resnetName}, wanted: map[string]bool{}}
	blocks := resnetDepth(tensors)
	network := &Network{
		Arch: resnetName, Name: fmt.Sprintf("%s%d", resnetName, 2*resnetStages*blocks+2), Prefix: tensors.prefix,
		Classifier: resnetClassifier,
	}
	conv := func(name, bn string, in, out int) {
		network.Convs = append(network.Convs, Conv{Name: name, In: in, Out: out})
		network.Weights = append(network.Weights, c.parameter(name+".weight", tensor.Shape{out, in, 3, 3}))
		c.batchNorm(bn, out)
	}

	width := resnetChannels(tensors, blocks)
	conv("conv1", "bn1", cifarChannels, width)
	in := width
	for stage := range resnetStages {
		out := width << stage
		for b := range blocks {
			block := resnetBlock(stage, b)
			inner := resnetInner(tensors, block, out)
			conv(block+".conv1", block+".bn1", in, inner)
			conv(block+".conv2", block+".bn2", inner, out)
			in = out
		}
	}
	weight, classes := c.linear(resnetClassifier, in)
	network.Weights, network.Classes = append(network.Weights, weight), classes
	network.Parameters = c.parameters
	return network, c.result()
}

// resnetBlock names a block, both numbers counted from 0.
func resnetBlock(stage, block int) string { return fmt.Sprintf("layer%d.%d", stage+1, block) }

// resnetDepth returns the number of blocks of a stage: what most stages say, each by the blocks from the first to the
// last before a gap. One tensor makes a block, so that one that is missing is reported itself.
func resnetDepth(tensors named) int {
	blocks := map[string]bool{}
	for name := range tensors.byName {
		if parts := strings.SplitN(name, ".", 3); len(parts) == 3 {
			blocks[parts[0]+"."+parts[1]] = true
		}
	}
	var said []int
	for stage := range resnetStages {
		n := 0
		for blocks[resnetBlock(stage, n)] {
			n++
		}
		if n > 0 {
			said = append(said, n)
		}
	}
	return vote(resnetBlocks, said)
}

// resnetChannels returns the channels of the first stage: what most of the tensors say that see the outside of a block.
func resnetChannels(tensors named, blocks int) int {
	var said []int
	add := func(times int, dims ...at) {
		for _, channels := range tensors.said(dims...) {
			if w := channels / times; channels%times == 0 && w%2 == 0 {
				said = append(said, w)
			}
		}
	}
	add(1, at{"conv1.weight", 0})
	add(1, ofBatchNorm("bn1")...)
	for stage := range resnetStages {
		for b := range blocks {
			block := resnetBlock(stage, b)
			in := stage
			if b == 0 {
				in = max(stage-1, 0)
			}
			add(1<<in, at{block + ".conv1.weight", 1})
			add(1<<stage, at{block + ".conv2.weight", 0})
			add(1<<stage, ofBatchNorm(block+".bn2")...)
		}
	}
	add(1<<(resnetStages-1), at{resnetClassifier + ".weight", 1})
	return vote(resnetWidth, said)
}

// resnetInner returns the channels between the two convolutions of a block that has so many outside.
func resnetInner(tensors named, block string, outside int) int {
	dims := append([]at{{block + ".conv1.weight", 0}, {block + ".conv2.weight", 1}}, ofBatchNorm(block+".bn1")...)
	return vote(outside, tensors.said(dims...))
}

// buildResNet adds the layers of the network, with the names of the checkpoint's modules.
func buildResNet(b *builder, n *Network) {
	x := b.input(vision.Preprocess{Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}})
	x = b.conv("conv1", x, n.Convs[0], 1)
	x = b.batchNorm("bn1", x, n.Convs[0].Out)
	x = b.node(graph.Relu, "relu1", nil, x)
	blocks := (len(n.Convs) - 1) / (2 * resnetStages)
	for i := range resnetStages * blocks {
		stage, first, second := i/blocks, n.Convs[1+2*i], n.Convs[2+2*i]
		block, stride := resnetBlock(stage, i%blocks), 1
		shortcut := x
		if stage > 0 && i%blocks == 0 {
			stride = 2
			shortcut = b.subsample(block+".shortcut", x, (second.Out-first.In)/2)
		}
		x = b.conv(first.Name, x, first, stride)
		x = b.batchNorm(block+".bn1", x, first.Out)
		x = b.node(graph.Relu, block+".relu1", nil, x)
		x = b.conv(second.Name, x, second, 1)
		x = b.batchNorm(block+".bn2", x, second.Out)
		x = b.node(graph.Add, block+".add", nil, x, shortcut)
		x = b.node(graph.Relu, block+".relu2", nil, x)
	}
	b.head("avgpool", n, x)
}
