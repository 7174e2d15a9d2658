package graph

import (
	"context"

	"linquant/internal/ended"
	"linquant/tensor"
)

// after returns a copy of the graph that the passes have changed, one after the other.
func (g *Graph) after(ctx context.Context, passes ...func(*Graph) error) (*Graph, error) {
	out := g.Clone()
	for _, pass := range passes {
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		if err := pass(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sure makes a pass of one that has no errors.
func sure(pass func(*Graph)) func(*Graph) error {
	return func(g *Graph) error { pass(g); return nil }
}

// Fold makes a float network ready for calibration and quantization. It infers shapes, removes what does nothing and
// what no output depends on, computes what follows from constants alone (within bounds of memory and time), makes one
// node of what exporters spell out (Recognize), brings fully-connected layers to the form X·Wᵀ + b, and multiplies batch
// normalizations of constants into the layer before or after them. What these make has its shape, so that the result's
// need not be inferred again. The network computes the same up to rounding; the names of inputs and outputs survive. g
// is not changed. Errors: those of InferShapes; a batch normalization whose variance plus epsilon is not positive, or
// whose factors leave float32; ctx's, soon after it is done.
func Fold(ctx context.Context, g *Graph) (*Graph, error) {
	if err := checkStructure(g); err != nil {
		return nil, err
	}
	f := newFolding(ctx, g)
	return g.after(
		ctx, (*Graph).inferShapes, (*Graph).removeIdentities, f.constants, sure((*Graph).Recognize), (*Graph).canonicalGemm,
		f.batchNorm, sure((*Graph).Prune),
	)
}

// uses knows who reads a value, for passes that may only change what nobody else sees.
type uses struct {
	readers map[string][]*Node
	output  map[string]bool
}

func usesOf(g *Graph) uses {
	u := uses{g.Consumers(), make(map[string]bool, len(g.Outputs))}
	for _, name := range g.Outputs {
		u.output[name] = true
	}
	return u
}

// sole returns the only reader of a value, nil where there are several or none or the value is an output of the graph.
func (u uses) sole(name string) *Node {
	if r := u.readers[name]; len(r) == 1 && !u.output[name] {
		return r[0]
	}
	return nil
}

// setConst makes input i of n a new constant. It keeps the old one's name where only n, once, reads that; otherwise it
// is called suggestion, or with a number behind.
func (u uses) setConst(g *Graph, n *Node, i int, suggestion string, shape tensor.Shape, data []float32) {
	name := n.Input(i)
	if name == "" || u.sole(name) != n || count(n.Inputs, name) != 1 {
		name = g.Unique(suggestion)
		u.readers[name] = []*Node{n}
	}
	for len(n.Inputs) <= i {
		n.Inputs = append(n.Inputs, "")
	}
	n.Inputs[i] = name
	t, err := tensor.Of(shape, data)
	if err != nil {
		panic(err) // the passes make data of their shape
	}
	g.AddConst(name, t)
}

func count(names []string, name string) int {
	n := 0
	for _, s := range names {
		if s == name {
			n++
		}
	}
	return n
}

// isReal reports whether the value is a constant of reals.
func isReal(v *Value) bool {
	return v != nil && v.Const != nil && v.Quant == nil && v.Const.DType.IsFloat()
}

// floats returns the elements of a constant of reals; ok is false where the value is anything else. It can copy them all,
// as those of a file do not always lie where the processor wants them.
func floats(v *Value) (x []float32, ok bool) {
	if !isReal(v) {
		return nil, false
	}
	x, err := v.Const.Float32s()
	return x, err == nil
}
