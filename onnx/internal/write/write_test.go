package write

import (
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// chain is a raw graph of operators of one operand, all of the same name.
func chain(ops ...graph.Op) *raw.Graph {
	g := raw.New("")
	g.AddInput("x", tensor.Shape{graph.Batch, 2, 3})
	in := "x"
	for _, op := range ops {
		out := in + "y"
		g.AddNode(op, "node", out, graph.Attrs{}, in)
		g.Values[out].DType, g.Values[out].Shape = tensor.Float32, tensor.Shape{graph.Batch, 2, 3}
		in = out
	}
	g.Outputs = []string{in}
	return g
}

// TestModel: a graph must have a name, names of nodes differ, and what is known of values between nodes is there.
func TestModel(t *testing.T) {
	m, err := Model(chain(graph.Relu, graph.Sigmoid, graph.Tanh), Config{Opset: 13})
	if err != nil {
		t.Fatal(err)
	}
	var names, between []string
	for _, n := range m.Graph.Nodes {
		names = append(names, n.Name)
	}
	for _, v := range m.Graph.Values {
		between = append(between, v.Name)
	}
	if !slices.Equal(names, []string{"node", "node_2", "node_3"}) || !slices.Equal(between, []string{"xy", "xyy"}) || m.Graph.Name == "" {
		t.Errorf("graph %q, nodes %q, values %q", m.Graph.Name, names, between)
	}
	if len(m.Opsets) != 1 || m.Opsets[0].Version != 13 || m.Opsets[0].Domain != "" {
		t.Errorf("opsets %v", m.Opsets)
	}
}

// TestIRVersion has onnx.helper.VERSION_TABLE of onnx 1.23, but for the versions below 4, which are never written.
func TestIRVersion(t *testing.T) {
	for opset, want := range map[int]int64{
		7: 4, 8: 4, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13,
	} {
		if got := irVersion(opset); got != want {
			t.Errorf("opset %d goes with version %d, want %d", opset, got, want)
		}
	}
}

// TestParameters: what opsets write otherwise, and what they do not have.
func TestParameters(t *testing.T) {
	for _, c := range []struct {
		op    graph.Op
		attrs graph.Attrs
		opset int
		want  string // the operator, or a part of the error
	}{
		{graph.Resize, graph.Attrs{"scales": []float32{1, 2, 2}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, 9, "Upsample"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 2, 2}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, 10, "Resize"},
		{graph.Resize, graph.Attrs{"scales": []float32{1, 2, 2}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}, 10, "this rounding"},
		{graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{2}, "axes": []int{1}, "steps": []int{1}}, 9, "Slice"},
		{graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{2}, "axes": []int{1}, "steps": []int{2}}, 9, "Slice with steps"},
		{graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{2}, "axes": []int{1}}, 13, "Slice"},
	} {
		g := chain(c.op)
		g.Nodes[0].Attrs = c.attrs
		m, err := Model(g, Config{Opset: c.opset})
		switch {
		case err == nil && m.Graph.Nodes[0].Op != c.want:
			t.Errorf("%s at opset %d is %s, want %s", c.op, c.opset, m.Graph.Nodes[0].Op, c.want)
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s at opset %d: %v, want %s", c.op, c.opset, err, c.want)
		}
	}
	// From opset 13 on, Slice reads what it cuts from constants, in the order of ONNX's inputs.
	g := chain(graph.Slice)
	g.Nodes[0].Attrs = graph.Attrs{"starts": []int{0, 1}, "ends": []int{2, 3}, "axes": []int{1, 2}}
	m, err := Model(g, Config{Opset: 13})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"xy_starts": "\x00\x01", "xy_ends": "\x02\x03", "xy_axes": "\x01\x02", "xy_steps": "\x01\x01"}
	for _, x := range m.Graph.Initializers {
		low := make([]byte, 0, 2) // of little-endian int64
		for i := 0; i < len(x.Raw); i += 8 {
			low = append(low, x.Raw[i])
		}
		if want[x.Name] != string(low) {
			t.Errorf("%s is %v, want %v", x.Name, low, []byte(want[x.Name]))
		}
		delete(want, x.Name)
	}
	if len(want) != 0 || len(m.Graph.Nodes[0].Inputs) != 5 {
		t.Errorf("inputs %q, constants %v are missing", m.Graph.Nodes[0].Inputs, want)
	}
}

// A Reshape has one -1, which is a dimension that follows; the batch beside it is a 0, that of the input.
func TestReshape(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  string // the low bytes
	}{
		{[]int{graph.Batch, 6}, "\xff\x06"},
		{[]int{graph.Batch, -1, 3}, "\x00\xff\x03"},
		{[]int{2, -1}, "\x02\xff"},
		{[]int{2, 3}, "\x02\x03"},
		{[]int{}, ""},
	} {
		g := chain(graph.Reshape)
		g.Nodes[0].Attrs = graph.Attrs{"shape": c.shape}
		m, err := Model(g, Config{Opset: 13})
		if err != nil {
			t.Fatal(err)
		}
		low := ""
		for i := 0; i < len(m.Graph.Initializers[0].Raw); i += 8 {
			low += string(m.Graph.Initializers[0].Raw[i : i+1])
		}
		if low != c.want {
			t.Errorf("%v is written as %q, want %q", c.shape, low, c.want)
		}
	}
}
