package graph_test

import (
	"errors"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// Errors say which node or value they are about, for programs.
func TestErrorTypes(t *testing.T) {
	g := one(t, graph.Softmax, graph.Attrs{"axis": 7}, tensor.Shape{graph.Batch, 3})
	_, err := graph.InferShapes(g)
	var node *graph.NodeError
	if !errors.As(err, &node) || node.Node != "node" || node.Op != graph.Softmax || node.Error() != err.Error() {
		t.Errorf("%v is no NodeError of the Softmax", err)
	}
	g = one(t, graph.Relu, nil, tensor.Shape{graph.Batch, 3})
	g.Values["x0"].Shape = nil
	_, err = graph.InferShapes(g)
	var value *graph.ValueError
	if !errors.As(err, &value) || value.Value != "x0" || value.Error() != err.Error() {
		t.Errorf("%v is no ValueError of the input", err)
	}
}
