package fuse

import (
	"linquant/graph"
	"linquant/onnx/internal/raw"
)

// gemmOfMatMul makes one Gemm on codes of MatMul → Add of a constant vector → QuantizeLinear, which is how some tools
// write a fully-connected layer. There is no pair between the two operators, so that alone they would stay float. The
// MatMul must be one of matrices, with a constant weight.
func (f *fuser) gemmOfMatMul(n *raw.Node) (bool, error) {
	x, w := f.activation(n.Input(0)), f.viewOf(n.Input(1))
	readers := f.consumers[n.Outputs[0]]
	if x == nil || w == nil || w.Const == nil || len(w.Const.Shape) != 2 || f.rank(x.Name) != 2 ||
		f.raw.IsOutput(n.Outputs[0]) || len(readers) != 1 || readers[0].Op != graph.Add {
		return false, nil
	}
	add := readers[0]
	bias := add.Input(0)
	if bias == n.Outputs[0] {
		bias = add.Input(1)
	}
	if t, ok, err := f.constReals(bias); !ok || err != nil || t.Elements() != w.Const.Shape[1] {
		return false, err
	}
	clamps, r, err := f.tail(add.Outputs[0])
	if r == nil || err != nil {
		return false, err
	}
	gemm := &raw.Node{Name: n.Name, Op: graph.Gemm, Inputs: []string{n.Input(0), n.Input(1), bias}, Outputs: add.Outputs}
	inputs, attrs, ok := f.layer(gemm, r.params)
	if !ok {
		return false, nil
	}
	f.done[add] = true
	f.emitClamped(gemm, graph.Gemm, attrs, inputs, clamps, *r)
	return true, nil
}

// rank returns the number of dimensions of a value of the new graph, as far as the nodes before it tell; -1 where they do
// not.
func (f *fuser) rank(name string) int {
	if v := f.out.Values[name]; v != nil && v.Shape != nil {
		return len(v.Shape)
	}
	if r, ok := f.ranks[name]; ok {
		return r
	}
	return -1
}

// rankOf returns that of a node's output.
func (f *fuser) rankOf(n *graph.Node) int {
	rank := f.rank(n.Inputs[0])
	switch n.Op {
	case graph.Flatten, graph.Gemm:
		return 2
	case graph.Reshape:
		return len(n.Ints("shape"))
	case graph.Squeeze, graph.Unsqueeze, graph.Expand, graph.LSTM, graph.GRU, graph.RNN:
		return -1
	}
	if row, ok := graph.Lookup(n.Op); ok && row.Class == graph.ClassReference && n.Op != graph.Cast || n.Op == graph.Where ||
		n.Op == graph.Gather && n.Input(1) != "" {
		return -1 // such as rows of a table for tokens, which have one dimension more than these
	}
	_, pair := graph.Binary(n.Op)
	_, reduces := graph.Reduction(n.Op)
	if (pair || n.Op == graph.MatMul) && (len(n.Inputs) < 2 || f.rank(n.Inputs[1]) > rank) ||
		reduces && n.Int("keepdims") == 0 {
		return -1
	}
	return rank // every other operator keeps it
}
