package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Model is a network for a program that embeds it: compiled, with what its file says about its input and its answers.
// Its methods may be called from several goroutines at once.
type Model struct {
	*Program
	Preprocess graph.Preprocess // of the first input; it must not be changed

	answers answers
}

// answers says what a classifier's output is.
type answers uint8

const (
	scores        answers = iota // anything: the network ends in a layer
	probabilities                // it ends in a Softmax or a Sigmoid
	logarithms                   // it ends in a LogSoftmax
)

// NewModel compiles a network, after graph.Fold where it is a float one. It refers neither to g nor to its constants
// afterwards. Where g does not say that channels are last and its input's shape does (see ChannelsLast), Preprocess says
// it too.
func NewModel(g *graph.Graph, cfg Config) (*Model, error) {
	if !g.Quantized() {
		var err error
		if g, err = graph.Fold(g); err != nil {
			return nil, err
		}
	}
	p, err := Compile(g, cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{p, g.Input.Clone(), answersOf(g)}
	m.Preprocess.ChannelsLast = m.Preprocess.ChannelsLast || ChannelsLast(m.inputs[0].Shape)
	return m, nil
}

// answersOf returns what the first output is.
func answersOf(g *graph.Graph) answers {
	producers := g.Producers()
	for name := g.Outputs[0]; ; {
		n := producers[name]
		if n == nil {
			return scores
		}
		switch n.Op {
		case graph.Softmax, graph.Sigmoid:
			return probabilities
		case graph.LogSoftmax:
			return logarithms
		case graph.QuantizeLinear, graph.DequantizeLinear:
		default:
			if !renames(n.Op) {
				return scores
			}
		}
		name = n.Inputs[0]
	}
}

// ChannelsLast reports whether an input of that shape, without the batch, can be an image only with its channels last:
// whether its last dimension is 1 or 3 and the first is not.
func ChannelsLast(shape tensor.Shape) bool {
	return len(shape) == 3 && !imageChannels(shape[0]) && imageChannels(shape[2])
}

func imageChannels(n int) bool { return n == 1 || n == 3 }

// ImageShape returns the shape of the images that an input of that shape, without the batch, takes, channels first or
// last: one or three channels, height and width. An input of one dimension is a square image of one channel, or else of
// three, as it is for a perceptron. ok is false where it is no image.
func ImageShape(in tensor.Shape, last bool) (channels, height, width int, ok bool) {
	switch {
	case len(in) == 1:
		for _, c := range []int{1, 3} {
			side := int(math.Sqrt(float64(in[0] / c)))
			if c*side*side == in[0] {
				return c, side, side, true
			}
		}
	case len(in) == 3 && !last && imageChannels(in[0]):
		return in[0], in[1], in[2], true
	case len(in) == 3 && last && imageChannels(in[2]):
		return in[2], in[0], in[1], true
	}
	return 0, 0, 0, false
}

// ImageShape returns the shape of the images that the first input takes, by the function ImageShape. Errors: an input
// that is no image.
func (m *Model) ImageShape() (channels, height, width int, err error) {
	in := m.inputs[0]
	channels, height, width, ok := ImageShape(in.Shape, m.Preprocess.ChannelsLast)
	if !ok {
		return 0, 0, 0, fmt.Errorf("input %q has the shape %v, which is not that of an image with 1 channel or 3: give it arrays",
			in.Name, in.Shape)
	}
	return channels, height, width, nil
}

// Class is one answer of a classifier.
type Class struct {
	Index       int
	Label       string  // "" where the model has no labels
	Probability float32 // 0 to 1
}

// Classify runs a network with one input and one output on an image, pixels 0 to 255 of the shape [channels, height,
// width] of ImageShape with red first, prepares them as Preprocess says, and returns the k most probable classes, the
// most probable first. dataset.ReadImage makes such pixels of image files.
//
// Probabilities are the network's own where it ends in a Softmax or a Sigmoid, and a softmax of its output elsewhere.
//
// Errors: a network that is no classifier of images, another number of pixels, and those of Run.
func (m *Model) Classify(ctx context.Context, pixels []uint8, k int) ([]Class, error) {
	channels, height, width, err := m.ImageShape()
	if err != nil {
		return nil, err
	}
	if len(m.inputs) != 1 || len(m.outputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs and %d outputs, a classifier has one of each: use Run",
			len(m.inputs), len(m.outputs))
	}
	if len(pixels) != channels*height*width {
		return nil, fmt.Errorf("%d pixels are no image of %d channels and %d×%d pixels", len(pixels), channels, height, width)
	}
	y := make([]float32, m.outputs[0].elements)
	if m.takesPixels() {
		err = m.RunUint8(ctx, [][]float32{y}, [][]uint8{pixels})
	} else {
		image, x := make([]float32, len(pixels)), make([]float32, len(pixels))
		for i, v := range pixels {
			image[i] = float32(v)
		}
		if err := m.Preprocess.Apply(x, image, tensor.Shape{channels, height, width}); err != nil {
			return nil, err
		}
		err = m.Run(ctx, [][]float32{y}, [][]float32{x})
	}
	if err != nil {
		return nil, err
	}
	return m.Top(y, k), nil
}

// takesPixels reports whether the input is pixels as Classify has them.
func (m *Model) takesPixels() bool {
	q, p := m.inputs[0].Quant, &m.Preprocess
	return q != nil && q.Type == quant.Uint(8) && q.Scale[0] == 1 && q.ZeroPointOf(0) == 0 &&
		p.Divisor == 1 && p.Mean == nil && p.Std == nil && !p.BGR && !p.ChannelsLast
}

// Top returns the k most probable classes of one example's first output, the most probable first and of equals the
// first, as Classify does; what is no number comes last. It changes y.
func (m *Model) Top(y []float32, k int) []Class {
	m.toProbabilities(y)
	all := make([]Class, len(y))
	for i, p := range y {
		all[i] = Class{Index: i, Probability: p}
		if i < len(m.Preprocess.Labels) {
			all[i].Label = m.Preprocess.Labels[i]
		}
	}
	slices.SortStableFunc(all, func(a, b Class) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:min(max(k, 0), len(all))]
}

func (m *Model) toProbabilities(y []float32) {
	switch m.answers {
	case scores:
		graph.SoftmaxRow(y, y)
	case logarithms:
		for i, v := range y {
			y[i] = float32(graph.Exp(float64(v)))
		}
	}
}
