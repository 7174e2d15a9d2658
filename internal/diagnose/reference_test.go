package diagnose

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	_ "linquant/internal/testing/seeds"
	"linquant/quant"
	"linquant/tensor"
)

// builder makes networks of single layers on random codes.
type builder struct {
	*rapid.T
	g     *graph.Graph
	given map[string]tensor.Tensor
}

const batch = 2

func (b *builder) params(name string) *quant.Params {
	p := quant.TensorParams(quant.Type{Bits: 8, Unsigned: rapid.Bool().Draw(b.T, name+" unsigned")}, 0, 0)
	lo, hi := p.Type.Range()
	p.Scale = []float32{rapid.Float32Range(0.001, 0.3).Draw(b.T, name+" scale")}
	p.ZeroPoint = []int32{rapid.Int32Range(lo, hi).Draw(b.T, name+" zero point")}
	return &p
}

func stored(p *quant.Params) tensor.DType {
	if p.Type.Unsigned {
		return tensor.Uint8
	}
	return tensor.Int8
}

func (b *builder) bytes(name string, shape tensor.Shape, dtype tensor.DType) tensor.Tensor {
	n, err := shape.Elements()
	if err != nil {
		b.Fatal(err)
	}
	return tensor.Tensor{DType: dtype, Shape: shape, Data: rapid.SliceOfN(rapid.Byte(), n, n).Draw(b.T, name)}
}

// input adds an input of codes.
func (b *builder) input(name string, p *quant.Params, shape ...int) string {
	b.g.AddInput(name, append(tensor.Shape{graph.Batch}, shape...))
	b.g.Values[name].Quant, b.g.Values[name].DType = p, stored(p)
	b.given[name] = b.bytes(name, append(tensor.Shape{batch}, shape...), stored(p))
	return name
}

// weight adds a constant of int8 codes with a scale for each index of an axis, and zero points.
func (b *builder) weight(name string, axis int, shape ...int) string {
	p := &quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel, Axis: axis}}
	for c := range shape[axis] {
		p.Scale = append(p.Scale, rapid.Float32Range(0.0001, 0.01).Draw(b.T, fmt.Sprintf("%s scale %d", name, c)))
		p.ZeroPoint = append(p.ZeroPoint, rapid.Int32Range(-5, 5).Draw(b.T, fmt.Sprintf("%s zero %d", name, c)))
	}
	b.g.AddConst(name, b.bytes(name, shape, tensor.Int8))
	b.g.Values[name].Quant = p
	return name
}

// bias adds a bias for the layer of an input and a weight.
func (b *builder) bias(name, x, w string) string {
	sx, sw := b.g.Values[x].Quant.Scale[0], b.g.Values[w].Quant.Scale
	p := &quant.Params{Type: quant.Int(32), Layout: quant.Layout{Per: quant.PerChannel}}
	codes := make([]int32, len(sw))
	for c := range sw {
		p.Scale = append(p.Scale, sx*sw[c])
		codes[c] = rapid.Int32Range(-20000, 20000).Draw(b.T, fmt.Sprintf("%s %d", name, c))
	}
	t, _ := tensor.Of(tensor.Shape{len(sw)}, codes)
	b.g.AddConst(name, t)
	b.g.Values[name].Quant = p
	return name
}

// node adds a node with an output y of codes.
func (b *builder) node(op graph.Op, p *quant.Params, attrs graph.Attrs, inputs ...string) {
	b.g.AddNode(op, "node", "y", attrs, inputs...)
	b.g.Values["y"].Quant, b.g.Values["y"].DType = p, stored(p)
	b.g.Outputs = []string{"y"}
}

// operators are layers in their forms.
var forms = map[string]func(b *builder){
	"Conv": func(b *builder) {
		group := rapid.SampledFrom([]int{1, 2, 4}).Draw(b.T, "group")
		x, w := b.input("x", b.params("x"), 4, 5, 6), b.weight("w", 0, 8, 4/group, 3, 2)
		b.node(graph.Conv, b.params("y"), graph.Attrs{
			"group": group, "pads": []int{1, 0, 2, 1},
			"strides":   []int{rapid.IntRange(1, 2).Draw(b.T, "stride"), 1},
			"dilations": []int{1, rapid.IntRange(1, 2).Draw(b.T, "dilation")},
		}, x, w, b.bias("b", x, w))
	},
	"Gemm": func(b *builder) {
		x := b.input("x", b.params("x"), 7)
		trans := rapid.IntRange(0, 1).Draw(b.T, "transB")
		w := ""
		if trans == 1 {
			w = b.weight("w", 0, 3, 7)
		} else {
			w = b.weight("w", 1, 7, 3)
		}
		b.node(graph.Gemm, b.params("y"), graph.Attrs{"transB": trans}, x, w, b.bias("b", x, w))
	},
	"MatMul": func(b *builder) {
		b.node(graph.MatMul, b.params("y"), nil, b.input("x", b.params("x"), 3, 4, 5), b.weight("w", 1, 5, 6))
	},
	"MatMul of activations": func(b *builder) {
		b.node(graph.MatMul, b.params("y"), nil, b.input("x", b.params("x"), 3, 4, 5), b.input("w", b.params("w"), 1, 5, 2))
	},
	"AveragePool": func(b *builder) {
		b.node(graph.AveragePool, b.params("y"), graph.Attrs{
			"kernel_shape": []int{3, 2}, "pads": []int{1, 1, 1, 0}, "strides": []int{2, 1},
			"count_include_pad": rapid.IntRange(0, 1).Draw(b.T, "count"), "ceil_mode": rapid.IntRange(0, 1).Draw(b.T, "ceil"),
		}, b.input("x", b.params("x"), 3, 6, 5))
	},
	"GlobalAveragePool": func(b *builder) {
		b.node(graph.GlobalAveragePool, b.params("y"), nil, b.input("x", b.params("x"), 3, 4, 5))
	},
	"pairs": func(b *builder) {
		op := rapid.SampledFrom([]graph.Op{graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Max, graph.Min}).Draw(b.T, "op")
		shape := rapid.SampledFrom([][]int{{3, 4, 5}, {3, 1, 1}, {1, 4, 1}}).Draw(b.T, "shape")
		b.node(op, b.params("y"), nil, b.input("x", b.params("x"), 3, 4, 5), b.input("w", b.params("w"), shape...))
	},
	"functions": func(b *builder) {
		op := rapid.SampledFrom([]graph.Op{graph.Relu, graph.Sigmoid, graph.HardSwish, graph.LeakyRelu, graph.Tanh}).Draw(b.T, "op")
		x := b.params("x")
		y := x
		if rapid.Bool().Draw(b.T, "requantize") {
			y = b.params("y")
		}
		b.node(op, y, nil, b.input("x", x, 3, 4, 5))
	},
	"Concat": func(b *builder) {
		axis := rapid.IntRange(1, 3).Draw(b.T, "axis")
		shape := []int{2, 3, 4}
		shape[axis-1] = 5
		x := b.params("x")
		y := x
		if rapid.Bool().Draw(b.T, "requantize") {
			y = b.params("y")
		}
		b.node(graph.Concat, y, graph.Attrs{"axis": axis}, b.input("x", x, 2, 3, 4), b.input("w", b.params("w"), shape...))
	},
	"Pad": func(b *builder) {
		x := b.params("x")
		b.node(graph.Pad, x, graph.Attrs{"pads": []int{0, 0, 1, 2, 0, 0, 0, 1}}, b.input("x", x, 2, 3, 4))
	},
	"MaxPool": func(b *builder) {
		x := b.params("x")
		b.node(graph.MaxPool, x, graph.Attrs{"kernel_shape": []int{2, 3}, "pads": []int{1, 1, 0, 1}}, b.input("x", x, 2, 4, 5))
	},
}

// Every layer, in all its forms, comes out as graph.Eval has it; and every alternative can be tried on it.
func TestLayers(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				b := &builder{T: r, g: graph.New("layer"), given: map[string]tensor.Tensor{}}
				b.g.Requant = rapid.SampledFrom([]quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}).Draw(r, "convention")
				form(b)
				values, err := graph.Eval(context.Background(), b.g, b.given, []string{"y"})
				if err != nil {
					r.Skip(err)
				}
				for in, v := range b.given {
					values[in] = v
				}
				report, err := Compare(context.Background(), b.g, values)
				if err != nil {
					r.Fatal(err)
				}
				if l := report.Layers[len(report.Layers)-1]; l.Value != "y" || l.Status != Equal {
					r.Fatalf("%+v", l)
				}
				if rapid.IntRange(0, 15).Draw(r, "change") > 0 {
					return // the search takes longer than the comparison
				}
				y := values["y"]
				y.Data = append([]byte(nil), y.Data...)
				y.Data[len(y.Data)/2] ^= 1
				values["y"] = y
				if report, err = Compare(context.Background(), b.g, values); err != nil || report.First < 0 {
					r.Fatalf("a changed code: %+v, %v", report, err)
				}
			})
		})
	}
}
