package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// writeImageFixtures writes the image of 3 × 32 × 32 pixels in several formats and sizes.
//
//	digit.png   as it is
//	last.npy    as it is, channels last
//	double.png  every pixel four times
//	wide.png    as it is, with 16 columns of black at both sides
//	digit.jpg   as it is, but for what JPEG loses
//	grey.gif    its red as grey
//	half.png    the first half of digit.png
func writeImageFixtures(dir string, pixels []uint8) error {
	at := func(x, y int) color.NRGBA {
		i := y*32 + x
		return color.NRGBA{pixels[i], pixels[1024+i], pixels[2048+i], 255}
	}
	draw := func(width, height int, of func(x, y int) color.Color) *image.NRGBA {
		m := image.NewNRGBA(image.Rect(0, 0, width, height))
		for y := range height {
			for x := range width {
				m.Set(x, y, of(x, y))
			}
		}
		return m
	}
	digit := draw(32, 32, func(x, y int) color.Color { return at(x, y) })
	double := draw(64, 64, func(x, y int) color.Color { return at(x/2, y/2) })
	wide := draw(64, 32, func(x, y int) color.Color {
		if x < 16 || x >= 48 {
			return color.Black
		}
		return at(x-16, y)
	})
	var greys color.Palette
	for v := range 256 {
		greys = append(greys, color.Gray{uint8(v)})
	}
	grey := image.NewPaletted(digit.Rect, greys)
	copy(grey.Pix, pixels[:1024])
	var whole, last bytes.Buffer
	if err := png.Encode(&whole, digit); err != nil {
		return err
	}
	for i := range 1024 {
		last.Write([]byte{pixels[i], pixels[1024+i], pixels[2048+i]})
	}
	asPNG := func(m image.Image) func(w io.Writer) error {
		return func(w io.Writer) error { return png.Encode(w, m) }
	}
	return writeFiles(dir, map[string]func(w io.Writer) error{
		"digit.png":  asPNG(digit),
		"last.npy":   npyOf(arrayOf("", tensor.Shape{1, 32, 32, 3}, last.Bytes())),
		"double.png": asPNG(double),
		"wide.png":   asPNG(wide),
		"digit.jpg":  func(w io.Writer) error { return jpeg.Encode(w, digit, &jpeg.Options{Quality: 100}) },
		"grey.gif":   func(w io.Writer) error { return gif.Encode(w, grey, nil) },
		"half.png":   func(w io.Writer) error { _, err := w.Write(whole.Bytes()[:whole.Len()/2]); return err },
	})
}

// writeModelFixtures writes models of other kinds than the built-in network, which network is as ONNX.
//
//	two.onnx     inputs left and right of two numbers, outputs sum and product
//	any.onnx     the built-in network for images of any size
//	softmax.onnx the built-in network with a softmax at its end
//	last.onnx    the same with channels last
//	two.npz      both of its inputs; left.npy, right.npy one of them, three.npy one of another batch
func writeModelFixtures(dir string, network []byte) error {
	two := graph.New("two")
	two.AddInput("left", tensor.Shape{graph.Batch, 2})
	two.AddInput("right", tensor.Shape{graph.Batch, 2})
	two.AddNode(graph.Add, "add", "sum", nil, "left", "right")
	two.AddNode(graph.Mul, "mul", "product", nil, "left", "right")
	two.Outputs = []string{"sum", "product"}

	soft, err := onnx.Import(context.Background(), network, "network")
	if err != nil {
		return err
	}
	end := soft.Outputs[0]
	soft.Outputs = []string{soft.AddNode(graph.Softmax, "softmax", "probabilities", graph.Attrs{"axis": 1}, end)}

	last := soft.Clone()
	last.Values["input"].Shape = tensor.Shape{graph.Batch, 32, 32, 3}
	last.Nodes = append([]*graph.Node{
		{Name: "transpose", Op: graph.Transpose, Inputs: []string{"input"}, Outputs: []string{"first"}, Attrs: graph.Attrs{"perm": []int{0, 3, 1, 2}}},
	}, last.Nodes...)
	last.Values["first"] = &graph.Value{Name: "first", DType: tensor.Float32}
	for _, n := range last.Nodes[1:] {
		for i, in := range n.Inputs {
			if in == "input" {
				n.Inputs[i] = "first"
			}
		}
	}

	m, err := onnxpb.Read(network)
	if err != nil {
		return err
	}
	dims := m.Graph.Inputs[0].Dims
	dims[2], dims[3] = onnxpb.Dim{Value: -1, Param: "height"}, onnxpb.Dim{Value: -1, Param: "width"}
	m.Graph.Values, m.Graph.Outputs[0].HasShape, m.Graph.Outputs[0].Dims = nil, false, nil

	left, right := arrayOf("left", tensor.Shape{2, 2}, []float32{1, 2, 3, 4}), arrayOf("right", tensor.Shape{2, 2}, []float32{10, 20, 30, 40})
	export := func(g *graph.Graph) func(w io.Writer) error {
		return func(w io.Writer) error { return onnx.Export(w, g, onnx.ExportConfig{}) }
	}
	return writeFiles(dir, map[string]func(w io.Writer) error{
		"two.onnx":     export(two),
		"softmax.onnx": export(soft),
		"last.onnx":    export(last),
		"any.onnx":     m.Write,
		"two.npz":      npzOf(left, right),
		"left.npy":     npyOf(left),
		"right.npy":    npyOf(right),
		"three.npy":    npyOf(arrayOf("", tensor.Shape{3, 2}, make([]float32, 6))),
	})
}
