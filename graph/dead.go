package graph

// RemoveDead returns the graph without the nodes and values that no output depends on. The graph's inputs stay, used or
// not: they are its interface.
func RemoveDead(g *Graph) (*Graph, error) {
	out := g.Clone()
	needed := make(map[string]bool, len(out.Values))
	for _, name := range out.Outputs {
		needed[name] = true
	}
	alive := make([]*Node, len(out.Nodes)) // filled from its end, because the outputs are known first
	first := len(alive)
	for i := len(out.Nodes) - 1; i >= 0; i-- {
		n := out.Nodes[i]
		used := false
		for _, name := range n.Outputs {
			used = used || needed[name]
		}
		if !used {
			continue
		}
		first--
		alive[first] = n
		for _, names := range [][]string{n.Inputs, n.Outputs} {
			for _, name := range names {
				needed[name] = true
			}
		}
	}
	out.Nodes = alive[first:]
	for _, name := range out.Inputs {
		needed[name] = true
	}
	for name := range out.Values {
		if !needed[name] {
			delete(out.Values, name)
		}
	}
	return out, nil
}
