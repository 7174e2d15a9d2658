package main

import (
	"encoding/binary"
	"io"
	"math"

	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// writePartFixtures writes networks of which not all can be run, or not without more being said.
//
//	branch.onnx  y = x + x where the input mode is 1, and relu x elsewhere: an If
//	steps.onnx   [steps, 2] transposed: the whole input is one example
//	tail.onnx    [N, 2]·w = features, relu = hidden, sigmoid = scores, and an operator that nothing has of these: boxes
//	dead.onnx    the same without what comes behind hidden, and that operator where no output needs it
//	scaled.onnx  [N, 2]·s·w, of which s [1] is an input
//	x22.npz      x, and mode that is 1; mode.npy and mode1.npy, steps.npy
func writePartFixtures(dir string) error {
	x := arrayOf("x", tensor.Shape{2, 2}, []float32{-1, 2, 3, -4})
	return writeFiles(dir, map[string]func(w io.Writer) error{
		"branch.onnx": branchModel().Write,
		"steps.onnx":  stepsModel().Write,
		"scaled.onnx": scaledModel().Write,
		"tail.onnx":   tailModel().Write,
		"dead.onnx":   deadModel().Write,
		"hidden.npy":  npyOf(arrayOf("", tensor.Shape{1, 2}, []float32{0, 2})),
		"m.tflite":    bytesOf("\x1c\x00\x00\x00TFL3\x14\x00"),
		"tflite.onnx": bytesOf("\x1c\x00\x00\x00TFL3\x14\x00"),
		"m.ort":       bytesOf("\x14\x00\x00\x00ORTM\x0c\x00\x10\x00"),
		"m.xml":       bytesOf("<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n"),
		"saved.pb":    bytesOf("\x08\x01\x12\x0a\x0a\x08\x22\x06serve\x01"),
		"x22.npz":     npzOf(x, arrayOf("mode", tensor.Shape{}, []int64{1})),
		"mode.npy":    npyOf(arrayOf("", tensor.Shape{}, []int32{2})),
		"mode1.npy":   npyOf(arrayOf("", tensor.Shape{}, []int32{1})),
		"nan1.npy":    npyOf(arrayOf("", tensor.Shape{1}, []float32{float32(nanValue())})),
		"wide.npy":    npyOf(arrayOf("", tensor.Shape{1}, []float64{1e300})),
		"two.npy":     npyOf(arrayOf("", tensor.Shape{2}, []int64{1, 2})),
	})
}

func modelOf(g *onnxpb.Graph) *onnxpb.Model {
	return &onnxpb.Model{IRVersion: 7, Producer: "test", Opsets: []onnxpb.Opset{{Version: 13}}, Graph: g}
}

// valueOf is a declaration; a dimension below 1 is a symbol.
func valueOf(name string, typ onnxpb.DataType, symbol string, dims ...int64) onnxpb.ValueInfo {
	v := onnxpb.ValueInfo{Name: name, Type: typ, HasShape: true}
	for _, d := range dims {
		dim := onnxpb.Dim{Value: d}
		if d < 1 {
			dim = onnxpb.Dim{Value: -1, Param: symbol}
		}
		v.Dims = append(v.Dims, dim)
	}
	return v
}

func nodeOf(op, out string, in ...string) onnxpb.Node {
	return onnxpb.Node{Op: op, Inputs: in, Outputs: []string{out}}
}

// realsOf is an initializer of floats.
func realsOf(name string, dims []int64, x ...float32) onnxpb.Tensor {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return onnxpb.Tensor{Name: name, Type: onnxpb.Float, Dims: dims, Raw: raw}
}

func branchModel() *onnxpb.Model {
	branch := func(name string, n onnxpb.Node) onnxpb.Attr {
		g := onnxpb.Graph{Name: name, Nodes: []onnxpb.Node{n}, Outputs: []onnxpb.ValueInfo{valueOf(n.Outputs[0], onnxpb.Float, "N", 0, 2)}}
		return onnxpb.Attr{Name: name, Type: onnxpb.AttrGraph, Graph: g.Encode()}
	}
	choose := nodeOf("If", "chosen", "is_one")
	choose.Attrs = []onnxpb.Attr{branch("then_branch", nodeOf("Add", "a", "x", "x")), branch("else_branch", nodeOf("Relu", "b", "x"))}
	return modelOf(&onnxpb.Graph{
		Name:         "branch",
		Inputs:       []onnxpb.ValueInfo{valueOf("x", onnxpb.Float, "N", 0, 2), valueOf("mode", onnxpb.Int64, "")},
		Outputs:      []onnxpb.ValueInfo{valueOf("y", onnxpb.Float, "N", 0, 2)},
		Initializers: []onnxpb.Tensor{{Name: "one", Type: onnxpb.Int64, Raw: binary.LittleEndian.AppendUint64(nil, 1)}, realsOf("same", []int64{2, 2}, 1, 0, 0, 1)},
		Nodes:        []onnxpb.Node{nodeOf("Equal", "is_one", "mode", "one"), choose, nodeOf("MatMul", "y", "chosen", "same")},
	})
}

func scaledModel() *onnxpb.Model {
	return modelOf(&onnxpb.Graph{
		Name:    "scaled",
		Inputs:  []onnxpb.ValueInfo{valueOf("x", onnxpb.Float, "N", 0, 2), valueOf("s", onnxpb.Float, "", 1)},
		Outputs: []onnxpb.ValueInfo{valueOf("y", onnxpb.Float, "N", 0, 2)},
		Initializers: []onnxpb.Tensor{{
			Name: "w", Type: onnxpb.Float, Dims: []int64{2, 2}, Raw: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x80, 0xbf, 0, 0, 0, 0x3f},
		}},
		Nodes: []onnxpb.Node{
			{Op: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"d"}},
			{Op: "Mul", Inputs: []string{"d", "s"}, Outputs: []string{"y"}},
		},
	})
}

func stepsModel() *onnxpb.Model {
	turn := nodeOf("Transpose", "t", "x")
	turn.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0}}}
	return modelOf(&onnxpb.Graph{
		Name:    "steps",
		Inputs:  []onnxpb.ValueInfo{valueOf("x", onnxpb.Float, "steps", 0, 2)},
		Outputs: []onnxpb.ValueInfo{valueOf("y", onnxpb.Float, "steps", 2, 0)},
		Nodes:   []onnxpb.Node{turn, nodeOf("Relu", "y", "t")},
	})
}

func tailModel() *onnxpb.Model {
	m := modelOf(&onnxpb.Graph{
		Name:         "tail",
		Inputs:       []onnxpb.ValueInfo{valueOf("x", onnxpb.Float, "N", 0, 2)},
		Outputs:      []onnxpb.ValueInfo{valueOf("boxes", onnxpb.Float, "K", 0, 4)},
		Initializers: []onnxpb.Tensor{realsOf("w", []int64{2, 2}, 1, 2, -1, 1), realsOf("sizes", []int64{2}, 8, 16)},
		Nodes: []onnxpb.Node{
			nodeOf("MatMul", "features", "x", "w"), nodeOf("Relu", "hidden", "features"), nodeOf("Sigmoid", "scores", "hidden"),
			nodeOf("Soup", "boxes", "scores", "features", "sizes"),
		},
	})
	m.Metadata = []onnxpb.Entry{{Key: "made", Value: "for a test"}}
	return m
}

func deadModel() *onnxpb.Model {
	m := tailModel()
	m.Graph.Outputs = []onnxpb.ValueInfo{valueOf("hidden", onnxpb.Float, "N", 0, 2)}
	return m
}

func bytesOf(s string) func(w io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}
