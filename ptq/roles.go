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

// findRoles finds the role of every node, and why those that stay in floating point do.
func (p *plan) findRoles() {
	p.roles, p.reasons = make(map[*graph.Node]graph.Role, len(p.g.Nodes)), map[*graph.Node]string{}
	for _, n := range p.g.Nodes {
		r, reason := graph.RoleOf(p.g, n)
		if r != island && p.settings[n].float {
			r, reason = island, "left in floating point as the configuration asks"
		}
		if why := p.cfg.Float[n.Outputs[0]]; why != "" {
			r, reason = island, why
		}
		if p.roles[n] = r; r == island {
			p.reasons[n] = reason
		}
	}
	p.leaveFloats()
	for _, n := range p.stranded() {
		p.roles[n], p.reasons[n] = island, "it stands among nodes in floating point, and no integer layer is beside it"
	}
}

// stranded returns the nodes without weights that could run in integers but gain nothing by it: groups of neighbours
// that have an island beside them and no integer layer. A Reshape after a Softmax is one.
func (p *plan) stranded() []*graph.Node {
	g, rs := p.g, p.roles
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
			for _, n := range p.neighbours(group[i]) {
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
func (p *plan) neighbours(n *graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range n.Inputs {
		if from := p.producers[in]; from != nil {
			list = append(list, from)
		}
	}
	for _, out := range n.Outputs {
		list = append(list, p.consumers[out]...)
	}
	return list
}
