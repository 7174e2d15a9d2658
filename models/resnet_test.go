package models

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"linquant/checkpoint"
	"linquant/internal/testing/datadir"
	"linquant/tensor"
)

// resnetTensors lists the tensors of a ResNet as PyTorch saves them.
func resnetTensors(width, blocks, classes int) []*checkpoint.Tensor {
	var list []*checkpoint.Tensor
	add := func(dtype tensor.DType, name string, shape ...int) {
		list = append(list, &checkpoint.Tensor{Name: name, DType: dtype, Shape: shape})
	}
	conv := func(name, bn string, out, in int) {
		add(tensor.Float32, name+".weight", out, in, 3, 3)
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			add(tensor.Float32, bn+"."+name, out)
		}
		add(tensor.Int64, bn+".num_batches_tracked")
	}
	conv("conv1", "bn1", width, 3)
	in := width
	for layer := range 3 {
		for b := range blocks {
			block, out := fmt.Sprintf("layer%d.%d", layer+1, b), width<<layer
			conv(block+".conv1", block+".bn1", out, in)
			conv(block+".conv2", block+".bn2", out, out)
			in = out
		}
	}
	add(tensor.Float32, "linear.weight", classes, in)
	add(tensor.Float32, "linear.bias", classes)
	return list
}

func TestRecognizeResNet(t *testing.T) {
	for _, c := range []struct {
		name                   string
		width, blocks, classes int
		parameters             int64 // of the first five, in millions, the table of He et al.: 0.27, 0.46, 0.66, 0.85, 1.7
	}{
		{"resnet20", 16, 3, 10, 269722},
		{"resnet32", 16, 5, 10, 464154},
		{"resnet44", 16, 7, 10, 658586},
		{"resnet56", 16, 9, 10, 853018},
		{"resnet110", 16, 18, 10, 1727962},
		{"resnet8", 2, 1, 3, 9*(6+2*4+8+16+32+64) + 2*(3*2+2*4+2*8) + 3*(8+1)},
	} {
		list := resnetTensors(c.width, c.blocks, c.classes)
		network, err := Recognize(list)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if network.Arch != "resnet" || network.Name != c.name || network.Classes != c.classes ||
			network.Parameters != c.parameters || network.Classifier != "linear" {
			t.Errorf("%s: %+v, want %d classes and %d parameters", c.name, network, c.classes, c.parameters)
		}
		if len(network.Convs) != 6*c.blocks+1 {
			t.Errorf("%s: %d convolutions, want %d", c.name, len(network.Convs), 6*c.blocks+1)
		}
		want := Conv{Name: "layer3.0.conv1", In: 2 * c.width, Out: 4 * c.width}
		if got := network.Convs[1+4*c.blocks]; got != want {
			t.Errorf("%s: the third stage starts with %+v, want %+v", c.name, got, want)
		}
		if got, want := names(network.Weights), names(Weights(list)); !slices.Equal(got, want) {
			t.Errorf("%s: weights %v, by convention %v", c.name, got, want)
		}
	}
}

// Pruning may leave any number of channels between the convolutions of a block.
func TestRecognizePrunedResNet(t *testing.T) {
	list := resnetTensors(16, 3, 10)
	find(list, "layer2.0.conv1.weight").Shape = tensor.Shape{5, 16, 3, 3}
	for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		find(list, "layer2.0.bn1."+name).Shape = tensor.Shape{5}
	}
	find(list, "layer2.0.conv2.weight").Shape = tensor.Shape{32, 5, 3, 3}
	network, err := Recognize(list)
	if err != nil {
		t.Fatal(err)
	}
	want := []Conv{{"layer2.0.conv1", 16, 5}, {"layer2.0.conv2", 5, 32}}
	if got := network.Convs[7:9]; !slices.Equal(got, want) {
		t.Errorf("convolutions %v, want %v", got, want)
	}
	if want := int64(269722 - 9*27*(16+32) - 2*27); network.Parameters != want {
		t.Errorf("%d parameters, want %d", network.Parameters, want)
	}
}

func TestResNetMismatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(list []*checkpoint.Tensor) []*checkpoint.Tensor
		want   string
	}{
		{"a block too many", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			return append(list, &checkpoint.Tensor{Name: "layer2.3.conv1.weight"})
		}, "unexpected layer2.3.conv1.weight"},
		{"a stage is too wide", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "layer3.1.conv2.weight").Shape = tensor.Shape{65, 64, 3, 3}
			return list
		}, "misshapen layer3.1.conv2.weight (is [65, 64, 3, 3], not [64, 64, 3, 3])"},
		{"a shortcut with weights", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			return append(list, &checkpoint.Tensor{Name: "layer2.0.shortcut.0.weight"})
		}, "unexpected layer2.0.shortcut.0.weight"},
		{"classes disagree", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "linear.bias").Shape = tensor.Shape{12}
			return list
		}, "misshapen linear.bias (is [12], not [10] as linear.weight says)"},
		{"another head", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "linear.weight").Name = "fc.weight"
			find(list, "linear.bias").Name = "fc.bias"
			return list
		}, "missing linear.weight, linear.bias; unexpected fc.weight, fc.bias"},
		{"a block index beyond all reason", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "layer3.2.bn1.bias").Name = "layer3.999999999999.bn1.bias"
			return list
		}, "missing layer3.2.bn1.bias; unexpected layer3.999999999999.bn1.bias"},
	} {
		_, err := Recognize(c.change(resnetTensors(16, 3, 10)))
		want := "the tensors are not those of a resnet network: " + c.want
		if got := mismatch(t, err).Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// Zeros go to both sides of the channels, half of them to each: with an odd width that cannot be.
func TestResNetImpossibleWidths(t *testing.T) {
	for _, width := range []int{0, -2, 15, math.MinInt / 4, maxChannels + 2} {
		_, err := Recognize(resnetTensors(width, 1, 10))
		if m := mismatch(t, err); len(m.Misshapen) == 0 {
			t.Errorf("width %d: %v", width, err)
		}
	}
}

func TestRealResNets(t *testing.T) {
	for file, want := range map[string]struct {
		name       string
		parameters int64
	}{
		"models/resnet20-12fca82f.th": {"resnet20", 269722},
		"models/resnet32-d509ac18.th": {"resnet32", 464154},
		"models/resnet56-4bfd9763.th": {"resnet56", 853018},
	} {
		f, err := checkpoint.Open(datadir.File(t, file))
		if err != nil {
			t.Fatal(err)
		}
		network, err := Recognize(f.Tensors())
		if err != nil {
			t.Fatal(err)
		}
		if network.Name != want.name || network.Parameters != want.parameters || network.Prefix != "module." {
			t.Errorf("%s: %+v", file, network)
		}
		if by := Weights(f.Tensors()); !slices.Equal(by, network.Weights) {
			t.Errorf("%s: weights by convention %v, by architecture %v", file, names(by), names(network.Weights))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
