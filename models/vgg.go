package models

import (
	"fmt"

	"linquant/tensor"
)

// VGG is the CIFAR-10 network of the original repository, after Simonyan and Zisserman ("Very Deep Convolutional
// Networks for Large-Scale Image Recognition", 2015): eight 3×3 convolutions without bias, each followed by batch norm
// and ReLU, with max pooling after the second, fourth, sixth and eighth; then the mean over the image and one linear
// layer. A checkpoint says nothing of ReLU and pooling.
//
//	backbone.convI.weight                                   [out, in, 3, 3]   I = 0…7
//	backbone.bnI.{weight, bias, running_mean, running_var}  [out]
//	backbone.bnI.num_batches_tracked                        []                int64, may be missing
//	classifier.weight, classifier.bias                      [classes, in], [classes]
//
// The original's convolutions have 64, 128, 256, 256, 512, 512, 512 and 512 output channels. Here they may have any
// number, as thinner or pruned networks do, and there may be any number of classes.
var VGG = Architecture{Name: vggName, match: matchVGG}

// vggChannels are the original's output channels; they stand in where a checkpoint says nothing about a layer.
var vggChannels = [...]int{64, 128, 256, 256, 512, 512, 512, 512}

const (
	vggName    = "vgg"
	vggInput   = 3 // red, green, blue
	vggClasses = 10
)

func matchVGG(tensors named) (*Network, *Mismatch) {
	c := checker{tensors: tensors, mismatch: Mismatch{Arch: vggName}, wanted: map[string]bool{}}
	network := &Network{Arch: vggName, Prefix: tensors.prefix}

	in := vggInput
	for i := range vggChannels {
		conv, bn := vggLayer(i)
		out := vggWidth(tensors, i)
		network.Convs = append(network.Convs, Conv{Name: conv, In: in, Out: out})
		network.Weights = append(network.Weights, c.parameter(conv+".weight", tensor.Shape{out, in, 3, 3}))
		c.parameter(bn+".weight", tensor.Shape{out})
		c.parameter(bn+".bias", tensor.Shape{out})
		c.statistic(bn+".running_mean", tensor.Shape{out})
		c.statistic(bn+".running_var", tensor.Shape{out})
		c.optional(bn+".num_batches_tracked", tensor.Shape{})
		in = out
	}
	network.Classes = vote(vggClasses, tensors, at{"classifier.weight", 0}, at{"classifier.bias", 0})
	network.Weights = append(network.Weights, c.parameter("classifier.weight", tensor.Shape{network.Classes, in}))
	c.parameter("classifier.bias", tensor.Shape{network.Classes})
	c.disagrees("classifier.bias", "classifier.weight")
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
	next := at{"classifier.weight", 1}
	if i+1 < len(vggChannels) {
		nextConv, _ := vggLayer(i + 1)
		next = at{nextConv + ".weight", 1}
	}
	return vote(vggChannels[i], tensors,
		at{conv + ".weight", 0}, next,
		at{bn + ".weight", 0}, at{bn + ".bias", 0}, at{bn + ".running_mean", 0}, at{bn + ".running_var", 0})
}
