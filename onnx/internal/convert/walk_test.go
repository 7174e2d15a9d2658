package convert_test

import (
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/convert"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// Every operator that has a row is read: one of a graph has its form, others have a conversion, are computed of constants,
// or are what fuse reads. And whatever reads an operator is of one that has a row.
func TestEveryOperatorIsRead(t *testing.T) {
	byItself := map[graph.Op]bool{"Shape": true, "Size": true, "If": true} // read.evaluate computes them of shapes, read.branch chooses
	for _, row := range raw.Operators() {
		if row.Op.Known() || convert.Conversions[row.Op] != nil || raw.HasParameters(row.Op) || byItself[row.Op] {
			continue
		}
		if _, ok := arrays.Ops[row.Op]; !ok {
			t.Errorf("%s has a row, and nothing reads it", row.Op)
		}
	}
	for op := range convert.Conversions {
		if _, ok := raw.Lookup(op); !ok {
			t.Errorf("%s has a conversion and no row", op)
		}
	}
	for op := range arrays.Ops {
		if _, ok := raw.Lookup(op); !ok {
			t.Errorf("%s is computed of constants and has no row", op)
		}
	}
}

// A graph has no attribute that neither a file has as an attribute nor as an input, in the newest opset.
func TestEveryAttributeIsRead(t *testing.T) {
	for _, row := range graph.Operators() {
		for _, a := range row.Attrs {
			if !a.InGraph() || a.Scope == graph.ScopeGraph {
				continue
			}
			if in, _ := operators.Attribute(row, a.Name, operators.MaxOpset); in == nil && a.Input == 0 {
				t.Errorf("%s: nothing in a file becomes the attribute %s", row.Op, a.Name)
			}
			if a.Input != 0 && operators.Inputs(row).Most <= a.Input {
				t.Errorf("%s: %s is input %d, and a node has at most %d", row.Op, a.Name, a.Input, operators.Inputs(row).Most)
			}
		}
	}
}
