package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/checkpoint"
	_ "linquant/internal/testing/seeds"
	"linquant/quant"
	"linquant/tensor"
)

// vggTensors lists the tensors of a VGG as PyTorch saves them, with the given channels per layer.
func vggTensors(channels [8]int, classes int) []*checkpoint.Tensor {
	var list []*checkpoint.Tensor
	add := func(dtype tensor.DType, name string, shape ...int) {
		list = append(list, &checkpoint.Tensor{Name: name, DType: dtype, Shape: shape})
	}
	in := 3
	for i, out := range channels {
		add(tensor.Float32, fmt.Sprintf("backbone.conv%d.weight", i), out, in, 3, 3)
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			add(tensor.Float32, fmt.Sprintf("backbone.bn%d.%s", i, name), out)
		}
		add(tensor.Int64, fmt.Sprintf("backbone.bn%d.num_batches_tracked", i))
		in = out
	}
	add(tensor.Float32, "classifier.weight", classes, in)
	add(tensor.Float32, "classifier.bias", classes)
	return list
}

var original = [8]int{64, 128, 256, 256, 512, 512, 512, 512}

// without returns the list less the tensors of those names.
func without(list []*checkpoint.Tensor, names ...string) []*checkpoint.Tensor {
	return slices.DeleteFunc(list, func(t *checkpoint.Tensor) bool { return slices.Contains(names, t.Name) })
}

func find(list []*checkpoint.Tensor, name string) *checkpoint.Tensor {
	i := slices.IndexFunc(list, func(t *checkpoint.Tensor) bool { return t.Name == name })
	return list[i]
}

func TestRecognizeVGG(t *testing.T) {
	for _, c := range []struct {
		name       string
		channels   [8]int
		classes    int
		parameters int64 // counted by PyTorch for the original, by hand for the others
	}{
		{"original", original, 10, 9228362},
		{"a quarter of the width", [8]int{16, 32, 64, 64, 128, 128, 128, 128}, 10, 432 + 9*64000 + 2*688 + 10*(128+1)},
		{"100 classes", original, 100, 9228362 + 90*(512+1)},
		{"pruned", [8]int{1, 2, 3, 4, 5, 6, 7, 8}, 1, 9*(3+2+6+12+20+30+42+56) + 2*36 + 9},
	} {
		network, err := Recognize(vggTensors(c.channels, c.classes))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if network.Arch != "vgg" || network.Prefix != "" || network.Classes != c.classes ||
			network.Parameters != c.parameters {
			t.Errorf("%s: %+v, want %d classes and %d parameters", c.name, network, c.classes, c.parameters)
		}
		in := 3
		for i, conv := range network.Convs {
			want := Conv{Name: fmt.Sprintf("backbone.conv%d", i), In: in, Out: c.channels[i]}
			if conv != want {
				t.Errorf("%s: layer %d is %+v, want %+v", c.name, i, conv, want)
			}
			in = conv.Out
		}
		if got := names(network.Weights); !slices.Equal(got, vggWeights("")) {
			t.Errorf("%s: weights %v", c.name, got)
		}
	}
}

func names(list []*checkpoint.Tensor) []string {
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	return names
}

// vggWeights names the weights of a VGG in network order.
func vggWeights(prefix string) []string {
	var names []string
	for i := range original {
		names = append(names, fmt.Sprintf("%sbackbone.conv%d.weight", prefix, i))
	}
	return append(names, prefix+"classifier.weight")
}

func TestRecognizePrefixAndOrder(t *testing.T) {
	list := vggTensors(original, 10)
	for _, tensor := range list {
		tensor.Name = "module." + tensor.Name
	}
	slices.Reverse(list)
	network, err := Recognize(list)
	if err != nil {
		t.Fatal(err)
	}
	if network.Prefix != "module." || network.Convs[0].Name != "backbone.conv0" {
		t.Errorf("prefix %q, first convolution %q", network.Prefix, network.Convs[0].Name)
	}
	if got := names(network.Weights); !slices.Equal(got, vggWeights("module.")) {
		t.Errorf("weights %v", got)
	}

	_, err = Recognize(without(list, "module.classifier.bias"))
	if m := mismatch(t, err); !slices.Equal(m.Missing, []string{"module.classifier.bias"}) || m.count() != 1 {
		t.Errorf("%+v, want module.classifier.bias missing", m)
	}
}

// Checkpoints saved before PyTorch 0.4.1, or converted for inference, hold no batch counts.
func TestRecognizeWithoutBatchCounts(t *testing.T) {
	list := slices.DeleteFunc(vggTensors(original, 10), func(t *checkpoint.Tensor) bool {
		return strings.HasSuffix(t.Name, "num_batches_tracked")
	})
	if _, err := Recognize(list); err != nil {
		t.Error(err)
	}
}

// PyTorch's quantized tensors are integers that stand for real numbers.
func TestRecognizeQuantized(t *testing.T) {
	list := vggTensors(original, 10)
	weight := find(list, "backbone.conv3.weight")
	weight.DType = tensor.Int8
	if _, err := Recognize(list); err == nil {
		t.Error("plain integers as a weight: no error")
	}
	weight.Quant = &quant.Params{Type: quant.Int(8), Scale: []float32{0.1}}
	if _, err := Recognize(list); err != nil {
		t.Error(err)
	}
}

// mismatch returns the error as the *Mismatch it must be.
func mismatch(t interface{ Fatalf(string, ...any) }, err error) *Mismatch {
	var m *Mismatch
	if !errors.As(err, &m) {
		t.Fatalf("error is %v, want a *Mismatch", err)
	}
	return m
}

func TestMismatchErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(list []*checkpoint.Tensor) []*checkpoint.Tensor
		want   string // after the words that all have in common
	}{
		{"renamed", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "classifier.bias").Name = "fc.bias"
			return list
		}, "missing classifier.bias; unexpected fc.bias"},
		{"misshapen", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "backbone.conv2.weight").Shape = tensor.Shape{256, 128, 5, 5}
			return list
		}, "misshapen backbone.conv2.weight (is [256, 128, 5, 5], not [256, 128, 3, 3])"},
		{"chain broken", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "backbone.conv3.weight").Shape = tensor.Shape{256, 255, 3, 3}
			return list
		}, "misshapen backbone.conv3.weight (is [256, 255, 3, 3], not [256, 256, 3, 3])"},
		{"classes disagree", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "classifier.bias").Shape = tensor.Shape{12}
			return list
		}, "misshapen classifier.bias (is [12], not [10] as classifier.weight says)"},
		{"grey input", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "backbone.conv0.weight").Shape = tensor.Shape{64, 1, 3, 3}
			return list
		}, "misshapen backbone.conv0.weight (is [64, 1, 3, 3], not [64, 3, 3, 3])"},
		{"mistyped", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "backbone.conv1.weight").DType = tensor.Int8
			return list
		}, "not floating point backbone.conv1.weight (is int8)"},
		{"twice", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			again := *find(list, "classifier.bias")
			return append(list, &again)
		}, "unexpected classifier.bias"},
		{"many", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			for i := range 20 {
				list = append(list, &checkpoint.Tensor{Name: fmt.Sprintf("head.%d", i)})
			}
			return list
		}, "unexpected head.0, head.1, head.2, head.3, head.4, head.5, head.6, head.7 and 12 more"},
		{"another network", func([]*checkpoint.Tensor) []*checkpoint.Tensor {
			return []*checkpoint.Tensor{{Name: "l1.weight", DType: tensor.Float32, Shape: tensor.Shape{4, 4}}}
		}, "missing backbone.conv0.weight, backbone.bn0.weight, backbone.bn0.bias, backbone.bn0.running_mean, " +
			"backbone.bn0.running_var, backbone.conv1.weight, backbone.bn1.weight, backbone.bn1.bias and 34 more; " +
			"unexpected l1.weight"},
		{"hostile names", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			return append(list, &checkpoint.Tensor{Name: "a\nb\x1b[31m"}, &checkpoint.Tensor{},
				&checkpoint.Tensor{Name: strings.Repeat("x", 1e6)})
		}, `unexpected "a\nb\x1b[31m", "", "` + strings.Repeat("x", 100) + `"…`},
		{"hostile shape", func(list []*checkpoint.Tensor) []*checkpoint.Tensor {
			find(list, "backbone.bn0.bias").Shape = make(tensor.Shape, 1e6)
			return list
		}, "misshapen backbone.bn0.bias (is of 1000000 dimensions, not [64])"},
	} {
		_, err := Recognize(c.change(vggTensors(original, 10)))
		want := "the tensors are not those of a vgg network: " + c.want
		if got := mismatch(t, err).Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// Shapes that agree with each other and still belong to no network.
func TestRecognizeHostileShapes(t *testing.T) {
	for _, n := range []int{0, -1, math.MinInt, math.MaxInt, maxChannels + 1} {
		var channels [8]int
		for i := range channels {
			channels[i] = n
		}
		_, err := Recognize(vggTensors(channels, n))
		if m := mismatch(t, err); len(m.Misshapen) != 8*5+2 {
			t.Errorf("%d channels everywhere: %d tensors misshapen, want all %d: %v", n, len(m.Misshapen), 8*5+2, err)
		}
	}
	if _, err := Recognize(nil); err == nil {
		t.Error("no tensors: no error")
	}
}

// anyTensors lists the tensors of a network of any architecture.
func anyTensors(t *rapid.T) []*checkpoint.Tensor {
	classes := rapid.IntRange(1, 1000).Draw(t, "classes")
	if rapid.Bool().Draw(t, "residual") {
		return resnetTensors(2*rapid.IntRange(1, 100).Draw(t, "half the width"), rapid.IntRange(1, 4).Draw(t, "blocks"), classes)
	}
	var channels [8]int
	for i := range channels {
		channels[i] = rapid.IntRange(1, 600).Draw(t, "channels")
	}
	return vggTensors(channels, classes)
}

// Whatever single thing is wrong with a checkpoint, the error must name that tensor, and only what is wrong.
func TestSingleMutationIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := anyTensors(t)
		victim := rapid.SampledFrom(list).Draw(t, "tensor")
		counter := victim.DType == tensor.Int64 // a batch count: may be missing, of any type

		kinds := []string{"renamed", "dimension", "rank"}
		if !counter {
			kinds = append(kinds, "removed", "type")
		}
		name := victim.Name
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		most := 1
		switch kind {
		case "renamed":
			name += rapid.SampledFrom([]string{"x", ".weight", "0", "\n"}).Draw(t, "suffix")
			victim.Name, most = name, 2
		case "removed":
			list = without(list, name)
		case "type":
			wrong := rapid.SampledFrom([]tensor.DType{tensor.Int8, tensor.Bool, tensor.Complex64, tensor.Invalid})
			victim.DType = wrong.Draw(t, "type")
		case "rank":
			victim.Shape = append(slices.Clone(victim.Shape), 1)
		case "dimension":
			if len(victim.Shape) == 0 {
				t.Skip("a scalar has no dimension")
			}
			axis := rapid.IntRange(0, len(victim.Shape)-1).Draw(t, "axis")
			victim.Shape = slices.Clone(victim.Shape)
			wrong := rapid.IntRange(-2, 700).Filter(func(d int) bool { return d != victim.Shape[axis] })
			victim.Shape[axis] = wrong.Draw(t, "dimension")
		}

		_, err := Recognize(list)
		m := mismatch(t, err)
		if !strings.Contains(m.Error(), printable(name)) {
			t.Fatalf("%s %q is not named: %v", kind, name, err)
		}
		if m.count() > most {
			t.Fatalf("one tensor %s, %d differences: %v", kind, m.count(), err)
		}
		if strings.ContainsAny(m.Error(), "\n\r\x1b") {
			t.Fatalf("the error is more than a line: %q", m.Error())
		}
	})
}
