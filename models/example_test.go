package models_test

import (
	"fmt"

	"linquant/checkpoint"
	"linquant/models"
	"linquant/tensor"
)

func ExampleRecognize() {
	// Of a file: file.Tensors() after checkpoint.Open.
	tensors := []*checkpoint.Tensor{
		{Name: "classifier.weight", DType: tensor.Float32, Shape: tensor.Shape{10, 512}},
		{Name: "classifier.bias", DType: tensor.Float32, Shape: tensor.Shape{10}},
	}
	network, err := models.Recognize(tensors)
	if err != nil {
		fmt.Println("by convention:", len(models.Weights(tensors)), "weight")
		return
	}
	fmt.Println(network.Arch, network.Parameters)
	// Output: by convention: 1 weight
}

func ExampleWeights() {
	for _, t := range models.Weights([]*checkpoint.Tensor{
		{Name: "conv1.weight", DType: tensor.Float32, Shape: tensor.Shape{16, 3, 3, 3}},
		{Name: "bn1.weight", DType: tensor.Float32, Shape: tensor.Shape{16}},
		{Name: "linear.weight", DType: tensor.Float32, Shape: tensor.Shape{10, 64}},
		{Name: "linear.bias", DType: tensor.Float32, Shape: tensor.Shape{10}},
	}) {
		fmt.Println(t.Name, t.Shape)
	}
	// Output:
	// conv1.weight [16, 3, 3, 3]
	// linear.weight [10, 64]
}
