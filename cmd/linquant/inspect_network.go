package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"linquant/calib"
	"linquant/cmd/linquant/internal/text"
	"linquant/engine"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// networkInspection is what inspect says of a network that can be read.
type networkInspection struct {
	Parameters   int64        `json:"parameters"` // elements of all constants that nodes read
	MACs         int64        `json:"macs"`       // of one example
	Quantized    bool         `json:"quantized"`
	Numbers      string       `json:"numbers"`
	Convention   string       `json:"convention,omitempty"` // how accumulators become codes
	WeightBits   []int        `json:"weight_bits,omitempty"`
	ActBits      []int        `json:"act_bits,omitempty"`
	FloatBytes   int64        `json:"float_bytes"`             // of the constants as floats, batch norms folded
	IntegerBytes int64        `json:"integer_bytes,omitempty"` // as they are, or would be with 8-bit weights
	StaysFloat   []islandJSON `json:"stays_float"`             // what runs in floating point in the integer network
	Layers       []nodeJSON   `json:"layers"`
}

type nodeJSON struct {
	Name       string `json:"name"`
	Operator   string `json:"operator"`
	Output     string `json:"output"` // the value's name
	Shape      []int  `json:"shape"`  // of one example
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	Numbers    string `json:"numbers"` // float32, int8 and the like; of a float network what they would be
}

// inspectNetwork looks at a network as it would run. What it found before an error is returned with it.
func inspectNetwork(n *pipeline.Network) (*networkInspection, error) {
	g, err := n.Folded()
	if err != nil {
		return nil, err
	}
	in := &networkInspection{Parameters: graph.Parameters(n.Graph()), Quantized: g.Quantized(), Numbers: "float32"}
	if in.MACs, err = graph.MACs(g); err != nil {
		return nil, err
	}
	if in.Quantized {
		err = in.integers(n, g)
	} else {
		err = in.wouldBe(g)
	}
	in.layers(g)
	if err != nil {
		return in, fmt.Errorf("%s: %w", n.Name, err)
	}
	return in, nil
}

// integers looks at a network of integers.
func (in *networkInspection) integers(n *pipeline.Network, g *graph.Graph) error {
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
	p, err := n.Compile(engine.Config{})
	if err != nil {
		in.Numbers = "integers"
		return err
	}
	in.Numbers, in.StaysFloat = p.Numbers.String(), []islandJSON{}
	for _, i := range p.Islands() {
		in.StaysFloat = append(in.StaysFloat, islandJSON{i.Node, i.Op, i.Reason})
	}
	return nil
}

// wouldBe looks at what would become of a float network. The ranges of activations matter neither for what stays in
// floating point nor for the bytes: any do.
func (in *networkInspection) wouldBe(g *graph.Graph) error {
	_, err := engine.Compile(g, engine.Config{})
	if err != nil {
		return err
	}
	points, err := ptq.Points(g, ptq.Config{})
	if err != nil {
		return err
	}
	ranges := calib.Ranges{}
	for _, p := range points {
		ranges[p.Value] = calib.Range{Lo: -8, Hi: 8}
	}
	_, report, err := ptq.Quantize(g, ranges, ptq.Config{})
	if err != nil {
		return err
	}
	in.FloatBytes, in.IntegerBytes, in.StaysFloat = report.FloatBytes, report.WeightBytes, []islandJSON{}
	for _, i := range report.Float {
		in.StaysFloat = append(in.StaysFloat, islandJSON{i.Node, string(i.Op), i.Reason})
	}
	return nil
}

func (in *networkInspection) layers(g *graph.Graph) {
	in.Layers = []nodeJSON{}
	g, err := graph.InferShapes(g)
	if err != nil {
		return // MACs has inferred them before
	}
	for _, n := range g.Nodes {
		out := g.Values[n.Outputs[0]]
		row := nodeJSON{
			Name: nodeName(n), Operator: string(n.Op), Output: out.Name, Shape: []int{}, MACs: graph.NodeMACs(g, n),
			Numbers: in.numbers(g, n),
		}
		if len(out.Shape) > 0 {
			row.Shape = append(row.Shape, out.Shape[1:]...)
		}
		for _, name := range n.Inputs {
			if v := g.Values[name]; v != nil && v.Const != nil {
				row.Parameters += int64(v.Const.Elements())
			}
		}
		in.Layers = append(in.Layers, row)
	}
}

// numbers says what a node computes with.
func (in *networkInspection) numbers(g *graph.Graph, n *graph.Node) string {
	out := g.Values[n.Outputs[0]]
	if !in.Quantized {
		if slices.ContainsFunc(in.StaysFloat, func(i islandJSON) bool { return i.Node == nodeName(n) }) {
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

// nodeName returns the node's name, or its first output's where it has none.
func nodeName(n *graph.Node) string {
	if n.Name == "" && len(n.Outputs) > 0 {
		return n.Outputs[0]
	}
	return n.Name
}

func (in *networkInspection) print(w io.Writer, layers bool) error {
	fmt.Fprintf(w, "%s parameters, %s\n", text.Thousands(in.Parameters), text.MultiplyAccumulates(in.MACs))
	switch {
	case in.Quantized && len(in.ActBits) == 0:
		fmt.Fprintf(w, "%s, weights of %s bits: constants of %s, as floats %s\n", in.Numbers, joined(in.WeightBits),
			text.Megabytes(in.IntegerBytes), text.Megabytes(in.FloatBytes))
	case in.Quantized:
		fmt.Fprintf(w, "%s by the convention %s, weights of %s bits, activations of %s: constants of %s, as floats %s\n", in.Numbers,
			in.Convention, joined(in.WeightBits), joined(in.ActBits), text.Megabytes(in.IntegerBytes), text.Megabytes(in.FloatBytes))
	default:
		fmt.Fprintf(w, "float32: constants of %s, quantized to 8 bits %s\n", text.Megabytes(in.FloatBytes), text.Megabytes(in.IntegerBytes))
	}
	for _, i := range in.StaysFloat {
		stays := "stays in floating point when quantized"
		if in.Quantized {
			stays = "runs in floating point"
		}
		fmt.Fprintf(w, "%s node %s %s: %s\n", i.Op, text.Printable(i.Node), stays, i.Reason)
	}
	if len(in.StaysFloat) == 0 && !in.Quantized {
		fmt.Fprintln(w, "quantized, it runs in integers from the first layer to the last")
	}
	if !layers {
		return nil
	}
	fmt.Fprintln(w)
	rows := [][]string{{"LAYER", "OPERATOR", "VALUE", "SHAPE", "PARAMETERS>", "MACS>", "NUMBERS"}}
	for _, l := range in.Layers {
		macs := ""
		if l.MACs > 0 {
			macs = text.Thousands(l.MACs)
		}
		rows = append(rows, []string{
			text.Printable(l.Name), l.Operator, text.Printable(l.Output), tensor.Shape(l.Shape).String(), text.Thousands(l.Parameters), macs, l.Numbers,
		})
	}
	return text.Table(w, rows)
}

// joined lists numbers: "4 and 8".
func joined(list []int) string {
	var words []string
	for _, v := range list {
		words = append(words, strconv.Itoa(v))
	}
	return strings.Join(words, " and ")
}
