package engine

import (
	"slices"

	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// Program is a compiled network. Its methods may be called from several goroutines at once.
type Program struct {
	inputs, outputs []IO
	steps           []step
	kept            []*place // kept values that are there before the first step
	islands         []Island
	memory          Memory
	macs            int64
	threads         int
	tier            cpu.Tier
	pool            *pool

	raw [][]uint8 // of the RunUint8 that this copy of the program is for; else nil

	heavyFirst, heavyEnd int // the steps from the first to the last that is run on groups of examples

	shares bool // one example is worth several workers
	always bool // steps are computed in parts though nobody helps, for tests
}

// IO describes an input or output.
type IO struct {
	Name  string
	Shape tensor.Shape // of one example, channels first, without the batch

	// Whole: the network takes its whole input as one example, and no dimension before Shape counts examples; one of 1,
	// which it has where Whole is not set, does.
	Whole bool

	// DType is tensor.Float32, or what the elements count where they are integers or booleans: numbers too, of at most
	// graph.MostInteger.
	DType tensor.DType

	// Quant says what the elements stand for where they are codes, such as the pixels of vision.PixelInput; nil for reals.
	// It must not be changed.
	Quant *quant.Params

	elements int
}

// Island is a part that runs in floating point inside a quantized network.
type Island struct {
	Node   string // the node's name, or its first output's
	Op     string // the operator
	Reason string
}

// Memory is what a program holds, in bytes.
type Memory struct {
	Weights     int64 // packed weights, biases and tables, shared by all workers
	Activations int64 // arena of one example
	Scratch     int64 // what steps of one worker use while they run
	Group       int   // examples of a batch that one worker computes at once, at most
}

// Kind says what a step computes with.
type Kind uint8

// Kinds of steps.
const (
	Float   Kind = iota // floating point
	Integer             // codes
)

// String returns "float" or "integer".
func (k Kind) String() string {
	if k == Integer {
		return "integer"
	}
	return "float"
}

// Step describes one step of a program.
type Step struct {
	Node  string       // the node's name, or its first output's
	Op    string       // the operator; "Conv+Relu" where the layer's clamp does what a Relu would
	Value string       // what the step produces
	Shape tensor.Shape // of that, for one example
	Kind  Kind
	MACs  int64 // multiplications by weights, of one example
}

// step is one kernel and what it reads and writes.
type step struct {
	Step
	kernel  kernel
	in, out []*place
	inPlace bool     // the output may lie where an operand that lies alike does
	need    need     // scratch
	kept    []*place // kept values that are there when the step is done

	parts   int     // into which workers divide it
	long    bool    // it is shown to workers that are yet to come
	grouped grouped // where a worker runs it on several examples at once
}

// Inputs returns the inputs in the order of the graph.
func (p *Program) Inputs() []IO { return slices.Clone(p.inputs) }

// Outputs returns the outputs in the order of the graph.
func (p *Program) Outputs() []IO { return slices.Clone(p.outputs) }

// Islands lists what runs in floating point in a quantized network: nil for a float network, and for one that runs in
// integers from the first layer to the last. The quantization of inputs and the dequantization of outputs is no island.
func (p *Program) Islands() []Island { return slices.Clone(p.islands) }

// Memory returns what the program holds.
func (p *Program) Memory() Memory { return p.memory }

// MACs returns the multiplications by weights that one example takes.
func (p *Program) MACs() int64 { return p.macs }

// Steps lists what the program does, in order.
func (p *Program) Steps() []Step {
	list := make([]Step, len(p.steps))
	for i := range p.steps {
		list[i] = p.steps[i].Step
	}
	return list
}

// CPU returns the name of the instructions that the program was compiled for.
func (p *Program) CPU() string { return p.tier.String() }
