package models

import (
	"slices"
	"testing"

	"linquant/checkpoint"
	"linquant/internal/testing/datadir"
	"linquant/tensor"
)

func TestWeights(t *testing.T) {
	f := func(name string, shape ...int) *checkpoint.Tensor {
		return &checkpoint.Tensor{Name: name, DType: tensor.Float32, Shape: shape}
	}
	half, codes := f("half.weight", 2, 2), f("codes.weight", 2, 2)
	half.DType, codes.DType = tensor.BFloat16, tensor.Int8
	got := names(Weights([]*checkpoint.Tensor{
		f("weight", 4, 4), f("l1.weight", 2, 4), f("l1.bias", 2), f("bn.weight", 2), f("conv.weight", 2, 2, 3, 3),
		f("scale.weight"), f("attention.in_proj_weight", 6, 2), f("rnn.weight_ih_l0", 8, 2), f("position", 4, 4),
		f("pruned.weight", 0, 4), f("gru.weight_hh_l1_reverse", 8, 2), f("cell.weight_ih", 8, 2), f("rnn.bias_ih_l0", 8),
		f("my_weight_ih_l0x", 8, 2), f("conv1d.weight", 8, 4, 3), f("conv/kernel", 3, 4, 8), f("weight_hr_l0", 2, 8),
		f("bn.running_mean", 2, 1),
		half, codes,
	}))
	want := []string{
		"weight", "l1.weight", "conv.weight", "attention.in_proj_weight", "rnn.weight_ih_l0", "gru.weight_hh_l1_reverse", "cell.weight_ih",
		"conv1d.weight", "conv/kernel", "weight_hr_l0", "half.weight",
	}
	if !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	if got := names(Weights(vggTensors(original, 10))); !slices.Equal(got, vggWeights("")) {
		t.Errorf("weights of the VGG by convention: %v, want what Recognize finds", got)
	}
}

func TestRealCheckpoint(t *testing.T) {
	file, err := checkpoint.Open(datadir.File(t, "checkpoints/model_199-1.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	network, err := Recognize(file.Tensors())
	if err != nil {
		t.Fatal(err)
	}
	if network.Arch != "vgg" || network.Classes != 10 || network.Parameters != 9228362 {
		t.Errorf("%+v", network)
	}
	if by := Weights(file.Tensors()); !slices.Equal(by, network.Weights) {
		t.Errorf("weights by convention %v, by architecture %v", names(by), names(network.Weights))
	}
}
