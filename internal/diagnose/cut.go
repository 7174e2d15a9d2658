package diagnose

import "linquant/graph"

// cut is the part of a network between one value and the values known before it.
type cut struct {
	nodes   []*graph.Node // in order; the last computes the value
	missing string        // an input of the network that is not known and that the value needs
}

// cutAt returns the part of the network that computes a value.
func cutAt(g *graph.Graph, producers map[string]*graph.Node, known map[string]codes, name string) cut {
	var c cut
	needed := map[*graph.Node]bool{}
	pending := []*graph.Node{producers[name]}
	for len(pending) > 0 {
		n := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if needed[n] {
			continue
		}
		needed[n] = true
		for _, in := range n.Inputs {
			if in == "" || g.Values[in].Const != nil {
				continue
			}
			if _, ok := known[in]; ok {
				continue
			}
			if producers[in] == nil {
				c.missing = in
				return c
			}
			pending = append(pending, producers[in])
		}
	}
	for _, n := range g.Nodes {
		if needed[n] {
			c.nodes = append(c.nodes, n)
		}
	}
	return c
}

// main returns the operator that a cut is about: the last that is no Relu or Clip, or what moves codes only.
func (c cut) main() *graph.Node {
	for i := len(c.nodes) - 1; i >= 0; i-- {
		if op := c.nodes[i].Op; op != graph.Relu && op != graph.Clip && !moves(op) {
			return c.nodes[i]
		}
	}
	return c.nodes[len(c.nodes)-1]
}

// moves reports whether an operator hands on all of its input's elements as they are.
func moves(op graph.Op) bool {
	o, ok := graph.Lookup(op)
	return ok && (o.Class == graph.ClassReshape || op == graph.Transpose)
}
