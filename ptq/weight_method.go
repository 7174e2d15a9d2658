package ptq

import (
	"context"
	"fmt"
	"strings"

	"linquant/calib"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// WeightMethod is a way to make codes of the weight of a layer. AbsMax and LeastSquares look at the weight alone; others
// may ask to see the layer's input, in the float network, in the network that is quantized up to the layer, or in both side
// by side, and may correct the bias. Layers are quantized in the order in which they run, so that what a method sees of
// the quantized network has the errors of all layers before.
//
// A method is given by its value, with its parameters as fields. The same network, examples and configuration must give
// the same bits on every processor.
type WeightMethod interface {
	// String returns the word for it, such as "nearest".
	String() string

	// Needs returns what is to be shown the layer's input before Quantize is called, with observers of its own for each
	// call, or why there is no quantizing the layer in this way. It is called once for each layer; Seen is not there yet,
	// nor is Real of a weight of a checkpoint.
	Needs(w *LayerWeight) ([]Watch, error)

	// Quantize chooses the parameters of the weight, with its Type and Layout, and fills codes, one for each element, with codes of the weight's
	// type. Symmetric codes (zero points of 0) of 8 bits leave the most negative one unused. A bias that is not nil, one element per
	// output channel, takes the place of the layer's (LayerWeight.CanBias); w and what it refers to must stay as they are.
	// What takes long looks at ctx now and then, and returns its error once it is done.
	Quantize(ctx context.Context, w *LayerWeight, codes []int8) (p quant.Params, bias []float32, err error)
}

// LayerWeight is a weight on its way into integers, and what is known of its layer.
type LayerWeight struct {
	Real   []float32 // row-major
	Shape  tensor.Shape
	Type   quant.Type   // of the codes: signed, of 2 to 8 bits
	Layout quant.Layout // which elements share a scale
	Affine bool         // from minimum to maximum with a zero point: weights of a checkpoint only

	// Of a checkpoint's weight the rest is zero.

	Node    *graph.Node // Conv, Gemm as X·Wᵀ + b, or MatMul; not to be changed
	Axis    int         // the dimension of Shape whose indices are the output channels
	Bias    []float32   // one element per output channel; nil where there is none
	CanBias bool        // the layer has a bias, or can be given one

	Input      Activation   // how its input is stored; zero where it is quantized dynamically
	InputShape tensor.Shape // of a batch (graph.Batch), channels first

	window graph.Window // of a Conv
	room   *room        // that its network's layers share; nil for a layer by itself

	constant bool // what Reconstruct found: its inputs are the same in all samples

	Seen []Watch // what Needs returned, after all examples
}

// Watch is an observer that is to be shown the input of a layer, for every example.
type Watch struct {
	In Network
	calib.Observer
}

// Network is where a layer's input is looked at.
type Network uint8

// The networks of Watch.
const (
	InFloat     Network = iota // the float network
	InQuantized                // the network whose layers before this one are quantized: the reals that its codes stand for
	InBoth                     // an example of the first and then the same example of the second, in one slice
	OfOutput                   // the float network, and there what the layer computes of that input
)

// expecter is an Observer that wants to know beforehand how many examples it will be shown.
type expecter interface{ expect(examples int) }

// weightMethods are those that ParseWeightMethod knows.
var weightMethods = [...]WeightMethod{AbsMax{}, LeastSquares{}, Reconstruct{}, Equalized{}}

// ParseWeightMethod returns the method with that word for a name, and its default parameters. AbsMax goes by "absmax" too.
func ParseWeightMethod(s string) (WeightMethod, error) {
	if s == "absmax" {
		return AbsMax{}, nil
	}
	var known []string
	for _, m := range weightMethods {
		if m.String() == s {
			return m, nil
		}
		known = append(known, m.String())
	}
	return nil, fmt.Errorf("%q is no way to quantize weights: use %s", s, strings.Join(known, ", "))
}

// AbsMax is the WeightMethod that gives the largest magnitude the largest code (quant.SymmetricParams), and rounds to the
// nearest code. Affine weights are quantized from minimum to maximum (quant.QuantizeAffine).
type AbsMax struct{}

// String returns "nearest".
func (AbsMax) String() string { return "nearest" }

// Needs returns nothing.
func (AbsMax) Needs(*LayerWeight) ([]Watch, error) { return nil, nil }

// Quantize does it.
func (AbsMax) Quantize(_ context.Context, w *LayerWeight, codes []int8) (quant.Params, []float32, error) {
	quantize := quant.QuantizeSymmetric[int8]
	if w.Affine {
		quantize = func(codes []int8, real []float32, shape tensor.Shape, t quant.Type, l quant.Layout) (quant.Params, error) {
			return quant.QuantizeAffine(codes, real, shape, t, l, true)
		}
	}
	p, err := quantize(codes, w.Real, w.Shape, w.Type, w.Layout)
	return p, nil, err
}

// nearest fills codes with the codes of a symmetric weight whose parameters are known: the nearest, but never the most
// negative one.
func nearest(codes []int8, real []float32, shape tensor.Shape, p quant.Params) error {
	if err := quant.Quantize(codes, real, shape, p); err != nil {
		return err
	}
	qmin, qmax := p.Type.Range()
	for i, q := range codes {
		if q == int8(qmin) {
			codes[i] = int8(-qmax)
		}
	}
	return nil
}
