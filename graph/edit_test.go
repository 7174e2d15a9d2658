package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
)

func TestEdit(t *testing.T) {
	n := newNet(t, 3)
	n.node(graph.Relu, "a", nil, "x")
	n.node(graph.Add, "b", nil, "a", "a")
	g := n.outputs("b", "a")
	first, second := g.Nodes[0], g.Nodes[1]

	inserted := &graph.Node{Name: "i", Op: graph.Sigmoid, Inputs: []string{"a"}, Outputs: []string{g.Unique("a")}}
	g.ReplaceUses("a", "a_1")
	inserted.Inputs[0] = "a"
	g.InsertAfter(first, inserted)
	g.Rename("a", "relu")
	last := &graph.Node{Name: "l", Op: graph.Relu, Inputs: []string{"b"}, Outputs: []string{"c"}}
	g.InsertBefore(nil, last)
	g.InsertBefore(second, &graph.Node{Name: "m", Op: graph.Relu, Inputs: []string{"x"}, Outputs: []string{"m"}})
	g.RemoveNode(last)

	var order []string
	for _, n := range g.Nodes {
		order = append(order, n.Name)
	}
	if diff := cmp.Diff([]string{"a", "i", "m", "b"}, order); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a_1", "a_1"}, second.Inputs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b", "a_1"}, g.Outputs); diff != "" {
		t.Error(diff)
	}
	if first.Outputs[0] != "relu" || inserted.Inputs[0] != "relu" || g.Value("relu") == nil || g.Value("a") != nil {
		t.Error("Rename left something")
	}
	if _, err := graph.InferShapes(g); err != nil {
		t.Error(err)
	}
	if got := g.Unique("relu"); got != "relu_1" {
		t.Errorf("Unique gives %q", got)
	}
}
