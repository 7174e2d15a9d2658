package hostilenet

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"linquant/internal/onnxpb"
)

// shapes are dimensions that no memory holds, or whose products overflow.
func shapes() []recipe {
	var list []recipe
	for _, dims := range [][]int64{
		{1, 1 << 62},
		{1, 1 << 31, 1 << 31},
		{1, 1 << 16, 1 << 16},
		{1, 3, 1 << 30, 1 << 30},
		{1 << 62, 3},
		{1, 1 << 26},
		{1, -7},
		append([]int64{1}, repeat(2, 31)...), append([]int64{1}, repeat(1, 2000)...), append([]int64{1}, repeat(1<<20, 30)...),
	} {
		name := named("an input of %v", dims[:min(len(dims), 5)])
		if len(dims) > 5 {
			name = named("an input of %d dimensions of %d", len(dims), dims[1])
		}
		list = append(list, layered(name, dims, func(m *model, x string) string { return m.node("Relu", "y", nil, x) }))
	}
	list = append(list,
		layered("a layer of 2^27 outputs", []int64{1, 1}, func(m *model, x string) string {
			w := m.node("Expand", "w", nil, m.reals("e", 1, 1), m.ints("s", 1, 1<<27))
			return m.node("MatMul", "y", nil, x, w)
		}),
		layered("reshape to 2000 dimensions", []int64{1, 1}, func(m *model, x string) string {
			return m.node("Reshape", "y", nil, x, m.ints("s", repeat(1, 2000)...))
		}),
		layered("a flattened picture of 2^27", []int64{1, 8, 1 << 12, 1 << 12}, func(m *model, x string) string {
			return m.node("Relu", "y", nil, m.node("Flatten", "f", nil, x))
		}),
		layered("global averages of 2^27", []int64{1, 8, 1 << 12, 1 << 12}, func(m *model, x string) string {
			return m.node("GlobalAveragePool", "y", nil, x)
		}),
		layered("global maximum of 2^26", []int64{1, 1, 1 << 13, 1 << 13}, func(m *model, x string) string {
			return m.node("GlobalMaxPool", "y", nil, x)
		}),
	)
	return list
}

// manyNodes gives a file of some ten thousand nodes the memory that they take.
func manyNodes(r recipe) recipe {
	r.more = 64 << 20
	return r
}

// wide are many of a thing beside each other.
func wide() []recipe {
	const many = 10000
	in := []int64{1, 8}
	return []recipe{
		layered("10,000 readers of one value", in, func(m *model, x string) string {
			for i := range many {
				m.outputs(m.node("Relu", label("r", i), nil, x))
			}
			return "r0"
		}),
		manyNodes(layered("10,000 readers and their sum", in, func(m *model, x string) string {
			sum := x
			for i := range many {
				sum = m.node("Add", label("a", i), nil, sum, m.node("Relu", label("r", i), nil, x))
			}
			return sum
		})),
		layered("a sum of 4000 values", in, func(m *model, x string) string {
			var list []string
			for i := range 4000 {
				list = append(list, m.node("Sigmoid", label("r", i), nil, x))
			}
			return m.node("Sum", "y", nil, list...)
		}),
		layered("a concat of 4000 values", in, func(m *model, x string) string {
			var list []string
			for i := range 4000 {
				list = append(list, m.node("Sigmoid", label("r", i), nil, x))
			}
			return m.node("Concat", "y", attrs(attrInt("axis", 1)), list...)
		}),
		layered("30,000 initializers", in, func(m *model, x string) string {
			for i := range 3 * many {
				m.float(label("w", i), 1)
			}
			return m.node("Relu", "y", nil, x)
		}),
		layered("10,000 initializers that are read", in, func(m *model, x string) string {
			return m.chain(many, x, func(i int, from, to string) { m.node("Mul", to, nil, from, m.float(label("w", i), 1)) })
		}),
		layered("30,000 outputs of one value", in, func(m *model, x string) string {
			y := m.node("Relu", "y", nil, x)
			for range 3 * many {
				m.outputs(y)
			}
			return y
		}),
		layered("10,000 identities that are outputs", in, func(m *model, x string) string {
			for i := range many {
				m.outputs(m.node("Identity", label("i", i), nil, x))
			}
			return "i0"
		}),
		layered("10,000 inputs", in, func(m *model, x string) string {
			for i := range many {
				m.input(label("n", i), 1, 8)
			}
			return m.node("Relu", "y", nil, x)
		}),
		layered("10,000 nodes that nothing reads", in, func(m *model, x string) string {
			for i := range many {
				m.node("Relu", label("r", i), nil, x)
			}
			return m.node("Relu", "y", nil, x)
		}),
		layered("an attribute of a million numbers", in, func(m *model, x string) string {
			return m.node("Relu", "y", attrs(attrInts("axes", make([]int64, 1000000)...)), x)
		}),
		layered("a thousand copies of a long name", in, func(m *model, x string) string {
			return m.chain(1000, x, func(i int, from, to string) {
				m.node("Relu", to, nil, from)
				m.Graph.Nodes[i].Name = strings.Repeat("n", 1000)
			})
		}),
		layered("a thousand operators that there are not", in, func(m *model, x string) string {
			return m.chain(1000, x, func(i int, from, to string) { m.node(label("Op", i), to, nil, from) })
		}),
		layered("a thousand unknown attributes", in, func(m *model, x string) string {
			var a []onnxpb.Attr
			for i := range 1000 {
				a = append(a, attrInt(label("a", i), 1))
			}
			return m.node("Relu", "y", a, x)
		}),
		layered("30,000 entries of metadata", in, func(m *model, x string) string {
			for i := range 3 * many {
				m.Metadata = append(m.Metadata, onnxpb.Entry{Key: label("k", i), Value: "v"})
			}
			return m.node("Relu", "y", nil, x)
		}),
		layered("metadata of nested lists", in, func(m *model, x string) string {
			m.Metadata = append(m.Metadata, onnxpb.Entry{Key: "linquant.preprocess", Value: strings.Repeat("[", 1000000)})
			return m.node("Relu", "y", nil, x)
		}),
		layered("bits of 100,000 values", in, func(m *model, x string) string {
			var b strings.Builder
			for i := range 10 * many {
				b.WriteString(`,"` + label("v", i) + `":4`)
			}
			m.Metadata = append(m.Metadata, onnxpb.Entry{Key: "linquant.bits", Value: "{" + b.String()[1:] + "}"})
			return m.node("Relu", "y", nil, x)
		}),
		layered("splits to 4000 parts", []int64{1, 4000}, func(m *model, x string) string {
			n := onnxpb.Node{Op: "Split", Inputs: []string{x}, Attrs: attrs(attrInt("axis", 1), attrInt("num_outputs", 4000))}
			for i := range 4000 {
				n.Outputs = append(n.Outputs, label("p", i))
			}
			m.Graph.Nodes = append(m.Graph.Nodes, n)
			return m.node("Concat", "y", attrs(attrInt("axis", 1)), n.Outputs...)
		}),
	}
}

// deep are chains and nests.
func deep() []recipe {
	in := []int64{1, 8}
	chain := func(op string, n int, more ...string) recipe {
		return layered(named("a chain of %d %s", n, op), in, func(m *model, x string) string {
			return m.chain(n, x, func(_ int, from, to string) { m.node(op, to, nil, slices.Concat([]string{from}, more)...) })
		})
	}
	nest := func(name string, field, inner protowire.Number) recipe {
		r := layered(name, in, func(m *model, x string) string { return m.node("Relu", "y", nil, x) })
		r.last = func(data []byte) []byte {
			var b []byte
			for range 20000 { // messages in messages
				b = protowire.AppendBytes(protowire.AppendTag(nil, inner, protowire.BytesType), b)
				if len(b) > 1<<19 {
					break
				}
			}
			return append(data, protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)...)
		}
		return r
	}
	list := []recipe{
		chain("Relu", 10000), chain("Add", 10000, "x"), chain("Identity", 10000), chain("Neg", 10000), chain("Sigmoid", 10000),
		manyNodes(layered("a chain of 30,000 Adds", in, func(m *model, x string) string {
			return m.chain(30000, x, func(_ int, from, to string) { m.node("Add", to, nil, from, from) })
		})),
		layered("a chain of 10,000 Reshapes and shapes", in, func(m *model, x string) string {
			return m.chain(10000, x, func(i int, from, to string) {
				m.node("Reshape", to, nil, from, m.node("Shape", label("s", i), nil, from))
			})
		}),
		layered("a chain of 10,000 Transposes of the batch", []int64{1, 8, 8}, func(m *model, x string) string {
			return m.chain(10000, x, func(_ int, from, to string) { m.node("Transpose", to, attrs(attrInts("perm", 1, 0, 2)), from) })
		}),
		layered("a chain of convolutions and batch normalizations", []int64{1, 4, 8, 8}, func(m *model, x string) string {
			w, p := m.reals("w", 4, 4, 1, 1), m.reals("p", 4)
			return m.chain(3000, x, func(i int, from, to string) {
				m.node("BatchNormalization", to, nil, m.node("Conv", label("k", i), nil, from, w), p, p, p, p)
			})
		}),
		layered("a chain of batch normalizations", []int64{1, 4, 8, 8}, func(m *model, x string) string {
			p := m.reals("p", 4)
			return m.chain(10000, x, func(_ int, from, to string) { m.node("BatchNormalization", to, nil, from, p, p, p, p) })
		}),
		layered("10,000 pieces of Gelu", in, func(m *model, x string) string {
			r, one, half := m.float("r", 1.4142135), m.float("o", 1), m.float("h", 0.5)
			return m.chain(2000, x, func(i int, from, to string) {
				e := m.node("Erf", label("e", i), nil, m.node("Div", label("d", i), nil, from, r))
				m.node("Mul", to, nil, m.node("Mul", label("m", i), nil, from, m.node("Add", label("a", i), nil, e, one)), half)
			})
		}),
		layered("nodes in the wrong order", in, func(m *model, x string) string {
			y := m.chain(10000, x, func(_ int, from, to string) { m.node("Relu", to, nil, from) })
			slices.Reverse(m.Graph.Nodes)
			return y
		}),
		layered("a cycle of 10,000", in, func(m *model, x string) string {
			y := m.chain(10000, "y", func(_ int, from, to string) { m.node("Relu", to, nil, from) })
			return m.node("Add", "y", nil, x, y)
		}),
		nest("functions in functions", 25, 25), nest("graphs in attributes in nodes", 7, 1), nest("metadata in metadata", 14, 14),
	}
	nested := layered("an If in an If in an If", in, func(m *model, x string) string { return m.node("Relu", "y", nil, x) })
	nested.last = func(data []byte) []byte {
		var g []byte
		for range 5000 {
			attr := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "then_branch")
			attr = protowire.AppendBytes(protowire.AppendTag(attr, 6, protowire.BytesType), g)
			attr = protowire.AppendVarint(protowire.AppendTag(attr, 20, protowire.VarintType), 5)
			n := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), "If")
			n = protowire.AppendBytes(protowire.AppendTag(n, 5, protowire.BytesType), attr)
			g = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), n)
		}
		return append(data, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), g)...)
	}
	return append(list, nested)
}
