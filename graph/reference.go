package graph

import (
	"context"

	"linquant/tensor"
)

// Reference computes a node of reals, integers and booleans as Eval does, for one example: how an engine runs operators that
// it has no steps for.
type Reference struct {
	site  site
	in    []array // constants; others with their shape alone
	given []int   // the inputs that are no constants
	shape tensor.Shape
}

// ByReference reports whether an engine computes a node of reals as Eval does, whatever its values are: those of ClassReference,
// and a Gather whose indices are computed.
func ByReference(n *Node) bool {
	return of(n).Class == ClassReference || n.Op == Gather && n.Input(1) != ""
}

// NewReference returns the computation of a node, whose values have the shapes that shape returns: numbers alone. Constants
// are read once. Errors: integers that CheckIntegers refuses.
func NewReference(g *Graph, n *Node, shape func(v *Value) tensor.Shape) (*Reference, error) {
	r := &Reference{site: site{g, n}, in: make([]array, max(len(n.Inputs), 3)), shape: shape(g.Values[n.Outputs[0]])}
	for i, name := range n.Inputs {
		v := g.Values[name]
		switch {
		case name == "":
		case v.Const != nil:
			var err error
			if r.in[i], err = constant(v); err != nil {
				return nil, r.site.errorf("constant %q: %w", name, err)
			}
		default:
			r.in[i].shape = shape(v)
			r.given = append(r.given, i)
		}
	}
	return r, nil
}

// Run computes the node. in are the elements of the inputs that are no constants, in their order, dst those of the output.
func (r *Reference) Run(ctx context.Context, dst []float32, in ...[]float32) error {
	arrays := make([]array, len(r.in))
	copy(arrays, r.in)
	for i, at := range r.given {
		arrays[at].real = in[i]
	}
	out := r.site.g.Values[r.site.n.Outputs[0]]
	y, err := r.site.compute(call{ctx, arrays, r.shape, out})
	if err != nil {
		return err
	}
	copy(dst, y.real)
	return nil
}

// compute is eval, and an error where integers left their bounds.
func (s site) compute(c call) (array, error) {
	y, err := s.eval(c)
	if err == nil && counted(c.out) {
		if err := CheckIntegers(y.real); err != nil {
			return y, s.errorf("%w", err)
		}
	}
	return y, err
}
