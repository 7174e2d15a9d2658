package engine

import (
	"slices"

	"linquant/graph"
)

// layout is how every value lies between steps: places get their order from here, and nothing else works one out. It is
// made once, before anything is lowered.
//
// Values of three dimensions usually are pictures, and lie channels last. Those of attention are stacks of matrices,
// one for each head, whose rows are to lie together: what meets nothing that wants channels last, on its way through
// operators that take elements as they lie, lies row-major.
type layout map[string]order

// layoutOf gives every value that depends on an input its order. A value whose shape no place can have has none.
func layoutOf(g *graph.Graph) layout {
	rowMajors, orders := rowMajorValues(g), layout{}
	for name, v := range g.Values {
		if v.Const != nil || len(v.Shape) == 0 {
			continue
		}
		shape := v.Shape[1:]
		n, err := shape.Elements()
		switch {
		case err != nil:
		case rowMajors[name]:
			orders[name] = rowMajor(n)
		default:
			orders[name] = channelsLast(shape, n)
		}
	}
	return orders
}

// rowMajorValues returns the names of the values that lie row-major whatever their shape.
func rowMajorValues(g *graph.Graph) map[string]bool {
	groups, channelsLast := sets{}, slices.Concat(g.Inputs, g.Outputs)
	for _, n := range g.Nodes {
		values := slices.DeleteFunc(slices.Concat(n.Inputs, n.Outputs), func(name string) bool {
			v := g.Values[name]
			return v == nil || v.Const != nil // a constant lies as it is wanted, each time
		})
		switch l, _ := loweringOf(n.Op); l.reads {
		case anyOrder:
		case alike:
			for _, v := range values[min(1, len(values)):] {
				groups.join(values[0], v)
			}
		default:
			channelsLast = append(channelsLast, values...)
		}
	}
	seen := map[string]bool{}
	for _, v := range channelsLast {
		seen[groups.find(v)] = true
	}
	flat := map[string]bool{}
	for name := range g.Values {
		flat[name] = !seen[groups.find(name)]
	}
	return flat
}

// sets are disjoint sets of names: each leads to another of its set, up to one that stands for it.
type sets map[string]string

func (s sets) find(name string) string {
	for s[name] != "" {
		if up := s[s[name]]; up != "" {
			s[name] = up
		}
		name = s[name]
	}
	return name
}

func (s sets) join(a, b string) {
	if a, b = s.find(a), s.find(b); a != b {
		s[a] = b
	}
}
