package build

import "linquant/internal/onnxpb"

// Trace is what was read of a file: its nodes in the order in which they were, the bodies of functions and the branches that were taken
// in the places of the nodes that stand for them. Names that branches have twice are made others.
type Trace struct {
	Nodes      []onnxpb.Node
	Constants  map[string]onnxpb.Tensor // initializers
	Conditions []string                 // of the branches
	Opsets     map[string]int64
	Inputs     []onnxpb.ValueInfo
	Outputs    []onnxpb.ValueInfo
}

// constant notes an initializer.
func (t *Trace) constant(name string, c *onnxpb.Tensor) {
	if t != nil {
		t.Constants[name] = *c
	}
}
