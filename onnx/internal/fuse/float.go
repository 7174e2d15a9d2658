package fuse

import (
	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// floats returns a raw graph without quantization as a graph. They share what they are made of.
func floats(r *raw.Graph) *graph.Graph {
	g := &graph.Graph{
		Name: r.Name, Inputs: r.Inputs, Outputs: r.Outputs, Nodes: make([]*graph.Node, len(r.Nodes)),
		Values:  make(map[string]*graph.Value, len(r.Values)),
		Requant: r.Requant, Metadata: r.Metadata,
	}
	for i, n := range r.Nodes {
		g.Nodes[i] = n.InGraph()
	}
	for name, v := range r.Values {
		g.Values[name] = floatValue(v)
	}
	return g
}

// floatValue returns a value of the raw form as one of a graph. One of codes has no parameters yet.
func floatValue(v *raw.Value) *graph.Value {
	out := &graph.Value{Name: v.Name, DType: v.DType, Shape: v.Shape, Const: v.Const}
	if v.Type != (quant.Type{}) {
		out.Quant = &quant.Params{Type: v.Type}
	}
	return out
}

// recognize makes one node of each function that is spelled out in reals: those that stand as a whole between a
// DequantizeLinear and a QuantizeLinear have a form in integers. Graph.RecognizeFunctions sees the nodes on reals alone,
// in a graph whose inputs are what the others make, and whose outputs are what they read.
func recognize(r *raw.Graph) {
	g := graph.New("")
	g.Outputs = append(g.Outputs, r.Outputs...)
	for _, n := range r.Nodes {
		if raw.HasParameters(n.Op) {
			g.Outputs = append(g.Outputs, n.Inputs...)
			continue
		}
		for _, in := range n.Inputs {
			if v := r.Values[in]; v != nil && g.Values[in] == nil && v.Const != nil && v.DType == tensor.Float32 {
				g.AddConst(in, *v.Const)
			}
		}
		g.Nodes = append(g.Nodes, n.InGraph())
	}
	g.RecognizeFunctions()
	float := g.Producers()
	kept := r.Nodes[:0]
	for _, n := range r.Nodes {
		if raw.HasParameters(n.Op) {
			kept = append(kept, n)
		} else if m := float[n.Outputs[0]]; m != nil {
			kept = append(kept, (*raw.Node)(m))
		}
	}
	r.Nodes = kept
	r.RemoveDead()
}
