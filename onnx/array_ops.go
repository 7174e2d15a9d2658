package onnx

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/quant"
	"linquant/tensor"
)

// arrayOp computes an operator on arrays.
type arrayOp struct {
	// data is the number of inputs whose elements the output has; the others are parameters. 0: all.
	data int
	// always is for what package graph has no operator: it is also computed of nothing but floats. Other nodes of
	// constant floats stay, since graph.FoldConstants computes them when it is known what else becomes of a weight.
	always bool
	// compute returns the output; ok is false where it does not work on arrays so. The number of inputs was checked.
	compute func(s site, in []array) (out array, ok bool)
}

var arrayOps = map[graph.Op]arrayOp{
	graph.Identity:    {1, false, func(_ site, in []array) (array, bool) { return in[0], true }},
	"Cast":            {1, false, castArray},
	"CastLike":        {1, true, func(s site, in []array) (array, bool) { return s.convert(in[0], in[1].dtype) }},
	graph.Concat:      {0, false, concatArrays},
	graph.Unsqueeze:   {1, false, unsqueezeArray},
	graph.Squeeze:     {1, false, squeezeArray},
	graph.Reshape:     {1, false, reshapeArray},
	graph.Flatten:     {1, false, flattenArray},
	graph.Transpose:   {1, false, transposeArray},
	graph.Slice:       {1, false, sliceArray},
	graph.Gather:      {1, true, gatherArray},
	graph.Expand:      {1, false, expandArray},
	graph.Tile:        {1, false, tileArray},
	graph.Pad:         {1, false, padArray},
	graph.Clip:        {0, false, clipArray},
	"GatherElements":  {1, true, gatherElementsArray},
	"Trilu":           {1, true, triluArray},
	"ConstantOfShape": {0, true, constantOfShapeArray},
	"Range":           {0, true, rangeArray},
	"EyeLike":         {1, true, eyeLikeArray},
	"OneHot":          {0, true, oneHotArray},
	"CumSum":          {1, true, cumSumArray},
	"NonZero":         {1, true, nonZeroArray},
	"ReduceProd":      {1, false, reduceArray(multiply)},
	"ReduceSum":       {1, false, reduceArray(add)},
	"ReduceMax":       {1, false, reduceArray(larger)},
	"ReduceMin":       {1, false, reduceArray(smaller)},
	"ArgMax":          {1, true, argArray(larger)},
	"ArgMin":          {1, true, argArray(smaller)},

	graph.Add:  {0, false, arithmetic(add)},
	"Sub":      {0, false, arithmetic(subtract)},
	graph.Mul:  {0, false, arithmetic(multiply)},
	"Div":      {0, false, arithmetic(divide)},
	"Mod":      {0, true, modulo},
	"Pow":      {0, false, powerArray},
	"Max":      {0, false, arithmetic(larger)},
	"Min":      {0, false, arithmetic(smaller)},
	"Sum":      {0, false, arithmetic(add)},
	"BitShift": {0, true, shiftArray},

	"Neg": {0, false, unary(function(graph.Neg), func(v int64) int64 { return -v })},
	"Abs": {0, false, unary(function(graph.Abs), func(v int64) int64 { return max(v, -v) })},
	"Sign": {0, false, unary(function(graph.Sign), func(v int64) int64 {
		return truth(v > 0) - truth(v < 0)
	})},
	"Floor": {0, false, unary(function(graph.Floor), nil)},
	"Ceil":  {0, false, unary(function(graph.Ceil), nil)},
	"Not":   {0, true, unary(nil, func(v int64) int64 { return 1 - v })},

	"Equal":          {0, true, comparison(func(a, b float32) bool { return a == b }, func(c int) bool { return c == 0 })},
	"Greater":        {0, true, comparison(func(a, b float32) bool { return a > b }, func(c int) bool { return c > 0 })},
	"GreaterOrEqual": {0, true, comparison(func(a, b float32) bool { return a >= b }, func(c int) bool { return c >= 0 })},
	"Less":           {0, true, comparison(func(a, b float32) bool { return a < b }, func(c int) bool { return c < 0 })},
	"LessOrEqual":    {0, true, comparison(func(a, b float32) bool { return a <= b }, func(c int) bool { return c <= 0 })},
	"And":            {0, true, logic(func(a, b int64) int64 { return a & b })},
	"Or":             {0, true, logic(func(a, b int64) int64 { return a | b })},
	"Xor":            {0, true, logic(func(a, b int64) int64 { return a ^ b })},
	graph.Where:      {0, true, whereArray},
	"IsNaN":          {0, true, test(func(x float32) bool { return x != x })},
	"IsInf":          {0, true, isInfArray},
}

// evaluate computes the output of a node whose inputs are known, or that makes a constant of a value's shape. done is
// false for other nodes.
func (s site) evaluate() (done bool, err error) {
	switch s.n.Op {
	case "Shape":
		return true, s.known(vector(s.shapeOf(s.n.Inputs[0])...))
	case "Size":
		n, ok := s.im.sizeOf(s.n.Inputs[0])
		if !ok {
			return false, nil
		}
		return true, s.known(array{dtype: tensor.Int64, shape: []int{}, v: []int64{n}})
	case "Split":
		return s.splitArray()
	}
	op, ok := arrayOps[s.n.Op]
	if !ok || len(s.n.Inputs) == 0 {
		return false, nil
	}
	in, ok := s.operands(op)
	if !ok {
		return false, nil
	}
	out, ok := op.compute(s, in)
	if !ok {
		if s.n.Op == "Cast" {
			return false, nil // which says what it does not convert
		}
		return false, s.errorf("it computes with constants in a way that is not supported, or with what is known only of " +
			"a batch: simplify the model, or export it with fixed shapes")
	}
	return true, s.known(out)
}

// operands returns the inputs as arrays. ok is false where one is not known, or the node stays one of constants.
func (s site) operands(op arrayOp) (in []array, ok bool) {
	im, wanted := s.im, op.always
	data := op.data
	if data == 0 {
		data = len(s.n.Inputs)
	}
	for i, name := range s.n.Inputs {
		if name == "" && i >= s.least {
			continue
		}
		if _, computed := im.arrays[name]; computed {
			wanted = wanted || i < data
			continue
		}
		v := im.g.Values[name]
		switch {
		case v == nil || v.Const == nil:
			return nil, false
		case i >= data || v.DType == tensor.Float32 && !im.derived[name]:
		case v.Type != quant.Type{}, v.DType.Size() == 1 && v.DType != tensor.Bool && op.data == 1 && !im.bound[name]:
			return nil, false // codes, which remain a constant
		default:
			wanted = true
		}
	}
	if s.n.Op == "Cast" && !s.toFloats() {
		wanted = true
	}
	if !wanted {
		return nil, false
	}
	for _, name := range s.n.Inputs {
		var a array
		if name != "" {
			if a, ok = im.array(name); !ok || im.left.take(int64(a.elements())) != nil {
				return nil, false
			}
		}
		in = append(in, a)
	}
	return in, true
}

// known makes the array the node's output: a constant of floats, or an array.
func (s site) known(a array) error {
	name := s.n.Outputs[0]
	if !a.float() {
		s.im.arrays[name] = a
		return nil
	}
	t, err := a.tensor()
	if err != nil {
		return s.errorf("%w", err)
	}
	s.im.g.AddConst(name, t)
	s.im.derived[name] = true
	return nil
}

// castArray converts the elements.
func castArray(s site, in []array) (array, bool) {
	e, err := supported(onnxpb.DataType(s.n.Attrs.Int("to", 0)))
	if err != nil || e.bits < 8 {
		return array{}, false
	}
	return s.convert(in[0], e.store)
}

// toFloats reports whether a Cast is to floats.
func (s site) toFloats() bool {
	return elementTypes[onnxpb.DataType(s.n.Attrs.Int("to", 0))].store == tensor.Float32
}

// convert returns the array with elements of another type. Floats lose what is behind the point.
func (s site) convert(a array, to tensor.DType) (array, bool) {
	if a.dtype == to {
		return a, true
	}
	out, ok := s.im.make(to, a.shape)
	if !ok || a.unknown() && to != tensor.Int64 && to != tensor.Int32 {
		return out, false
	}
	switch {
	case out.float():
		for i, v := range a.v {
			if out.f[i] = float32(v); a.dtype == tensor.Uint64 {
				out.f[i] = float32(uint64(v))
			}
		}
	case !a.float() && a.sizes:
		copy(out.v, a.v) // shapes fit
		out.sizes = true
	case !a.float():
		for i, v := range a.v {
			out.v[i] = wrap(v, to)
		}
	case to == tensor.Bool:
		for i, x := range a.f {
			out.v[i] = truth(x != 0)
		}
	default:
		for i, x := range a.f {
			if !(x > -0x1p63 && x < 0x1p63) {
				return out, false // it has no meaning that processors agree on
			}
			out.v[i] = wrap(int64(x), to)
		}
	}
	return out, true
}
