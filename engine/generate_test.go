package engine_test

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// generator draws small networks of every operator, on codes or on reals.
type generator struct {
	*rapid.T
	g      *graph.Graph
	codes  bool
	exact  bool     // no sums of products, which are not the evaluator's to the last bit where they are of reals
	values []string // computed so far
	n      int      // of nodes
	seed   uint64   // of constants
}

var conventions = []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}

// drawNetwork returns a network with one input x.
func drawNetwork(t *rapid.T, codes bool) *graph.Graph {
	b := &generator{T: t, g: graph.New("drawn"), codes: codes, seed: rapid.Uint64().Draw(t, "seed")}
	b.g.Requant = rapid.SampledFrom(conventions).Draw(t, "convention")
	b.g.AddInput("x", append(tensor.Shape{graph.Batch}, b.inputShape()...))
	b.values = []string{b.first()}
	if b.in(0, 2, "reshaped first") == 0 {
		b.reshaped(b.values[0], b.shape(b.values[0]))
	}
	for range b.in(1, 7, "nodes") {
		b.grow()
	}
	last := b.last()
	if codes && b.yes("output as reals") {
		b.g.AddNode(graph.DequantizeLinear, "dequantize", "y", nil, last)
		last = "y"
	}
	b.g.Outputs = []string{last}
	if other := b.pick("other output"); b.yes("two outputs") && other != last {
		b.g.Outputs = append(b.g.Outputs, other)
	}
	return b.g
}

// inputShape draws that of one example: a picture, a vector, or tokens.
func (b *generator) inputShape() tensor.Shape {
	switch b.in(0, 5, "input") {
	case 0:
		return tensor.Shape{b.in(1, 5, "length") * b.in(1, 5, "length") * b.in(1, 5, "length")}
	case 1:
		return tensor.Shape{b.in(1, 6, "tokens"), b.in(1, 3, "heads") * b.in(1, 4, "width")}
	}
	return tensor.Shape{b.in(1, 6, "channels"), b.in(1, 8, "height"), b.in(1, 8, "width")}
}

// first returns the value that the network begins with: the input, or its codes, which it may have itself.
func (b *generator) first() string {
	if !b.codes {
		return "x"
	}
	if b.in(0, 3, "input of codes") == 0 {
		b.g.Values["x"].Quant = b.params(1)
		return "x"
	}
	x := "x"
	if b.in(0, 3, "reals before") == 0 { // functions of reals, whatever makes the codes
		b.codes, b.exact, b.values = false, true, []string{"x"}
		b.reshaped("x", b.shape("x"))
		b.codes, b.exact = true, false
		x = b.last()
	}
	b.g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, x)
	b.g.Values["x_quantized"].Quant = b.params(1)
	b.g.Values["x_quantized"].Shape = b.shape(x)
	return "x_quantized"
}

func (b *generator) last() string { return b.values[len(b.values)-1] }

func (b *generator) in(lo, hi int, what string) int { return rapid.IntRange(lo, hi).Draw(b.T, what) }
func (b *generator) yes(what string) bool           { return rapid.Bool().Draw(b.T, what) }
func (b *generator) pick(what string) string {
	// Mostly the last one, so that networks are deep.
	if len(b.values) > 1 && b.in(0, 3, what) == 0 {
		return rapid.SampledFrom(b.values).Draw(b.T, what)
	}
	return b.values[len(b.values)-1]
}

func (b *generator) next() uint64 {
	b.seed = b.seed*6364136223846793005 + 1442695040888963407
	return b.seed >> 33
}

func (b *generator) between(lo, hi int32) int32 { return lo + int32(b.next()%uint64(hi-lo+1)) }

// params draws the parameters of an activation whose reals reach about as far as spread.
func (b *generator) params(spread float64) *quant.Params {
	typ := quant.Type{Bits: rapid.SampledFrom([]int{8, 8, 8, 2, 3, 4, 5, 6, 7}).Draw(b.T, "bits"), Unsigned: b.yes("unsigned")}
	lo, hi := typ.Range()
	p := quant.TensorParams(typ, spread*2/float64(hi-lo)*rapid.SampledFrom([]float64{0.3, 0.7, 1}).Draw(b.T, "scale"), b.between(lo, hi))
	return &p
}

// spread is how far the reals of a value reach.
func (b *generator) spread(name string) float64 {
	q := b.g.Values[name].Quant
	if q == nil {
		return 1
	}
	lo, hi := q.Type.Range()
	return float64(q.Scale[0]) * float64(hi-lo) / 2
}

// weight adds a constant weight whose output channels are those of an axis, and its bias if there is to be one. It
// returns the inputs of the node, and the spread of its outputs.
func (b *generator) weight(x string, shape tensor.Shape, axis int) (inputs []string, spread float64) {
	name := fmt.Sprintf("w%d", b.n)
	n, _ := shape.Elements()
	channels := shape[axis]
	depth := n / channels
	inputs = []string{x, name}
	bias := b.yes("bias")
	if bias {
		inputs = append(inputs, name+".b")
	}
	if !b.codes {
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(b.between(-1000, 1000)) / 1000 / float32(math.Sqrt(float64(depth)))
		}
		b.g.AddConst(name, mustTensor(shape, w))
		if bias {
			b.g.AddConst(name+".b", mustTensor(tensor.Shape{channels}, w[:channels:channels]))
		}
		return inputs, 1
	}
	typ := quant.Type{Bits: b.in(2, 8, "weight bits"), Unsigned: b.in(0, 3, "unsigned weight") == 0}
	lo, hi := typ.Range()
	p := quant.Params{Type: typ}
	scales := 1
	if b.yes("per channel") {
		p.Layout, scales = quant.Layout{Per: quant.PerChannel, Axis: axis}, channels
	}
	affine := typ.Unsigned || b.in(0, 3, "affine weight") == 0
	for range scales {
		p.Scale = append(p.Scale, float32(b.between(50, 150))/float32(hi)/100)
		if affine {
			p.ZeroPoint = append(p.ZeroPoint, b.between(lo, hi))
		}
	}
	if typ.Unsigned {
		b.g.AddConst(name, mustTensor(shape, fillCodes[uint8](b, n, lo, hi)))
	} else {
		b.g.AddConst(name, mustTensor(shape, fillCodes[int8](b, n, lo, hi)))
	}
	b.g.Values[name].Quant = &p
	spread = b.spread(x) * math.Sqrt(float64(depth))
	if bias {
		sx := b.g.Values[x].Quant.Scale[0]
		q := quant.Params{Type: quant.Int(32), Layout: quant.Layout{Per: p.Per}}
		codes := make([]int32, channels)
		for c := range codes {
			codes[c] = int32(float64(b.between(-1000, 1000)) / 1000 * spread / float64(sx*p.Scale[min(c, scales-1)]))
		}
		for _, s := range p.Scale {
			q.Scale = append(q.Scale, sx*s)
		}
		b.g.AddConst(name+".b", mustTensor(tensor.Shape{channels}, codes))
		b.g.Values[name+".b"].Quant = &q
	}
	return inputs, spread
}

func fillCodes[T int8 | uint8](b *generator, n int, lo, hi int32) []T {
	codes := make([]T, n)
	for i := range codes {
		codes[i] = T(b.between(lo, hi))
	}
	return codes
}

// add appends a node if it is valid, and reports whether it was. Its output has parameters of that spread, 0 for those of
// the input.
func (b *generator) add(op graph.Op, attrs graph.Attrs, spread float64, inputs ...string) bool {
	name := fmt.Sprintf("v%d", b.n)
	trial := b.g.Clone()
	trial.AddNode(op, "n"+name, name, attrs, inputs...)
	trial.Outputs = []string{name}
	if b.codes {
		if spread != 0 {
			trial.Values[name].Quant = b.params(spread)
		} else {
			trial.Values[name].Quant = b.g.Values[inputs[0]].Quant
		}
	}
	inferred, err := graph.InferShapes(trial)
	if err != nil {
		if strings.Contains(err.Error(), "attribute") { // it would never be drawn
			b.Fatal(err)
		}
		return false
	}
	if n, _ := inferred.Values[name].Shape[1:].Elements(); n > 4000 {
		return false
	}
	b.g.Nodes, b.g.Values = trial.Nodes, inferred.Values
	b.values = append(b.values, name)
	b.n++
	return true
}

func (b *generator) shape(name string) tensor.Shape {
	if s := b.g.Values[name].Shape; s != nil {
		return s
	}
	return b.g.Values["x"].Shape
}

// grow appends a node to one of the values.
func (b *generator) grow() {
	x := b.pick("operand")
	shape := b.shape(x)
	ops := []func(string, tensor.Shape){
		b.same, b.function, b.function, b.function, b.clamp, b.pair, b.otherPair, b.number, // also of a number for each example
		b.pair, b.constantPair, b.concat, b.slice, b.picks, b.transpose, b.reshape, b.softmax, b.matMul,
		b.reduction, b.logSoftmax, b.norm, b.resize, b.reshaped, b.reshaped,
	}
	if len(shape) == 1 {
		ops = ops[:8]
	}
	if len(shape) == 4 {
		ops = append(ops, b.conv, b.conv, b.conv, b.conv, b.conv, b.pool, b.pool, b.globalPool, b.globalMax, b.pad, b.pad, b.flatten, b.batchNorm)
	}
	if len(shape) == 3 {
		ops = append(ops, b.heads, b.heads)
	}
	if len(shape) == 2 {
		ops = append(ops, b.gemm, b.gemm, b.gemm, b.gemm)
	}
	ops[b.in(0, len(ops)-1, "operator")](x, shape)
}

func (b *generator) window(kernel [2]int) graph.Attrs {
	at := func(limit int) int { return b.in(0, limit, "pad") }
	return graph.Attrs{
		"strides":   []int{b.in(1, 2, "stride"), b.in(1, 3, "stride")},
		"dilations": []int{b.in(1, 2, "dilation"), b.in(1, 2, "dilation")},
		"pads":      []int{at(kernel[0] - 1), at(kernel[1] - 1), at(kernel[0]), at(kernel[1])},
	}
}

func (b *generator) kernel() [2]int {
	k := rapid.SampledFrom([]int{1, 1, 2, 3, 3, 5})
	return [2]int{k.Draw(b.T, "kernel"), k.Draw(b.T, "kernel")}
}

func (b *generator) conv(x string, shape tensor.Shape) {
	groups := []int{1, 1, shape[1]}
	for n := 2; n < shape[1]; n++ {
		if shape[1]%n == 0 {
			groups = append(groups, n)
		}
	}
	group := rapid.SampledFrom(groups).Draw(b.T, "group")
	kernel := b.kernel()
	attrs := b.window(kernel)
	if b.in(0, 2, "plain") == 0 {
		attrs = graph.Attrs{}
	}
	attrs["group"] = group
	out := group * b.in(1, max(1, 9/group), "out")
	inputs, spread := b.weight(x, tensor.Shape{out, shape[1] / group, kernel[0], kernel[1]}, 0)
	if b.add(graph.Conv, attrs, spread, inputs...) && b.yes("relu after") {
		y := b.values[len(b.values)-1]
		b.clamp(y, b.shape(y))
	}
}

func (b *generator) gemm(x string, shape tensor.Shape) {
	out := b.in(1, 9, "out")
	if b.yes("transB") {
		inputs, spread := b.weight(x, tensor.Shape{out, shape[1]}, 0)
		b.add(graph.Gemm, graph.Attrs{"transB": 1}, spread, inputs...)
		return
	}
	inputs, spread := b.weight(x, tensor.Shape{shape[1], out}, 1)
	b.add(graph.Gemm, nil, spread, inputs...)
}

func (b *generator) matMul(x string, shape tensor.Shape) {
	last := shape[len(shape)-1]
	if len(shape) > 2 {
		switch b.in(0, 3, "product") {
		case 0: // of two values
			var fit []string
			for _, v := range b.values {
				if s := b.shape(v); len(s) > 2 && s[len(s)-2] == last {
					fit = append(fit, v)
				}
			}
			if len(fit) > 0 {
				b.add(graph.MatMul, nil, b.spread(x), x, rapid.SampledFrom(fit).Draw(b.T, "second"))
			}
			return
		case 1: // with a constant, a vector or a matrix or a stack, on either side
			own := tensor.Shape{shape[len(shape)-2]}
			right := b.yes("constant last")
			if right {
				own[0] = last
			}
			if n := b.in(0, 4, "other dimension"); n > 0 && right {
				own = append(own, n)
			} else if n > 0 {
				own = tensor.Shape{n, own[0]}
			}
			if len(own) == 2 && b.yes("stack") {
				own = append(tensor.Shape{1}, own...)
			}
			operands := []string{b.operand(x, own), x}
			if right {
				slices.Reverse(operands)
				if q := b.g.Values[operands[1]].Quant; q != nil && len(own) == 3 && b.yes("per channel") {
					b.perChannel(q, own[2])
				}
			}
			b.add(graph.MatMul, nil, b.spread(x)*math.Sqrt(float64(last)), operands...)
			return
		}
	}
	if last > 0 {
		inputs, spread := b.weight(x, tensor.Shape{last, b.in(1, 9, "out")}, 1)
		b.add(graph.MatMul, nil, spread, inputs[:2]...)
	}
}

// perChannel gives each index of a constant's last dimension, the third, a scale and a zero point.
func (b *generator) perChannel(q *quant.Params, channels int) {
	lo, hi := q.Type.Range()
	q.Layout = quant.Layout{Per: quant.PerChannel, Axis: 2}
	scale := q.Scale[0]
	q.Scale, q.ZeroPoint = nil, nil
	for range channels {
		q.Scale = append(q.Scale, scale*float32(b.between(50, 150))/100)
		q.ZeroPoint = append(q.ZeroPoint, b.between(lo, hi))
	}
}

// operand adds a constant operand for x.
func (b *generator) operand(x string, shape tensor.Shape) string {
	n, _ := shape.Elements()
	name := fmt.Sprintf("c%d", b.n)
	if !b.codes {
		c := make([]float32, n)
		for i := range c {
			c[i] = float32(b.between(-100, 100)) / 100
		}
		b.g.AddConst(name, mustTensor(shape, c))
		return name
	}
	q := b.params(b.spread(x))
	lo, hi := q.Type.Range()
	if q.Type.Unsigned {
		b.g.AddConst(name, mustTensor(shape, fillCodes[uint8](b, n, lo, hi)))
	} else {
		b.g.AddConst(name, mustTensor(shape, fillCodes[int8](b, n, lo, hi)))
	}
	b.g.Values[name].Quant = q
	return name
}

func (b *generator) clamp(x string, _ tensor.Shape) {
	spread := 0.0
	if b.in(0, 3, "other parameters") == 0 {
		spread = b.spread(x)
	}
	if b.yes("relu") {
		b.add(graph.Relu, nil, spread, x)
		return
	}
	attrs := graph.Attrs{}
	reach := b.spread(x)
	if b.yes("min") {
		attrs["min"] = float32(reach * float64(b.in(-10, 4, "min")) / 10)
	}
	if b.yes("max") {
		attrs["max"] = float32(reach * float64(b.in(0, 12, "max")) / 10)
	}
	b.add(graph.Clip, attrs, spread, x)
}

func (b *generator) same(x string, _ tensor.Shape) {
	b.add(rapid.SampledFrom([]graph.Op{graph.Identity, graph.Dropout}).Draw(b.T, "unary"), nil, 0, x)
}

func (b *generator) pair(x string, _ tensor.Shape) {
	op := rapid.SampledFrom([]graph.Op{graph.Add, graph.Add, graph.Mul}).Draw(b.T, "op")
	for _, y := range b.shuffled() {
		spread := b.spread(x) + b.spread(y)
		if op == graph.Mul {
			spread = b.spread(x) * b.spread(y)
		}
		if b.add(op, nil, spread, x, y) {
			if b.yes("relu after") {
				y := b.values[len(b.values)-1]
				b.clamp(y, b.shape(y))
			}
			return
		}
	}
}

func (b *generator) shuffled() []string {
	return rapid.Permutation(slices.Clone(b.values)).Draw(b.T, "order")
}

func (b *generator) constantPair(x string, shape tensor.Shape) {
	own := slices.Clone(shape[1:])
	for d := range own {
		if b.yes("broadcast") {
			own[d] = 1
		}
	}
	if b.yes("batch dimension") {
		own = append(tensor.Shape{1}, own...)
	} else if b.yes("fewer dimensions") {
		own = own[len(own)/2:]
	}
	name := b.operand(x, own)
	operands := []string{x, name}
	if b.yes("constant first") {
		operands = []string{name, x}
	}
	b.add(rapid.SampledFrom([]graph.Op{graph.Add, graph.Mul}).Draw(b.T, "op"), nil, b.spread(x)*1.5, operands...)
}

func (b *generator) concat(x string, shape tensor.Shape) {
	axis := b.in(1, len(shape)-1, "axis")
	inputs := []string{x}
	for _, y := range b.shuffled() {
		if s := b.shape(y); len(s) == len(shape) {
			same := true
			for d := range s {
				same = same && (d == axis || s[d] == shape[d])
			}
			if same && len(inputs) < 3 {
				inputs = append(inputs, y)
			}
		}
	}
	if b.in(0, 3, "constant") == 0 {
		own := append(tensor.Shape{1}, shape[1:]...)
		own[axis] = b.in(1, 3, "length")
		inputs = slices.Insert(inputs, b.in(0, 1, "place"), b.operand(x, own))
	}
	spread := 0.0
	if b.yes("other parameters") {
		spread = b.spread(x)
	}
	b.add(graph.Concat, graph.Attrs{"axis": axis}, spread, inputs...)
}

func (b *generator) slice(x string, shape tensor.Shape) {
	var starts, ends, axes, steps []int
	for d := 1; d < len(shape); d++ {
		if b.yes("slice") {
			starts, ends = append(starts, b.in(-shape[d], shape[d], "start")), append(ends, b.in(-shape[d], shape[d]+1, "end"))
			axes, steps = append(axes, d), append(steps, rapid.SampledFrom([]int{1, 1, 2, 3, -1, -2}).Draw(b.T, "step"))
		}
	}
	b.add(graph.Slice, graph.Attrs{"starts": starts, "ends": ends, "axes": axes, "steps": steps}, 0, x)
}

func (b *generator) transpose(x string, shape tensor.Shape) {
	rest := make([]int, len(shape)-1)
	for i := range rest {
		rest[i] = i + 1
	}
	b.add(graph.Transpose, graph.Attrs{"perm": append([]int{0}, rapid.Permutation(rest).Draw(b.T, "perm")...)}, 0, x)
}

func (b *generator) reshape(x string, shape tensor.Shape) {
	n, _ := shape[1:].Elements()
	switch b.in(0, 3, "reshape") {
	case 0:
		b.add(graph.Unsqueeze, graph.Attrs{"axes": []int{b.in(1, len(shape), "axis")}}, 0, x)
	case 1:
		b.add(graph.Squeeze, graph.Attrs{"axes": []int{b.in(1, len(shape)-1, "axis")}}, 0, x)
	case 2:
		var divisors []int
		for d := 1; d <= n; d++ {
			if n%d == 0 {
				divisors = append(divisors, d)
			}
		}
		c := rapid.SampledFrom(divisors).Draw(b.T, "channels")
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, c, -1, 1}}, 0, x)
	case 3:
		if len(shape) == 4 {
			b.add(graph.Reshape, graph.Attrs{"shape": []int{-1, shape[2], shape[1], shape[3]}}, 0, x)
		}
	}
}

func (b *generator) flatten(x string, shape tensor.Shape) {
	if b.add(graph.Flatten, nil, 0, x) && b.yes("gemm after") {
		y := b.values[len(b.values)-1]
		b.gemm(y, b.shape(y))
	}
}

func (b *generator) softmax(x string, shape tensor.Shape) {
	axis := graph.Attrs{"axis": b.in(1, len(shape)-1, "axis")}
	if !b.codes {
		b.add(graph.Softmax, axis, 0, x)
		return
	}
	if b.in(0, 2, "island") != 0 {
		return
	}
	b.codes = false
	ok := b.add(graph.DequantizeLinear, nil, 0, x) && b.add(graph.Softmax, axis, 0, b.values[len(b.values)-1])
	b.codes = true
	if !ok {
		panic("softmax")
	}
	y := b.values[len(b.values)-1]
	b.values = b.values[:len(b.values)-2]
	b.add(graph.QuantizeLinear, nil, 1, y)
}

func (b *generator) pool(x string, _ tensor.Shape) {
	kernel := b.kernel()
	attrs := b.window(kernel)
	attrs["kernel_shape"] = kernel[:]
	attrs["ceil_mode"] = b.in(0, 1, "ceil")
	if b.yes("max") {
		b.add(graph.MaxPool, attrs, 0, x)
		return
	}
	attrs["count_include_pad"] = b.in(0, 1, "count pad")
	b.add(graph.AveragePool, attrs, b.spread(x), x)
}

func (b *generator) globalPool(x string, _ tensor.Shape) {
	b.add(graph.GlobalAveragePool, nil, b.spread(x)/2, x)
}

func (b *generator) pad(x string, shape tensor.Shape) {
	pads := make([]int, 8)
	for d := 1; d < 4; d++ {
		pads[d], pads[d+4] = b.in(0, 2, "pad"), b.in(0, 2, "pad")
	}
	attrs := graph.Attrs{"pads": pads, "mode": rapid.SampledFrom([]string{"constant", "reflect", "edge"}).Draw(b.T, "mode")}
	if b.yes("value") {
		attrs["value"] = float32(b.spread(x) / 3)
	}
	b.add(graph.Pad, attrs, 0, x)
}

func (b *generator) batchNorm(x string, shape tensor.Shape) {
	if b.codes {
		return
	}
	inputs := []string{x}
	for i := range 4 {
		v := make([]float32, shape[1])
		for c := range v {
			v[c] = float32(b.between(-100, 100)) / 100
			if i == 3 {
				v[c] = 0.1 + v[c]*v[c]
			}
		}
		name := fmt.Sprintf("bn%d.%d", b.n, i)
		b.g.AddConst(name, mustTensor(tensor.Shape{shape[1]}, v))
		inputs = append(inputs, name)
	}
	b.add(graph.BatchNormalization, nil, 0, inputs...)
}
