package hostilenet

import "linquant/internal/onnxpb"

// quantized are networks of codes.
func quantized() []recipe {
	coded := func(name string, in []int64, build func(m *model, x string) string) recipe {
		return layered(name, in, func(m *model, x string) string {
			s, z := m.float("s", 0.05), m.tensor("z", onnxpb.Uint8, []byte{128})
			q := func(from, to string) string {
				return m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", to+"_q", nil, from, s, z), s, z)
			}
			return q(build(m, q(x, "xd")), "yd")
		})
	}
	weight := func(m *model, dims ...int64) string {
		s, raw := m.float("ws", 0.01), make([]byte, count(dims))
		for i := range raw {
			raw[i] = byte(i % 100)
		}
		return m.node("DequantizeLinear", "wd", nil, m.tensor("w", onnxpb.Int8, raw, dims...), s)
	}
	return []recipe{
		coded("codes: convolution of a large picture", []int64{1, 8, 3000, 3000}, func(m *model, x string) string {
			return m.node("Conv", "c", attrs(attrInts("pads", 1, 1, 1, 1)), x, weight(m, 8, 8, 3, 3))
		}),
		coded("codes: convolution with large pads", []int64{1, 8, 4, 4}, func(m *model, x string) string {
			return m.node("Conv", "c", attrs(attrInts("pads", repeat(1800, 4)...)), x, weight(m, 8, 8, 3, 3))
		}),
		coded("codes: depthwise convolution with a large kernel", []int64{1, 2, 4, 4}, func(m *model, x string) string {
			return m.node("Conv", "c", attrs(attrInts("pads", repeat(299, 4)...), attrInt("group", 2)), x, weight(m, 2, 1, 300, 300))
		}),
		coded("codes: averages with large pads", []int64{1, 1, 4, 4}, func(m *model, x string) string {
			return m.node("AveragePool", "c", attrs(attrInts("kernel_shape", 2800, 2800), attrInts("pads", repeat(2799, 4)...)), x)
		}),
		coded("codes: averages of many numbers of elements", []int64{1, 1, 3000, 3000}, func(m *model, x string) string {
			return m.node("AveragePool", "c", attrs(attrInts("kernel_shape", 3000, 3000), attrInts("pads", repeat(2999, 4)...)), x)
		}),
		coded("codes: pool with large pads", []int64{1, 1, 4, 4}, func(m *model, x string) string {
			return m.node("MaxPool", "c", attrs(attrInts("kernel_shape", 2800, 2800), attrInts("pads", repeat(2799, 4)...)), x)
		}),
		coded("codes: resize to 2^26", []int64{1, 1, 4, 4}, func(m *model, x string) string {
			return m.node("Resize", "c", attrs(attrText("mode", "linear")), x, "", "", m.ints("r", 1, 1, 1<<13, 1<<13))
		}),
		coded("codes: a chain of 5000 Adds", []int64{1, 8}, func(m *model, x string) string {
			return m.chain(5000, x, func(i int, from, to string) {
				m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", label("q", i), nil, m.node("Add", label("a", i), nil, from, x), "s", "z"), "s", "z")
			})
		}),
		coded("codes: 500 convolutions of large pictures", []int64{1, 8, 200, 200}, func(m *model, x string) string {
			w := weight(m, 8, 8, 3, 3)
			return m.chain(500, x, func(i int, from, to string) {
				c := m.node("Conv", label("k", i), attrs(attrInts("pads", 1, 1, 1, int64(1+i%2))), from, w)
				m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", label("q", i), nil, c, "s", "z"), "s", "z")
			})
		}),
		coded("codes: tables of 3000 functions", []int64{1, 8}, func(m *model, x string) string {
			return m.chain(3000, x, func(i int, from, to string) {
				m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", label("q", i), nil, m.node("Sigmoid", label("a", i), nil, from), "s", "z"), "s", "z")
			})
		}),
		coded("codes: products of pairs with 2000 scales", []int64{1, 8}, func(m *model, x string) string {
			return m.chain(2000, x, func(i int, from, to string) {
				s := m.float(label("f", i), float32(i+1)/100)
				m.node("DequantizeLinear", to, nil, m.node("QuantizeLinear", label("q", i), nil, m.node("Mul", label("a", i), nil, from, x), s, "z"), s, "z")
			})
		}),
		layered("scales of 100,000 channels shared 300 times", []int64{1, 8}, func(m *model, x string) string {
			s := m.reals("s", 100000)
			c := m.tensor("c", onnxpb.Int8, make([]byte, 100000), 100000, 1)
			for i := range 300 {
				d := m.node("DequantizeLinear", label("d", i), attrs(attrInt("axis", 0)), c, s)
				x = m.node("Add", label("a", i), nil, x, m.node("ReduceMax", label("r", i), attrs(attrInt("keepdims", 0)), d))
			}
			return x
		}),
	}
}
