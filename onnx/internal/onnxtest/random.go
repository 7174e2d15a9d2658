// Package onnxtest makes random quantized networks for the tests of reading and writing.
package onnxtest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/quant"
	"linquant/tensor"
)

// network builds a random quantized network, by the rules that ptq keeps.
type network struct {
	*rand.Rand
	g        *graph.Graph
	actType  quant.Type
	weights  quant.Type
	channels bool     // weights per channel
	mixed    bool     // some activations are of the other sign
	zero     int32    // zero point of the weights
	images   []string // values of rank 4 with codes
	vectors  []string // values of rank 2
	n        int
}

// Limits bound a random network to what a test can check.
type Limits struct {
	Ours bool // as ptq makes them: activations of one type, signed weights without zero points, outputs of reals
}

// RandomNetwork returns a network of some nodes, with one input x of reals and outputs of reals.
func RandomNetwork(seed uint64, nodes int, lim Limits) *graph.Graph {
	r := &network{Rand: rand.New(rand.NewPCG(seed, 1)), g: graph.New("random")}
	r.g.Requant = quant.Convention(r.IntN(4))
	r.actType = quant.Type{Bits: 2 + r.IntN(7), Unsigned: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		r.actType.Bits = 8
	}
	r.weights = quant.Int(2 + r.IntN(7))
	if !lim.Ours {
		r.mixed = r.IntN(3) == 0
		r.weights.Unsigned = r.IntN(4) == 0
		if lo, hi := r.weights.Range(); r.weights.Unsigned || r.IntN(4) == 0 {
			r.zero = lo + r.Int32N(hi-lo+1)
		}
	}
	r.channels = r.IntN(2) == 0
	r.g.AddInput("x", tensor.Shape{graph.Batch, 1 + r.IntN(4), 3 + r.IntN(4), 3 + r.IntN(4)})
	p := r.params(0.02)
	r.codes(graph.QuantizeLinear, "x_quantized", nil, p, r.g.Values["x"].Shape, "x")
	r.images = []string{"x_quantized"}
	for range nodes {
		r.image()
	}
	last := r.images[len(r.images)-1]
	if r.IntN(2) == 0 {
		r.tail(last)
		last = r.vectors[len(r.vectors)-1]
	}
	r.output(last)
	if other := r.images[r.IntN(len(r.images))]; other != last && r.IntN(2) == 0 {
		if !lim.Ours && r.IntN(3) == 0 {
			r.g.Outputs = append(r.g.Outputs, other)
		} else {
			r.output(other)
		}
	}
	r.g.Prune()
	return r.g
}

func (r *network) output(name string) {
	y := "y_" + name
	if s := strings.TrimSuffix(name, codes.CodesSuffix); s != name && r.g.Values[s] == nil {
		y = s
	}
	r.g.AddNode(graph.DequantizeLinear, y+"_DequantizeLinear", y, nil, name)
	r.g.Values[y].Shape = r.g.Values[name].Shape
	r.g.Outputs = append(r.g.Outputs, y)
}

// params returns random ones for an activation of about that scale.
func (r *network) params(scale float64) quant.Params {
	t := r.actType
	if r.mixed && r.IntN(4) == 0 {
		t.Unsigned = !t.Unsigned
	}
	lo, hi := t.Range()
	s := scale * 256 / float64(hi-lo+1) * (0.7 + 0.6*r.Float64())
	switch r.IntN(3) {
	case 0:
		return quant.TensorParams(t, s, lo)
	case 1:
		return quant.TensorParams(t, s, (lo+hi)/2)
	}
	return quant.TensorParams(t, s, lo+r.Int32N(hi-lo+1))
}

func (r *network) name(op graph.Op) string {
	r.n++
	return fmt.Sprintf("%s%d", op, r.n)
}

// codes appends a node on codes.
func (r *network) codes(op graph.Op, out string, attrs graph.Attrs, p quant.Params, shape tensor.Shape, in ...string) string {
	r.g.AddNode(op, strings.TrimSuffix(out, codes.CodesSuffix), out, attrs, in...)
	v := r.g.Values[out]
	v.Quant, v.DType, v.Shape = &p, p.Type.Storage(), shape
	return out
}

// constant adds random codes.
func (r *network) constant(name string, p quant.Params, shape tensor.Shape, lo, hi int32) string {
	n, _ := shape.Elements()
	t := tensor.Tensor{DType: p.Type.Storage(), Shape: shape}
	for range n {
		c := lo + r.Int32N(hi-lo+1)
		t.Data = append(t.Data, byte(c))
		if p.Type.Bits == 32 {
			t.Data = append(t.Data, byte(c>>8), byte(c>>16), byte(c>>24))
		}
	}
	r.g.AddConst(name, t)
	r.g.Values[name].Quant = &p
	return name
}

// weight adds a weight with channels along an axis, and returns it with a good scale for the layer's output.
func (r *network) weight(name string, x quant.Params, shape tensor.Shape, axis int) (string, float64) {
	lo, hi := r.weights.Range()
	p := quant.Params{Type: r.weights, Scale: []float32{float32(0.01 + 0.02*r.Float64())}}
	if r.channels {
		p.Layout = quant.Layout{Per: quant.PerChannel, Axis: axis}
		p.Scale = nil
		for range shape[axis] {
			p.Scale = append(p.Scale, float32(0.01+0.02*r.Float64()))
		}
	}
	if r.zero != 0 {
		for range p.Scale {
			p.ZeroPoint = append(p.ZeroPoint, r.zero)
		}
	}
	n, _ := shape.Elements()
	xlo, xhi := x.Type.Range()
	spread := float64(x.Scale[0]) * 0.02 * math.Sqrt(float64(n/shape[axis])) * float64(xhi-xlo) * float64(hi-lo) / 8
	return r.constant(name, p, shape, lo+1, hi), spread / 128
}

// bias adds a bias of int32 codes, or none.
func (r *network) bias(name string, x, w *graph.Value, channels int) []string {
	if r.IntN(3) == 0 {
		return nil
	}
	p, err := quant.BiasParams(*x.Quant, *w.Quant)
	if err != nil {
		panic(err)
	}
	return []string{r.constant(name, p, tensor.Shape{channels}, -2000, 2000)}
}

func (r *network) image() {
	in := r.images[r.IntN(len(r.images))]
	if r.IntN(2) == 0 {
		in = r.images[len(r.images)-1]
	}
	x := r.g.Values[in]
	c, h, w := x.Shape[1], x.Shape[2], x.Shape[3]
	op := []graph.Op{
		graph.Conv, graph.Conv, graph.Conv, graph.Relu, graph.Clip, graph.Add, graph.Mul, graph.Concat, graph.MaxPool,
		graph.AveragePool, graph.Pad, graph.Slice, graph.Transpose, graph.LeakyRelu, graph.Sigmoid, graph.HardSwish,
		graph.Sub, graph.Max, graph.Tanh, graph.Gelu, graph.Swish, graph.Mish, graph.Resize,
		graph.Gather, graph.Tile,
	}[r.IntN(25)]
	name := r.name(op)
	out, p := name+codes.CodesSuffix, *x.Quant
	shape := tensor.Shape{graph.Batch, c, h, w}
	switch op {
	case graph.Conv:
		r.conv(name, x)
		return
	case graph.Relu, graph.Clip:
		attrs := graph.Attrs{}
		if op == graph.Clip {
			attrs = graph.Attrs{"min": float32(-1 + r.Float64()), "max": float32(0.5 + r.Float64())}
		}
		if r.IntN(2) == 0 {
			p = r.params(0.02)
		}
		r.codes(op, out, attrs, p, shape, in)
	case graph.Add, graph.Mul, graph.Sub, graph.Max:
		other := r.g.Values[r.images[r.IntN(len(r.images))]]
		q := r.params(float64(p.Scale[0]) * 2)
		switch {
		case r.IntN(3) == 0: // a constant, broadcast
			kp := r.params(0.02)
			lo, hi := kp.Type.Range()
			k := r.constant(name+"_operand"+codes.CodesSuffix, kp, tensor.Shape{1, c, 1, 1}, lo, hi)
			r.codes(op, out, nil, q, shape, in, k)
		case other.Shape.Equal(x.Shape):
			r.codes(op, out, nil, q, shape, in, other.Name)
		default:
			r.codes(op, out, nil, q, shape, in, in)
		}
	case graph.Concat:
		q := p
		if r.IntN(2) == 0 {
			q = r.params(float64(p.Scale[0]))
		}
		shape[1] *= 2
		r.codes(op, out, graph.Attrs{"axis": 1}, q, shape, in, in)
	case graph.MaxPool:
		shape[2], shape[3] = h-1, w-1
		if h < 2 || w < 2 {
			return
		}
		r.codes(op, out, graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{1, 1}}, p, shape, in)
	case graph.AveragePool:
		attrs := graph.Attrs{
			"kernel_shape": []int{3, 3}, "strides": []int{1, 1}, "pads": []int{1, 1, 1, 1},
			"count_include_pad": r.IntN(2),
		}
		r.codes(op, out, attrs, r.params(float64(p.Scale[0])), shape, in)
	case graph.Pad:
		shape[2]++
		shape[3] += 2
		r.codes(op, out, graph.Attrs{"pads": []int{0, 0, 1, 0, 0, 0, 0, 2}}, p, shape, in)
	case graph.Slice:
		shape[2], shape[3] = (h+1)/2, (w+1)/2
		attrs := graph.Attrs{"starts": []int{0, 0}, "ends": []int{1 << 20, 1 << 20}, "axes": []int{2, 3}, "steps": []int{2, 2}}
		r.codes(op, out, attrs, p, shape, in)
	case graph.Resize:
		shape[2] = h + h/2
		attrs := graph.Attrs{
			"scales": []float32{1, 1, 1.5, 1}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor",
		}
		r.codes(op, out, attrs, p, shape, in)
	case graph.Gather:
		shape[2] = 3
		r.codes(op, out, graph.Attrs{"axis": 2, "indices": []int{h - 1, 0, -1}}, p, shape, in)
	case graph.Tile:
		if h*w > 200 {
			return
		}
		shape[3] = 2 * w
		r.codes(op, out, graph.Attrs{"repeats": []int{1, 1, 1, 2}}, p, shape, in)
	case graph.Transpose:
		shape[2], shape[3] = w, h
		r.codes(op, out, graph.Attrs{"perm": []int{0, 1, 3, 2}}, p, shape, in)
	default:
		r.codes(op, out, nil, r.params(float64(p.Scale[0])), shape, in)
	}
	r.images = append(r.images, out)
}

// conv appends a Conv, half of the time with a Relu that shares its parameters.
func (r *network) conv(name string, x *graph.Value) {
	c, h, w := x.Shape[1], x.Shape[2], x.Shape[3]
	group, k := 1, 1+2*r.IntN(2)
	if r.IntN(3) == 0 {
		group = c
	}
	m := group * (1 + r.IntN(3))
	stride := 1 + r.IntN(2)
	wt, scale := r.weight(name+".weight", *x.Quant, tensor.Shape{m, c / group, k, k}, 0)
	in := append([]string{x.Name, wt}, r.bias(name+".bias", x, r.g.Values[wt], m)...)
	attrs := graph.Attrs{
		"kernel_shape": []int{k, k}, "group": group, "strides": []int{stride, stride},
		"pads": []int{k / 2, k / 2, k / 2, k / 2},
	}
	p := r.params(scale)
	shape := tensor.Shape{graph.Batch, m, (h-1)/stride + 1, (w-1)/stride + 1}
	out := r.codes(graph.Conv, name+codes.CodesSuffix, attrs, p, shape, in...)
	r.images = append(r.images, out)
	if r.IntN(2) == 0 {
		r.images[len(r.images)-1] = r.codes(graph.Relu, r.name(graph.Relu)+codes.CodesSuffix, nil, p, shape, out)
	}
}

// ResidualNetwork returns a network as they are in practice: convolutions with Relus, two residual blocks, one with an
// option-A shortcut, global average pooling and a classifier.
func ResidualNetwork(seed uint64, act, weights quant.Type, channels bool) *graph.Graph {
	r := &network{Rand: rand.New(rand.NewPCG(seed, 3)), g: graph.New("residual"), actType: act, weights: weights, channels: channels}
	r.g.AddInput("x", tensor.Shape{graph.Batch, 3, 16, 16})
	at := r.codes(graph.QuantizeLinear, "x_quantized", nil, r.params(0.02), r.g.Values["x"].Shape, "x")
	at = r.convolution("stem", at, 16, 1, true)
	for i, stride := range []int{1, 2} {
		short, c := at, r.g.Values[at].Shape[1]
		block := fmt.Sprintf("block%d.", i)
		if stride == 2 {
			p := *r.g.Values[at].Quant
			attrs := graph.Attrs{"starts": []int{0, 0}, "ends": []int{1 << 20, 1 << 20}, "axes": []int{2, 3}, "steps": []int{2, 2}}
			short = r.codes(graph.Slice, block+"slice"+codes.CodesSuffix, attrs, p, tensor.Shape{graph.Batch, c, 8, 8}, at)
			short = r.codes(graph.Pad, block+"pad"+codes.CodesSuffix, graph.Attrs{"pads": []int{0, c / 2, 0, 0, 0, c / 2, 0, 0}}, p, tensor.Shape{graph.Batch, 2 * c, 8, 8}, short)
		}
		y := r.convolution(block+"conv1", at, c*stride, stride, true)
		y = r.convolution(block+"conv2", y, c*stride, 1, false)
		p := r.params(2 * float64(r.g.Values[y].Quant.Scale[0]))
		shape := r.g.Values[y].Shape
		y = r.codes(graph.Add, block+"add"+codes.CodesSuffix, nil, p, shape, y, short)
		at = r.codes(graph.Relu, block+"relu"+codes.CodesSuffix, nil, p, shape, y)
	}
	r.tail(at)
	r.output(r.vectors[0])
	return r.g
}

// convolution appends a 3×3 Conv with a bias, and a Relu that shares its parameters.
func (r *network) convolution(name, in string, m, stride int, relu bool) string {
	x := r.g.Values[in]
	wt, scale := r.weight(name+".weight", *x.Quant, tensor.Shape{m, x.Shape[1], 3, 3}, 0)
	bp, err := quant.BiasParams(*x.Quant, *r.g.Values[wt].Quant)
	if err != nil {
		panic(err)
	}
	b := r.constant(name+".bias", bp, tensor.Shape{m}, -20000, 20000)
	attrs := graph.Attrs{"kernel_shape": []int{3, 3}, "strides": []int{stride, stride}, "pads": []int{1, 1, 1, 1}}
	shape := tensor.Shape{graph.Batch, m, x.Shape[2] / stride, x.Shape[3] / stride}
	p := r.params(scale)
	out := r.codes(graph.Conv, name+codes.CodesSuffix, attrs, p, shape, in, wt, b)
	if relu {
		out = r.codes(graph.Relu, name+".relu"+codes.CodesSuffix, nil, p, shape, out)
	}
	return out
}

// tail appends a pooling, a Flatten and a classifier.
func (r *network) tail(in string) {
	x := r.g.Values[in]
	if r.IntN(2) == 0 {
		name := r.name(graph.GlobalAveragePool)
		in = r.codes(graph.GlobalAveragePool, name+codes.CodesSuffix, nil, r.params(float64(x.Quant.Scale[0])), tensor.Shape{graph.Batch, x.Shape[1], 1, 1}, in)
		x = r.g.Values[in]
	}
	k := x.Shape[1] * x.Shape[2] * x.Shape[3]
	if r.IntN(2) == 0 {
		in = r.codes(graph.Flatten, r.name(graph.Flatten)+codes.CodesSuffix, nil, *x.Quant, tensor.Shape{graph.Batch, k}, in)
	} else {
		in = r.codes(graph.Reshape, r.name(graph.Reshape)+codes.CodesSuffix, graph.Attrs{"shape": []int{0, -1}}, *x.Quant, tensor.Shape{graph.Batch, k}, in)
	}
	x = r.g.Values[in]
	const classes = 5
	shape := tensor.Shape{graph.Batch, classes}
	if r.IntN(2) == 0 {
		name := r.name(graph.MatMul)
		wt, scale := r.weight(name+".weight", *x.Quant, tensor.Shape{k, classes}, 1)
		in = r.codes(graph.MatMul, name+codes.CodesSuffix, nil, r.params(scale), shape, in, wt)
	} else {
		name := r.name(graph.Gemm)
		wt, scale := r.weight(name+".weight", *x.Quant, tensor.Shape{classes, k}, 0)
		inputs := append([]string{in, wt}, r.bias(name+".bias", x, r.g.Values[wt], classes)...)
		in = r.codes(graph.Gemm, name+codes.CodesSuffix, graph.Attrs{"transB": 1}, r.params(scale), shape, inputs...)
	}
	r.vectors = append(r.vectors, in)
}

// RandomInput returns a batch for the graph's input x.
func RandomInput(t testing.TB, g *graph.Graph, seed uint64, batch int) tensor.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	shape := append(tensor.Shape{batch}, g.Values["x"].Shape[1:]...)
	n, err := shape.Elements()
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * 1.5)
	}
	in, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// EvalOutputs runs the reference evaluator.
func EvalOutputs(t testing.TB, g *graph.Graph, x tensor.Tensor) map[string]tensor.Tensor {
	t.Helper()
	out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": x}, nil)
	if err != nil {
		t.Fatalf("the graph does not run: %v", err)
	}
	return out
}

// SortedLines is dump for graphs whose nodes may stand in another order.
func SortedLines(g *graph.Graph) []string {
	lines := strings.Split(Dump(g), "\n")
	slices.Sort(lines)
	return lines
}

// Dump formats the nodes of a graph with the parameters of what they make, one a line.
func Dump(g *graph.Graph) string {
	var b strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%s %v -> %v", n.Op, n.Inputs, n.Outputs)
		for _, k := range []string{"min", "max", "value"} {
			if a, ok := n.Attrs[k]; ok {
				fmt.Fprintf(&b, " %s=%v", k, a)
			}
		}
		for _, in := range n.Inputs {
			if v := g.Values[in]; v != nil && v.Const != nil && v.Quant != nil {
				fmt.Fprintf(&b, " %s:%v%v", in, v.Quant.Type, v.Const.Shape)
			}
		}
		if q := g.Values[n.Outputs[0]].Quant; q != nil {
			fmt.Fprintf(&b, " %s", codes.Describe(*q))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
