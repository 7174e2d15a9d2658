package engine

import (
	"fmt"

	"linquant/graph"
	"linquant/tensor"
)

// site is a node that is being lowered.
type site struct {
	*compiler
	n   *graph.Node
	in  []*place // nil for constants and for what is left out
	out *place
	// value is what out is known as afterwards: the node's output, or that of the last node that was folded into it.
	value    string
	fusedOps string // "+Relu" and the like
}

// lower emits the node's steps: in integers where its output is codes, else in floating point.
func (s *site) lower() error {
	switch {
	case s.n.Op == graph.QuantizeLinear || s.n.Op == graph.DequantizeLinear:
		s.boundary()
		return nil
	case s.out.quant != nil:
		return s.inIntegers()
	case graph.IsDynamic(s.n):
		return s.dynamicLayer()
	case s.quantized && !renames(s.n.Op):
		s.addIsland()
	}
	return s.inFloats()
}

// addIsland records that the node runs in floating point inside a quantized network.
func (s *site) addIsland() {
	i := Island{Node: nodeName(s.n), Op: string(s.n.Op), Reason: "its values are not quantized"}
	if graph.FloatOnly(s.n) {
		i.Reason = "the operator has no integer form"
	}
	s.islands = append(s.islands, i)
}

// inFloats lowers a node whose values are reals.
func (s *site) inFloats() error {
	switch s.n.Op {
	case graph.Conv:
		return s.floatConv()
	case graph.Gemm, graph.MatMul:
		return s.floatLinear()
	case graph.BatchNormalization:
		return s.batchNorm()
	case graph.Softmax, graph.LogSoftmax:
		return s.softmax()
	case graph.AveragePool, graph.GlobalAveragePool:
		return s.floatAverage()
	case graph.Where:
		return s.where()
	case graph.LayerNormalization, graph.RMSNormalization, graph.InstanceNormalization, graph.GroupNormalization:
		return s.norm()
	}
	if _, ok := graph.Binary(s.n.Op); ok {
		return s.floatBinary()
	}
	if _, ok := graph.Reduction(s.n.Op); ok {
		return s.reduce()
	}
	if _, ok := graph.Unary(s.n); ok && !renames(s.n.Op) {
		return s.floatUnary()
	}
	return s.either()
}

// inIntegers lowers a node whose values are codes. What has no integer form is refused before (graph.Check).
func (s *site) inIntegers() error {
	switch s.n.Op {
	case graph.Conv:
		return s.integerConv()
	case graph.Gemm, graph.MatMul:
		return s.integerLinear()
	case graph.AveragePool, graph.GlobalAveragePool:
		return s.integerAverage()
	}
	if _, ok := graph.Binary(s.n.Op); ok {
		return s.integerBinary()
	}
	if _, ok := graph.Unary(s.n); ok && !renames(s.n.Op) {
		return s.integerUnary()
	}
	return s.either()
}

// either lowers what moves elements and compares them, which is the same for codes and reals.
func (s *site) either() error {
	switch s.n.Op {
	case graph.MaxPool, graph.GlobalMaxPool:
		return s.maxPool()
	case graph.Resize:
		return s.resize()
	case graph.Concat:
		return s.concat()
	case graph.Pad:
		return s.pad()
	case graph.Slice:
		return s.slice()
	case graph.Gather, graph.Expand, graph.Tile:
		return s.pick()
	case graph.Transpose:
		return s.transpose()
	case graph.Flatten, graph.Reshape, graph.Squeeze, graph.Unsqueeze, graph.Identity, graph.Dropout:
		return s.rename()
	}
	return s.errorf("the engine does not run this operator: replace it by others before compiling")
}

// renames reports whether an operator leaves the elements as they are counted.
func renames(op graph.Op) bool {
	switch op {
	case graph.Flatten, graph.Reshape, graph.Squeeze, graph.Unsqueeze, graph.Identity, graph.Dropout:
		return true
	}
	return false
}

// finish makes the output known after its last step.
func (s *site) finish() { s.done(s.value, s.out) }

// errorf is fmt.Errorf with the node's name in front.
func (s *site) errorf(format string, args ...any) error {
	return fmt.Errorf("%v: "+format, append([]any{s.n}, args...)...)
}

// constant returns the tensor of input i, which must be a constant.
func (s *site) constant(i int) (*graph.Value, error) {
	v := s.g.Values[s.n.Input(i)]
	if v == nil || v.Const == nil {
		return nil, s.errorf("input %q is no constant, and weights are packed when the network is compiled: make it an initializer",
			s.n.Input(i))
	}
	return v, nil
}

// reals returns the elements of constant input i of a node of reals, and its shape.
func (s *site) reals(i int) ([]float32, tensor.Shape, error) {
	v, err := s.constant(i)
	if err != nil {
		return nil, nil, err
	}
	x, err := v.Const.Float32s()
	if err != nil {
		return nil, nil, s.errorf("input %q: %w", v.Name, err)
	}
	return x, v.Const.Shape, nil
}
