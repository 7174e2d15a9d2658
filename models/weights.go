package models

import (
	"regexp"
	"strings"

	"linquant/checkpoint"
)

// Weights returns the tensors that quantization treats in a checkpoint of any architecture, in file order: those of
// real numbers with two or more dimensions whose name ends as those of weights do (IsWeight).
//
// By PyTorch's convention these are the weights of linear, convolution, recurrent, embedding and attention layers, with the
// output channel on axis 0 (the row of an embedding; the input channel of a transposed convolution; the gates of a recurrent
// layer one after the other). Nearly all bytes of a network are in them. The scale of a batch norm or layer norm is called
// "weight" too, but has one dimension; biases and running statistics have other names. Tensors of integers that stand for
// no real numbers are left out, and those without elements.
func Weights(tensors []*checkpoint.Tensor) []*checkpoint.Tensor {
	var weights []*checkpoint.Tensor
	for _, t := range tensors {
		if (t.DType.IsFloat() || t.Quant != nil) && len(t.Shape) >= 2 && t.Elements() > 0 && IsWeight(t.Name) {
			weights = append(weights, t)
		}
	}
	return weights
}

// recurrent are the names of weights of PyTorch's RNN, LSTM and GRU: from the input, from the state, of the projection.
var recurrent = regexp.MustCompile(`(^|[./])weight_(ih|hh|hr)(_l[0-9]+(_reverse)?)?$`)

// IsWeight reports whether a tensor is a weight by its name: one that ends in "weight" (PyTorch) or "kernel" (Keras, Flax),
// or that of a recurrent layer, "weight_ih_l0".
func IsWeight(name string) bool {
	return strings.HasSuffix(name, "weight") || strings.HasSuffix(name, "kernel") || recurrent.MatchString(name)
}
