package graph_test

import (
	"slices"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// Rows are in order and say of every operator what each stage needs.
func TestOperatorRows(t *testing.T) {
	rows := graph.Operators()
	if !slices.IsSortedFunc(rows, func(a, b *graph.Operator) int {
		if a.Op < b.Op {
			return -1
		}
		return 1
	}) {
		t.Error("the rows are not in the order of names, or a name has two")
	}
	for _, o := range rows {
		if got, ok := graph.Lookup(o.Op); !ok || got != o || !o.Op.Known() {
			t.Errorf("%s: Lookup does not find it", o.Op)
		}
		if o.Since < 1 || o.Class == 0 || o.Inputs.Least < 1 || o.Inputs.Most < o.Inputs.Least {
			t.Errorf("%s: opset %d, class %v and inputs %v are not all given", o.Op, o.Since, o.Class, o.Inputs)
		}
		if (o.Class == graph.ClassUnary) != (o.Unary != nil) && o.Class != graph.ClassReshape ||
			(o.Class == graph.ClassBinary) != (o.Binary != nil) || (o.Class == graph.ClassReduction) != (o.Reduce != nil) {
			t.Errorf("%s: its functions are not those of the class %v", o.Op, o.Class)
		}
		if o.FloatOnly && o.Role != graph.RoleIsland {
			t.Errorf("%s has no form on codes, and a role on codes", o.Op)
		}
		for i, a := range o.Attrs {
			ok := a.Default == nil
			switch a.Kind {
			case graph.KindInt:
				_, ok = a.Default.(int)
			case graph.KindFloat:
				_, ok = a.Default.(float32)
			case graph.KindString:
				_, ok = a.Default.(string)
			}
			if !ok {
				t.Errorf("%s: the default of %s is %v, not %v", o.Op, a.Name, a.Default, a.Kind)
			}
			if slices.ContainsFunc(o.Attrs[:i], func(b graph.Attribute) bool {
				return b.Name == a.Name || a.Input != 0 && a.Input == b.Input
			}) {
				t.Errorf("%s: the name or the input of the attribute %s is taken", o.Op, a.Name)
			}
			if (a.Input == 0) != (a.InputSince == 0) || a.InputSince != 0 && a.InputSince < a.Since {
				t.Errorf("%s: %s is input %d since opset %d", o.Op, a.Name, a.Input, a.InputSince)
			}
		}
	}
}

// An attribute that the operator does not have is an error that names the one that was perhaps meant.
func TestUnknownAttributes(t *testing.T) {
	type A = graph.Attrs
	for _, c := range []struct {
		op    graph.Op
		attrs A
		says  string
	}{
		{graph.LeakyRelu, A{"alhpa": float32(1)}, `LeakyRelu node "node": the attribute alhpa is none of the operator's: did you mean alpha?`},
		{graph.Softmax, A{"dim": 1}, "the attribute dim is none of the operator's, which are axis: remove it"},
		{graph.Relu, A{"alpha": float32(1)}, "the attribute alpha is none of the operator's, which has none: remove it"},
		{graph.BatchNormalization, A{"momentum": float32(1)}, "momentum is none of the operator's"}, // files alone have it
		{graph.Pad, A{"pads": []int{0, 0, 0, 1}, "axes": []int{1}}, "axes is none of the operator's"},
		{graph.Softmax, A{"axis": int64(1)}, "the attribute axis is a int64: make it an int"},
	} {
		g := one(t, c.op, c.attrs, tensor.Shape{graph.Batch, 3}, tensor.Shape{3}, tensor.Shape{3}, tensor.Shape{3}, tensor.Shape{3})
		row, _ := graph.Lookup(c.op)
		g.Nodes[0].Inputs = g.Nodes[0].Inputs[:row.Inputs.Least]
		contains(t, graph.Check(g), c.says)
		_, err := graph.InferShapes(g)
		contains(t, err, c.says)
	}
}
