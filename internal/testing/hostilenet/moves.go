package hostilenet

import "linquant/internal/onnxpb"

// moves are operators that make large values of small ones without arithmetic.
func moves() []recipe {
	var list []recipe
	add := func(name string, in []int64, build func(m *model, x string) string) {
		list = append(list, layered(name, in, build))
	}
	resize := func(mode string, in []int64, sizes ...int64) {
		add(named("%s resize of %v to %v", mode, in, sizes), in, func(m *model, x string) string {
			return m.node("Resize", "y", attrs(attrText("mode", mode)), x, "", "", m.ints("s", sizes...))
		})
	}
	resize("nearest", []int64{1, 1, 4, 4}, 1, 1, 11000, 11000)
	resize("linear", []int64{1, 1, 4, 4}, 1, 1, 11000, 11000)
	resize("cubic", []int64{1, 1, 4, 4}, 1, 1, 4, 1<<24)
	resize("linear", []int64{1, 1, 1, 4}, 1, 1, 1, 1<<26)
	resize("nearest", []int64{1, 1, 4, 4}, 1, 1, 1<<20, 1<<20)
	add("antialiased resize of a line of a million to one", []int64{1, 1, 1, 1 << 20}, func(m *model, x string) string {
		return m.node("Resize", "y", attrs(attrText("mode", "linear"), attrInt("antialias", 1)), x, "", "", m.ints("s", 1, 1, 1, 2))
	})
	add("antialiased resize of a line of 2^20 by little", []int64{1, 1, 1, 1 << 20}, func(m *model, x string) string {
		return m.node("Resize", "y", attrs(attrText("mode", "cubic"), attrInt("antialias", 1)), x, "", "", m.ints("s", 1, 1, 1, 1000))
	})
	add("a hundred resizes", []int64{1, 1, 4, 4}, func(m *model, x string) string {
		for i := range 100 {
			m.node("Resize", label("r", i), attrs(attrText("mode", "linear")), x, "", "", m.ints(label("s", i), 1, 1, int64(3000+i), 3000))
			if i > 0 {
				m.outputs(label("r", i))
			}
		}
		return "r0"
	})
	pad := func(mode string, in []int64, pads ...int64) {
		add(named("%s pad of %v by %v", mode, in, pads), in, func(m *model, x string) string {
			return m.node("Pad", "y", attrs(attrText("mode", mode)), x, m.ints("p", pads...))
		})
	}
	pad("constant", []int64{1, 4}, 0, 0, 0, 1<<27-4)
	pad("edge", []int64{1, 4}, 0, 1<<26, 0, 1<<26)
	pad("reflect", []int64{1, 1 << 25}, 0, 1<<25-1, 0, 1<<25-1)
	pad("constant", []int64{1, 4}, 0, 1<<62, 0, 1<<62)
	expand := func(in []int64, to ...int64) {
		add(named("expand of %v to %v", in, to), in, func(m *model, x string) string {
			return m.node("Expand", "y", nil, x, m.ints("s", to...))
		})
	}
	expand([]int64{1, 1}, 1, 1<<27)
	expand([]int64{1, 1, 1}, 1, 1<<13, 1<<14)
	expand([]int64{1, 1, 1}, 1, 1<<62, 1<<62)
	add("tile to 2^27", []int64{1, 1, 8}, func(m *model, x string) string {
		return m.node("Tile", "y", nil, x, m.ints("r", 1, 1<<12, 1<<12))
	})
	add("a hundred tiles", []int64{1, 1, 8}, func(m *model, x string) string {
		return m.chain(100, x, func(i int, from, to string) { m.node("Tile", to, nil, from, m.ints(label("r", i), 1, 2, 1)) })
	})
	add("sixty doublings of the input by Concat", []int64{1, 8}, func(m *model, x string) string {
		return m.chain(60, x, func(_ int, from, to string) { m.node("Concat", to, attrs(attrInt("axis", 1)), from, from) })
	})
	add("24 doublings of the input by Concat", []int64{1, 8}, func(m *model, x string) string {
		return m.chain(24, x, func(_ int, from, to string) { m.node("Concat", to, attrs(attrInt("axis", 1)), from, from) })
	})
	add("concat of 4000 large parts", []int64{1, 30000}, func(m *model, x string) string {
		in := make([]string, 4000)
		for i := range in {
			in[i] = x
		}
		return m.node("Concat", "y", attrs(attrInt("axis", 1)), in...)
	})
	add("transpose of 2^27", []int64{1, 1 << 13, 1 << 14}, func(m *model, x string) string {
		return m.node("Transpose", "y", attrs(attrInts("perm", 0, 2, 1)), x)
	})
	add("a slice backwards of 2^26", []int64{1, 1 << 26}, func(m *model, x string) string {
		return m.node("Slice", "y", nil, x, m.ints("b", -1), m.ints("e", -1<<62), m.ints("a", 1), m.ints("t", -1))
	})
	add("2000 slices of 2^20", []int64{1, 1 << 20}, func(m *model, x string) string {
		b, e, a, t := m.ints("b", 0), m.ints("e", 1<<62), m.ints("a", 1), m.ints("t", 2)
		for i := range 2000 {
			m.node("Slice", label("s", i), nil, x, b, e, a, t)
			if i > 0 {
				m.outputs(label("s", i))
			}
		}
		return "s0"
	})
	add("gather with 100,000 indices of 1,000 channels", []int64{1, 8, 1000}, func(m *model, x string) string {
		return m.node("Gather", "y", attrs(attrInt("axis", 1)), x, m.ints("i", make([]int64, 100000)...))
	})
	add("a gather of gathers", []int64{1, 8}, func(m *model, x string) string {
		i := m.ints("i", make([]int64, 10000)...)
		return m.chain(50, x, func(_ int, from, to string) { m.node("Gather", to, attrs(attrInt("axis", 1)), from, i) })
	})
	add("depth to space of 2^26", []int64{1, 1 << 12, 128, 128}, func(m *model, x string) string {
		return m.node("DepthToSpace", "y", attrs(attrInt("blocksize", 64)), x)
	})
	add("broadcast of two lines to 2^26", []int64{1, 1 << 13, 1}, func(m *model, x string) string {
		return m.node("Add", "y", nil, x, m.node("Transpose", "t", attrs(attrInts("perm", 0, 2, 1)), x))
	})
	add("broadcasts of 1000 kinds", []int64{1, 2000, 1}, func(m *model, x string) string {
		t := m.node("Transpose", "t", attrs(attrInts("perm", 0, 2, 1)), x)
		return m.chain(1000, x, func(_ int, from, to string) { m.node("Add", to, nil, from, t) })
	})
	add("matrix products of broadcast stacks", []int64{1, 1 << 20, 1, 1}, func(m *model, x string) string {
		return m.chain(100, x, func(_ int, from, to string) { m.node("MatMul", to, nil, from, x) })
	})
	add("where of 2^26 by a constant", []int64{1, 1 << 13, 1}, func(m *model, x string) string {
		c := m.tensor("c", onnxpb.Bool, make([]byte, 1<<13), 1, 1, 1<<13)
		return m.node("Where", "y", nil, c, x, x)
	})
	add("reduction of 2^26", []int64{1, 1 << 26}, func(m *model, x string) string {
		return m.node("ReduceMean", "y", attrs(attrInt("keepdims", 1)), x, m.ints("a", 1))
	})
	add("softmax of 2^26", []int64{1, 1 << 26}, func(m *model, x string) string { return m.node("Softmax", "y", nil, x) })
	add("local response over 2^24 channels", []int64{1, 1 << 24, 2, 2}, func(m *model, x string) string {
		return m.node("LRN", "y", attrs(attrInt("size", 1<<24-1)), x)
	})
	return list
}
