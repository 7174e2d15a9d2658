package engine

import (
	"fmt"

	"linquant/graph"
	"linquant/tensor"
)

// lowerer turns one node into steps.
type lowerer struct {
	*compiler
	n   *graph.Node
	in  []*place // nil for constants and for what is left out
	out *place
	// value is what out is known as afterwards: the node's output, or that of the last node that was folded into it.
	value    string
	fusedOps string // "+Relu" and the like
}

// lower emits the node's steps: in integers where its output is codes, else in floating point.
func (s *lowerer) lower() error {
	l, _ := loweringOf(s.n.Op)
	of := l.reals
	switch {
	case s.out.quant != nil:
		of = l.codes
	case s.counts() && s.computes():
		of = (*lowerer).reference
	case graph.IsDynamic(s.n):
		if s.class() == graph.ClassLayer { // an LSTM is computed as Eval does
			of = (*lowerer).dynamicLayer
		}
	case s.quantized && s.class() != graph.ClassReshape && s.class() != graph.ClassBoundary:
		s.addIsland()
	}
	if of == nil { // graph.Check has not refused it
		return s.errorf("the engine does not run this operator: replace it by others before compiling")
	}
	return of(s)
}

// computes reports whether the node makes elements that its inputs need not have.
func (s *lowerer) computes() bool {
	switch s.class() {
	case graph.ClassUnary, graph.ClassBinary, graph.ClassReduction:
		return true
	}
	return false
}

// class returns what the node does with its elements.
func (s *lowerer) class() graph.Class {
	row, ok := graph.Lookup(s.n.Op)
	if !ok {
		return 0
	}
	return row.Class
}

// addIsland records that the node runs in floating point inside a quantized network.
func (s *lowerer) addIsland() {
	i := Island{Node: s.n.Label(), Op: string(s.n.Op), Reason: "its values are not quantized"}
	if graph.FloatOnly(s.n) {
		i.Reason = "the operator has no integer form"
	}
	s.islands = append(s.islands, i)
}

// finish makes the output known after its last step.
func (s *lowerer) finish() { s.done(s.value, s.out) }

// errorf is fmt.Errorf with the node's name in front.
func (s *lowerer) errorf(format string, args ...any) error {
	return fmt.Errorf("%v: "+format, append([]any{s.n}, args...)...)
}

// constant returns the tensor of input i, which must be a constant.
func (s *lowerer) constant(i int) (*graph.Value, error) {
	v := s.g.Values[s.n.Input(i)]
	if v == nil || v.Const == nil {
		return nil, s.errorf("input %q is no constant, and weights are packed when the network is compiled: make it an initializer",
			s.n.Input(i))
	}
	return v, nil
}

// reals returns the elements of constant input i of a node of reals, and its shape.
func (s *lowerer) reals(i int) ([]float32, tensor.Shape, error) {
	v, err := s.constant(i)
	if err != nil {
		return nil, nil, err
	}
	if err := s.read(v.Const.Elements()); err != nil {
		return nil, nil, s.errorf("%w", err)
	}
	x, err := s.realsOf(v)
	if err != nil {
		return nil, nil, s.errorf("input %q: %w", v.Name, err)
	}
	return x, v.Const.Shape, nil
}

// realsOf returns the elements of a constant of reals, which may be those of the file: to be read while the network is
// compiled.
func (c *compiler) realsOf(v *graph.Value) ([]float32, error) {
	if x, ok := c.realConstants[v.Name]; ok {
		return x, nil
	}
	x, err := v.Const.Float32s()
	if err == nil && graph.Counts(v.Const.DType) {
		err = graph.CheckIntegers(x)
	}
	if err == nil {
		c.realConstants[v.Name] = x
	}
	return x, err
}
