package hostilenet

import "linquant/internal/onnxpb"

// windows are kernels, strides, dilations and pads that make large pictures of small ones, or many different windows.
func windows() []recipe {
	var list []recipe
	pool := func(op string, side, kernel, pad int64, more ...onnxpb.Attr) {
		a := append(attrs(attrInts("kernel_shape", kernel, kernel), attrInts("pads", repeat(pad, 4)...)), more...)
		list = append(list, layered(named("%s of %d with pads of %d on %d pixels", op, kernel, pad, side), []int64{1, 1, side, side},
			func(m *model, x string) string { return m.node(op, "y", a, x) }))
	}
	pool("MaxPool", 4, 2800, 2799)
	pool("MaxPool", 4, 10000, 9999)
	pool("AveragePool", 4, 2800, 2799)
	pool("AveragePool", 4, 9000, 8999, attrInt("count_include_pad", 1))
	pool("MaxPool", 3000, 3000, 2999)
	pool("MaxPool", 1<<12, 1<<24, 1<<24-1)
	pool("MaxPool", 4, 3, 1<<23, attrInts("dilations", 1<<23, 1<<23))
	pool("AveragePool", 10000, 3, 1)
	pool("MaxPool", 11000, 2, 1, attrInts("strides", 1, 1))
	list = append(list, layered("pool of 16 million windows", []int64{1, 1, 1, 1}, func(m *model, x string) string {
		return m.node("MaxPool", "y", attrs(attrInts("kernel_shape", 1, 1<<24), attrInts("pads", 0, 1<<24-1, 0, 1<<24-1)), x)
	}))
	list = append(list, layered("a thousand pools with pads of 16 million", []int64{1, 1, 1, 1}, func(m *model, x string) string {
		a := attrs(attrInts("kernel_shape", 1, 1<<24), attrInts("strides", 1, 3), attrInts("pads", 0, 1<<24-1, 0, 1<<24-1))
		return m.chain(1000, x, func(_ int, from, to string) { m.node("MaxPool", to, a, from) })
	}))
	list = append(list, layered("a thousand large pools", []int64{1, 1, 64, 64}, func(m *model, x string) string {
		for i := range 1000 {
			k := int64(60 + i)
			m.node("MaxPool", label("p", i), attrs(attrInts("kernel_shape", k, k), attrInts("pads", repeat(k-1, 4)...)), x)
			if i > 0 {
				m.outputs(label("p", i))
			}
		}
		return "p0"
	}))
	conv := func(name string, in, weight []int64, more ...onnxpb.Attr) {
		list = append(list, layered(name, in, func(m *model, x string) string {
			return m.node("Conv", "y", more, x, m.reals("w", weight...))
		}))
	}
	conv("convolution of a large picture", []int64{1, 8, 4000, 4000}, []int64{8, 8, 3, 3}, attrInts("pads", 1, 1, 1, 1))
	conv("convolution with large pads", []int64{1, 8, 4, 4}, []int64{8, 8, 3, 3}, attrInts("pads", repeat(1990, 4)...))
	conv("depthwise convolution with large pads", []int64{1, 8, 4, 4}, []int64{8, 1, 3, 3}, attrInts("pads", repeat(1990, 4)...), attrInt("group", 8))
	conv("depthwise convolution of a large kernel", []int64{1, 2, 4, 4}, []int64{2, 1, 300, 300}, attrInts("pads", repeat(299, 4)...), attrInt("group", 2))
	conv("depthwise convolution of a kernel as large as its picture", []int64{1, 2, 200, 200}, []int64{2, 1, 200, 200},
		attrInts("pads", repeat(199, 4)...), attrInt("group", 2))
	conv("convolution of one channel with a large kernel", []int64{1, 1, 500, 500}, []int64{1, 1, 250, 250})
	conv("convolution with a dilation of 16 million", []int64{1, 1, 4, 4}, []int64{1, 1, 2, 2},
		attrInts("dilations", 1<<24, 1<<24), attrInts("pads", repeat(1<<23, 4)...))
	conv("convolution with a stride of 16 million", []int64{1, 1, 8, 8}, []int64{8, 1, 3, 3},
		attrInts("strides", 1<<24, 1<<24), attrInts("pads", repeat(1<<23, 4)...))
	conv("convolution of a line of 16 million", []int64{1, 1, 1, 1 << 24}, []int64{1, 1, 1, 3}, attrInts("pads", 0, 1, 0, 1))
	conv("convolution of 2 to the 27 pixels", []int64{1, 1, 1 << 13, 1 << 14}, []int64{1, 1, 3, 3}, attrInts("pads", 1, 1, 1, 1))
	list = append(list, layered("200 convolutions of large pictures", []int64{1, 8, 400, 400}, func(m *model, x string) string {
		w := m.reals("w", 8, 8, 3, 3)
		return m.chain(200, x, func(i int, from, to string) {
			m.node("Conv", to, attrs(attrInts("pads", 1, 1, 1, int64(1+i%2))), from, w)
		})
	}))
	transposed := func(name string, in, weight []int64, more ...onnxpb.Attr) {
		list = append(list, layered(name, in, func(m *model, x string) string {
			return m.node("ConvTranspose", "y", more, x, m.reals("w", weight...))
		}))
	}
	transposed("transposed convolution with a large stride", []int64{1, 1, 64, 64}, []int64{1, 1, 2, 2}, attrInts("strides", 128, 128))
	transposed("transposed convolution with a stride of 16 million", []int64{1, 1, 8, 8}, []int64{1, 1, 2, 2}, attrInts("strides", 1<<24, 1<<24))
	transposed("transposed convolution with a stride of 3000", []int64{1, 3, 8, 8}, []int64{3, 3, 2, 2}, attrInts("strides", 3000, 3000))
	transposed("transposed convolution with a large dilation", []int64{1, 1, 8, 8}, []int64{1, 1, 2, 2}, attrInts("dilations", 10000, 10000))
	transposed("transposed convolution with output padding", []int64{1, 1, 8, 8}, []int64{1, 1, 2, 2},
		attrInts("strides", 10000, 10000), attrInts("output_padding", 9999, 9999))
	transposed("transposed convolution to a given shape", []int64{1, 1, 8, 8}, []int64{1, 1, 2, 2}, attrInts("output_shape", 1<<24, 1<<24))
	return list
}
