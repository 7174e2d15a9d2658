package ptq

import "linquant/graph"

// The roles of nodes: see graph.Role.
const (
	island = graph.RoleIsland
	layer  = graph.RoleLayer
	clamp  = graph.RoleClamp
	pass   = graph.RolePass
	join   = graph.RoleJoin
	own    = graph.RoleOwn
)

// roles finds the role of every node, and why those that stay in floating point do.
func roles(g *graph.Graph, all map[*graph.Node]*setting) (map[*graph.Node]graph.Role, map[*graph.Node]string) {
	rs, reasons := make(map[*graph.Node]graph.Role, len(g.Nodes)), map[*graph.Node]string{}
	for _, n := range g.Nodes {
		r, reason := graph.RoleOf(g, n)
		if r != island && all[n].float {
			r, reason = island, "left in floating point as the configuration asks"
		}
		if rs[n] = r; r == island {
			reasons[n] = reason
		}
	}
	for _, n := range stranded(g, rs) {
		rs[n], reasons[n] = island, "it stands among nodes in floating point, and no integer layer is beside it"
	}
	return rs, reasons
}

// stranded returns the nodes without weights that could run in integers but gain nothing by it: groups of neighbours
// that have an island beside them and no integer layer. A Reshape after a Softmax is one.
func stranded(g *graph.Graph, rs map[*graph.Node]graph.Role) []*graph.Node {
	producers, consumers := g.Producers(), g.Consumers()
	seen := map[*graph.Node]bool{}
	var found []*graph.Node
	for _, start := range g.Nodes {
		if seen[start] || rs[start] == island || rs[start] == layer {
			continue
		}
		seen[start] = true
		group := []*graph.Node{start}
		beside := map[graph.Role]bool{}
		for i := 0; i < len(group); i++ {
			for _, n := range neighbours(group[i], producers, consumers) {
				if r := rs[n]; r == island || r == layer {
					beside[r] = true
				} else if !seen[n] {
					seen[n] = true
					group = append(group, n)
				}
			}
		}
		if beside[island] && !beside[layer] {
			found = append(found, group...)
		}
	}
	return found
}

// neighbours returns the nodes that compute what n reads or read what n computes.
func neighbours(n *graph.Node, producers map[string]*graph.Node, consumers map[string][]*graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range n.Inputs {
		if p := producers[in]; p != nil {
			list = append(list, p)
		}
	}
	for _, out := range n.Outputs {
		list = append(list, consumers[out]...)
	}
	return list
}
