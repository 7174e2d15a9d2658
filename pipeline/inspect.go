package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
)

// Inspection is what there is to know about a network that can be read.
type Inspection struct {
	Parameters   int64       `json:"parameters"` // elements of all constants that nodes read
	MACs         int64       `json:"macs"`       // of one example
	Quantized    bool        `json:"quantized"`
	Numbers      string      `json:"numbers"`
	Convention   string      `json:"convention,omitempty"` // how accumulators become codes
	WeightBits   []int       `json:"weight_bits,omitempty"`
	ActBits      []int       `json:"act_bits,omitempty"`
	FloatBytes   int64       `json:"float_bytes"`             // of the constants as floats, batch norms folded
	IntegerBytes int64       `json:"integer_bytes,omitempty"` // as they are, or would be with 8-bit weights
	StaysFloat   []FloatNode `json:"stays_float"`             // what runs in floating point in the integer network
	Layers       []Layer     `json:"layers"`
}

// Layer is a node of an inspected network.
type Layer struct {
	Name       string `json:"name"`
	Operator   string `json:"operator"`
	Output     string `json:"output"` // the value's name
	Shape      []int  `json:"shape"`  // of one example
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	Numbers    string `json:"numbers"` // float32, int8 and the like; of a float network what they would be
}

// Inspect looks at the network as it would run, and at what would become of a float one in integers. What it found before
// an error is returned with it. Errors: those of Folded, graph.MACs, engine.Check and ptq.Quantize.
func (n *Network) Inspect(ctx context.Context) (*Inspection, error) {
	g, err := n.Folded(ctx)
	if err != nil {
		return nil, err
	}
	in := &Inspection{Parameters: graph.Parameters(n.Graph()), Quantized: g.Quantized(), Numbers: "float32"}
	if in.MACs, err = graph.MACs(g); err != nil {
		return nil, n.named(err)
	}
	if in.Quantized {
		err = in.integers(ctx, n, g)
	} else {
		err = in.wouldBe(ctx, n, g)
	}
	in.layers(g)
	return in, err
}

// integers looks at a network of integers.
func (in *Inspection) integers(ctx context.Context, n *Network, g *graph.Graph) error {
	in.Convention = g.Requant.String()
	for _, n := range g.Nodes {
		for _, name := range slices.Concat(n.Inputs, n.Outputs) {
			v := g.Values[name]
			if v == nil || v.Quant == nil || v.Quant.Type.Bits > 8 {
				continue
			}
			bits := &in.ActBits
			if v.Const != nil {
				bits = &in.WeightBits
			}
			if !slices.Contains(*bits, v.Quant.Type.Bits) {
				*bits = append(*bits, v.Quant.Type.Bits)
			}
		}
	}
	slices.Sort(in.ActBits)
	slices.Sort(in.WeightBits)
	seen := map[string]bool{}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			if v := g.Values[name]; v != nil && v.Const != nil && !seen[name] {
				seen[name] = true
				in.FloatBytes += 4 * int64(v.Const.Elements())
			}
		}
	}
	in.IntegerBytes, _ = ptq.ConstantBytes(g)
	islands, err := engine.Check(ctx, g, engine.Config{})
	if err != nil {
		in.Numbers = "integers"
		return n.named(err)
	}
	in.Numbers, in.StaysFloat = numbersOf(g, islands).String(), []FloatNode{}
	for _, i := range islands {
		in.StaysFloat = append(in.StaysFloat, FloatNode(i))
	}
	return nil
}

// wouldBe looks at what would become of a float network. The ranges of activations matter neither for what stays in
// floating point nor for the bytes: any do.
func (in *Inspection) wouldBe(ctx context.Context, n *Network, g *graph.Graph) error {
	if _, err := engine.Check(ctx, g, engine.Config{}); err != nil {
		return n.named(err)
	}
	points, err := ptq.Points(g, ptq.Config{})
	if err != nil {
		return n.named(err)
	}
	ranges := calib.Ranges{}
	for _, p := range points {
		ranges[p.Value] = calib.Range{Lo: -8, Hi: 8}
	}
	_, report, err := ptq.Quantize(ctx, g, ranges, ptq.Config{})
	if err != nil {
		return n.named(err)
	}
	in.FloatBytes, in.IntegerBytes, in.StaysFloat = report.FloatBytes, report.WeightBytes, []FloatNode{}
	for _, i := range report.Float {
		in.StaysFloat = append(in.StaysFloat, FloatNode{i.Node, string(i.Op), i.Reason})
	}
	return nil
}

func (in *Inspection) layers(g *graph.Graph) {
	in.Layers = []Layer{}
	g, err := graph.InferShapes(g)
	if err != nil {
		return // MACs has inferred them before
	}
	for _, n := range g.Nodes {
		out := g.Values[n.Outputs[0]]
		row := Layer{
			Name: n.Label(), Operator: string(n.Op), Output: out.Name, Shape: []int{}, MACs: graph.NodeMACs(g, n),
			Numbers: in.numbers(g, n),
		}
		row.Shape = append(row.Shape, graph.ExampleShape(out.Shape)...)
		for _, name := range n.Inputs {
			if v := g.Values[name]; v != nil && v.Const != nil {
				row.Parameters += int64(v.Const.Elements())
			}
		}
		in.Layers = append(in.Layers, row)
	}
}

// numbers says what a node computes with.
func (in *Inspection) numbers(g *graph.Graph, n *graph.Node) string {
	out := g.Values[n.Outputs[0]]
	if !in.Quantized {
		if slices.ContainsFunc(in.StaysFloat, func(i FloatNode) bool { return i.Node == n.Label() }) {
			return "float32, and stays so"
		}
		return "float32"
	}
	if graph.IsDynamic(n) {
		return "dynamic uint8"
	}
	if out.Quant == nil {
		return "float32"
	}
	kind := "int"
	if out.Quant.Type.Unsigned {
		kind = "uint"
	}
	text := kind + strconv.Itoa(out.Quant.Type.Bits)
	for _, name := range n.Inputs {
		if v := g.Values[name]; v != nil && v.Const != nil && v.Quant != nil && v.Quant.Type.Bits <= 8 {
			text = fmt.Sprintf("%s, weights of %d bits", text, v.Quant.Type.Bits)
		}
	}
	return text
}
