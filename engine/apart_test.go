package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// slice adds a Slice of channels.
func (b *builder) slice(name, x string, from, to int) string {
	return b.AddNode(graph.Slice, name, name, graph.Attrs{"starts": []int{from}, "ends": []int{to}, "axes": []int{1}}, x)
}

// concat adds a Concat of channels.
func (b *builder) concat(name string, parts ...string) string {
	return b.AddNode(graph.Concat, name, name, graph.Attrs{"axis": 1}, parts...)
}

// Slices and Concats of channels are no steps where rows may lie apart, and copies where they may not. The steps are those with values of codes
// that share their parameters.
func TestChannelsApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(b *builder, x string) []string // x has 40 channels of 9×8 pixels
		steps []string                            // of channels that are moved
	}{
		{"fire", func(b *builder, x string) []string {
			s := b.relu(b.conv("s", x, 40, 16, 1, 1))
			return []string{b.conv("y", b.concat("all", b.relu(b.conv("a", s, 16, 24, 1, 1)), b.relu(b.conv("b", s, 16, 24, 3, 1))), 48, 8, 1, 1)}
		}, nil},
		{"fire of windows", func(b *builder, x string) []string { // which AVX2 reads where they lie from 128 channels on
			s := b.relu(b.conv("s", x, 40, 128, 1, 1))
			all := b.concat("all", b.conv("b", s, 128, 12, 3, 1), b.conv("a", s, 128, 20, 1, 1))
			return []string{b.conv("y", b.concat("more", x, all), 72, 8, 1, 1)} // its place changes twice
		}, nil},
		{"units", func(b *builder, x string) []string {
			for i := range 3 {
				n := fmt.Sprint(i)
				left, right := b.slice("left"+n, x, 0, 20), b.slice("right"+n, x, 20, 40)
				all := b.concat("all"+n, left, b.conv("r"+n, right, 20, 20, 1, 1))
				x = b.AddNode(graph.Reshape, "five"+n, "five"+n, graph.Attrs{"shape": []int{0, 2, 20, 9, 8}}, all)
				x = b.AddNode(graph.Transpose, "turn"+n, "turn"+n, graph.Attrs{"perm": []int{0, 2, 1, 3, 4}}, x)
				x = b.AddNode(graph.Reshape, "four"+n, "four"+n, graph.Attrs{"shape": []int{0, 40, 9, 8}}, x)
			}
			return []string{x}
		}, slices.Repeat([]string{"Concat", "Reshape+Transpose+Reshape"}, 3)},
		{"dense", func(b *builder, x string) []string { // the concatenated values are parts of the next one
			for i := range 3 {
				x = b.concat(fmt.Sprint("all", i), x, b.conv(fmt.Sprint("d", i), x, 40+8*i, 8, 1, 1))
			}
			return []string{b.conv("y", x, 64, 8, 1, 1)}
		}, nil},
		{"twice", func(b *builder, x string) []string {
			a := b.conv("a", x, 40, 12, 1, 1)
			return []string{b.conv("y", b.concat("all", a, a, x), 64, 8, 1, 1)}
		}, []string{"Concat"}},
		{"views of parts", func(b *builder, x string) []string {
			all := b.concat("all", b.slice("s", x, 3, 30), x)
			return []string{b.conv("y", b.slice("t", b.slice("u", all, 2, 60), 5, 50), 45, 8, 1, 1)}
		}, []string{"Concat"}},
		{"other readers", func(b *builder, x string) []string {
			a := b.conv("a", x, 40, 12, 1, 1)
			before := b.conv("before", a, 12, 8, 3, 1)
			all := b.concat("all", a, b.conv("c", x, 40, 12, 1, 1))
			view := b.slice("view", all, 4, 20)
			one, other := b.conv("one", view, 16, 8, 1, 1), b.conv("other", view, 16, 8, 3, 1)
			return []string{b.AddNode(graph.Add, "sum", "sum", nil, b.AddNode(graph.Add, "some", "some", nil, one, other), before)}
		}, []string{"Concat", "Copy"}},
		{"outputs", func(b *builder, x string) []string { // a view, a part, a whole
			a := b.conv("a", x, 40, 12, 1, 1)
			view := b.slice("view", x, 7, 31)
			return []string{view, a, b.concat("all", a, b.conv("c", view, 24, 30, 1, 1)), x}
		}, []string{"Copy", "Copy"}}, // for DequantizeLinear
		{"not all channels in a row", func(b *builder, x string) []string {
			odd := b.AddNode(graph.Slice, "odd", "odd", graph.Attrs{"starts": []int{1}, "ends": []int{40}, "axes": []int{1}, "steps": []int{2}}, x)
			top := b.AddNode(graph.Slice, "top", "top", graph.Attrs{"starts": []int{4}, "ends": []int{9}, "axes": []int{2}}, x)
			one := b.slice("one", x, 39, 40)
			return []string{
				b.conv("y", odd, 20, 8, 1, 1), b.conv("z", top, 40, 8, 1, 1), b.conv("w", one, 1, 8, 1, 1),
				b.AddNode(graph.Concat, "rows", "rows", graph.Attrs{"axis": 2}, x, top),
			}
		}, []string{"Slice", "Slice", "Slice", "Concat"}},
		{"a vector of one pixel", func(b *builder, x string) []string {
			p := b.AddNode(graph.GlobalAveragePool, "p", "p", nil, x)
			return []string{b.concat("all", b.conv("a", p, 40, 12, 1, 1), b.conv("c", b.slice("s", p, 10, 30), 20, 8, 1, 1))}
		}, []string{"Slice", "Concat"}},
		{"heavy", func(b *builder, x string) []string { // layers that run on several examples at once
			a := b.conv("a", x, 40, 520, 1, 3)
			return []string{b.conv("y", b.slice("s", b.concat("all", a, b.conv("c", a, 520, 520, 1, 1)), 10, 790), 780, 340, 1, 1)}
		}, nil},
	} {
		for _, c := range []string{"reals", "codes", "other scales"} {
			t.Run(tt.name+"/"+c, func(t *testing.T) {
				b := newBuilder(tt.name)
				b.AddInput("x", tensor.Shape{graph.Batch, 3, 9, 8})
				b.Outputs = tt.build(b, b.conv("stem", "x", 3, 40, 1, 1))
				g := b.Graph
				if c != "reals" {
					g = quantized(g, true, quant.ONNX)
				}
				if c == "codes" {
					shareParams(g)
				}
				checkGraph(t, g, 5, func(p *engine.Program) {
					if tt.name == "heavy" && engine.Grouped(p) < 2 {
						t.Errorf("%d steps run on several examples at once, want 2", engine.Grouped(p))
					}
					var ops []string
					for _, s := range p.Steps() {
						switch s.Op {
						case "Slice", "Concat", "Copy", "Reshape", "Transpose", "Reshape+Transpose+Reshape":
							ops = append(ops, s.Op)
						}
					}
					if c == "codes" && !slices.Equal(ops, tt.steps) {
						t.Errorf("the steps are %q, want %q", ops, tt.steps)
					}
				})
			})
		}
	}
}

// shareParams gives all activations the parameters of one, so that none has to be changed for another.
func shareParams(g *graph.Graph) {
	first := g.Values[g.Nodes[0].Outputs[0]].Quant
	for _, n := range g.Nodes {
		if v := g.Values[n.Outputs[0]]; v.Quant != nil {
			v.Quant = first
		}
		if n.Op == graph.Conv {
			bias, err := quant.BiasParams(*first, *g.Values[n.Inputs[1]].Quant)
			if err != nil {
				panic(err)
			}
			g.Values[n.Inputs[2]].Quant = &bias
		}
	}
}
