package models

import (
	"fmt"

	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// vgg is the CIFAR-10 network of the original repository, after Simonyan and Zisserman ("Very Deep Convolutional
// Networks for Large-Scale Image Recognition", 2015): eight 3×3 convolutions without bias, each followed by batch norm
// and ReLU, with max pooling after the second, fourth, sixth and eighth; then the mean over the image and one linear
// layer. A checkpoint says nothing of ReLU and pooling. The input is pixels divided by 255.
//
//	backbone.convI.weight                                   [out, in, 3, 3]   I = 0…7
//	backbone.bnI.{weight, bias, running_mean, running_var}  [out]
//	backbone.bnI.num_batches_tracked                        []                int64, may be missing
//	classifier.weight, classifier.bias                      [classes, in], [classes]
//
// The original's convolutions have 64, 128, 256, 256, 512, 512, 512 and 512 output channels. Here they may have any
// number, as thinner or pruned networks do, and there may be any number of classes.
var vgg = architecture{name: vggName, match: matchVGG, build: buildVGG}

// vggChannels are the original's output channels; they stand in where a checkpoint says nothing about a layer.
var vggChannels = [...]int{64, 128, 256, 256, 512, 512, 512, 512}

const (
	vggName       = "vgg"
	vggClassifier = "classifier"
)

func matchVGG(tensors named) (*Network, *Mismatch) {
	c := checker{tensors: tensors, mismatch: Mismatch{Arch: vggName}, wanted: map[string]bool{}}
	network := &Network{Arch: vggName, Name: vggName, Prefix: tensors.prefix, Classifier: vggClassifier}

	in := cifarChannels
	for i := range vggChannels {
		conv, bn := vggLayer(i)
		out := vggWidth(tensors, i)
		network.Convs = append(network.Convs, Conv{Name: conv, In: in, Out: out})
		network.Weights = append(network.Weights, c.parameter(conv+".weight", tensor.Shape{out, in, 3, 3}))
		c.batchNorm(bn, out)
		in = out
	}
	weight, classes := c.linear(vggClassifier, in)
	network.Weights, network.Classes = append(network.Weights, weight), classes
	network.Parameters = c.parameters
	return network, c.result()
}

// vggLayer names the convolution and the batch norm of layer i.
func vggLayer(i int) (conv, bn string) {
	return fmt.Sprintf("backbone.conv%d", i), fmt.Sprintf("backbone.bn%d", i)
}

// vggWidth returns the output channels of layer i: what most of the tensors that depend on it say, so that one tensor
// of the wrong shape is reported itself and not all those around it.
func vggWidth(tensors named, i int) int {
	conv, bn := vggLayer(i)
	next := at{vggClassifier + ".weight", 1}
	if i+1 < len(vggChannels) {
		nextConv, _ := vggLayer(i + 1)
		next = at{nextConv + ".weight", 1}
	}
	dims := append([]at{{conv + ".weight", 0}, next}, ofBatchNorm(bn)...)
	return vote(vggChannels[i], tensors.said(dims...))
}

// buildVGG adds the layers of the network, with the names of the original's modules.
func buildVGG(b *builder, n *Network) {
	x := b.input(vision.Preprocess{})
	for i, c := range n.Convs {
		_, bn := vggLayer(i)
		x = b.conv(c.Name, x, c, 1)
		x = b.batchNorm(bn, x, c.Out)
		x = b.node(graph.Relu, fmt.Sprintf("backbone.relu%d", i), nil, x)
		if i%2 == 1 {
			window := graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}
			x = b.node(graph.MaxPool, fmt.Sprintf("backbone.pool%d", i/2), window, x)
		}
	}
	b.head("avgpool", n, x)
}
