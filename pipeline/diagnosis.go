package pipeline

import (
	"math"

	"linquant/calib"
	"linquant/eval"
	"linquant/graph"
	"linquant/ptq"
)

// Loss is how far values are from those of the float network.
type Loss struct {
	SQNR   float64 // signal to quantization noise in dB; +Inf where nothing differs, NaN where there is no signal
	Cosine float64 // NaN where either is all zeros
}

// noise is the ratio of the noise to the signal; 0 where there is none.
func (l Loss) noise() float64 {
	if math.IsNaN(l.SQNR) {
		return 0
	}
	return math.Pow(10, -l.SQNR/10)
}

// Diagnosed is what becomes of one layer, or of another node that makes codes with parameters of their own, or of an input.
type Diagnosed struct {
	Node  string // the name that an override takes; "" of an input of the network
	Op    graph.Op
	Value string // whose codes it makes, behind its Relu where it has one; "" where another layer's share their parameters

	WeightBits int // 0: there are no weights
	ActBits    int // 0: there is no Value

	// Alone is about the network in floats with the codes of this layer's weights and Value, and nothing else in codes; All is about
	// the network in integers.
	Alone, All Loss // of Value, on some of the examples; where there is none, of what the layer makes
	Output     Loss // of the network's outputs, alone

	Share    float64 // of the noise in the network's outputs, where that of all layers alone is added up
	RangeUse float64 // the fraction of the codes' range between the least and the largest of Value
	Clipped  float64 // the fraction of Value beyond the codes' range

	Channels []OddChannel     // whose largest weight is far from the median of the channels, the farthest first
	Accuracy *eval.Difference // to the float network, alone; nil where it was not measured
}

// OddChannel is an output channel of a layer whose largest weight is 4 times the median of those of the channels, or a
// fourth of it.
type OddChannel struct {
	Channel int
	Ratio   float64 // of its largest magnitude to the median; 0 of a channel without weights
}

// Remedy is a change of the configuration and what it was measured to do. It is one of the first five.
type Remedy struct {
	Override  ptq.Override // if it has a pattern: of a layer, by its name
	KeepEdges bool
	Weights   string       // how codes of weights are made
	Method    calib.Method // of calibration, with IsMethod
	IsMethod  bool
	Examples  int // to calibrate on

	Output Loss    // of the network's outputs, with it alone
	Gain   float64 // of their SQNR in dB
	Bytes  int64   // that the constants take more, codes packed at their bits
}

// Diagnosis says which layers hurt a network in integers, and what helps.
type Diagnosis struct {
	Layers      []Diagnosed // in the order in which they run
	Output      Loss        // of the outputs of the network in integers
	Accuracy    *Difference // of it, on Config.Test; nil without
	PackedBytes int64       // of its constants, codes packed at their bits

	Remedies []Remedy // by falling gain

	// Kept are the remedies that help together, in the order in which they were added, and Mended is the configuration with them, from which
	// a network was made to measure the rest. Without any, Mended is the configuration that was given.
	Kept           []Remedy
	Mended         Config
	MendedOutput   Loss
	MendedAccuracy *Difference // nil without Config.Test, or without Kept
	MendedBytes    int64

	Weights  string // how codes of weights were made
	Method   calib.Method
	Examples int  // that were calibrated on
	Compared int  // on which outputs were compared
	HeldOut  bool // the latter are none of the former

	Preparation Preparation // of the examples
	Warnings    []Warning
}
