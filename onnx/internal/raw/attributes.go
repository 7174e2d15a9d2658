package raw

import "linquant/graph"

// Int returns an integer attribute of the node; where it is missing its default in the operator's row, which is that of
// the newest opset. Float, Str, Ints and Floats do so for the other kinds. As those of graph.Node they panic where the row
// has no such attribute: a node that may be of an operator without it asks Attrs.
func (n *Node) Int(name string) int { return attrOf[int](n, name) }

// Float returns a float attribute: see Int.
func (n *Node) Float(name string) float32 { return attrOf[float32](n, name) }

// Str returns a string attribute: see Int.
func (n *Node) Str(name string) string { return attrOf[string](n, name) }

// Ints returns a list of integers, nil where it is missing: see Int. The list is shared and must not be changed.
func (n *Node) Ints(name string) []int { return attrOf[[]int](n, name) }

// Floats returns a list of floats, nil where it is missing: see Int. The list is shared and must not be changed.
func (n *Node) Floats(name string) []float32 { return attrOf[[]float32](n, name) }

func attrOf[T int | float32 | string | []int | []float32](n *Node, name string) T {
	o, ok := Lookup(n.Op)
	if !ok {
		o = &graph.Operator{Op: n.Op}
	}
	return graph.AttrOf[T](o, n.Attrs, name)
}
