package graph_test

import (
	"testing"

	"linquant/graph"
)

func TestUnique(t *testing.T) {
	n := newNet(t, 3)
	n.node(graph.Relu, "relu", nil, "x")
	n.node(graph.Relu, "relu_1", nil, "x")
	g := n.outputs("relu", "relu_1")
	for name, want := range map[string]string{"relu": "relu_2", "relu_1": "relu_1_1", "free": "free"} {
		if got := g.Unique(name); got != want {
			t.Errorf("Unique(%q) is %q, want %q", name, got, want)
		}
	}
}
