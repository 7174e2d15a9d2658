package convert

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The functions here take apart what ONNX Runtime's optimizer has made of the attention of transformers:
// Softmax(q·kᵀ·scale + mask)·v for each head.

// attention is one while it is taken apart. Values of heads are [batch, heads, length, size].
type attention struct {
	chainOf
	heads int
	mask  int // the inputs of the node
	bias  int
}

// lowest is what a position gets that shall not be looked at: the exponential of its score is 0 whatever else is added.
const lowest = -math.MaxFloat32

// selfAttention is Attention of com.microsoft: its input times one matrix are queries, keys and values side by side. Without a matrix
// the input is that product already: package file writes so of a QAttention.
func selfAttention(s build.Node) error {
	a := attention{chainOf: chainOf{s: s}, heads: s.Raw.Int("num_heads"), mask: 3, bias: 5}
	if s.Raw.Int("do_rotary") != 0 || s.Raw.Int("past_present_share_buffer") != 0 || s.Raw.Input(6) != "" {
		return s.Errorf("it turns positions (do_rotary) or keeps its past in place: save the model without ONNX Runtime's optimizations")
	}
	outputs := s.Raw.Outputs
	a.s.Raw.Outputs = outputs[:1]
	packed := s.Raw.Inputs[0]
	if w := s.Raw.Input(1); w != "" {
		packed = a.add("products", graph.MatMul, nil, packed, w)
	}
	if b := s.Raw.Input(2); b != "" {
		packed = a.add("packed", graph.Add, nil, packed, b)
	}
	width := 0
	if dims := a.dims(packed); len(dims) == 3 {
		width = dims[2]
	}
	sizes := s.Raw.Ints("qkv_hidden_sizes")
	if len(sizes) == 0 {
		sizes = []int{width / 3, width / 3, width / 3}
	}
	if a.err != nil {
		return a.err
	}
	if len(sizes) != 3 || sizes[0] < 1 || sizes[0] != sizes[1] || sizes[2] < 1 || sizes[0]+sizes[1]+sizes[2] != width {
		return s.Errorf("%d columns are no queries, keys and values of %v", width, sizes)
	}
	var parts [3]string
	at := 0
	for i, name := range []string{"q", "k", "v"} {
		part := a.add(name, graph.Slice, graph.Attrs{"starts": []int{at}, "ends": []int{at + sizes[i]}, "axes": []int{2}, "steps": []int{1}}, packed)
		parts[i], at = a.split(name, part), at+sizes[i]
	}
	present := len(outputs) > 1 && s.Net.Reads(outputs[1])
	past := s.Raw.Input(4)
	for i, name := range []string{"", "keys", "values"} {
		if i == 0 || past == "" {
			continue
		}
		one := a.add("past_"+name, graph.Slice, graph.Attrs{"starts": []int{i - 1}, "ends": []int{i}, "axes": []int{0}, "steps": []int{1}}, past)
		one = a.add("past_"+name, graph.Squeeze, graph.Attrs{"axes": []int{0}}, one)
		parts[i] = a.add("all_"+name, graph.Concat, graph.Attrs{"axis": 2}, one, parts[i])
	}
	if present {
		k := a.add("present_keys", graph.Unsqueeze, graph.Attrs{"axes": []int{0}}, parts[1])
		v := a.add("present_values", graph.Unsqueeze, graph.Attrs{"axes": []int{0}}, parts[2])
		a.beside(outputs[1], graph.Concat, graph.Attrs{"axis": 0}, k, v)
	}
	return a.attend(parts)
}

// quantizedAttention is Attention of codes, in reals. Those of a DynamicQuantizeLinear package file has made a layer of.
func quantizedAttention(s build.Node) error {
	s.Net.Note(s.File, integersInReals)
	in, err := integerProduct(s, 6, 7)
	if err != nil {
		return err
	}
	c := chainOf{s: s}
	sums := c.add("sums", graph.MatMul, nil, in[0], in[1])
	products := c.add("products", graph.Mul, nil, sums, c.add("scale", graph.Mul, nil, s.Raw.Inputs[3], s.Raw.Inputs[4]))
	if c.err != nil {
		return c.err
	}
	s.Raw.Op = raw.MSAttention
	s.Raw.Inputs = []string{products, "", s.Raw.Input(2), s.Raw.Input(5), s.Raw.Input(8)}
	return selfAttention(s)
}

// multiHeadAttention is that of com.microsoft, of queries, keys and values apart, which may have a bias, and a past before them.
func multiHeadAttention(s build.Node) error {
	a := attention{chainOf: chainOf{s: s}, heads: s.Raw.Int("num_heads"), mask: 4, bias: 5}
	outputs := s.Raw.Outputs
	a.s.Raw.Outputs = outputs[:1]
	for i := 1; i < 3; i++ {
		if s.Raw.Input(i) == "" {
			return s.Errorf("its queries, keys and values are one input: save the model without ONNX Runtime's optimizations")
		}
	}
	if s.Raw.Input(8) != "" || s.Raw.Input(9) != "" || len(outputs) > 3 && s.Net.Reads(outputs[3]) {
		return s.Errorf("it keeps its past in place, or its scores are an output: save the model without ONNX Runtime's optimizations")
	}
	var parts [3]string
	at := 0
	for i, name := range []string{"q", "k", "v"} {
		parts[i] = s.Raw.Inputs[i]
		switch dims := a.dims(parts[i]); {
		case a.err != nil:
			return a.err
		case len(dims) == 4 && i > 0: // such as those of an encoder, which a step before has made
			continue
		case len(dims) != 3:
			return s.Errorf("input %d has %d dimensions: save the model without ONNX Runtime's optimizations", i, len(dims))
		default:
			if b := s.Raw.Input(3); b != "" {
				slice := graph.Attrs{"starts": []int{at}, "ends": []int{at + dims[2]}, "axes": []int{0}, "steps": []int{1}}
				parts[i] = a.add(name, graph.Add, nil, parts[i], a.add(name+"_bias", graph.Slice, slice, b))
			}
			at += dims[2]
			parts[i] = a.split(name, parts[i])
		}
		if i == 0 {
			continue
		}
		if past := s.Raw.Input(5 + i); past != "" {
			parts[i] = a.add("all_"+name, graph.Concat, graph.Attrs{"axis": 2}, past, parts[i])
		}
		if len(outputs) > i && s.Net.Reads(outputs[i]) {
			a.beside(outputs[i], graph.Identity, nil, parts[i])
		}
	}
	return a.attend(parts)
}

// dims returns the dimensions of a value: graph.Batch for the batch.
func (a *attention) dims(name string) []int {
	if a.err != nil {
		return nil
	}
	dims := dimsOf(a.s, name)
	if dims == nil {
		a.err = a.s.Errorf("the shape of %q is not known here, and the operator needs it: export the model with fixed shapes", name)
	}
	return build.Dimensions(dims)
}

// split brings [batch, length, heads·size] to [batch, heads, length, size].
func (a *attention) split(what, x string) string {
	dims := a.dims(x)
	if a.err == nil && (len(dims) != 3 || a.heads < 1 || dims[2]%a.heads != 0) {
		a.err = a.s.Errorf("%d heads do not fit %q, which is %v", a.heads, x, dims)
	}
	if a.err != nil {
		return ""
	}
	x = a.add(what+"_apart", graph.Reshape, graph.Attrs{"shape": []int{dims[0], dims[1], a.heads, dims[2] / a.heads}}, x)
	return a.add(what+"_heads", graph.Transpose, graph.Attrs{"perm": []int{0, 2, 1, 3}}, x)
}

// attend makes the node what comes out: [batch, length, heads·size].
func (a *attention) attend(parts [3]string) error {
	s := a.s
	q, k, v := a.dims(parts[0]), a.dims(parts[1]), a.dims(parts[2])
	if a.err != nil {
		return a.err
	}
	if len(q) != 4 || len(k) != 4 || len(v) != 4 || k[2] != v[2] || q[3] != k[3] {
		return s.Errorf("queries, keys and values %v, %v and %v do not fit each other", q, k, v)
	}
	scale := s.Raw.Float("scale")
	if scale == 0 {
		scale = float32(1 / math.Sqrt(float64(q[3])))
	}
	turned := a.add("turned", graph.Transpose, graph.Attrs{"perm": []int{0, 1, 3, 2}}, parts[1])
	scores := a.add("scores", graph.MatMul, nil, parts[0], turned)
	scores = a.add("scaled", graph.Mul, nil, scores, a.constant("scale", scale))
	if name := s.Raw.Input(a.mask); name != "" {
		if mask := a.masked(name, k[2]); mask != "" {
			scores = a.add("masked", graph.Add, nil, scores, mask)
		}
	}
	if name := s.Raw.Input(a.bias); name != "" {
		scores = a.add("biased", graph.Add, nil, scores, name)
	}
	if s.Raw.Int("unidirectional") != 0 {
		scores = a.add("causal", graph.Add, nil, scores, a.later(q[2], k[2]))
	}
	weights := a.add("weights", graph.Softmax, graph.Attrs{"axis": -1}, scores)
	y := a.add("heads", graph.MatMul, nil, weights, parts[2])
	y = a.add("rows", graph.Transpose, graph.Attrs{"perm": []int{0, 2, 1, 3}}, y)
	if a.err != nil {
		return a.err
	}
	return s.Become(graph.Reshape, graph.Attrs{"shape": []int{q[0], q[2], a.heads * v[3]}}, y)
}

// masked returns what is added to the scores: the filter of the node where a mask is not above 0, or behind the length where it is one of lengths.
func (a *attention) masked(name string, keys int) string {
	dims := a.dims(name)
	if a.err != nil {
		return ""
	}
	batch := a.dims(a.s.Raw.Inputs[0])[0]
	on := ""
	switch {
	case len(dims) == 1 && dims[0] == batch:
		numbers := make([]float32, keys)
		for i := range numbers {
			numbers[i] = float32(i)
		}
		var at string
		if at, a.err = a.s.ConstantOf("positions", tensor.Shape{1, 1, 1, keys}, numbers); a.err != nil {
			return ""
		}
		lengths := a.add("lengths", graph.Cast, graph.Attrs{"to": 1}, name)
		lengths = a.add("lengths", graph.Reshape, graph.Attrs{"shape": []int{batch, 1, 1, 1}}, lengths)
		on = a.add("within", graph.Cast, graph.Attrs{"to": 1}, a.add("before", graph.Less, nil, at, lengths))
	case len(dims) == 2 && dims[1] == keys, len(dims) == 3 && dims[2] == keys:
		shape := []int{dims[0], 1, 1, keys}
		if len(dims) == 3 {
			shape[2] = dims[1]
		}
		above := a.add("above", graph.Greater, nil, a.add("mask", graph.Cast, graph.Attrs{"to": 1}, name), a.constant("zero", 0))
		on = a.add("on", graph.Reshape, graph.Attrs{"shape": shape}, a.add("on", graph.Cast, graph.Attrs{"to": 1}, above))
	default:
		a.err = a.s.Errorf("its mask %q is %v for %d keys: lengths, or a number for each key, are read; save the model without ONNX Runtime's "+
			"optimizations", name, dims, keys)
		return ""
	}
	off := a.add("off", graph.Sub, nil, a.constant("one", 1), on)
	return a.add("filter", graph.Mul, nil, off, a.constant("filtered", a.s.Raw.Float("mask_filter_value")))
}

// later returns what keeps a query from the keys behind it, of which the last belongs to the last query.
func (a *attention) later(queries, keys int) (name string) {
	if a.err != nil {
		return ""
	}
	if a.err = a.s.Net.Left.Take(4 * int64(queries) * int64(keys)); a.err != nil {
		a.err = a.s.Errorf("%w", a.err)
		return ""
	}
	mask := make([]float32, queries*keys)
	for i := range queries {
		row := mask[i*keys:][:keys]
		for j := min(max(keys-queries+i+1, 0), keys); j < keys; j++ {
			row[j] = lowest
		}
	}
	name, a.err = a.s.ConstantOf("later", tensor.Shape{1, 1, queries, keys}, mask)
	return name
}

// embedNorm is EmbedLayerNormalization of com.microsoft: rows of tables for tokens, positions and segments are added and normalized. Its
// second output is how many tokens an example has by the mask, its third the sum.
func embedNorm(s build.Node) error {
	a := attention{chainOf: chainOf{s: s}}
	outputs := s.Raw.Outputs
	a.s.Raw.Outputs = outputs[:1]
	epsilon := s.Raw.Float("epsilon")
	table, tokens := a.dims(s.Raw.Inputs[3]), a.dims(s.Raw.Inputs[0])
	if a.err != nil {
		return a.err
	}
	if len(table) != 2 || len(tokens) != 2 || s.Raw.Input(8) == "" && tokens[1] > table[0] {
		return s.Errorf("%v tokens and positions of %v do not fit: tokens are [batch, length]", tokens, table)
	}
	rows := func(what, table, at string) string {
		return a.add(what, graph.Gather, graph.Attrs{"axis": 0}, table, at)
	}
	sum := rows("words", s.Raw.Inputs[2], s.Raw.Inputs[0])
	position := ""
	if at := s.Raw.Input(8); at != "" {
		position = rows("positions", s.Raw.Inputs[3], at)
	} else {
		first := graph.Attrs{"starts": []int{0}, "ends": []int{tokens[1]}, "axes": []int{0}, "steps": []int{1}}
		position = a.add("positions", graph.Slice, first, s.Raw.Inputs[3])
	}
	segments := s.Raw.Input(1) != "" && s.Raw.Input(4) != ""
	last := len(outputs) > 2 && s.Net.Reads(outputs[2])
	plus := func(what, to, by string, named bool) string {
		if named {
			a.beside(outputs[2], graph.Add, nil, to, by)
			return outputs[2]
		}
		return a.add(what, graph.Add, nil, to, by)
	}
	sum = plus("placed", sum, position, last && !segments)
	if segments {
		sum = plus("sum", sum, rows("segments", s.Raw.Inputs[4], s.Raw.Inputs[1]), last)
	}
	if len(outputs) > 1 && s.Net.Reads(outputs[1]) {
		mask := s.Raw.Input(7)
		if mask == "" {
			return s.Errorf("its second output %q is used, and it has no mask", outputs[1])
		}
		one, err := constantLike(s, "one", tensor.Shape{}, []float32{1}, s.Net.Graph.Values[mask].DType)
		if err != nil {
			return err
		}
		on := a.add("on", graph.Cast, graph.Attrs{"to": 1}, a.add("is_on", graph.Equal, nil, mask, one))
		length := a.add("length", graph.ReduceSum, graph.Attrs{"axes": []int{1}, "keepdims": 0}, on)
		a.beside(outputs[1], graph.Cast, graph.Attrs{"to": 6}, length)
	}
	if a.err != nil {
		return a.err
	}
	s.Raw.Op, s.Raw.Attrs = graph.LayerNormalization, graph.Attrs{"axis": -1, "epsilon": epsilon}
	s.Raw.Inputs, s.Raw.Outputs = slices.Concat([]string{sum}, s.Raw.Inputs[5:7]), outputs[:1]
	return nil
}
