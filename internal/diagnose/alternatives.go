package diagnose

import (
	"slices"

	"linquant/graph"
	"linquant/quant"
)

// Alternative is another way of computing that runtimes have.
type Alternative struct {
	Name        string
	Explanation string // what the other runtime does instead
	Remedy      string
	Operators   []graph.Op // on which it makes a difference

	conventions []quant.Convention // of networks that can deviate so; nil: all
	family      family
	variants    []func(r *rules) // any of them is the alternative
}

// family groups alternatives of which a runtime has one at most.
type family uint8

const (
	rounding family = iota
	adding          // the zero point
	scaling
	operands
	alone // is not combined with others
)

// The operators that alternatives are about.
var (
	sums     = those(func(o *graph.Operator) bool { return o.Class == graph.ClassLayer })
	averages = those(func(o *graph.Operator) bool { return o.Class == graph.ClassPool && o.Role == graph.RoleOwn })
	added    = []graph.Op{graph.Add}
	clamps   = those(func(o *graph.Operator) bool { return o.Role == graph.RoleClamp })
	pools    = slices.Concat(averages, []graph.Op{graph.MaxPool, graph.Pad})
	stages   = slices.Concat(sums, averages)
	dividing = those(func(o *graph.Operator) bool { // reals by the scale of the output
		return o.Op == graph.QuantizeLinear || o.Class == graph.ClassJoin || o.Class == graph.ClassBinary ||
			o.Class == graph.ClassUnary && o.Role != graph.RoleClamp
	})
	rounded = slices.Concat(dividing, stages)
)

// those returns the operators whose rows are so.
func those(so func(o *graph.Operator) bool) []graph.Op {
	var ops []graph.Op
	for _, o := range graph.Operators() {
		if so(o) {
			ops = append(ops, o.Op)
		}
	}
	return ops
}

// alternatives are all ways that are tried, likelier ones first.
var alternatives = slices.Concat(roundings, multipliers, layers, operators)

// nearTies is a matter of where the elements are that differ.
var nearTies = Alternative{
	Name: "rounding errors of floating point next to ties",
	Explanation: "Every element that differs lies within 0.0001 steps of the middle between two codes, where the " +
		"rounding errors of float32 decide, which depend on the order of sums: the runtime computes the layer in " +
		"floating point, or did not fuse it with the quantization around it.",
	Remedy: "Nothing is wrong. To see the integers of fused layers make outputs of integer values only: " +
		"a value that is asked for keeps a runtime from fusing.",
	Operators: rounded,
}

// otherBias is found channel by channel and not by a variant.
var otherBias = Alternative{
	Name: "the bias rounded otherwise",
	Explanation: "The bias of each channel that differs is up to 2 steps of the accumulator from the file's, " +
		"as where it is made of a float bias with another rounding or another scale.",
	Remedy:    "Give both runtimes the file's int32 bias.",
	Operators: sums,
}

// Alternatives returns all alternatives that are tried.
func Alternatives() []Alternative { return append(slices.Clone(alternatives), nearTies, otherBias) }

// concerns reports whether the alternative can change what the part of a network with this convention computes.
func (a *Alternative) concerns(part cut, c quant.Convention) bool {
	if a.conventions != nil && !slices.Contains(a.conventions, c) {
		return false
	}
	return slices.ContainsFunc(part.nodes, func(n *graph.Node) bool {
		return slices.Contains(a.Operators, n.Op)
	})
}

// one makes the list of one variant.
func one(apply func(r *rules)) []func(r *rules) { return []func(r *rules){apply} }
