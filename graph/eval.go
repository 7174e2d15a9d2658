package graph

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"linquant/internal/ended"
	"linquant/internal/near"
	"linquant/tensor"
)

// Eval is the reference evaluator: it runs the network on a batch with loops that are easy to believe, and slowly.
//
// Reals are summed in float64 in the order of the operator's definition and rounded to float32 once at the output of
// each node. Codes are computed in integers, exactly as the package says: what the engine must reproduce bit for bit.
//
// inputs holds a tensor for every input of the graph, with one number of examples for the symbolic batch: floats of any
// width for reals, int8 or uint8 for codes. The result has the outputs, and the values named in keep, as float32, or as
// int8, uint8 or int32 codes. Errors: whatever Check and InferShapes refuse, inputs that are missing or of another
// shape or type, names in keep that are none, a ctx that is done.
func Eval(ctx context.Context, g *Graph, inputs map[string]tensor.Tensor, keep []string) (map[string]tensor.Tensor, error) {
	g, err := InferShapes(g)
	if err != nil {
		return nil, err
	}
	if err := checkCodes(g); err != nil {
		return nil, err
	}
	e := evaluator{ctx: ctx, g: g, values: make(map[string]array, len(g.Values)), readers: map[string]int{}}
	if err := e.bind(inputs); err != nil {
		return nil, err
	}
	for _, name := range append(append([]string(nil), g.Outputs...), keep...) {
		if g.Values[name] == nil {
			return nil, valueErrorf("value", name, " is to be kept, and the graph has none of that name")
		}
		e.readers[name]++ // which nobody takes back: it stays
	}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			e.readers[name]++
		}
	}
	for _, n := range g.Nodes {
		if err := e.step(n); err != nil {
			return nil, err
		}
	}
	return e.results(keep)
}

type evaluator struct {
	ctx     context.Context
	g       *Graph
	batch   int
	values  map[string]array
	readers map[string]int // of each value, those still to come; a value without any is forgotten
}

// bind takes the inputs, and with them the size of the batch.
func (e *evaluator) bind(inputs map[string]tensor.Tensor) error {
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if v := e.g.Values[name]; v == nil || v.Const != nil {
			return fmt.Errorf("the graph has no input %q: its inputs are %s", name, near.List(e.g.Inputs))
		}
	}
	for _, name := range e.g.Inputs {
		v := e.g.Values[name]
		t, ok := inputs[name]
		if !ok {
			return valueErrorf("input", name, " is missing: the graph's inputs are %s", near.List(e.g.Inputs))
		}
		if _, err := tensor.New(t.DType, t.Shape, t.Data); err != nil {
			return valueErrorf("input", name, ": %w", err)
		}
		want := v.Shape
		if batched(want) && len(t.Shape) == len(want) && t.Shape[0] > 0 {
			if e.batch == 0 {
				e.batch = t.Shape[0]
			}
			want = e.concrete(want)
		}
		if !t.Shape.Equal(want) {
			return valueErrorf("input", name, " has the shape %v: the graph wants %s, and the same batch for all inputs", t.Shape, show(want))
		}
		if v.Quant == nil && !t.DType.IsFloat() && t.DType != v.DType || v.Quant != nil && t.DType != v.DType {
			return valueErrorf("input", name, " is %v: the graph wants %v", t.DType, v.DType)
		}
		given := Value{Name: name, Const: &t, Quant: v.Quant}
		if err := checkCodes(&Graph{Values: map[string]*Value{name: &given}}); err != nil {
			return err
		}
		a, err := constant(&given)
		if err != nil {
			return valueErrorf("input", name, ": %w", err)
		}
		e.values[name] = a
	}
	for _, name := range e.g.names() {
		v := e.g.Values[name]
		if batched(v.Shape) && int64(perExample(v.Shape))*int64(e.batch) > maxElements {
			return valueErrorf("value", name, " %s has more than %d elements for a batch of %d: use a smaller batch", show(v.Shape), maxElements, e.batch)
		}
	}
	return nil
}

// concrete returns a shape with the number of examples for the symbolic batch.
func (e *evaluator) concrete(s tensor.Shape) tensor.Shape {
	if !batched(s) {
		return s
	}
	return append(tensor.Shape{e.batch}, s[1:]...)
}

// value returns a value that was computed, given, or is a constant.
func (e *evaluator) value(name string) (array, error) {
	if a, ok := e.values[name]; ok || name == "" {
		return a, nil
	}
	a, err := constant(e.g.Values[name])
	if err != nil {
		return a, valueErrorf("constant", name, ": %w", err)
	}
	return a, nil
}

// step computes one node.
func (e *evaluator) step(n *Node) error {
	if err := ended.Err(e.ctx); err != nil {
		return err
	}
	in := make([]array, max(len(n.Inputs), 3))
	for i, name := range n.Inputs {
		var err error
		if in[i], err = e.value(name); err != nil {
			return err
		}
	}
	out := e.g.Values[n.Outputs[0]]
	y, err := site{e.g, n}.compute(call{e.ctx, in, e.concrete(out.Shape), out})
	if err != nil {
		return err
	}
	for _, name := range n.Inputs {
		if e.readers[name]--; e.readers[name] == 0 {
			delete(e.values, name)
		}
	}
	if e.readers[out.Name] > 0 {
		e.values[out.Name] = y
	}
	return nil
}

func (e *evaluator) results(keep []string) (map[string]tensor.Tensor, error) {
	out := make(map[string]tensor.Tensor, len(e.g.Outputs)+len(keep))
	for _, names := range [][]string{e.g.Outputs, keep} {
		for _, name := range names {
			if v := e.g.Values[name]; v.Const != nil && v.Quant == nil && !v.Const.DType.IsFloat() {
				out[name] = *v.Const // what reading the model made of constants, such as a shape
				continue
			}
			a, err := e.value(name)
			if err != nil {
				return nil, err
			}
			if a, err = e.checked(e.g.Values[name], a); err != nil {
				return nil, valueErrorf("value", name, ": %w", err)
			}
			if out[name], err = a.tensorOf(e.g.Values[name].DType); err != nil {
				return nil, valueErrorf("value", name, ": %w", err)
			}
		}
	}
	return out, nil
}

// checked returns the elements of an input of integers that was given as reals, which must be integers.
func (e *evaluator) checked(v *Value, a array) (array, error) {
	if counted(v) {
		return a, CheckIntegers(a.real)
	}
	return a, nil
}

// call is what a node is computed from: its inputs, with concrete shapes and an empty array for one that is left out,
// and the shape and the value of its output.
type call struct {
	ctx   context.Context
	in    []array // three at least
	shape tensor.Shape
	out   *Value
}

// eval computes a node.
func (s site) eval(c call) (array, error) {
	o := of(s.n)
	switch {
	case o.eval != nil:
		return o.eval(s, c)
	case o.Count != nil && counted(c.out):
		return s.evalPair(c, o.Count)
	case o.Binary != nil:
		return s.evalPair(c, o.Binary)
	case o.Reduce != nil:
		return s.evalReduce(c, o.Reduce)
	case o.Unary != nil:
		return s.evalUnary(c, o.Unary(s.n))
	}
	return array{}, s.errorf("it cannot be evaluated")
}
