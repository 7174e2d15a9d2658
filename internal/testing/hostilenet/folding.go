package hostilenet

import "linquant/internal/onnxpb"

// folding is what follows from constants alone, at great cost.
func folding() []recipe {
	var list []recipe
	add := func(name string, build func(m *model, x string) string) {
		list = append(list, layered(name, []int64{1, 8}, build))
	}
	add("a hundred convolutions of constants", func(m *model, x string) string {
		p, w := m.reals("p", 1, 16, 60, 60), m.reals("w", 32, 16, 7, 7)
		for i := range 100 {
			c := m.node("Conv", label("k", i), nil, p, w)
			x = m.node("Add", label("a", i), nil, x, m.node("ReduceSum", label("r", i), attrs(attrInt("keepdims", 0)), c))
		}
		return x
	})
	add("a chain of convolutions of constants", func(m *model, x string) string {
		w := m.reals("w", 16, 16, 3, 3)
		c := m.chain(200, m.reals("p", 1, 16, 40, 40), func(_ int, from, to string) {
			m.node("Conv", to, attrs(attrInts("pads", 1, 1, 1, 1)), from, w)
		})
		return m.node("Add", "y", nil, x, m.node("ReduceSum", "r", attrs(attrInt("keepdims", 0)), c))
	})
	add("a chain of matrix products of constants", func(m *model, x string) string {
		w := m.reals("w", 200, 200)
		c := m.chain(500, w, func(_ int, from, to string) { m.node("MatMul", to, nil, from, w) })
		return m.node("Add", "y", nil, x, m.node("ReduceSum", "r", attrs(attrInt("keepdims", 0)), c))
	})
	add("a pool of a constant with a large kernel", func(m *model, x string) string {
		c := m.node("MaxPool", "k", attrs(attrInts("kernel_shape", 700, 700), attrInts("pads", repeat(699, 4)...)), m.reals("p", 1, 1, 4, 4))
		return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
	})
	add("pools of a constant", func(m *model, x string) string {
		p := m.reals("p", 1, 1, 100, 100)
		for i := range 300 {
			c := m.node("AveragePool", label("k", i), attrs(attrInts("kernel_shape", 50, 50)), p)
			x = m.node("Add", label("a", i), nil, x, m.node("ReduceMax", label("r", i), attrs(attrInt("keepdims", 0)), c))
		}
		return x
	})
	for _, op := range []string{"Exp", "Erf", "Sin", "Gelu", "Softmax", "Sort"} {
		if op == "Sort" {
			continue
		}
		add("a chain of "+op+" of a constant", func(m *model, x string) string {
			c := m.chain(3000, m.reals("p", 1, 8, 1000), func(_ int, from, to string) { m.node(op, to, nil, from) })
			return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
		})
	}
	add("a chain of sums of a constant", func(m *model, x string) string {
		c := m.chain(3000, m.reals("p", 1000), func(_ int, from, to string) { m.node("Add", to, nil, from, from) })
		return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
	})
	add("a chain of powers of integers", func(m *model, x string) string {
		c := m.chain(3000, m.ints("p", make([]int64, 1000)...), func(_ int, from, to string) { m.node("Mul", to, nil, from, from) })
		return m.node("Reshape", "y", nil, x, m.node("Slice", "s", nil, c, m.ints("b", 0), m.ints("e", 2)))
	})
	doubling := func(op string, build func(m *model, i int, from, to string)) {
		add("sixty doublings of integers by "+op, func(m *model, x string) string {
			c := m.chain(60, m.ints("p", 1, 8), func(i int, from, to string) { build(m, i, from, to) })
			return m.node("Reshape", "y", nil, x, m.node("Slice", "s", nil, c, m.ints("b", 0), m.ints("e", 2)))
		})
		add("sixty doublings of floats by "+op, func(m *model, x string) string {
			c := m.chain(60, m.reals("p", 8), func(i int, from, to string) { build(m, i, from, to) })
			return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
		})
	}
	doubling("Concat", func(m *model, _ int, from, to string) { m.node("Concat", to, attrs(attrInt("axis", 0)), from, from) })
	doubling("Tile", func(m *model, i int, from, to string) { m.node("Tile", to, nil, from, m.ints(label("t", i), 2)) })
	doubling("Pad", func(m *model, i int, from, to string) {
		m.node("Pad", to, nil, from, m.ints(label("t", i), 1<<20, 1<<20))
	})
	doubling("Gather", func(m *model, i int, from, to string) {
		m.node("Gather", to, attrs(attrInt("axis", 0)), from, m.ints(label("t", i), make([]int64, 500)...))
	})
	doubling("Expand", func(m *model, i int, from, to string) {
		m.node("Expand", to, nil, m.node("Unsqueeze", label("u", i), nil, from, m.ints(label("n", i), 0)), m.ints(label("t", i), 2, 1))
	})
	for _, n := range []int64{1 << 20, 1 << 31, 1 << 40, 1 << 62} {
		add(named("a constant of shape [%d]", n), func(m *model, x string) string {
			c := m.node("ConstantOfShape", "c", nil, m.ints("s", n))
			return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
		})
		add(named("a range of %d", n), func(m *model, x string) string {
			c := m.node("Range", "c", nil, m.scalar("b", 0), m.scalar("e", n), m.scalar("d", 1))
			return m.node("Reshape", "y", nil, x, m.node("Slice", "s", nil, c, m.ints("f", 1), m.ints("t", 3)))
		})
	}
	add("1000 constants of 64 KiB", func(m *model, x string) string {
		s := m.ints("s", 1<<14)
		for i := range 1000 {
			c := m.node("ConstantOfShape", label("k", i), nil, s)
			x = m.node("Add", label("a", i), nil, x, m.node("ReduceMax", label("r", i), attrs(attrInt("keepdims", 0)), c))
		}
		return x
	})
	add("one-hot of a million", func(m *model, x string) string {
		c := m.node("OneHot", "c", nil, m.ints("i", make([]int64, 1000)...), m.scalar("d", 1000000), m.ints("v", 0, 1))
		return m.node("Reshape", "y", nil, x, m.node("Slice", "s", nil, c, m.ints("b", 0), m.ints("e", 2)))
	})
	add("products of shapes that overflow", func(m *model, x string) string {
		s := m.node("Shape", "s", nil, x)
		c := m.chain(100, s, func(_ int, from, to string) { m.node("Mul", to, nil, from, from) })
		return m.node("Reshape", "y", nil, x, c)
	})
	add("quantized constants again and again", func(m *model, x string) string {
		s, p := m.float("q", 0.125), m.reals("p", 1, 10000)
		c := m.chain(1000, p, func(i int, from, to string) {
			m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", label("q", i), nil, from, s), s)
		})
		return m.node("Add", "y", nil, x, m.node("ReduceMax", "r", attrs(attrInt("keepdims", 0)), c))
	})
	add("one constant dequantized a thousand ways", func(m *model, x string) string {
		c := m.tensor("c", onnxpb.Int8, make([]byte, 20000), 1, 20000)
		for i := range 1000 {
			d := m.node("DequantizeLinear", label("d", i), nil, c, m.float(label("f", i), float32(i+1)))
			x = m.node("Add", label("a", i), nil, x, m.node("ReduceMax", label("r", i), attrs(attrInt("keepdims", 0)), d))
		}
		return x
	})
	add("a matrix product with a shared weight a thousand times", func(m *model, x string) string {
		w := m.reals("w", 8, 20000)
		for i := range 1000 {
			m.node("MatMul", label("m", i), nil, x, w)
			if i > 0 {
				m.outputs(label("m", i))
			}
		}
		return "m0"
	})
	add("reductions of one constant", func(m *model, x string) string {
		p := m.reals("p", 1, 8, 10000)
		for i := range 2000 {
			x = m.node("Add", label("a", i), nil, x, m.node("ReduceLogSumExp", label("r", i), attrs(attrInt("keepdims", 0)), p))
		}
		return x
	})
	return list
}
