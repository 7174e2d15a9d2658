package engine

import (
	"errors"
	"fmt"

	"linquant/graph"
	"linquant/tensor"
)

// reference computes a node as graph.Eval does: what has no steps of its own, and whatever makes integers, which may leave
// their bounds.
type reference struct {
	undivided
	node *graph.Reference
	in   []*place
	to   *place
}

// reference lowers a node whose values lie row-major meanwhile.
func (s *lowerer) reference() error {
	shape := func(v *graph.Value) tensor.Shape {
		if w := s.whole[v.Name]; w != nil && graph.ByReference(s.n) {
			return w.Shape
		}
		out := append(tensor.Shape{}, v.Shape...)
		if len(out) > 0 && out[0] == graph.Batch {
			out[0] = 1
		}
		return out
	}
	for i, p := range s.in {
		if p != nil {
			continue
		}
		if v := s.g.Values[s.n.Inputs[i]]; v != nil && v.Const != nil {
			if err := s.read(v.Const.Elements()); err != nil {
				return s.errorf("%w", err)
			}
			s.weights += 4 * int64(v.Const.Elements())
		}
	}
	k := &reference{to: s.out}
	for _, p := range s.in {
		if p == nil {
			continue
		}
		p, err := s.asRowMajor(p)
		if err != nil {
			return err
		}
		k.in = append(k.in, p)
	}
	if s.out.order.channels > 1 {
		k.to = like(s.out, nil)
		k.to.order = rowMajor(k.to.n)
	}
	if !s.dry {
		var err error
		if k.node, err = graph.NewReference(s.g, s.n, shape); err != nil {
			return err
		}
	}
	s.emit(s.n, k, step{in: k.in, out: []*place{k.to}})
	if k.to != s.out {
		if err := s.emitMove(k.to, s.out); err != nil {
			return err
		}
	}
	s.finish()
	return nil
}

func (k *reference) part(s *state, _ *scratch, _, _ int) {
	in := make([][]float32, len(k.in))
	for i, p := range k.in {
		in[i] = s.floatsOf(p)
	}
	if err := k.node.Run(s.ctx, s.floatsOf(k.to), in...); err != nil {
		if ended := s.ctx.Err(); ended != nil && errors.Is(err, ended) {
			panic(stopped{err})
		}
		panic(&NumberError{err}) // recovered knows it
	}
}

// NumberError is the error of a run on numbers that an operator cannot compute with: an index that is none, an integer that
// graph.CheckIntegers refuses, be it in an input or computed. The program is as good as before.
type NumberError struct {
	Err error // the whole message, which names the node or the input
}

func (e *NumberError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *NumberError) Unwrap() error { return e.Err }

// counts reports whether the node makes integers or booleans.
func (s *lowerer) counts() bool {
	v := s.g.Values[s.n.Outputs[0]]
	return v.Quant == nil && graph.Counts(v.DType)
}

// checkInputs returns an error unless inputs of integers have such.
func (p *Program) checkInputs(inputs [][]float32) error {
	for i := range p.inputs {
		if io := &p.inputs[i]; graph.Counts(io.DType) && i < len(inputs) {
			if err := graph.CheckIntegers(inputs[i]); err != nil {
				return &NumberError{fmt.Errorf("input %q: %w", io.Name, err)}
			}
		}
	}
	return nil
}
