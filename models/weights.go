package models

import (
	"strings"

	"linquant/checkpoint"
)

// Weights returns the tensors that quantization treats in a checkpoint of any architecture, in file order: those of
// real numbers with two or more dimensions whose name ends in "weight".
//
// By PyTorch's convention these are the weights of linear, convolution, embedding and attention layers, with the output
// channel on axis 0 (the row of an embedding; the input channel of a transposed convolution). Nearly all bytes of a
// network are in them. The scale of a batch norm or layer norm is called "weight" too, but has one dimension; biases
// and running statistics have other names. Weights of recurrent layers ("weight_ih_l0") are left out, and so are
// tensors of integers that stand for no real numbers and those without elements.
func Weights(tensors []*checkpoint.Tensor) []*checkpoint.Tensor {
	var weights []*checkpoint.Tensor
	for _, t := range tensors {
		if (t.DType.IsFloat() || t.Quant != nil) && len(t.Shape) >= 2 && t.Elements() > 0 && strings.HasSuffix(t.Name, "weight") {
			weights = append(weights, t)
		}
	}
	return weights
}
