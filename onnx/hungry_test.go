package onnx_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"linquant/internal/onnxpb"
)

const hungryNodes = 3000

// digits is a short name that no other number has.
func digits(i int) string { return fmt.Sprintf("%x", i) }

type edit = func(m *onnxpb.Model, g *onnxpb.Graph)

// chain is many nodes, each of which reads what the one before made.
func chain(op string, more []string, attrs ...onnxpb.Attr) edit {
	return func(m *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = nil
		last := "x"
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{
				Op: op, Inputs: append([]string{last}, more...), Outputs: []string{digits(i)}, Attrs: attrs,
			})
			last = digits(i)
		}
		g.Outputs[0].Name = last
	}
}

// fan is many nodes that read the same.
func fan(op string, outputs int, inputs []string, attrs ...onnxpb.Attr) edit {
	return func(m *onnxpb.Model, g *onnxpb.Graph) {
		for i := range hungryNodes {
			n := onnxpb.Node{Op: op, Inputs: inputs, Attrs: attrs}
			for o := range outputs {
				n.Outputs = append(n.Outputs, digits(i*outputs+o))
			}
			g.Nodes = append(g.Nodes, n)
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: digits(i * outputs)})
		}
	}
}

func initialized(edit edit, tensors ...onnxpb.Tensor) edit {
	return func(m *onnxpb.Model, g *onnxpb.Graph) {
		edit(m, g)
		g.Initializers = append(g.Initializers, tensors...)
	}
}

// wide gives the network an input of 8 elements and an opset that has every operator here.
func wide(edit edit) edit {
	return func(m *onnxpb.Model, g *onnxpb.Graph) {
		m.Opsets[0].Version = 17
		g.Inputs[0] = floatInput("x", 1, 8)
		edit(m, g)
	}
}

func numbers64(name string, v ...byte) onnxpb.Tensor {
	t := onnxpb.Tensor{Name: name, Type: onnxpb.Int64, Dims: []int64{int64(len(v))}}
	for _, x := range v {
		t.Raw = append(t.Raw, x, 0, 0, 0, 0, 0, 0, 0)
	}
	return t
}

// hungry are files made to cost much memory for few bytes.
var hungry = map[string]edit{
	"dimensions of 2^40": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{floats("w", nil, 1<<20, 1<<20)}
	},
	"input of 2^40": func(_ *onnxpb.Model, g *onnxpb.Graph) { g.Inputs[0] = floatInput("x", 1, 1<<20, 1<<20) },
	"chain": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = nil
		last := "x"
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Relu", Inputs: []string{last}, Outputs: []string{digits(i)}})
			last = digits(i)
		}
		g.Outputs[0].Name = last
	},
	"constants": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for i := range hungryNodes {
			g.Initializers = append(g.Initializers, floats(digits(i), nil, 0))
		}
	},
	"doubling": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int64, Dims: []int64{4}, Raw: make([]byte, 32)}}
		for i := range 60 {
			n := node("Concat", digits(i+1), digits(i), digits(i))
			g.Nodes = append(g.Nodes, with(n, intAttr("axis", 0)))
		}
	},
	"shapes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Shape", Inputs: []string{"y"}, Outputs: []string{digits(i)}})
		}
	},
	"shapes on the way": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		last := "y"
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes,
				onnxpb.Node{Op: "Relu", Inputs: []string{last}, Outputs: []string{digits(i)}},
				onnxpb.Node{Op: "Shape", Inputs: []string{digits(i)}, Outputs: []string{"s" + digits(i)}})
			last = digits(i)
		}
	},
	"many inputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = append(g.Nodes, with(node("Concat", "c", slices.Repeat([]string{"y"}, hungryNodes)...), intAttr("axis", 1)))
	},
	"many known inputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int64, Dims: []int64{4}, Raw: make([]byte, 32)}}
		g.Nodes = append(g.Nodes, with(node("Concat", "c", slices.Repeat([]string{"0"}, hungryNodes)...), intAttr("axis", 0)))
	},
	"casts": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int32, Dims: []int64{10000}, Raw: make([]byte, 40000)}}
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, with(onnxpb.Node{Op: "Cast", Inputs: []string{"0"}, Outputs: []string{digits(i + 1)}}, intAttr("to", 1)))
		}
	},
	"reshapes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "s", Type: onnxpb.Int64, Dims: []int64{32}, Raw: bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, 32)}}
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Reshape", Inputs: []string{"y", "s"}, Outputs: []string{digits(i)}})
		}
	},
	"dimensions": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "s", Type: onnxpb.Int64, Dims: []int64{30}, Raw: bytes.Repeat([]byte{255}, 240)}}
		last := "y"
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Unsqueeze", Inputs: []string{last, "s"}, Outputs: []string{digits(i)}})
			last = digits(i)
		}
	},
	"broadcast": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 4000), 1000, 1), floats("v", make([]byte, 4000), 1000)}
		g.Nodes = append(g.Nodes, node("Add", "a", "w", "v"), node("MatMul", "b", "a", "a"))
	},

	"scalars":        fan("Constant", 1, nil, intAttr("value_int", 1)),
	"fills":          initialized(fan("ConstantOfShape", 1, []string{"s"}), numbers64("s", 100, 100)),
	"one large fill": initialized(fan("ConstantOfShape", 1, []string{"s"}), numbers64("s", 255, 255, 255, 255)),
	"ranges": initialized(fan("Range", 1, []string{"Z", "N", "J"}),
		onnxpb.Tensor{Name: "Z", Type: onnxpb.Int64, Raw: make([]byte, 8)},
		onnxpb.Tensor{Name: "N", Type: onnxpb.Int64, Raw: []byte{0, 0, 1, 0, 0, 0, 0, 0}},
		onnxpb.Tensor{Name: "J", Type: onnxpb.Int64, Raw: []byte{1, 0, 0, 0, 0, 0, 0, 0}}),
	"expansions": initialized(fan("Expand", 1, []string{"i", "s"}), numbers64("s", 100, 100), numbers64("i", 1)),
	"tiles":      initialized(fan("Tile", 1, []string{"i", "s"}), numbers64("s", 100), numbers64("i", 1, 2, 3)),
	"one hots": initialized(fan("OneHot", 1, []string{"I", "D", "V"}), numbers64("I", 1, 2, 3),
		onnxpb.Tensor{Name: "D", Type: onnxpb.Int64, Raw: []byte{0, 0, 1, 0, 0, 0, 0, 0}}, numbers64("V", 0, 1)),
	"eyes":                initialized(fan("EyeLike", 1, []string{"w"}), floats("w", make([]byte, 4*100*100), 100, 100)),
	"pads":                initialized(fan("Pad", 1, []string{"i", "p"}), numbers64("i", 1), numbers64("p", 100, 100)),
	"gathers":             initialized(fan("Gather", 1, []string{"i", "i"}), numbers64("i", bytes.Repeat([]byte{1}, 1000)...)),
	"splits":              initialized(wide(fan("Split", 8, []string{"y"}, intAttr("axis", 1)))),
	"splits of constants": initialized(fan("Split", 2, []string{"i"}), numbers64("i", 1, 2)),
	"norms":               wide(initialized(fan("LayerNormalization", 3, []string{"y", "w"}), floats("w", make([]byte, 32), 8))),
	"clips":               chain("Clip", nil),
	"reduces":             chain("ReduceMean", nil, ints("axes", 1)),
	"sums":                chain("Sum", []string{"x", "x", "x"}),
	"quantizers":          initialized(chain("QuantizeLinear", []string{"w"}), floats("w", []byte{0, 0, 128, 63})),
	"quantizers and back": initialized(func(_ *onnxpb.Model, g *onnxpb.Graph) {
		last := "y"
		for i := range hungryNodes {
			a, b := digits(2*i), digits(2*i+1)
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "QuantizeLinear", Inputs: []string{last, "w"}, Outputs: []string{a}},
				onnxpb.Node{Op: "DequantizeLinear", Inputs: []string{a, "w"}, Outputs: []string{b}})
			last = b
		}
		g.Outputs[0].Name = last
	}, floats("w", []byte{0, 0, 128, 63})),
	"gathers of values": wide(initialized(fan("Gather", 1, []string{"y", "I"}, intAttr("axis", 1)),
		numbers64("I", bytes.Repeat([]byte{1}, 1000)...))),
	"conditions": wide(initialized(fan("Where", 1, []string{"B", "y", "y"}),
		onnxpb.Tensor{Name: "B", Type: onnxpb.Bool, Dims: []int64{1, 1000, 8}, Raw: make([]byte, 8000)})),
	"shared scales": initialized(fan("DequantizeLinear", 1, []string{"C", "S", "Z"}, intAttr("axis", 0)),
		floats("S", bytes.Repeat([]byte{0, 0, 128, 63}, 10000), 10000),
		onnxpb.Tensor{Name: "Z", Type: onnxpb.Int8, Dims: []int64{10000}, Raw: bytes.Repeat([]byte{1}, 10000)},
		onnxpb.Tensor{Name: "C", Type: onnxpb.Int8, Dims: []int64{10000, 1}, Raw: make([]byte, 10000)}),
	"quantized constants": initialized(fan("QuantizeLinear", 1, []string{"C", "S"}),
		floats("S", []byte{0, 0, 128, 63}), floats("C", make([]byte, 40000), 10000, 1)),
	"scales of one constant": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "C", Type: onnxpb.Int8, Dims: []int64{1, 1}, Raw: []byte{1}}}
		for i := range hungryNodes {
			s, out := "S"+digits(i), digits(i)
			g.Initializers = append(g.Initializers, floats(s, []byte{byte(i), byte(i >> 8), 128, 63}))
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "DequantizeLinear", Inputs: []string{"C", s}, Outputs: []string{out}})
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: out})
		}
	},
	"many quantizers": initialized(fan("QuantizeLinear", 1, []string{"y", "W"}), floats("W", []byte{0, 0, 128, 63})),
	"many readers": initialized(func(m *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = append(g.Nodes, node("QuantizeLinear", "Q", "y", "W"), node("DequantizeLinear", "D", "Q", "W"))
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Relu", Inputs: []string{"D"}, Outputs: []string{digits(i)}})
		}
	}, floats("W", []byte{0, 0, 128, 63})),
	"many dequantizers": initialized(func(m *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = append(g.Nodes, node("QuantizeLinear", "Q", "y", "W"))
		for i := range hungryNodes {
			d, out := "D"+digits(i), digits(i)
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "DequantizeLinear", Inputs: []string{"Q", "W"}, Outputs: []string{d}},
				onnxpb.Node{Op: "Relu", Inputs: []string{d}, Outputs: []string{out}},
				onnxpb.Node{Op: "QuantizeLinear", Inputs: []string{out, "W"}, Outputs: []string{"Q" + out}})
		}
	}, floats("W", []byte{0, 0, 128, 63})),
	"identities": initialized(func(m *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes = append(g.Nodes, node("QuantizeLinear", "Q", "y", "W"), node("DequantizeLinear", "D", "Q", "W"))
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Identity", Inputs: []string{"D"}, Outputs: []string{digits(i)}})
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: digits(i)})
		}
	}, floats("W", []byte{0, 0, 128, 63})),
	"different inputs": func(m *onnxpb.Model, g *onnxpb.Graph) {
		n := node("Concat", "C")
		n.Attrs = []onnxpb.Attr{intAttr("axis", 1)}
		for i := range hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Relu", Inputs: []string{"y"}, Outputs: []string{digits(i)}})
			n.Inputs = append(n.Inputs, digits(i))
		}
		g.Nodes = append(g.Nodes, n)
	},
	"resizes": initialized(chain("Resize", []string{"", "w"}), floats("w", []byte{0, 0, 128, 63, 0, 0, 128, 63}, 2)),
	"attributes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes[0].Attrs = slices.Repeat([]onnxpb.Attr{{Name: "a"}}, 10*hungryNodes)
	},
	"one name many times": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes[0] = node("Sum", "y", slices.Repeat([]string{"x"}, 20*hungryNodes)...)
	},
	"no names": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Nodes[0] = node("Sum", "y", append(make([]string, 40*hungryNodes), "x")...)
	},
	"short nodes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for range 10 * hungryNodes {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "a"})
		}
	},
	"values": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for i := range 10 * hungryNodes {
			g.Values = append(g.Values, onnxpb.ValueInfo{Name: digits(i)})
		}
	},
	"inputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for i := range hungryNodes {
			g.Inputs = append(g.Inputs, floatInput(digits(i), 1, 1))
		}
	},
	"outputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		for range 10 * hungryNodes {
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "y"})
		}
	},
	"metadata": func(m *onnxpb.Model, _ *onnxpb.Graph) {
		for i := range 10 * hungryNodes {
			m.Metadata = append(m.Metadata, onnxpb.Entry{Key: digits(i)})
		}
	},
	"long names": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		long := strings.Repeat("\x01", 60000)
		g.Nodes = append(g.Nodes, onnxpb.Node{Name: long, Op: long, Inputs: []string{long}, Outputs: []string{long}})
	},
	"long names of values": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		long := strings.Repeat("\x01", 60000)
		g.Nodes = append(g.Nodes, onnxpb.Node{Name: long, Op: "Relu", Inputs: []string{long}, Outputs: []string{long}})
	},
	"halves of one byte": func(_ *onnxpb.Model, g *onnxpb.Graph) {
		g.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Int4, Dims: []int64{400000}, Raw: make([]byte, 200000)}}
	},
}
