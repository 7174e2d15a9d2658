package graph

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"linquant/tensor"
)

// maxElements bounds the elements of one example's value, so that no index of a network leaves 32 bits.
const maxElements = math.MaxInt32

// InferShapes returns the graph with the shape, element type and, where an operator passes its input's on, quantization
// of every value filled in. What the values had before is replaced by what follows from the inputs and constants,
// except the Quant of values that the graph's author chose.
//
// The batch stays symbolic: an operator that would move it from dimension 0, merge it with another or compute across
// examples is an error. So are shapes that do not fit the operator, values with no or more than 2³¹−1 elements, and
// whatever Check refuses. An error names the node, the shapes and a remedy. g is not changed.
func InferShapes(g *Graph) (*Graph, error) {
	if err := checkStructure(g); err != nil {
		return nil, err
	}
	return g.after(context.Background(), (*Graph).inferShapes)
}

// Infer is InferShapes that changes the graph itself, for who has just made it and has it alone. After an error the graph is
// of no use.
func (g *Graph) Infer() error {
	if err := checkStructure(g); err != nil {
		return err
	}
	return g.inferShapes()
}

// inferShapes is InferShapes for a graph whose structure was checked.
func (g *Graph) inferShapes() error {
	for _, name := range g.Inputs {
		v := g.Values[name]
		if v.Shape == nil {
			return valueErrorf("input", name, " has no shape: give one, such as [batch, 3, 32, 32] with graph.Batch first")
		}
		if err := checkDims(v.Shape); err != nil {
			return valueErrorf("input", name, ": %w", err)
		}
		if v.Quant != nil || !Counts(v.DType) {
			v.DType = storage(v.Quant)
		}
	}
	for _, v := range g.Values {
		if v.Const != nil {
			v.Shape, v.DType = v.Const.Shape, v.Const.DType
			if v.Shape == nil {
				v.Shape = tensor.Shape{}
			}
		}
	}
	for _, n := range g.Nodes {
		s := site{g, n}
		shape, err := s.infer()
		if err != nil {
			return err
		}
		if err := checkDims(shape); err != nil {
			return s.errorf("the output would be %s: %w", show(shape), err)
		}
		v := g.Values[n.Outputs[0]]
		v.Shape = shape
		s.passQuant(v)
		if v.DType, err = s.result(v); err != nil {
			return err
		}
	}
	return checkQuant(g)
}

// infer returns the shape of the node's output.
func (s site) infer() (tensor.Shape, error) {
	o := of(s.n)
	switch {
	case o.shape != nil:
		return o.shape(s)
	case o.Class == ClassBinary:
		return s.broadcast(s.shape(0), s.shape(1))
	case o.Class == ClassReduction:
		return s.reduce()
	}
	return s.shape(0), nil // element by element
}

// site is a node in its graph: what a rule about one operator looks at.
type site struct {
	g *Graph
	n *Node
}

// value returns the value of input i, nil where it is left out.
func (s site) value(i int) *Value { return s.g.Values[s.n.Input(i)] }

// shape returns the shape of input i.
func (s site) shape(i int) tensor.Shape {
	v := s.value(i)
	if v.Shape == nil && v.Const != nil {
		return v.Const.Shape
	}
	return v.Shape
}

// errorf is fmt.Errorf with the node's name in front.
func (s site) errorf(format string, args ...any) error {
	return s.n.errorf(format, args...)
}

// batched reports whether the first dimension is the symbolic batch.
func batched(s tensor.Shape) bool { return len(s) > 0 && s[0] == Batch }

// checkDims returns an error unless every dimension is at least 1, or Batch in the first place, and an example has at
// most maxElements elements.
func checkDims(s tensor.Shape) error {
	n := int64(1)
	for i, d := range s {
		switch {
		case d == Batch && i == 0:
			continue
		case d < 1:
			return fmt.Errorf("dimension %d of %s is %d: every dimension is at least 1, and only the first may be the batch", i, show(s), d)
		}
		// Larger numbers of a file were brought to 2³¹−1, so that this one can stand for any of them.
		if n *= int64(d); d >= maxElements || n > maxElements {
			return fmt.Errorf("%s has more than %d elements an example", show(s), maxElements)
		}
	}
	return nil
}

// perExample returns the number of elements without the batch, for a shape that passed checkDims.
func perExample(s tensor.Shape) int {
	n := 1
	for _, d := range s {
		if d != Batch {
			n *= d
		}
	}
	return n
}

// show formats a shape with the word batch for the symbolic one.
func show(s tensor.Shape) string {
	words := make([]string, len(s))
	for i, d := range s {
		words[i] = strconv.Itoa(d)
		if i == 0 && d == Batch {
			words[i] = "batch"
		}
	}
	return "[" + strings.Join(words, ", ") + "]"
}
