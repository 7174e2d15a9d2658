package onnx_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// call is a node of a function of the domain "own".
func call(name string, outputs, inputs []string, attrs ...onnxpb.Attr) onnxpb.Node {
	return onnxpb.Node{Op: name, Name: strings.Join(outputs, "+"), Domain: "own", Inputs: inputs, Outputs: outputs, Attrs: attrs}
}

func floatAttr(name string, v float32) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrFloat, Float: v}
}

// function is one whose nodes are of an opset.
func function(name string, opset int64, inputs, outputs []string, nodes ...onnxpb.Node) onnxpb.Function {
	return onnxpb.Function{
		Domain: "own", Name: name, Inputs: inputs, Outputs: outputs, Nodes: nodes,
		Opsets: []onnxpb.Opset{{Version: opset}, {Domain: "own", Version: 1}},
	}
}

// importFunctions reads a model of an input x of two numbers, an output y, and functions.
func importFunctions(t *testing.T, functions []onnxpb.Function, nodes ...onnxpb.Node) (*graph.Graph, error) {
	t.Helper()
	m := onnxpb.Model{
		IRVersion: 10, Opsets: []onnxpb.Opset{{Version: 17}, {Domain: "own", Version: 1}}, Functions: functions,
		Graph: &onnxpb.Graph{
			Name: "test", Inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2)}, Nodes: nodes,
			Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}},
		},
	}
	var b strings.Builder
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return onnx.Import(t.Context(), []byte(b.String()), "net.onnx")
}

// Nodes of functions become the nodes of their bodies: with the attributes of the call or their defaults, with the opset of the function, with
// functions within functions, outputs that are left out or are inputs, names that are taken, and branches.
func TestFunctions(t *testing.T) {
	slope := onnxpb.Attr{Name: "alpha", Type: onnxpb.AttrFloat, Ref: "slope"}
	leak := op("LeakyRelu", "b", "a")
	leak.Attrs = []onnxpb.Attr{slope}
	leaky := function("Leaky", 16, []string{"a"}, []string{"b"}, leak)
	leaky.Defaults = []onnxpb.Attr{floatAttr("slope", 0.5)}

	within := call("Leaky", []string{"t"}, []string{"x"}, onnxpb.Attr{Name: "slope", Type: onnxpb.AttrFloat, Ref: "k"})
	squeeze := op("Unsqueeze", "u", "t") // axes were an attribute before opset 13
	squeeze.Attrs = []onnxpb.Attr{{Name: "axes", Type: onnxpb.AttrInts, Ints: []int64{2}}}
	flat := op("Flatten", "f", "u")
	chosen := leak
	chosen.Inputs, chosen.Outputs = []string{"f"}, []string{"g"}
	chosen.Attrs = []onnxpb.Attr{{Name: "alpha", Type: onnxpb.AttrFloat, Ref: "k"}}
	branch := onnxpb.Graph{Name: "then", Nodes: []onnxpb.Node{chosen, call("Leaky", []string{"h"}, []string{"g"})}, Outputs: []onnxpb.ValueInfo{{Name: "h"}}}
	yes := onnxpb.Node{Op: "Constant", Outputs: []string{"yes"}, Attrs: []onnxpb.Attr{
		{Name: "value", Type: onnxpb.AttrTensor, Tensor: &onnxpb.Tensor{Type: onnxpb.Bool, Raw: []byte{1}}},
	}}
	choose := op("If", "w", "yes")
	choose.Attrs = []onnxpb.Attr{{Name: "then_branch", Type: onnxpb.AttrGraph, Graph: branch.Encode()}}
	twice := function("Twice", 11, []string{"x"}, []string{"w", "t", "x"}, within, squeeze, flat, yes, choose)

	g, err := importFunctions(t, []onnxpb.Function{twice, leaky},
		call("Twice", []string{"one", "", "same"}, []string{"x"}, floatAttr("k", 0.25)),
		op("Relu", "two/t", "x"), // a name that a value of the next would have
		call("Twice", []string{"two"}, []string{"one"}, floatAttr("k", 2)),
		op("Sum", "y", "two", "same", "two/t"))
	if err != nil {
		t.Fatal(err)
	}
	x := tensorOf(t, tensor.Shape{1, 2}, float32(-8), 4)
	got, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// -8 becomes -8·0.25·0.25·0.5 = -0.25, and that -0.25·2·2·0.5 = -0.5; beside it stand -8 and 0. 4 stays, three times.
	if y, err := got["y"].Float32s(); err != nil || !slices.Equal(y, []float32{-8.5, 12}) {
		t.Errorf("y = %v, error %v", y, err)
	}
}

// Functions that come to themselves, that do not fit their calls, and that would become more than files are meant to, are errors.
func TestFunctionsRefused(t *testing.T) {
	relu := function("F", 17, []string{"a"}, []string{"b"}, op("Relu", "b", "a"))
	var doubling []onnxpb.Function
	for i := range 40 {
		next := fmt.Sprintf("D%d", i+1)
		doubling = append(doubling, function(fmt.Sprintf("D%d", i), 17, []string{"a"}, []string{"c"},
			call(next, []string{"b"}, []string{"a"}), call(next, []string{"c"}, []string{"b"})))
	}
	doubling = append(doubling, function("D40", 17, []string{"a"}, []string{"b"}, op("Relu", "b", "a")))
	mistyped := relu
	mistyped.Nodes = []onnxpb.Node{op("LeakyRelu", "b", "a")}
	mistyped.Nodes[0].Attrs = []onnxpb.Attr{{Name: "alpha", Type: onnxpb.AttrFloat, Ref: "n"}}
	for name, c := range map[string]struct {
		functions []onnxpb.Function
		node      onnxpb.Node
		want      string
		damaged   bool
	}{
		"itself": {
			[]onnxpb.Function{
				function("F", 17, []string{"a"}, []string{"b"}, call("G", []string{"b"}, []string{"a"})),
				function("G", 17, []string{"a"}, []string{"b"}, call("F", []string{"b"}, []string{"a"})),
			},
			call("F", []string{"y"}, []string{"x"}), "the function F comes to itself", true,
		},
		"doubling":        {doubling, call("D0", []string{"y"}, []string{"x"}), "far more nodes than the file has", true},
		"twice":           {[]onnxpb.Function{relu, relu}, call("F", []string{"y"}, []string{"x"}), "two functions F", true},
		"inputs":          {[]onnxpb.Function{relu}, call("F", []string{"y"}, []string{"x", "x"}), "it has 2 inputs and 1 outputs, and the function 1 and 1", true},
		"reads nothing":   {[]onnxpb.Function{function("F", 17, nil, []string{"b"}, op("Relu", "b", "x"))}, call("F", []string{"y"}, nil), `reads "x", which nothing makes`, true},
		"attribute":       {[]onnxpb.Function{mistyped}, call("F", []string{"y"}, []string{"x"}, onnxpb.Attr{Name: "n", Type: onnxpb.AttrInt, Int: 1}), `attribute "n" of the function F is of type 2 where 1 is wanted`, true},
		"none of a name":  {nil, call("F", []string{"y"}, []string{"x"}), "F (domain own", false},
		"operator within": {[]onnxpb.Function{function("F", 17, []string{"a"}, []string{"b"}, op("Soup", "b", "a"))}, call("F", []string{"y"}, []string{"x"}), `Soup (domain ai.onnx, opset 17, node "y/b")`, false},
	} {
		_, err := importFunctions(t, c.functions, c.node)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, onnx.ErrDamaged) != c.damaged || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, c.want)
		}
	}
}

// A node within a function that is refused is cut away with the node that calls.
func TestFunctionsCut(t *testing.T) {
	soup := function("F", 17, []string{"a"}, []string{"b"}, op("Tanh", "t", "a"), op("Soup", "b", "t"))
	_, err := importFunctions(t, []onnxpb.Function{soup}, op("Relu", "r", "x"), call("F", []string{"y"}, []string{"r"}))
	var cut *onnx.CutError
	if !errors.As(err, &cut) || !slices.Equal(cut.Outputs, []string{"r"}) {
		t.Errorf("error %v", err)
	}
}
