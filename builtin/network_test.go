package builtin_test

import (
	"bytes"
	"math"
	"testing"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/models"
)

// What PyTorch takes the first pictures of the test split for, and its scores of the very first: printed by
// tools/train_builtin.py --check. Its smallest lead of a best score over the second is 0.28.
const torchAnswers = "5136972048950748621354631289709180423567682314970597156324093910745862162709352805718063246834075972"

var torchScores = [...]float64{
	-3.661391, -3.941761, -3.130811, -1.341873, -2.433815, 13.246242, 4.012879, -2.699244, -1.637791, 1.136104,
}

// TestNetworkAnswersAsInPyTorch runs the embedded network, in the plainest way, on pictures drawn here: both must be
// what PyTorch had.
func TestNetworkAnswersAsInPyTorch(t *testing.T) {
	n := 30
	if testing.Short() {
		n = 8
	}
	net := openNetwork(t)
	set, err := builtin.Data("test")
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 3*32*32)
	for i := range n {
		if _, err := set.Read(t.Context(), i, x); err != nil {
			t.Fatal(err)
		}
		scores := net.run(x)
		best := 0
		for k, s := range scores {
			if s > scores[best] {
				best = k
			}
			if i == 0 && math.Abs(s-torchScores[k]) > 1e-4 {
				t.Errorf("score %d of the first picture is %f, in PyTorch %f", k, s, torchScores[k])
			}
		}
		if want := int(torchAnswers[i] - '0'); best != want {
			t.Errorf("picture %d is taken for %d, in PyTorch for %d", i, best, want)
		}
	}
}

func TestNetworkIsAVGG(t *testing.T) {
	f := openCheckpoint(t)
	if f.Format != checkpoint.TorchLegacy {
		t.Errorf("the format is %v, not %v", f.Format, checkpoint.TorchLegacy)
	}
	n, err := models.Recognize(f.Tensors())
	if err != nil {
		t.Fatal(err)
	}
	if n.Arch != "vgg" || n.Classes != 10 || n.Parameters != 145_554 {
		t.Errorf("a %s of %d classes and %d parameters, not a vgg of 10 and 145554", n.Arch, n.Classes, n.Parameters)
	}
}

func TestCheckpointIsTheCallersOwn(t *testing.T) {
	clear(builtin.Checkpoint())
	openCheckpoint(t)
}

func openCheckpoint(t *testing.T) *checkpoint.File {
	t.Helper()
	b := builtin.Checkpoint()
	f, err := checkpoint.New(bytes.NewReader(b), int64(len(b)), "builtin")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// network is a naive evaluator of the VGG, in float64.
type network struct {
	convs      [8]layer
	classifier layer
}

// layer is weights [out][in·window] and, after them, y = scale·y + shift.
type layer struct {
	weights      []float32
	scale, shift []float64
}

func openNetwork(t *testing.T) *network {
	t.Helper()
	f := openCheckpoint(t)
	read := func(name string) []float32 {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		values, err := x.Float32s(nil)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	net := new(network)
	for i := range net.convs {
		bn := "backbone.bn" + string(rune('0'+i)) + "."
		gamma, beta := read(bn+"weight"), read(bn+"bias")
		mean, variance := read(bn+"running_mean"), read(bn+"running_var")
		l := &net.convs[i]
		l.weights = read("backbone.conv" + string(rune('0'+i)) + ".weight")
		for c := range gamma {
			scale := float64(gamma[c]) / math.Sqrt(float64(variance[c])+1e-5)
			l.scale = append(l.scale, scale)
			l.shift = append(l.shift, float64(beta[c])-float64(mean[c])*scale)
		}
	}
	net.classifier.weights = read("classifier.weight")
	for _, b := range read("classifier.bias") {
		net.classifier.shift = append(net.classifier.shift, float64(b))
	}
	return net
}

func (net *network) run(pixels []float32) []float64 {
	x := make([]float64, len(pixels))
	for i, p := range pixels {
		x[i] = float64(p) / 255
	}
	side := 32
	for i := range net.convs {
		x = net.convs[i].conv(x, side)
		if i%2 == 1 {
			x, side = pool(x, side), side/2
		}
	}
	area := side * side
	channels := len(x) / area
	scores := make([]float64, 0, 10)
	for k, b := range net.classifier.shift {
		for c := range channels {
			sum := 0.0
			for _, v := range x[c*area:][:area] {
				sum += v
			}
			b += sum / float64(area) * float64(net.classifier.weights[k*channels+c])
		}
		scores = append(scores, b)
	}
	return scores
}

// conv is the 3×3 convolution with a border of zeros, batch norm and ReLU.
func (l *layer) conv(x []float64, side int) []float64 {
	area := side * side
	inputs := len(x) / area
	out := make([]float64, len(l.scale)*area)
	for o := range l.scale {
		plane := out[o*area:][:area]
		for in := range inputs {
			for k, w := range l.weights[(o*inputs+in)*9:][:9] {
				dy, dx := k/3-1, k%3-1
				for y := max(0, -dy); y < min(side, side-dy); y++ {
					for c := max(0, -dx); c < min(side, side-dx); c++ {
						plane[y*side+c] += float64(w) * x[in*area+(y+dy)*side+c+dx]
					}
				}
			}
		}
		for i, v := range plane {
			plane[i] = max(0, v*l.scale[o]+l.shift[o])
		}
	}
	return out
}

// pool takes the largest of each 2×2.
func pool(x []float64, side int) []float64 {
	half := side / 2
	out := make([]float64, len(x)/4)
	for i := range out {
		c, y, column := i/(half*half), i/half%half, i%half
		at := c*side*side + 2*y*side + 2*column
		out[i] = max(x[at], x[at+1], x[at+side], x[at+side+1])
	}
	return out
}
