package graph

import (
	"fmt"
	"slices"
)

// The methods here change the graph they are called on; passes call them on a Clone.

// ReplaceUses makes every node and output that reads the value old read the value new.
func (g *Graph) ReplaceUses(old, new string) {
	for _, n := range g.Nodes {
		replace(n.Inputs, old, new)
	}
	replace(g.Outputs, old, new)
}

// Rename gives a value another name, which no value must have yet, wherever it is written or read.
func (g *Graph) Rename(old, new string) {
	v := g.Values[old]
	if v == nil || old == new {
		return
	}
	delete(g.Values, old)
	v.Name = new
	g.Values[new] = v
	for _, n := range g.Nodes {
		replace(n.Outputs, old, new)
	}
	replace(g.Inputs, old, new)
	g.ReplaceUses(old, new)
}

func replace(names []string, old, new string) {
	for i, name := range names {
		if name == old {
			names[i] = new
		}
	}
}

// RemoveNode takes a node out of the graph. Its output's value stays, without a producer.
func (g *Graph) RemoveNode(n *Node) {
	g.Nodes = slices.DeleteFunc(g.Nodes, func(m *Node) bool { return m == n })
}

// InsertBefore puts a new node before the node at, and gives its outputs values where they have none. Where at is nil
// or not in the graph the new node becomes the last.
func (g *Graph) InsertBefore(at, n *Node) { g.insert(g.position(at), n) }

// InsertAfter puts a new node right after the node at; first where at is nil or not in the graph.
func (g *Graph) InsertAfter(at, n *Node) {
	i := g.position(at) + 1
	if i > len(g.Nodes) {
		i = 0
	}
	g.insert(i, n)
}

func (g *Graph) position(n *Node) int {
	if i := slices.Index(g.Nodes, n); i >= 0 {
		return i
	}
	return len(g.Nodes)
}

func (g *Graph) insert(i int, n *Node) {
	g.Nodes = slices.Insert(g.Nodes, i, n)
	for _, out := range n.Outputs {
		if out != "" && g.Values[out] == nil {
			g.Values[out] = &Value{Name: out}
		}
	}
}

// Unique returns name, or name with the first free number behind it where a value is called so already.
func (g *Graph) Unique(name string) string {
	if g.Values[name] == nil {
		return name
	}
	for i := 1; ; i++ {
		if numbered := fmt.Sprintf("%s_%d", name, i); g.Values[numbered] == nil {
			return numbered
		}
	}
}
