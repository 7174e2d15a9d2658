package lower

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// dynamic lowers a layer that quantizes its input while it runs to what ONNX Runtime's quantize_dynamic writes:
//
//	DynamicQuantizeLinear → ConvInteger or MatMulInteger → Cast → Mul by (scale of the input · scale of the weight)
//	→ Add of the bias
//
// Layers that read the same value share the DynamicQuantizeLinear. The range that it finds is of the whole tensor, not
// of each example: with batches of several examples other runtimes get other codes.
func (l *lowerer) dynamic(n *graph.Node) error {
	if n.Op == graph.LSTM {
		return l.dynamicLSTM(n)
	}
	if w := l.g.Values[n.Inputs[1]]; l.int4 && w.Quant.Type.Bits <= 4 {
		return fmt.Errorf("its weight %q has %d bits, and layers that quantize their input while they run have no 4-bit "+
			"types in ONNX: leave the codes in 8 bits", w.Name, w.Quant.Type.Bits)
	}
	l.needs(11, n.String())
	x, out := l.dynamicInput(n.Inputs[0]), l.g.Values[n.Outputs[0]]
	w := l.dynamicWeight(n)
	op, attrs := graph.Op("ConvInteger"), graph.Attrs{}
	for name, v := range n.Attrs {
		attrs[name] = v
	}
	graph.ClearDynamic(attrs)
	if n.Op != graph.Conv {
		op, attrs = "MatMulInteger", nil
	}
	scale, zero := l.dynamicScale(n.Op, w)
	stem := out.Name
	integer := func(suffix string) string {
		name := l.fresh(stem + suffix)
		l.out.Values[name] = &raw.Value{Name: name, DType: tensor.Int32, Shape: out.Shape}
		return name
	}
	real := func(suffix string, shape tensor.Shape) string {
		name := l.fresh(stem + suffix)
		l.out.Values[name] = &raw.Value{Name: name, DType: tensor.Float32, Shape: shape}
		return name
	}
	sums := integer("_sums")
	l.add(op, n.Name, attrs, sums, x.codes, l.codes(w.Name), x.zero, zero)
	cast := real("_sums_cast", out.Shape)
	l.add("Cast", stem+"_Cast", graph.Attrs{"to": int(onnxpb.Float)}, cast, sums)
	product := real("_scale", l.out.Values[scale].Shape)
	l.add(graph.Mul, stem+"_scales_Mul", nil, product, x.scale, scale)
	bias := n.Input(2)
	scaled := out.Name
	if bias != "" {
		scaled = real("_scaled", out.Shape)
	} else {
		l.out.Values[scaled] = &raw.Value{Name: scaled, DType: tensor.Float32, Shape: out.Shape}
	}
	l.add(graph.Mul, stem+"_Mul", nil, scaled, cast, product)
	if bias == "" {
		return nil
	}
	l.out.Values[out.Name] = &raw.Value{Name: out.Name, DType: tensor.Float32, Shape: out.Shape}
	l.add(graph.Add, stem+"_Add", nil, out.Name, scaled, l.dynamicBias(n.Op, bias))
	return nil
}

// add appends a node whose output is there.
func (l *lowerer) add(op graph.Op, node string, attrs graph.Attrs, output string, inputs ...string) {
	l.out.AddNode(op, l.nodeName(node), output, attrs, raw.Trim(inputs)...)
}

// dynamicValue is what a DynamicQuantizeLinear makes.
type dynamicValue struct{ codes, scale, zero string }

// dynamicInput returns the codes of a value of reals, made by a DynamicQuantizeLinear the first time.
func (l *lowerer) dynamicInput(name string) dynamicValue {
	if d, ok := l.quantizers[name]; ok {
		return d
	}
	v := l.g.Values[name]
	d := dynamicValue{codes: l.fresh(name + codes.CodesSuffix)}
	l.out.Values[d.codes] = &raw.Value{Name: d.codes, DType: tensor.Uint8, Shape: v.Shape}
	d.scale = l.fresh(name + "_scale")
	l.out.Values[d.scale] = &raw.Value{Name: d.scale, DType: tensor.Float32, Shape: tensor.Shape{}}
	d.zero = l.fresh(name + "_zero_point")
	l.out.Values[d.zero] = &raw.Value{Name: d.zero, DType: tensor.Uint8, Shape: tensor.Shape{}}
	l.out.AddNode(file.DynamicQuantizer, l.nodeName(name+"_"+file.DynamicQuantizer), d.codes, nil, l.float(name))
	l.out.Nodes[len(l.out.Nodes)-1].Outputs = []string{d.codes, d.scale, d.zero}
	if l.quantizers == nil {
		l.quantizers = map[string]dynamicValue{}
	}
	l.quantizers[name] = d
	return d
}

// dynamicWeight returns the weight as the operator has it: that of a matrix is [depth, channels].
func (l *lowerer) dynamicWeight(n *graph.Node) *graph.Value {
	w := l.g.Values[n.Inputs[1]]
	if n.Op != graph.Gemm || n.Int("transB") == 0 {
		return w
	}
	if to, ok := l.transposed[w.Name]; ok {
		return to
	}
	t, p := codes.Transposed(*w.Const, *w.Quant)
	v := &graph.Value{Name: l.fresh(w.Name + "_transposed"), DType: t.DType, Shape: t.Shape, Const: &t, Quant: &p}
	l.out.Values[v.Name] = l.rawValue(v)
	if p.Type.Bits < 8 {
		l.kernels = append(l.kernels, [2]string{v.Name, w.Name})
	}
	if l.transposed == nil {
		l.transposed = map[string]*graph.Value{}
	}
	l.transposed[w.Name] = v
	return v
}

// dynamicScale returns the names of the constants with the scale and the zero point of a weight, "" for one of 0. The
// scale broadcasts to the sums; ConvInteger has one zero point at most in ONNX Runtime.
func (l *lowerer) dynamicScale(op graph.Op, w *graph.Value) (scale, zero string) {
	key := string(op) + " " + w.Name
	if p, ok := l.parameters[key]; ok {
		return p[0], p[1]
	}
	p := w.Quant
	shape, zeroShape := tensor.Shape{}, tensor.Shape{}
	if p.Per != quant.PerTensor {
		shape, zeroShape = tensor.Shape{len(p.Scale)}, tensor.Shape{len(p.Scale)}
		if op == graph.Conv {
			shape = tensor.Shape{len(p.Scale), 1, 1}
		}
	}
	scale = l.fresh(w.Name + "_scale")
	t, _ := tensor.Of(shape, p.Scale) // as many as the shape says: Check has counted
	l.out.AddConst(scale, t)
	if z := codes.Zeros(*p); p.Type.Unsigned || !codes.AllZero(z) {
		if slices.Max(z) == slices.Min(z) {
			z, zeroShape = z[:1], tensor.Shape{}
		}
		zero = l.fresh(w.Name + "_zero_point")
		c := tensor.Tensor{DType: p.Type.Storage(), Shape: zeroShape}
		for _, v := range z {
			c.Data = append(c.Data, byte(v))
		}
		l.out.AddConst(zero, c)
	}
	l.parameters[key] = [2]string{scale, zero}
	return scale, zero
}

// dynamicBias returns the constant with a bias, which broadcasts to the output of the layer.
func (l *lowerer) dynamicBias(op graph.Op, name string) string {
	if op != graph.Conv {
		return l.float(name)
	}
	t := *l.g.Values[name].Const
	t.Shape = append(slices.Clone(t.Shape), 1, 1)
	as := l.fresh(name + "_1x1")
	l.out.AddConst(as, t)
	return as
}
