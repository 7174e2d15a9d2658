package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/ptq"
	"linquant/tensor"
)

// drawing is a model that a test makes node by node.
type drawing struct {
	m *onnxpb.Model
	r *rand.Rand
}

func newDrawing(opset int64, dims ...onnxpb.Dim) *drawing {
	d := &drawing{&onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: opset}}, Graph: &onnxpb.Graph{Name: "drawing"}}, rand.New(rand.NewPCG(3, 4))}
	d.m.Graph.Inputs = []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: dims}}
	d.m.Graph.Outputs = []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}}
	return d
}

func (d *drawing) node(op, out string, inputs string, attrs ...onnxpb.Attr) {
	d.m.Graph.Nodes = append(d.m.Graph.Nodes, onnxpb.Node{Name: out + "_" + op, Op: op, Inputs: strings.Split(inputs, " "), Outputs: []string{out}, Attrs: attrs})
}

func (d *drawing) reals(name string, dims ...int64) {
	n := int64(1)
	for _, k := range dims {
		n *= k
	}
	t := onnxpb.Tensor{Name: name, Dims: dims, Type: onnxpb.Float}
	for range n {
		t.Raw = binary.LittleEndian.AppendUint32(t.Raw, math.Float32bits(float32(d.r.NormFloat64())))
	}
	d.m.Graph.Initializers = append(d.m.Graph.Initializers, t)
}

func (d *drawing) ints(name string, scalar bool, values ...int64) {
	t := onnxpb.Tensor{Name: name, Dims: []int64{int64(len(values))}, Type: onnxpb.Int64}
	if scalar {
		t.Dims = nil
	}
	for _, v := range values {
		t.Raw = binary.LittleEndian.AppendUint64(t.Raw, uint64(v))
	}
	d.m.Graph.Initializers = append(d.m.Graph.Initializers, t)
}

func wordAttr(name, v string) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrString, String: v}
}

// attention is self-attention of two heads as PyTorch writes it, with a table of positions of which as many rows are taken as there are
// steps; sizes are computed from shapes, those of values between a MatMul and its bias too.
func attention() *drawing {
	d := newDrawing(14, onnxpb.Dim{Value: -1, Param: "batch"}, onnxpb.Dim{Value: -1, Param: "steps"}, onnxpb.Dim{Value: 8})
	d.m.Graph.Outputs[0].HasShape, d.m.Graph.Outputs[0].Dims = true, []onnxpb.Dim{{Value: -1, Param: "batch"}, {Value: -1, Param: "steps"}, {Value: 3}}
	d.reals("positions", 1, 40, 8)
	d.reals("Wq", 8, 8)
	d.reals("Wo", 8, 3)
	d.reals("bias", 8)
	d.ints("zero", true, 0)
	d.ints("one", true, 1)
	d.ints("axis0", false, 0)
	d.ints("axis1", false, 1)
	d.ints("heads", false, 2)
	d.ints("each", false, 4)
	d.ints("eight", false, 8)
	d.node("Shape", "xs", "x")
	d.node("Gather", "steps0", "xs one", intAttr("axis", 0))
	d.node("Unsqueeze", "steps1", "steps0 axis0")
	d.node("Slice", "taken", "positions axis0 steps1 axis1")
	d.node("Add", "in", "x taken")
	d.node("MatMul", "q0", "in Wq")
	d.node("Add", "q", "q0 bias")
	d.node("Shape", "qs", "q0")
	d.node("Gather", "b0", "qs zero", intAttr("axis", 0))
	d.node("Unsqueeze", "b1", "b0 axis0")
	d.node("Concat", "apart", "b1 steps1 heads each", intAttr("axis", 0))
	d.node("Reshape", "q4", "q apart")
	d.node("Transpose", "qt", "q4", intsAttr("perm", 0, 2, 1, 3))
	d.node("Transpose", "kt", "q4", intsAttr("perm", 0, 2, 3, 1))
	d.node("MatMul", "scores", "qt kt")
	d.node("Softmax", "p", "scores", intAttr("axis", -1))
	d.node("MatMul", "mixed", "p qt")
	d.node("Transpose", "back", "mixed", intsAttr("perm", 0, 2, 1, 3))
	d.node("Concat", "together", "b1 steps1 eight", intAttr("axis", 0))
	d.node("Reshape", "flat", "back together")
	d.node("MatMul", "y", "flat Wo")
	return d
}

// pictures is a convolution with the pads that TensorFlow has, which depend on the size of the picture, and a pool of all of it.
func pictures() *drawing {
	d := newDrawing(12, onnxpb.Dim{Value: -1, Param: "N"}, onnxpb.Dim{Value: 3}, onnxpb.Dim{Value: -1, Param: "height"}, onnxpb.Dim{Value: -1})
	d.reals("W", 4, 3, 3, 3)
	d.reals("V", 4, 4, 3, 3)
	d.node("Conv", "a", "x W", wordAttr("auto_pad", "SAME_UPPER"), intsAttr("strides", 2, 2))
	d.node("Relu", "b", "a")
	d.node("Conv", "c", "b V", wordAttr("auto_pad", "SAME_UPPER"))
	d.ints("flat", false, 0, 0, -1)
	d.node("Reshape", "y", "c flat")
	return d
}

// clipped takes at most two steps, which no longer input would show.
func clipped() *drawing {
	d := newDrawing(13, onnxpb.Dim{Value: -1}, onnxpb.Dim{Value: -1, Param: "steps"}, onnxpb.Dim{Value: 8})
	d.reals("W", 8, 4)
	d.ints("zero", true, 0)
	d.ints("one", true, 1)
	d.ints("two", false, 2)
	d.ints("axis0", false, 0)
	d.ints("axis1", false, 1)
	d.node("Shape", "xs", "x")
	d.node("Gather", "steps0", "xs one", intAttr("axis", 0))
	d.node("Unsqueeze", "steps1", "steps0 axis0")
	d.node("Min", "most", "steps1 two")
	d.node("Slice", "taken", "x axis0 most axis1")
	d.node("MatMul", "y", "taken W")
	return d
}

func (d *drawing) bytes(t *testing.T) []byte { return fileOf(t, d.m) }

// foldedAt is the network of a file for an input of a shape.
func foldedAt(ctx context.Context, data []byte, cfg ImportConfig) (*graph.Graph, error) {
	g, err := cfg.Import(ctx, data, "drawing")
	if err != nil {
		return nil, err
	}
	return graph.Fold(ctx, g)
}

// made is what of a network can be written: itself, or it in integers.
var made = map[string]struct {
	format Format
	of     func(ctx context.Context, g *graph.Graph, floats map[string]string) (*graph.Graph, error)
}{
	"float":     {Float, func(_ context.Context, g *graph.Graph, _ map[string]string) (*graph.Graph, error) { return g, nil }},
	"qdq":       {QDQ, static},
	"qoperator": {QOperator, static},
	"dynamic": {QDQ, func(ctx context.Context, g *graph.Graph, _ map[string]string) (*graph.Graph, error) {
		q, _, err := ptq.Dynamic(ctx, g, ptq.Config{})
		return q, err
	}},
}

// static quantizes a network with ranges that follow from the names of values.
func static(ctx context.Context, g *graph.Graph, floats map[string]string) (*graph.Graph, error) {
	points, err := ptq.Points(g, ptq.Config{Float: floats})
	if err != nil {
		return nil, err
	}
	ranges := calib.Ranges{}
	for _, p := range points {
		ranges[p.Value] = calib.Range{Lo: -3 - float32(len(p.Value))/8, Hi: 4}
	}
	q, _, err := ptq.Quantize(ctx, g, ranges, ptq.Config{Float: floats})
	return q, err
}

// What is written with open dimensions is for inputs of every shape what is made of the network for that shape, bit for bit, and in ONNX
// Runtime, though it was made for one of them.
func TestVarying(t *testing.T) {
	for name, c := range map[string]struct {
		file   *drawing
		from   tensor.Shape
		shapes []tensor.Shape
		dims   string
	}{
		"attention": {
			attention(),
			tensor.Shape{1, 6, 8},
			[]tensor.Shape{{1, 6, 8}, {1, 1, 8}, {2, 5, 8}, {3, 40, 8}},
			"x [batch steps 8] y [batch steps 3]",
		},
		"pictures": {
			pictures(),
			tensor.Shape{graph.Batch, 3, 8, 10},
			[]tensor.Shape{{1, 3, 8, 10}, {1, 3, 7, 7}, {1, 3, 9, 4}, {1, 3, 2, 3}},
			"x [N 3 height ?] y [N ? ?]",
		},
		"clipped": {
			clipped(),
			tensor.Shape{graph.Batch, 6, 8},
			[]tensor.Shape{{1, 6, 8}, {1, 2, 8}, {1, 1, 8}},
			"x [N steps 8] y [N ? ?]",
		},
	} {
		for kind, make := range made {
			t.Run(name+" "+kind, func(t *testing.T) {
				file := c.file.bytes(t)
				cfg := ImportConfig{Shapes: map[string]tensor.Shape{"x": c.from}}
				g, err := foldedAt(t.Context(), file, cfg)
				if err != nil {
					t.Fatal(err)
				}
				v, err := cfg.VaryingOf(t.Context(), file, g)
				if err != nil {
					t.Fatal(err)
				}
				q, err := make.of(t.Context(), g, v.Computed())
				if err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				bound := func(err *BoundError) { t.Errorf("shapes are numbers: %v", err) }
				if err := Export(&b, q, ExportConfig{Format: make.format, Varying: v, Bound: bound}); err != nil {
					t.Fatal(err)
				}
				if got := dimsIn(t, b.Bytes()); got != c.dims {
					t.Errorf("the file has %s, want %s", got, c.dims)
				}
				path := filepath.Join(t.TempDir(), "varying.onnx")
				if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				for i, shape := range c.shapes {
					if name == "clipped" && shape[1] <= 2 && make.format != Float && kind != "dynamic" {
						continue // the Slice is none then, and its input has other ranges
					}
					in := map[string]tensor.Tensor{"x": random(t, shape, uint64(i))}
					at := ImportConfig{Shapes: map[string]tensor.Shape{"x": shape}}
					direct, err := foldedAt(t.Context(), file, at)
					if err == nil {
						direct, err = make.of(t.Context(), direct, v.Computed())
					}
					if err != nil {
						t.Fatal(err)
					}
					back, err := at.Import(t.Context(), b.Bytes(), "back")
					if err != nil {
						t.Fatal(shape, err)
					}
					want, err := graph.Eval(t.Context(), direct, in, nil)
					if err != nil {
						t.Fatal(err)
					}
					got, err := graph.Eval(t.Context(), back, in, nil)
					if err != nil {
						t.Fatal(err)
					}
					if !got["y"].Shape.Equal(want["y"].Shape) || !bytes.Equal(got["y"].Data, want["y"].Data) {
						t.Errorf("%v: other bits: %v, %v", shape, got["y"].Shape, want["y"].Shape)
					}
					// With a batch its ranges are those of all of it, and a Softmax's last bits can make other codes.
					if flips := make.format != Float && kind != "dynamic" && name == "attention"; os.Getenv("LINQUANT_ORT_PYTHON") != "" && shape[0] == 1 && !flips {
						theirs := ort.Run(t, path, in, nil, ort.Options{Unsaturated: true})
						if d := largest(t, theirs["y"], got["y"]); d > 1e-4 {
							t.Errorf("%v: ONNX Runtime is %g away", shape, d)
						}
					}
				}
			})
		}
	}
}

// Where the numbers are in what is made of the network, the shapes stay numbers, and why is said.
func TestVaryingBound(t *testing.T) {
	weights := newDrawing(13, onnxpb.Dim{Value: -1}, onnxpb.Dim{Value: -1, Param: "steps"}, onnxpb.Dim{Value: 8})
	weights.reals("W", 8, 64) // as many columns as there are steps
	weights.ints("zero", false, 0)
	weights.ints("one", false, 1)
	weights.node("Shape", "xs", "x", intAttr("start", 1), intAttr("end", 2))
	weights.m.Opsets[0].Version = 15
	weights.node("Slice", "part", "W zero xs one")
	weights.node("MatMul", "y", "x part")

	for name, c := range map[string]struct {
		file *drawing
		says string
	}{
		"weights": {weights, `the weights, windows or operands of MatMul node "y_MatMul" depend on them`},
	} {
		file, cfg := c.file.bytes(t), ImportConfig{Shapes: map[string]tensor.Shape{"x": {graph.Batch, 6, 8}}}
		g, err := foldedAt(t.Context(), file, cfg)
		if err != nil {
			t.Fatal(err)
		}
		v, err := cfg.VaryingOf(t.Context(), file, g)
		if err != nil {
			t.Fatal(err)
		}
		q, _, err := ptq.Dynamic(t.Context(), g, ptq.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		said := ""
		if err := Export(&b, q, ExportConfig{Varying: v, Bound: func(err *BoundError) { said = err.Error() }}); err != nil {
			t.Fatal(err)
		}
		if said != c.says {
			t.Errorf("%s: it says %q, want %q", name, said, c.says)
		}
		if got := dimsIn(t, b.Bytes()); got != "x [N 6 8] y [N 6 6]" {
			t.Errorf("%s: the file has %s", name, got)
		}
	}
}

// A file that leaves nothing open but the batch is not read again.
func TestVaryingNothing(t *testing.T) {
	d := newDrawing(13, onnxpb.Dim{Value: -1}, onnxpb.Dim{Value: 8})
	d.reals("W", 8, 4)
	d.node("MatMul", "y", "x W")
	g, err := foldedAt(t.Context(), d.bytes(t), ImportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := (ImportConfig{}).VaryingOf(t.Context(), d.bytes(t), g); v != nil || err != nil {
		t.Error(v, err)
	}
}

// dimsIn describes the inputs and outputs of a file.
func dimsIn(t *testing.T, file []byte) string {
	t.Helper()
	m, err := onnxpb.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, list := range [][]onnxpb.ValueInfo{m.Graph.Inputs, m.Graph.Outputs} {
		for _, v := range list {
			var dims []string
			for _, d := range v.Dims {
				switch {
				case d.Param != "":
					dims = append(dims, d.Param)
				case d.Value < 0:
					dims = append(dims, "?")
				default:
					dims = append(dims, fmt.Sprint(d.Value))
				}
			}
			parts = append(parts, fmt.Sprintf("%s %v", v.Name, dims))
		}
	}
	return strings.Join(parts, " ")
}

func random(t *testing.T, shape tensor.Shape, seed uint64) tensor.Tensor {
	t.Helper()
	n, err := shape.Elements()
	if err != nil {
		t.Fatal(err)
	}
	r, x := rand.New(rand.NewPCG(5, seed)), make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	c, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
