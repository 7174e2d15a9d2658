package file

import (
	"fmt"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// Layers that quantize their input while they run are several nodes in a file:
//
//	DynamicQuantizeLinear → ConvInteger or MatMulInteger → Cast → Mul by (scale of the input · scale of the weight)
//
// Before anything else is read they become one node each: a DynamicQuantizeMatMul, which ONNX Runtime has too, or the
// same for Conv. A value can have one DynamicQuantizeLinear for several layers. Where anything else is done with the codes, the
// sums or the scale, the nodes stay, and are computed as numbers (package convert).

const (
	DynamicQuantizer   = "DynamicQuantizeLinear"
	IntegersToReals    = "MatMulIntegerToFloat"
	QuantizedAttention = "QAttention"
	DynamicMatMulName  = "DynamicQuantizeMatMul"
	DynamicConvName    = "DynamicQuantizeConv"
	dynamicOutputCodes = 0 // outputs of DynamicQuantizeLinear
	dynamicOutputScale = 1
	dynamicOutputZero  = 2
)

// dynamicPatterns finds the patterns.
type dynamicPatterns struct {
	nodes    []onnxpb.Node
	readers  map[string][]int // of values, a node as often as it reads one
	makers   map[string]int
	outputs  map[string]bool
	rank     map[string]int      // of constants
	replaced map[int]onnxpb.Node // by the node that becomes the layer
	behind   map[int]onnxpb.Node // a node that follows it
	gone     map[int]bool
}

// DynamicLayers returns the nodes of a file with one node for every dynamic layer.
func DynamicLayers(g *onnxpb.Graph) ([]onnxpb.Node, error) {
	integers := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Domain == raw.DynamicDomain {
			return nil, fmt.Errorf("%s is of the domain %s, which has no operators", Label(n), raw.DynamicDomain)
		}
		integers = integers || integerSum(n) >= 0
	}
	if !integers {
		return g.Nodes, nil
	}
	p := newDynamicPatterns(g)
	for i := range p.nodes {
		if integerSum(&p.nodes[i]) < 0 {
			continue
		}
		p.layer(i)
	}
	return p.rest(), nil
}

// integerSum returns how many inputs of a node on codes come before the zero point of the first; -1 for other nodes.
func integerSum(n *onnxpb.Node) int {
	switch {
	case operators.Domain(n.Domain) == "" && (n.Op == "ConvInteger" || n.Op == "MatMulInteger"):
		return 2
	case n.Domain == raw.Microsoft && n.Op == IntegersToReals:
		return 4
	case n.Domain == raw.Microsoft && n.Op == QuantizedAttention:
		return 6
	}
	return -1
}

func newDynamicPatterns(g *onnxpb.Graph) *dynamicPatterns {
	p := &dynamicPatterns{
		nodes: g.Nodes, readers: map[string][]int{}, makers: map[string]int{}, outputs: map[string]bool{}, rank: map[string]int{},
		replaced: map[int]onnxpb.Node{}, behind: map[int]onnxpb.Node{}, gone: map[int]bool{},
	}
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			p.readers[in] = append(p.readers[in], i)
		}
		for _, out := range g.Nodes[i].Outputs {
			p.makers[out] = i
		}
	}
	for i := range g.Outputs {
		p.outputs[g.Outputs[i].Name] = true
	}
	for i := range g.Initializers {
		p.rank[g.Initializers[i].Name] = len(g.Initializers[i].Dims)
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Op == "Constant" && len(n.Outputs) == 1 && len(n.Attrs) == 1 && n.Attrs[0].Tensor != nil {
			p.rank[n.Outputs[0]] = len(n.Attrs[0].Tensor.Dims)
		}
	}
	return p
}

// made returns the node that makes a value if it is of that operator of ONNX; -1 otherwise.
func (p *dynamicPatterns) made(name, op string) int {
	if i, ok := p.makers[name]; ok && name != "" && p.nodes[i].Op == op && operators.Domain(p.nodes[i].Domain) == "" {
		return i
	}
	return -1
}

// sole returns the only node that reads a value, if it is of that operator of ONNX; -1 otherwise.
func (p *dynamicPatterns) sole(name, op string) int {
	if r := p.readers[name]; len(r) == 1 && !p.outputs[name] && p.nodes[r[0]].Op == op {
		return r[0]
	}
	return -1
}

// layer makes one node of the pattern around node i, which multiplies codes, if it is one, with a constant weight.
func (p *dynamicPatterns) layer(i int) {
	n := &p.nodes[i]
	input := func(k int) string {
		if k < len(n.Inputs) {
			return n.Inputs[k]
		}
		return ""
	}
	if n.Op == QuantizedAttention {
		p.attention(i)
		return
	}
	if len(n.Inputs) < 2 || len(n.Outputs) != 1 {
		return
	}
	rank, constant := p.rank[n.Inputs[1]]
	if _, zero := p.rank[input(integerSum(n)+1)]; !constant || rank != 2 && (n.Op != "ConvInteger" || rank != 3 && rank != 4) ||
		!zero && input(integerSum(n)+1) != "" {
		return
	}
	from := p.made(n.Inputs[0], DynamicQuantizer)
	if from < 0 || p.nodes[from].Outputs[dynamicOutputCodes] != n.Inputs[0] {
		return
	}
	q := &p.nodes[from]
	if len(q.Inputs) != 1 || len(q.Outputs) != 3 || input(integerSum(n)) != q.Outputs[dynamicOutputZero] {
		return
	}
	layer := onnxpb.Node{Name: n.Name, Domain: raw.Microsoft, Op: DynamicMatMulName, Attrs: n.Attrs}
	if n.Op == IntegersToReals {
		if _, scale := p.rank[input(3)]; input(2) != q.Outputs[dynamicOutputScale] || !scale {
			return
		}
		layer.Inputs = []string{q.Inputs[0], n.Inputs[1], input(3), input(5), input(6)}
		layer.Outputs = n.Outputs
		p.replaced[i] = layer
		return
	}
	cast := p.sole(n.Outputs[0], "Cast")
	if cast < 0 {
		return
	}
	isTo := func(a onnxpb.Attr) bool { return a.Name == "to" && a.Int == int64(onnxpb.Float) }
	if c := &p.nodes[cast]; !slices.ContainsFunc(c.Attrs, isTo) || len(c.Outputs) != 1 {
		return
	}
	mul := p.sole(p.nodes[cast].Outputs[0], "Mul")
	if mul < 0 {
		return
	}
	scale := p.weightScale(&p.nodes[mul], p.nodes[cast].Outputs[0], q.Outputs[dynamicOutputScale])
	if _, constant := p.rank[scale]; !constant {
		return
	}
	layer.Inputs, layer.Outputs = []string{q.Inputs[0], n.Inputs[1], scale, input(3)}, p.nodes[mul].Outputs
	if n.Op == "ConvInteger" {
		layer.Domain, layer.Op = raw.DynamicDomain, DynamicConvName
	}
	p.gone[i], p.gone[cast] = true, true
	p.replaced[mul] = layer // the last of the nodes, so that everything is there that it reads
}

// attention makes two nodes of a QAttention: the layer that multiplies codes, and Attention of what comes out of it, which has no matrix.
// Inputs are codes, the matrix, a bias, their scales, a mask, their zero points, and the past.
func (p *dynamicPatterns) attention(i int) {
	n := &p.nodes[i]
	in := make([]string, max(len(n.Inputs), 9))
	copy(in, n.Inputs)
	from := p.made(in[0], DynamicQuantizer)
	for _, k := range []int{1, 4, 7} {
		if _, constant := p.rank[in[k]]; in[k] != "" && !constant {
			return
		}
	}
	if from < 0 || len(n.Outputs) == 0 || len(p.nodes[from].Inputs) != 1 {
		return
	}
	if out := p.nodes[from].Outputs; len(out) != 3 || in[0] != out[dynamicOutputCodes] || in[3] != out[dynamicOutputScale] || in[6] != out[dynamicOutputZero] {
		return
	}
	products := n.Outputs[0] + "_products"
	for _, made := p.makers[products]; made; _, made = p.makers[products] {
		products += "_"
	}
	p.makers[products] = i
	p.replaced[i] = onnxpb.Node{
		Name: n.Name, Domain: raw.Microsoft, Op: DynamicMatMulName, Outputs: []string{products},
		Inputs: []string{p.nodes[from].Inputs[0], in[1], in[4], in[7], in[2]},
	}
	p.behind[i] = onnxpb.Node{
		Name: n.Name + "_heads", Domain: raw.Microsoft, Op: "Attention", Outputs: n.Outputs, Attrs: n.Attrs,
		Inputs: []string{products, "", "", in[5], in[8]},
	}
}

// weightScale returns the scale of the weight: by the input's scale times that the sums are multiplied; "" where they are multiplied
// by anything else.
func (p *dynamicPatterns) weightScale(mul *onnxpb.Node, sums, inputScale string) string {
	other := func(n *onnxpb.Node, one string) string {
		if len(n.Inputs) != 2 || !slices.Contains(n.Inputs, one) {
			return ""
		}
		if n.Inputs[0] == one {
			return n.Inputs[1]
		}
		return n.Inputs[0]
	}
	product := p.made(other(mul, sums), "Mul")
	if product < 0 || len(mul.Outputs) != 1 {
		return ""
	}
	return other(&p.nodes[product], inputScale)
}

// rest returns the nodes with those that are replaced, and without those that nothing reads any more.
func (p *dynamicPatterns) rest() []onnxpb.Node {
	byLayers := map[string]bool{}
	for _, layer := range p.replaced {
		for _, in := range layer.Inputs {
			byLayers[in] = true
		}
	}
	read := func(i int) bool {
		for _, out := range p.nodes[i].Outputs {
			if p.outputs[out] || byLayers[out] || slices.ContainsFunc(p.readers[out], func(r int) bool {
				_, replaced := p.replaced[r]
				return !p.gone[r] && !replaced
			}) {
				return true
			}
		}
		return false
	}
	// The products of scales first: nothing but them reads the scale then.
	for i := range p.nodes {
		if n := &p.nodes[i]; n.Op == "Mul" && p.readsScale(n) && !read(i) {
			p.gone[i] = true
		}
	}
	nodes := make([]onnxpb.Node, 0, len(p.nodes)-len(p.gone))
	for i := range p.nodes {
		if layer, ok := p.replaced[i]; ok {
			nodes = append(nodes, layer)
			if next, ok := p.behind[i]; ok {
				nodes = append(nodes, next)
			}
			continue
		}
		if p.gone[i] || p.nodes[i].Op == DynamicQuantizer && !read(i) {
			continue
		}
		nodes = append(nodes, p.nodes[i])
	}
	return nodes
}

// readsScale reports whether a node reads the scale that a DynamicQuantizeLinear makes.
func (p *dynamicPatterns) readsScale(n *onnxpb.Node) bool {
	return slices.ContainsFunc(n.Inputs, func(in string) bool { return p.made(in, DynamicQuantizer) >= 0 })
}
