package graph

// Prune removes from the graph the nodes and values that no output depends on. The graph's inputs stay, used or not: they
// are its interface.
func (g *Graph) Prune() {
	needed := make(map[string]bool, len(g.Values))
	for _, name := range g.Outputs {
		needed[name] = true
	}
	alive := make([]*Node, len(g.Nodes)) // filled from its end, because the outputs are known first
	first := len(alive)
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
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
	g.Nodes = alive[first:]
	for _, name := range g.Inputs {
		needed[name] = true
	}
	for name := range g.Values {
		if !needed[name] {
			delete(g.Values, name)
		}
	}
}
