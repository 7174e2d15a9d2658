package ptq

import (
	"fmt"
	"strings"

	"linquant/graph"
	"linquant/internal/near"
	"linquant/internal/pattern"
)

// setting is what the configuration says about one node.
type setting struct {
	weightBits int
	weightSaid bool // by an override
	actBits    int  // of the node's output; 0 where only the default applies
	actRank    int  // how much actBits counts where nodes share parameters: that of the later override is higher
	float      bool
}

// settings applies the overrides to the nodes, those with weights being those of which weighs reports it.
func settings(g *graph.Graph, cfg Config, weighs func(*graph.Graph, *graph.Node) bool) (map[*graph.Node]*setting, error) {
	all, list := make(map[*graph.Node]*setting, len(g.Nodes)), make([]setting, len(g.Nodes))
	for i, n := range g.Nodes {
		list[i].weightBits = cfg.WeightBits
		all[n] = &list[i]
	}
	first, last := edges(g)
	if cfg.KeepEdges && first != nil {
		all[first].weightBits, all[last].weightBits = 8, 8
	}
	for i, o := range cfg.Overrides {
		chosen, err := pattern.Parse(o.Pattern)
		if err != nil {
			return nil, &OverrideError{o.Pattern, err}
		}
		matched, layers := false, false
		for _, n := range g.Nodes {
			if !chosen.Match(patternNames(n)...) {
				continue
			}
			matched = true
			s := all[n]
			if o.WeightBits != 0 && weighs(g, n) {
				s.weightBits, s.weightSaid, s.float, layers = o.WeightBits, true, false, true
			}
			if o.ActBits != 0 {
				s.actBits, s.actRank, s.float = o.ActBits, i+1, false
			}
			s.float = s.float || o.Float
		}
		if !matched {
			return nil, unmatched(o.Pattern, "no node", names(g, func(*graph.Node) bool { return true }))
		}
		if o.WeightBits != 0 && !layers {
			layers := names(g, func(n *graph.Node) bool { return weighs(g, n) })
			return nil, unmatched(o.Pattern, "no layer with weights", layers)
		}
	}
	return all, nil
}

// patternNames are the names that a pattern knows a node by: its own and those of the values that it computes, which are
// what tables show.
func patternNames(n *graph.Node) []string { return append([]string{n.Label()}, n.Outputs...) }

// unmatched is the error about a pattern that matches nothing, with names that were perhaps meant.
func unmatched(text, nothing string, candidates []string) error {
	found := near.Names(text, candidates)
	if len(found) == 0 {
		found = near.Names(strings.Trim(text, "*?!"), candidates)
	}
	hint := "near to it"
	if len(found) == 0 {
		found, hint = candidates[:min(len(candidates), 3)], "there are for instance"
	}
	if len(found) == 0 {
		return &OverrideError{text, fmt.Errorf("it matches %s", nothing)}
	}
	for i, name := range found {
		found[i] = fmt.Sprintf("%q", name)
	}
	return &OverrideError{text, fmt.Errorf("it matches %s; %s: %s", nothing, hint, strings.Join(found, ", "))}
}

// names lists the names of the chosen nodes, in order.
func names(g *graph.Graph, chosen func(*graph.Node) bool) []string {
	var list []string
	for _, n := range g.Nodes {
		if chosen(n) {
			list = append(list, n.Label())
		}
	}
	return list
}

// edges returns the first and the last layer with weights; nil where there is none.
func edges(g *graph.Graph) (first, last *graph.Node) {
	for _, n := range g.Nodes {
		if !hasWeight(g, n) {
			continue
		}
		if first == nil {
			first = n
		}
		last = n
	}
	return first, last
}

// hasWeight reports whether the node multiplies by a constant matrix or kernel.
func hasWeight(g *graph.Graph, n *graph.Node) bool {
	switch n.Op {
	case graph.Conv, graph.Gemm, graph.MatMul:
		return isConst(g, n.Input(1))
	}
	return false
}

func isConst(g *graph.Graph, name string) bool {
	v := g.Value(name)
	return v != nil && v.Const != nil
}
