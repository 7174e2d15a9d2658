package ort

import (
	"fmt"
	"math"

	"linquant/graph"
	"linquant/tensor"
)

// Reals is how one value of reals of a network compares with ours, computed from the same inputs.
type Reals struct {
	Value    string
	Op       graph.Op
	Elements int
	Error    float64 // the largest difference
	Reach    float64 // the largest magnitude of the value and of what it is computed from, 1 at least
	At       string  // which element that is, of how much
}

// Check returns an error unless the difference is one of sums in another order.
func (r Reals) Check() error {
	if r.Error <= 1e-5*r.Reach {
		return nil
	}
	return fmt.Errorf("%s %q of %d reals: %s", r.Op, r.Value, r.Elements, r.At)
}

// CompareReals is CompareWith of the values of reals. What follows from constants alone is left out.
func CompareReals(g *graph.Graph, values map[string]tensor.Tensor, ours Evaluator) ([]Reals, error) {
	var all []Reals
	err := cuts(g, values, func(c *cut, n *graph.Node) error {
		if c.g.Values[n.Outputs[0]].Quant != nil || len(c.inputs) == 0 {
			return nil
		}
		r, err := c.compareReals(n, values[n.Outputs[0]], ours)
		all = append(all, r)
		return err
	})
	return all, err
}

func (c *cut) compareReals(n *graph.Node, theirs tensor.Tensor, evaluate Evaluator) (Reals, error) {
	name := n.Outputs[0]
	r := Reals{Value: name, Op: n.Op, Elements: theirs.Elements(), Reach: 1}
	ours, err := evaluate(c.part(name), c.known(), name)
	if err != nil {
		return r, err
	}
	// Codes of which a file does not say what they stand for are numbers here; integers and booleans have their type in both.
	if ours.DType != tensor.Float32 && ours.DType != theirs.DType || !ours.Shape.Equal(theirs.Shape) {
		return r, fmt.Errorf("theirs is %v %v, ours %v %v", theirs.DType, theirs.Shape, ours.DType, ours.Shape)
	}
	for _, in := range c.inputs {
		if err := r.reach(c.values[in]); err != nil {
			return r, err
		}
	}
	a, err := ours.Float32s()
	if err != nil {
		return r, err
	}
	b, err := theirs.Float32s()
	if err != nil {
		return r, err
	}
	if err := r.reach(theirs); err != nil {
		return r, err
	}
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		if a[i] == b[i] || a[i] != a[i] && b[i] != b[i] {
			continue
		}
		if !(d <= r.Error) {
			r.Error, r.At = d, fmt.Sprintf("element %d is %g, theirs %g", i, a[i], b[i])
		}
	}
	return r, nil
}

// reach looks at the reals of a value; those of codes are small.
func (r *Reals) reach(t tensor.Tensor) error {
	if t.DType != tensor.Float32 {
		return nil
	}
	x, err := t.Float32s()
	if err != nil {
		return err
	}
	for _, v := range x {
		if m := math.Abs(float64(v)); m <= math.MaxFloat32 {
			r.Reach = max(r.Reach, m)
		}
	}
	return nil
}
