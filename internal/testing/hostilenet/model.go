package hostilenet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"linquant/internal/onnxpb"
)

// ONNX returns the ONNX files.
func ONNX() []File {
	var files []File
	for _, list := range [][]recipe{windows(), moves(), folding(), shapes(), wide(), deep(), encoding(), quantized()} {
		for _, r := range list {
			files = append(files, File{r.name, r.data(), r.more})
		}
	}
	return files
}

// recipe is how a file is made.
type recipe struct {
	name string
	make func(m *model)
	last func(data []byte) []byte // what becomes of the bytes, nil for nothing
	more int64
}

func (r recipe) data() []byte {
	m := &model{onnxpb.Model{IRVersion: 10, Opsets: []onnxpb.Opset{{Version: 21}}, Graph: &onnxpb.Graph{Name: "g"}}}
	r.make(m)
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		panic(err) // the recipes make small files
	}
	if r.last != nil {
		return r.last(b.Bytes())
	}
	return b.Bytes()
}

// model is a file that is being made.
type model struct{ onnxpb.Model }

func (m *model) input(name string, dims ...int64) {
	v := onnxpb.ValueInfo{Name: name, Type: onnxpb.Float, HasShape: true}
	for _, d := range dims {
		v.Dims = append(v.Dims, onnxpb.Dim{Value: d})
	}
	m.Graph.Inputs = append(m.Graph.Inputs, v)
}

func (m *model) outputs(names ...string) {
	for _, name := range names {
		m.Graph.Outputs = append(m.Graph.Outputs, onnxpb.ValueInfo{Name: name, Type: onnxpb.Float})
	}
}

// node appends a node with one output, whose name it returns.
func (m *model) node(op, out string, attrs []onnxpb.Attr, in ...string) string {
	m.Graph.Nodes = append(m.Graph.Nodes, onnxpb.Node{Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

func (m *model) tensor(name string, t onnxpb.DataType, raw []byte, dims ...int64) string {
	m.Graph.Initializers = append(m.Graph.Initializers, onnxpb.Tensor{Name: name, Type: t, Dims: dims, Raw: raw})
	return name
}

// reals adds floats that repeat a few small numbers.
func (m *model) reals(name string, dims ...int64) string {
	return m.tensor(name, onnxpb.Float, floatBytes(count(dims)), dims...)
}

func (m *model) ints(name string, v ...int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return m.tensor(name, onnxpb.Int64, raw, int64(len(v)))
}

// scalar adds an int64 without dimensions.
func (m *model) scalar(name string, v int64) string {
	return m.tensor(name, onnxpb.Int64, binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

func (m *model) float(name string, v float32) string {
	return m.tensor(name, onnxpb.Float, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

func floatBytes(n int64) []byte {
	raw := make([]byte, 0, 4*n)
	for i := range n {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(i%7)/8+0.125))
	}
	return raw
}

func count(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}

// chain appends n nodes, each made from the output of the one before it, and returns the last one's.
func (m *model) chain(n int, from string, next func(i int, from, to string)) string {
	for i := range n {
		to := label("c", i)
		next(i, from, to)
		from = to
	}
	return from
}

func label(prefix string, i int) string { return prefix + strconv.FormatInt(int64(i), 36) }

func attrInts(name string, v ...int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInts, Ints: v}
}

func attrInt(name string, v int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInt, Int: v}
}

func attrText(name, v string) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrString, String: v}
}

func attrs(list ...onnxpb.Attr) []onnxpb.Attr { return list }

// layered is a file with one input and one output of the node that build appends.
func layered(name string, in []int64, build func(m *model, x string) string) recipe {
	return recipe{name: name, make: func(m *model) {
		m.input("x", in...)
		m.outputs(build(m, "x"))
	}}
}

func named(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func repeat(v int64, n int) []int64 { return slices.Repeat([]int64{v}, n) }
