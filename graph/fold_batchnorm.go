package graph

import (
	"math"

	"linquant/internal/ended"
	"linquant/tensor"
)

// batchNorm removes batch normalizations whose parameters are constants. With ε, γ, β, μ and σ² as in Ioffe & Szegedy
// 2015 and one channel of a convolution (or Gemm) with weight w and bias b before it,
//
//	w' = w·γ/√(σ²+ε)    b' = (b−μ)·γ/√(σ²+ε) + β
//
// computed in float64 and rounded once. Where the convolution's result is read by others too, or something else comes
// before, the normalization goes into the convolution after it, if that is its only reader and pads with nothing:
// w'[o,i] = w[o,i]·a[i], b' = b + Σ w[o,i]·c[i], with a = γ/√(σ²+ε) and c = β − μ·a. What remains becomes a depthwise
// 1×1 Conv for four dimensions, and a Mul and an Add otherwise.
//
// The output of the normalization keeps its name; a convolution keeps the names of its weight and bias. Shapes must
// have been inferred, and Gemms be canonical. Errors: a variance that makes σ²+ε no positive number, factors beyond
// float32.
func (c *folding) batchNorm(g *Graph) error {
	f := folder{g, usesOf(g), g.Producers(), c}
	nodes := make([]*Node, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		if n.Op != BatchNormalization || len(n.Inputs) != 5 {
			nodes = append(nodes, n)
			continue
		}
		more, err := f.fold(n)
		if err != nil {
			return err
		}
		nodes = append(nodes, more...)
	}
	g.Nodes = nodes
	return nil
}

type folder struct {
	g        *Graph
	uses     uses
	producer map[string]*Node
	left     *folding
}

// norm is a batch normalization of channel c: y = (x − mean[c])·factor[c] + shift[c].
type norm struct{ factor, mean, shift []float64 }

// offset returns what the normalization adds to factor·x.
func (m norm) offset(c int) float64 { return m.shift[c] - float64(m.mean[c]*m.factor[c]) }

// fold returns the nodes that take the place of a normalization: none where it went into another node.
func (f folder) fold(n *Node) ([]*Node, error) {
	if err := ended.Err(f.left.ctx); err != nil {
		return nil, err
	}
	if v := f.g.Values[n.Inputs[1]]; isReal(v) && !f.left.takes(int64(v.Const.Elements())) {
		return []*Node{n}, nil
	}
	m, ok, err := normOf(site{f.g, n})
	if err != nil {
		return nil, err
	}
	if !ok {
		return []*Node{n}, nil
	}
	from, to := n.Inputs[0], n.Outputs[0]
	if p := f.producer[from]; f.uses.sole(from) == n && count(n.Inputs, from) == 1 && f.layer(p) && f.room(p) {
		f.intoPrevious(p, m)
		delete(f.g.Values, from)
		p.Outputs[0] = to
		f.producer[to] = p
		return nil, nil
	}
	if next := f.uses.sole(to); f.layer(next) && next.Inputs[0] == to && count(next.Inputs, to) == 1 && unpadded(next) && f.room(next) {
		f.intoNext(next, m)
		delete(f.g.Values, to)
		next.Inputs[0] = from
		for i, r := range f.uses.readers[from] {
			if r == n {
				f.uses.readers[from][i] = next
			}
		}
		return nil, nil
	}
	return f.alone(n, m), nil
}

// layer reports whether n is a Conv or canonical Gemm with constant weight and bias.
func (f folder) layer(n *Node) bool {
	if n == nil || n.Op != Conv && n.Op != Gemm {
		return false
	}
	if !isReal(f.g.Values[n.Input(1)]) {
		return false
	}
	if n.Op == Gemm && (n.Int("transB") == 0 || !plainGemm(n)) {
		return false
	}
	if n.Input(2) == "" {
		return true
	}
	b := f.g.Values[n.Inputs[2]]
	return isReal(b) && len(b.Const.Shape) == 1 && b.Const.Shape[0] == f.g.Values[n.Inputs[1]].Const.Shape[0]
}

// room reports whether there is room for another weight of a layer: several may share what it has.
func (f folder) room(n *Node) bool {
	return f.left.takes(int64(f.g.Values[n.Inputs[1]].Const.Elements()))
}

// unpadded reports whether a layer reads no element that the normalization before it would not have seen.
func unpadded(n *Node) bool {
	if n.Op == Gemm {
		return true
	}
	auto := n.Str("auto_pad")
	return auto == "VALID" || auto == "NOTSET" && all(n.Ints("pads"), 0)
}

// parameters returns a layer's weight, and its bias, 0 where it has none, as float64.
func (f folder) parameters(n *Node) (w []float32, b []float64, shape tensor.Shape) {
	v := f.g.Values[n.Inputs[1]]
	w, _ = floats(v)
	b = make([]float64, v.Const.Shape[0])
	bias, _ := floats(f.g.Values[n.Input(2)])
	for i := range bias {
		b[i] = float64(bias[i])
	}
	return w, b, v.Const.Shape
}

func (f folder) setParameters(n *Node, w []float32, b []float64, shape tensor.Shape) {
	stem := stem(n.Inputs[1])
	f.uses.setConst(f.g, n, 1, stem+"_folded", shape, w)
	f.uses.setConst(f.g, n, 2, stem+".bias", tensor.Shape{len(b)}, narrow(b))
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i := range x {
		y[i] = float32(x[i])
	}
	return y
}

func (f folder) intoPrevious(n *Node, m norm) {
	w, b, shape := f.parameters(n)
	folded, depth := make([]float32, len(w)), len(w)/len(b)
	for o := range b {
		for i := o * depth; i < (o+1)*depth; i++ {
			folded[i] = float32(float64(w[i]) * m.factor[o])
		}
		b[o] = float64((b[o]-m.mean[o])*m.factor[o]) + m.shift[o]
	}
	f.setParameters(n, folded, b, shape)
}

func (f folder) intoNext(n *Node, m norm) {
	w, b, shape := f.parameters(n)
	folded := make([]float32, len(w))
	out, in, kernel := shape[0], shape[1], perExample(shape[2:])
	perGroup := out
	if n.Op == Conv {
		perGroup /= n.Int("group")
	}
	for o := range out {
		for i := range in {
			c := o/perGroup*in + i
			for k := range kernel {
				at := (o*in+i)*kernel + k
				b[o] += float64(float64(w[at]) * m.offset(c))
				folded[at] = float32(float64(w[at]) * m.factor[c])
			}
		}
	}
	f.setParameters(n, folded, b, shape)
}

// alone makes the normalization a layer of its own.
func (f folder) alone(n *Node, m norm) []*Node {
	offset := make([]float64, len(m.factor))
	for c := range offset {
		offset[c] = m.offset(c)
	}
	channels, rank := len(offset), len(f.g.Values[n.Inputs[0]].Shape)
	constant := func(name string, x []float64, shape tensor.Shape) string {
		name = f.g.Unique(name)
		t, err := tensor.Of(shape, narrow(x))
		if err != nil {
			panic(err) // the shapes below have len(x) elements
		}
		f.g.AddConst(name, t)
		return name
	}
	x, y := n.Inputs[0], n.Outputs[0]
	if rank == 4 {
		w := constant(y+"_factor", m.factor, tensor.Shape{channels, 1, 1, 1})
		b := constant(y+"_offset", offset, tensor.Shape{channels})
		conv := &Node{n.Name, Conv, []string{x, w, b}, []string{y}, Attrs{"group": channels}}
		f.producer[y] = conv
		return []*Node{conv}
	}
	shape := tensor.Shape{channels}
	for range rank - 2 {
		shape = append(shape, 1)
	}
	scaled := f.g.Unique(y + "_scaled")
	f.g.Values[scaled] = &Value{Name: scaled, DType: tensor.Float32, Shape: f.g.Values[x].Shape}
	return []*Node{
		{n.Name + "_mul", Mul, []string{x, constant(y+"_factor", m.factor, shape)}, []string{scaled}, Attrs{}},
		{n.Name, Add, []string{scaled, constant(y+"_offset", offset, shape)}, []string{y}, Attrs{}},
	}
}

// normOf reads a normalization's constants; ok is false where they are none, or the shape of its input is not known.
func normOf(s site) (m norm, ok bool, err error) {
	if v := s.value(0); v == nil || v.Shape == nil || v.Quant != nil {
		return m, false, nil
	}
	var p [4][]float32
	for i := range p {
		if p[i], ok = floats(s.value(i + 1)); !ok {
			return m, false, nil
		}
		if len(p[i]) != len(p[0]) {
			return m, false, s.errorf("its parameters have %d and %d elements: they must have one for each channel", len(p[0]), len(p[i]))
		}
	}
	epsilon := float64(s.n.Float("epsilon"))
	scale, shift, mean, variance := p[0], p[1], p[2], p[3]
	for c := range scale {
		root := math.Sqrt(float64(variance[c]) + epsilon)
		factor := float64(scale[c]) / root
		offset := float64(shift[c]) - float64(float64(mean[c])*factor)
		if !(root > 0) || math.Abs(factor) > math.MaxFloat32 || !(math.Abs(offset) <= math.MaxFloat32) {
			return m, false, s.errorf("channel %d has variance %g, scale %g, mean %g and shift %g with epsilon %g, which is no finite normalization: check the checkpoint",
				c, variance[c], scale[c], mean[c], shift[c], epsilon)
		}
		m.factor = append(m.factor, factor)
		m.mean = append(m.mean, float64(mean[c]))
		m.shift = append(m.shift, float64(shift[c]))
	}
	return m, true, nil
}
