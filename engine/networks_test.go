package engine_test

import (
	"math"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// builder makes networks with random weights, the same in every run.
type builder struct {
	*graph.Graph
	seed uint64
}

func newBuilder(name string) *builder { return &builder{graph.New(name), 1} }

// uniform returns a number in [-1, 1).
func (b *builder) uniform() float32 {
	b.seed = b.seed*6364136223846793005 + 1442695040888963407
	return float32(int32(b.seed>>32)) / (1 << 31)
}

func (b *builder) reals(n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = b.uniform() * float32(scale)
	}
	return x
}

func mustTensor[T tensor.Element](shape tensor.Shape, data []T) tensor.Tensor {
	t, err := tensor.Of(shape, data)
	if err != nil {
		panic(err)
	}
	return t
}

// conv adds a convolution of k×k whose outputs are about as large as its inputs.
func (b *builder) conv(name, x string, in, out, k, stride int) string {
	fanIn := in * k * k
	b.AddConst(name+".w", mustTensor(tensor.Shape{out, in, k, k}, b.reals(out*fanIn, math.Sqrt(6/float64(fanIn)))))
	b.AddConst(name+".b", mustTensor(tensor.Shape{out}, b.reals(out, 0.1)))
	pad := k / 2
	return b.AddNode(graph.Conv, name, name+".y", graph.Attrs{
		"strides": []int{stride, stride}, "pads": []int{pad, pad, pad, pad},
	}, x, name+".w", name+".b")
}

func (b *builder) relu(x string) string { return b.AddNode(graph.Relu, x+".relu", x+".relu", nil, x) }

func (b *builder) gemm(name, x string, in, out int) string {
	b.AddConst(name+".w", mustTensor(tensor.Shape{out, in}, b.reals(out*in, math.Sqrt(3/float64(in)))))
	b.AddConst(name+".b", mustTensor(tensor.Shape{out}, b.reals(out, 0.1)))
	return b.AddNode(graph.Gemm, name, name+".y", graph.Attrs{"transB": 1}, x, name+".w", name+".b")
}

// resNet is a CIFAR ResNet with option-A shortcuts: n blocks of two convolutions at each of three widths; 20 layers with
// n = 3 and width = 16.
func resNet(n, width int) *graph.Graph {
	b := newBuilder("resnet")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	x, channels := b.relu(b.conv("stem", "x", 3, width, 3, 1)), width
	for stage := range 3 {
		for block := range n {
			name := string(rune('a'+stage)) + string(rune('0'+block))
			in, stride := channels, 1
			skip := x
			if stage > 0 && block == 0 {
				channels, stride = 2*channels, 2
				skip = b.AddNode(graph.Slice, name+".s", name+".s", graph.Attrs{
					"starts": []int{0, 0}, "ends": []int{math.MaxInt32, math.MaxInt32}, "axes": []int{2, 3}, "steps": []int{2, 2},
				}, x)
				side := (channels - in) / 2
				skip = b.AddNode(graph.Pad, name+".p", name+".p", graph.Attrs{"pads": []int{0, side, 0, 0, 0, side, 0, 0}}, skip)
			}
			y := b.relu(b.conv(name+".1", x, in, channels, 3, stride))
			y = b.conv(name+".2", y, channels, channels, 3, 1)
			x = b.relu(b.AddNode(graph.Add, name+".add", name+".add", nil, y, skip))
		}
	}
	x = b.AddNode(graph.GlobalAveragePool, "pool", "pool", nil, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	b.Outputs = []string{b.gemm("fc", x, channels, 10)}
	return b.Graph
}

// vgg is the CIFAR-10 VGG, its widths divided.
func vgg(divisor int) *graph.Graph {
	b := newBuilder("vgg")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	x, in := "x", 3
	for i, width := range []int{64, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0} {
		name := "l" + string(rune('a'+i))
		if width == 0 {
			x = b.AddNode(graph.MaxPool, name, name, graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, x)
			continue
		}
		x = b.relu(b.conv(name, x, in, width/divisor, 3, 1))
		in = width / divisor
	}
	x = b.AddNode(graph.AveragePool, "pool", "pool", graph.Attrs{"kernel_shape": []int{2, 2}}, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	b.Outputs = []string{b.gemm("fc", x, in, 10)}
	return b.Graph
}

// pictures returns a batch of random inputs.
func pictures(n, elements int) []float32 {
	b := builder{seed: 7}
	return b.reals(n*elements, 1)
}

// near fails where two results differ by more than a fraction of their magnitude.
func near(t testing.TB, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
	}
	magnitude := 1e-3
	for _, v := range want {
		magnitude = max(magnitude, math.Abs(float64(v)))
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= 1e-5*magnitude) {
			t.Fatalf("%s[%d] is %g, want %g", name, i, got[i], want[i])
		}
	}
}
