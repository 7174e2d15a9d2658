package models

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/testing/datadir"
	"linquant/tensor"
	"linquant/vision"
)

func open(t *testing.T, path string) *checkpoint.File {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func build(t *testing.T, path string) (*graph.Graph, *Network) {
	t.Helper()
	g, network, err := Build(open(t, path).Tensors(), "")
	if err != nil {
		t.Fatal(err)
	}
	return g, network
}

// The expected logits are PyTorch's: see testdata/make_networks.py.
func TestLogits(t *testing.T) {
	for _, arch := range []string{"vgg", "resnet"} {
		t.Run(arch, func(t *testing.T) {
			g, network := build(t, filepath.Join("testdata", arch+".safetensors"))
			if network.Arch != arch || g.Metadata["linquant.arch"] != arch || g.Name != network.Name {
				t.Errorf("architecture %q, metadata %v, name %q", network.Arch, g.Metadata, g.Name)
			}
			var want struct {
				Pixels []byte      `json:"pixels"`
				Logits [][]float64 `json:"logits"`
			}
			data, err := os.ReadFile(filepath.Join("testdata", arch+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}

			pre, err := vision.Of(g)
			if err != nil {
				t.Fatal(err)
			}
			const elements = 3 * 32 * 32
			input := make([]float32, len(want.Pixels))
			for i := range want.Logits {
				image := make([]float32, elements)
				for k := range image {
					image[k] = float32(want.Pixels[i*elements+k])
				}
				if err := pre.Apply(input[i*elements:(i+1)*elements], image, tensor.Shape{3, 32, 32}); err != nil {
					t.Fatal(err)
				}
			}
			x, err := tensor.Of(tensor.Shape{len(want.Logits), 3, 32, 32}, input)
			if err != nil {
				t.Fatal(err)
			}
			got, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"input": x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			logits, err := got[network.Classifier].Float32s()
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range slices.Concat(want.Logits...) {
				if math.Abs(float64(logits[i])-v) > 1e-4 {
					t.Errorf("logit %d is %v, PyTorch's %v", i, logits[i], v)
				}
			}
			if len(logits) != len(want.Logits)*network.Classes {
				t.Errorf("%d logits", len(logits))
			}
		})
	}
}

func TestBuildShape(t *testing.T) {
	g, _ := build(t, filepath.Join("testdata", "resnet.safetensors"))
	var block []string
	for _, n := range g.Nodes {
		if strings.HasPrefix(n.Name, "layer2.0") {
			block = append(block, string(n.Op)+" "+strings.Join(n.Inputs, " ")+" > "+strings.Join(n.Outputs, " "))
		}
	}
	want := []string{
		"Slice layer1.1.relu2 > layer2.0.shortcut.slice",
		"Pad layer2.0.shortcut.slice > layer2.0.shortcut.pad",
		"Conv layer1.1.relu2 layer2.0.conv1.weight > layer2.0.conv1",
		"BatchNormalization layer2.0.conv1 layer2.0.bn1.weight layer2.0.bn1.bias layer2.0.bn1.running_mean " +
			"layer2.0.bn1.running_var > layer2.0.bn1",
		"Relu layer2.0.bn1 > layer2.0.relu1",
		"Conv layer2.0.relu1 layer2.0.conv2.weight > layer2.0.conv2",
		"BatchNormalization layer2.0.conv2 layer2.0.bn2.weight layer2.0.bn2.bias layer2.0.bn2.running_mean " +
			"layer2.0.bn2.running_var > layer2.0.bn2",
		"Add layer2.0.bn2 layer2.0.shortcut.pad > layer2.0.add",
		"Relu layer2.0.add > layer2.0.relu2",
	}
	if diff := cmp.Diff(want, block); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(g.Inputs, []string{"input"}) || !slices.Equal(g.Outputs, []string{"linear"}) {
		t.Errorf("inputs %v, outputs %v", g.Inputs, g.Outputs)
	}
	if !g.Value("input").Shape.Equal(tensor.Shape{graph.Batch, 3, 32, 32}) {
		t.Errorf("input %v", g.Value("input").Shape)
	}
	if pre, err := vision.Of(g); pre.Labels != nil || err != nil {
		t.Errorf("labels %v, which no checkpoint says: %v", pre.Labels, err)
	}
}

// A convolution does as many multiplications as it has weights for one channel of output, for every output.
func TestBuildRealCheckpoints(t *testing.T) {
	const (
		same   = 9 * 16 * 16 * 32 * 32 // within a stage: twice the channels, half the height and width
		narrow = same / 2              // into the next stage
	)
	resnet := func(n int64) int64 { return 9*3*16*32*32 + (6*n-2)*same + 2*narrow + 10*64 }
	for file, want := range map[string]struct {
		parameters, macs int64
		convs            int
	}{
		"models/resnet20-12fca82f.th": {269722, resnet(3), 19},
		"models/resnet32-d509ac18.th": {464154, resnet(5), 31},
		"models/resnet56-4bfd9763.th": {853018, resnet(9), 55},
		"checkpoints/model_199-1.tar": {
			9228362, 9*(32*32*(3*64+64*128)+16*16*(128*256+256*256)+8*8*(256*512+512*512)+4*4*2*512*512) + 10*512, 8,
		},
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			g, network := build(t, datadir.File(t, file))
			if network.Parameters != want.parameters || len(network.Convs) != want.convs {
				t.Errorf("%d parameters, %d convolutions, want %+v", network.Parameters, len(network.Convs), want)
			}
			macs, err := graph.MACs(g)
			if err != nil {
				t.Fatal(err)
			}
			if macs != want.macs {
				t.Errorf("%d multiplications, want %d", macs, want.macs)
			}
			shaped, err := graph.InferShapes(g)
			if err != nil {
				t.Fatal(err)
			}
			if got := shaped.Value(network.Classifier).Shape; !got.Equal(tensor.Shape{graph.Batch, 10}) {
				t.Errorf("output of shape %v", got)
			}
		})
	}
}

// write returns a checkpoint of the given tensors, with fill for those not named.
func write(t *testing.T, list []*checkpoint.Tensor, fill func(name string, x []float32)) *checkpoint.File {
	t.Helper()
	var outputs []checkpoint.Output
	for _, d := range list {
		n, err := d.Shape.Elements()
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n)
		fill(d.Name, x)
		data, err := tensor.Of(d.Shape, x)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, checkpoint.FromTensor(d.Name, data))
	}
	var buf bytes.Buffer
	if err := checkpoint.WriteSafetensors(&buf, nil, outputs); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.New(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "made.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBuildErrors(t *testing.T) {
	small := func() []*checkpoint.Tensor { return resnetTensors(2, 1, 2) }
	for _, c := range []struct {
		name, arch string
		tensors    []*checkpoint.Tensor
		fill       func(name string, x []float32)
		want       string
	}{
		{"no tensors", "", nil, nil, "holds no tensors"},
		{"unknown architecture", "alexnet", small(), nil, `no architecture "alexnet"; known: vgg, resnet`},
		{"another architecture", "vgg", small(), nil, "not those of a vgg network"},
		{"unrecognised", "", without(small(), "bn1.bias"), nil, "missing bn1.bias"},
		{"a NaN", "", small(), func(name string, x []float32) {
			if name == "layer1.0.conv2.weight" {
				x[5] = float32(math.NaN())
			}
		}, "tensor layer1.0.conv2.weight: element 5 is NaN"},
		{"an infinity", "resnet", small(), func(name string, x []float32) {
			if name == "linear.bias" {
				x[1] = float32(math.Inf(-1))
			}
		}, "tensor linear.bias: element 1 is -Inf"},
		{"a negative variance", "", small(), func(name string, x []float32) {
			if name == "bn1.running_var" {
				x[1] = -1
			}
		}, "tensor bn1.running_var: element 1 is -1: a variance is not negative"},
	} {
		fill := c.fill
		if fill == nil {
			fill = func(string, []float32) {}
		}
		var tensors []*checkpoint.Tensor
		if c.tensors != nil {
			tensors = write(t, c.tensors, fill).Tensors()
		}
		_, _, err := Build(tensors, c.arch)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
	}
}
