package convert

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Codes that have no form in integers here are computed as the numbers that they are, in reals, exactly: codes of 16 bits,
// those whose scale is computed, is one of several of an activation, or is not positive, and those that anything but another
// operator of quantization reads. QuantizeLinear is a division, a rounding to the nearest, ties to even, a sum and a clamp then;
// DequantizeLinear a difference and a product; ConvInteger and MatMulInteger are Conv and MatMul of differences, whose sums are
// exact up to 2²⁴.

// bounds returns the range of a type of codes of up to 16 bits.
func bounds(n build.Number) (lo, hi float32, ok bool) {
	if t, ok := (&raw.Value{DType: n.DType, Type: n.Type}).Codes(); ok && t.Bits <= 8 {
		lo, hi := t.Range()
		return float32(lo), float32(hi), true
	}
	switch n.DType {
	case tensor.Int16:
		return math.MinInt16, math.MaxInt16, true
	case tensor.Uint16:
		return 0, math.MaxUint16, true
	}
	return 0, 0, false
}

// quantizeLinear leaves those whose codes have a form in integers to package fuse.
func quantizeLinear(s build.Node) error {
	as, err := codesMade(s)
	if err != nil {
		return err
	}
	why := notIntegers(s, as)
	if why == "" {
		return nil
	}
	lo, hi, ok := bounds(as)
	if !ok {
		return s.Errorf("it makes codes of %v: only those of 2 to 8 and of 16 bits are supported", as.DType)
	}
	scale, zero, err := linearOperands(s, 1, 2)
	if err != nil {
		return err
	}
	s.Net.Note(s.File, why)
	q, err := s.Insert("steps", graph.Div, graph.Attrs{}, s.Raw.Inputs[0], scale)
	if err != nil {
		return err
	}
	if q, err = s.Insert("rounded", graph.Round, graph.Attrs{}, q); err != nil {
		return err
	}
	if zero != "" {
		if q, err = s.Insert("moved", graph.Add, graph.Attrs{}, q, zero); err != nil {
			return err
		}
	}
	s.Net.Numbers[s.Raw.Outputs[0]] = as
	s.Least = 1
	return s.Become(graph.Clip, graph.Attrs{"min": lo, "max": hi}, q)
}

// codesMade returns the type that a QuantizeLinear makes: its zero point's, that of an attribute, or uint8.
func codesMade(s build.Node) (build.Number, error) {
	if zero := s.Raw.Input(2); zero != "" {
		if as, ok := s.Net.Numbers[zero]; ok {
			return as, nil
		}
		if v := s.Net.Graph.Values[zero]; v != nil {
			return build.Number{DType: v.DType, Type: v.Type}, nil
		}
		a := s.Net.Arrays[zero]
		return build.Number{DType: a.DType}, nil
	}
	if s.Raw.Op == graph.QuantizeLinear && s.Raw.Int("output_dtype") != 0 {
		e, err := elements.Supported(onnxpb.DataType(s.Raw.Int("output_dtype")))
		if err != nil {
			return build.Number{}, s.Errorf("attribute output_dtype: %w", err)
		}
		return build.Number{DType: e.Store, Type: e.Codes()}, nil
	}
	return build.Number{DType: tensor.Uint8}, nil
}

// notIntegers returns why the codes of a QuantizeLinear are computed as numbers, "" where they are not.
func notIntegers(s build.Node, as build.Number) string {
	if as.DType.Size() == 2 {
		return "its codes have 16 bits"
	}
	if _, constant := s.Net.Follows(s.Raw.Inputs[0]); constant {
		return ""
	}
	if why := notParameters(s, s.Raw.Input(1), s.Raw.Input(2)); why != "" {
		return why
	}
	if reader := readAsNumbers(s, s.Raw.Outputs[0], as); reader != nil {
		return "its codes are numbers to " + string(operators.Op(reader))
	}
	return ""
}

// notParameters returns why a scale and a zero point are none of an activation of integers, "" where they are.
func notParameters(s build.Node, scale, zero string) string {
	c, ok := s.Net.Follows(scale)
	if !ok {
		return "its scale is computed while the network runs"
	}
	if _, ok := s.Net.Follows(zero); !ok && zero != "" {
		return "its zero point is computed while the network runs"
	}
	if c.Elements() > 1 {
		return "it has a scale for each channel"
	}
	if x, err := c.Float32s(); err == nil && len(x) == 1 && !(x[0] >= 0x1p-126) && x[0] == x[0] {
		return "its scale is not positive"
	}
	return ""
}

// readAsNumbers returns a node of the file that reads codes of a type, or what hands them on, as numbers; nil where none does.
func readAsNumbers(s build.Node, name string, as build.Number) *onnxpb.Node {
	seen := map[string]bool{}
	wanted := []string{name}
	for len(wanted) > 0 {
		last := len(wanted) - 1
		name := wanted[last]
		if wanted = wanted[:last]; seen[name] {
			continue
		}
		seen[name] = true
		for _, n := range s.Net.FileReaders(name) {
			op := operators.Op(n)
			row, inGraph := graph.Lookup(op)
			switch {
			case op == graph.DequantizeLinear || op == raw.MSDequantizeLinear:
				if len(n.Inputs) > 1 && n.Inputs[0] == name && n.Inputs[1] != s.Raw.Input(1) &&
					s.Net.Graph.Values[n.Inputs[1]] != nil && notParameters(s, n.Inputs[1], "") != "" {
					return n
				}
			case raw.HasParameters(op), op == "Shape", op == "Size":
			case op == graph.Cast:
				if !castsTo(n, as) {
					return n
				}
				wanted = append(wanted, n.Outputs...)
			case inGraph && row.Role == graph.RolePass && row.Class != graph.ClassReference, op == graph.Concat, op == graph.Clip, op == graph.Relu,
				op == "Split", op == graph.Identity:
				wanted = append(wanted, n.Outputs...)
			default:
				return n
			}
		}
	}
	return nil
}

// castsTo reports whether a Cast of the file is to the type.
func castsTo(n *onnxpb.Node, as build.Number) bool {
	for i := range n.Attrs {
		if a := &n.Attrs[i]; a.Name == "to" {
			e := elements.Types[onnxpb.DataType(a.Int)]
			return e.Store == as.DType && e.File == e.Store && e.Codes() == as.Type
		}
	}
	return false
}

// dequantizeLinear leaves constants, and codes that have a form in integers, to package fuse.
func dequantizeLinear(s build.Node) error {
	in := s.Raw.Inputs[0]
	v := s.Net.Graph.Values[in]
	_, numbers := s.Net.Numbers[in]
	_, constant := s.Net.Follows(in)
	_, scaleKnown := s.Net.Follows(s.Raw.Input(1))
	_, zeroKnown := s.Net.Follows(s.Raw.Input(2))
	switch known := scaleKnown && (zeroKnown || s.Raw.Input(2) == ""); {
	case v == nil: // a list that was computed: a constant
		return nil
	case constant && known:
		return nil
	case !constant && !numbers && known && v.DType.Size() == 1 && s.Net.IsCodes(in):
		return nil
	case !numbers && !constant && v.DType.Size() != 1:
		s.Net.Note(s.File, "its codes are "+v.DType.String())
	}
	x, err := s.AsNumbers(in)
	if err != nil {
		return err
	}
	scale, zero, err := linearOperands(s, 1, 2)
	if err != nil {
		return err
	}
	if zero != "" {
		if x, err = s.Insert("centred", graph.Sub, graph.Attrs{}, x, zero); err != nil {
			return err
		}
	}
	return becomePair(s, graph.Mul, x, scale)
}

// becomePair makes the node itself another one, of two inputs.
func becomePair(s build.Node, op graph.Op, x, y string) error {
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = op, graph.Attrs{}, []string{x, y}
	return nil
}

// linearOperands returns a scale and a zero point, inputs of the node, as reals that broadcast to input 0; the zero point "" where it is left out
// or nothing but 0.
func linearOperands(s build.Node, scaleAt, zeroAt int) (scale, zero string, err error) {
	if s.Raw.Int("block_size") != 0 {
		return "", "", s.Errorf("it has blocks of %d along an axis of an activation: only constants can", s.Raw.Int("block_size"))
	}
	if scale, err = alongAxis(s, s.Raw.Input(scaleAt)); err != nil {
		return "", "", err
	}
	name := s.Raw.Input(zeroAt)
	if name == "" {
		return scale, "", nil
	}
	if c, ok := s.Net.Follows(name); ok && allZero(c.Data) {
		return scale, "", nil
	}
	zero, err = alongAxis(s, name)
	return scale, zero, err
}

func allZero(data []byte) bool {
	return !slices.ContainsFunc(data, func(b byte) bool { return b != 0 })
}

// dimsOf returns the dimensions of a value, as far as they are known.
func dimsOf(s build.Node, name string) []int64 {
	if c, ok := s.Net.Follows(name); ok {
		return elements.Int64s(c.Shape)
	}
	return s.Net.Inferred(name)
}

// alongAxis returns a parameter as reals, with dimensions of 1 behind where it has an element for each index of the node's axis.
func alongAxis(s build.Node, name string) (string, error) {
	as, err := s.AsNumbers(name)
	if err != nil {
		return "", err
	}
	dims := dimsOf(s, as)
	if len(dims) != 1 || dims[0] == 1 {
		return as, nil
	}
	rank, err := s.Rank(0)
	if err != nil {
		return "", err
	}
	axis := s.Raw.Int("axis")
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return "", s.Errorf("axis %d is no dimension of %q, which has %d", s.Raw.Int("axis"), s.Raw.Input(0), rank)
	}
	if axis == rank-1 {
		return as, nil
	}
	shape := append([]int{elements.Clamp(dims[0])}, slices.Repeat([]int{1}, rank-axis-1)...)
	return s.Insert("along", graph.Reshape, graph.Attrs{"shape": shape}, as)
}

// dynamicQuantizeLinear finds the range of the whole tensor, the scale and the zero point of that, and makes codes of 8 bits: three
// outputs. Layers that package file recognizes read none of them.
func dynamicQuantizeLinear(s build.Node) error {
	outputs, x := s.Raw.Outputs, s.Raw.Inputs[0]
	if len(outputs) != 3 || outputs[1] == "" || outputs[2] == "" {
		return s.Errorf("it has %d outputs: the operator has three", len(outputs))
	}
	s.Net.Note(s.File, "its scale is computed while the network runs")
	s.Raw.Outputs = outputs[:1]
	c := chainOf{s: s}
	zero := c.constant("zero", 0)
	all := graph.Attrs{"keepdims": 0}
	hi := c.add("highest", graph.Max, nil, c.add("most", graph.ReduceMax, all, x), zero)
	lo := c.add("lowest", graph.Min, nil, c.add("least", graph.ReduceMin, all, x), zero)
	width := c.add("width", graph.Sub, nil, hi, lo)
	step := c.add("step", graph.Div, nil, width, c.constant("steps", 255))
	c.beside(outputs[1], graph.Where, nil, c.add("empty", graph.Equal, nil, width, zero), c.constant("one", 1), step)
	below := c.add("below", graph.Sub, nil, zero, c.add("least_steps", graph.Div, nil, lo, outputs[1]))
	c.beside(outputs[2], graph.Clip, graph.Attrs{"min": float32(0), "max": float32(255)}, c.add("below_rounded", graph.Round, nil, below))
	q := c.add("rounded", graph.Round, nil, c.add("real_steps", graph.Div, nil, x, outputs[1]))
	q = c.add("moved", graph.Add, nil, q, outputs[2])
	if c.err != nil {
		return c.err
	}
	codes := build.Number{DType: tensor.Uint8}
	s.Net.Numbers[outputs[0]], s.Net.Numbers[outputs[2]] = codes, codes
	return s.Become(graph.Clip, graph.Attrs{"min": float32(0), "max": float32(255)}, q)
}

// chainOf adds nodes until one fails.
type chainOf struct {
	s   build.Node
	err error
}

func (c *chainOf) constant(what string, v float32) (name string) {
	if c.err == nil {
		name, c.err = c.s.ConstantOf(what, tensor.Shape{}, []float32{v})
	}
	return name
}

func (c *chainOf) add(what string, op graph.Op, attrs graph.Attrs, inputs ...string) (out string) {
	if attrs == nil {
		attrs = graph.Attrs{}
	}
	if c.err == nil {
		out, c.err = c.s.Insert(what, op, attrs, inputs...)
	}
	return out
}

func (c *chainOf) beside(output string, op graph.Op, attrs graph.Attrs, inputs ...string) {
	if attrs == nil {
		attrs = graph.Attrs{}
	}
	if c.err == nil {
		c.err = c.s.Beside(op, output, attrs, inputs...)
	}
}

// centred returns input i as numbers less the zero point, input at, which has the shape that as gives it where it has several
// elements.
func centred(s build.Node, i, at int, as func(n int) []int) (string, error) {
	x, err := s.AsNumbers(s.Raw.Inputs[i])
	name := s.Raw.Input(at)
	if err != nil || name == "" {
		return x, err
	}
	if c, ok := s.Net.Follows(name); ok && allZero(c.Data) {
		return x, nil
	}
	zero, err := s.AsNumbers(name)
	if err != nil {
		return "", err
	}
	dims := dimsOf(s, zero)
	if len(dims) == 1 && dims[0] != 1 && as != nil {
		if zero, err = s.Insert("zero", graph.Reshape, graph.Attrs{"shape": as(elements.Clamp(dims[0]))}, zero); err != nil {
			return "", err
		}
	}
	return s.Insert("centred", graph.Sub, graph.Attrs{}, x, zero)
}

// convInteger is a Conv of codes less their zero points; what is padded is the zero point.
func convInteger(s build.Node) error {
	s.Net.Note(s.File, integersInReals)
	x, err := centred(s, 0, 2, nil)
	if err != nil {
		return err
	}
	rank, err := s.Rank(1)
	if err != nil {
		return err
	}
	w, err := centred(s, 1, 3, func(n int) []int { return append([]int{n}, slices.Repeat([]int{1}, rank-1)...) })
	if err != nil {
		return err
	}
	s.Net.Numbers[s.Raw.Outputs[0]] = build.Number{DType: tensor.Int32}
	s.Raw.Op, s.Raw.Inputs = graph.Conv, []string{x, w}
	return nil
}

const integersInReals = "it is no layer as ONNX Runtime's quantize_dynamic writes them now: its sums of codes are computed in reals, exactly up to 2²⁴"

// matMulInteger is a MatMul of codes less their zero points, of which the first operand has one or one for each row, the second one
// or one for each column.
func matMulInteger(s build.Node) error {
	s.Net.Note(s.File, integersInReals)
	y, err := integerProduct(s, 2, 3)
	if err != nil {
		return err
	}
	s.Net.Numbers[s.Raw.Outputs[0]] = build.Number{DType: tensor.Int32}
	return becomePair(s, graph.MatMul, y[0], y[1])
}

func integerProduct(s build.Node, zeroA, zeroB int) (in [2]string, err error) {
	if in[0], err = centred(s, 0, zeroA, func(n int) []int { return []int{n, 1} }); err == nil {
		in[1], err = centred(s, 1, zeroB, nil)
	}
	return in, err
}

// matMulIntegerToFloat is ONNX Runtime's MatMulInteger with the scales of both operands and a bias.
func matMulIntegerToFloat(s build.Node) error {
	s.Net.Note(s.File, integersInReals)
	in, err := integerProduct(s, 4, 5)
	if err != nil {
		return err
	}
	c := chainOf{s: s}
	sums := c.add("sums", graph.MatMul, nil, in[0], in[1])
	scale := c.add("scale", graph.Mul, nil, s.Raw.Inputs[2], s.Raw.Inputs[3])
	bias := s.Raw.Input(6)
	if bias == "" {
		if c.err != nil {
			return c.err
		}
		return becomePair(s, graph.Mul, sums, scale)
	}
	sums = c.add("products", graph.Mul, nil, sums, scale)
	if c.err != nil {
		return c.err
	}
	return becomePair(s, graph.Add, sums, bias)
}

// numberArithmetic makes reals of the integers that are computed with together with integers that are reals.
func numberArithmetic(s build.Node) error {
	row, ok := graph.Lookup(s.Raw.Op)
	if !ok || row.Class != graph.ClassBinary || !row.Counting || len(s.Raw.Inputs) != 2 {
		return nil
	}
	_, a := s.Net.Numbers[s.Raw.Inputs[0]]
	_, b := s.Net.Numbers[s.Raw.Inputs[1]]
	if !a && !b {
		return nil
	}
	if row.Count != nil {
		return s.Errorf("it computes with integers that are sums of codes: put a Cast to float before it")
	}
	for i, in := range s.Raw.Inputs {
		as, err := s.AsNumbers(in)
		if err != nil {
			return err
		}
		s.Raw.Inputs[i] = as
	}
	s.Net.Numbers[s.Raw.Outputs[0]] = build.Number{DType: tensor.Int32}
	return nil
}

// addedToSums reports whether integers of a type that a Cast makes of whole reals, as old quantizers do of biases, are added to sums
// of codes and nothing else: then the reals are.
func addedToSums(s build.Node) bool {
	maker := s.Net.Producers[s.Raw.Inputs[0]]
	if maker == nil || maker.Op != graph.Floor && maker.Op != graph.Ceil && maker.Op != graph.Round {
		return false
	}
	wanted, found := []string{s.Raw.Outputs[0]}, false
	for step := 0; len(wanted) > 0 && step < 64; step++ {
		name := wanted[len(wanted)-1]
		wanted = wanted[:len(wanted)-1]
		for _, n := range s.Net.FileReaders(name) {
			op := operators.Op(n)
			row, inGraph := graph.Lookup(op)
			switch {
			case inGraph && row.Class == graph.ClassReshape && len(n.Inputs) > 0 && n.Inputs[0] == name:
				wanted = append(wanted, n.Outputs...)
			case (op == graph.Add || op == graph.Sub) && slices.ContainsFunc(n.Inputs, func(in string) bool { return sumsOfCodes(s, in) }):
				found = true
			default:
				return false
			}
		}
	}
	return found && len(wanted) == 0
}

// sumsOfCodes reports whether a node of the file that makes the value sums products of codes.
func sumsOfCodes(s build.Node, name string) bool {
	i, ok := s.Net.Makers[name]
	return ok && (s.Net.File.Nodes[i].Op == "ConvInteger" || s.Net.File.Nodes[i].Op == "MatMulInteger")
}
