package graph

import "fmt"

// Sort returns the graph with its nodes in an order in which they can be computed: each after the nodes whose outputs
// it reads, and otherwise as they were. Inputs that no node computes are left for Check to judge. An error names a node
// on a cycle.
func Sort(g *Graph) (*Graph, error) {
	out := g.Clone()
	producer := make(map[string]int, len(out.Nodes))
	for i, n := range out.Nodes {
		for _, name := range n.Outputs {
			if name == "" {
				continue
			}
			if first, ok := producer[name]; ok {
				return nil, n.errorf("the output %q is already computed by the %v: a value has one origin", name, out.Nodes[first])
			}
			producer[name] = i
		}
	}
	const (
		untouched = iota
		open      // its inputs are being placed
		placed
	)
	state := make([]uint8, len(out.Nodes))
	sorted := make([]*Node, 0, len(out.Nodes))
	type frame struct{ node, input int }
	var stack []frame // in place of recursion, which a long chain would take deep
	for root := range out.Nodes {
		if state[root] == placed {
			continue
		}
		stack, state[root] = append(stack[:0], frame{root, 0}), open
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			n := out.Nodes[top.node]
			if top.input == len(n.Inputs) {
				state[top.node] = placed
				sorted = append(sorted, n)
				stack = stack[:len(stack)-1]
				continue
			}
			p, computed := producer[n.Inputs[top.input]]
			top.input++
			if !computed || state[p] == placed {
				continue
			}
			if state[p] == open {
				return nil, n.wrong(fmt.Errorf("%v is on a cycle: its input %q depends on its own output", n, out.Nodes[p].Outputs[0]))
			}
			state[p] = open
			stack = append(stack, frame{p, 0})
		}
	}
	out.Nodes = sorted
	return out, nil
}
