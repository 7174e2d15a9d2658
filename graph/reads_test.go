package graph_test

import (
	"path/filepath"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/reads"
)

// Every attribute that the code of the module reads by name, with Node.Int and the like, is one of an operator, of that
// kind. Package onnx, whose files have operators of their own, has this test for its rows.
func TestAttributeReads(t *testing.T) {
	reads.Check(t, "..", filepath.Join("..", "onnx"), graph.Operators(), 50)
}
