package graph

import "fmt"

// operator is what every node of an operator must satisfy before anything looks at its shapes.
type operator struct {
	least, most int // inputs; most is unbounded for Concat
	attrs       map[string]kind
}

// kind is the Go type of an attribute.
type kind uint8

const (
	kindInt kind = iota
	kindFloat
	kindString
	kindInts
	kindFloats
)

const unbounded = 1 << 20 // more inputs than a node has

var windowAttrs = map[string]kind{
	"kernel_shape": kindInts, "strides": kindInts, "pads": kindInts, "dilations": kindInts, "auto_pad": kindString,
	"ceil_mode": kindInt, "count_include_pad": kindInt, "group": kindInt,
}

var convAttrs = map[string]kind{
	"kernel_shape": kindInts, "strides": kindInts, "pads": kindInts, "dilations": kindInts, "auto_pad": kindString,
	"group": kindInt, "ceil_mode": kindInt, "count_include_pad": kindInt, dynamicAttr: kindInt,
}

var (
	alphaAttrs  = map[string]kind{"alpha": kindFloat}
	reduceAttrs = map[string]kind{"axes": kindInts, "keepdims": kindInt, "noop_with_empty_axes": kindInt}
	resizeAttrs = map[string]kind{
		"mode": kindString, "scales": kindFloats, "sizes": kindInts, "coordinate_transformation_mode": kindString,
		"nearest_mode": kindString, "cubic_coeff_a": kindFloat, "exclude_outside": kindInt, "antialias": kindInt,
		"extrapolation_value": kindFloat, "roi": kindFloats,
	}
)

// operators is read and never written.
var operators = map[Op]operator{
	Add:                {2, 2, nil},
	AveragePool:        {1, 1, windowAttrs},
	BatchNormalization: {5, 5, map[string]kind{"epsilon": kindFloat}},
	Clip:               {1, 1, map[string]kind{"min": kindFloat, "max": kindFloat}},
	Concat:             {1, unbounded, map[string]kind{"axis": kindInt}},
	Conv:               {2, 3, convAttrs},
	DequantizeLinear:   {1, 1, nil},
	Dropout:            {1, 1, nil},
	Expand:             {1, 1, map[string]kind{"shape": kindInts}},
	Flatten:            {1, 1, map[string]kind{"axis": kindInt}},
	Gemm:               {2, 3, map[string]kind{"alpha": kindFloat, "beta": kindFloat, "transA": kindInt, "transB": kindInt, dynamicAttr: kindInt}},
	Gather:             {1, 1, map[string]kind{"axis": kindInt, "indices": kindInts}},
	GlobalAveragePool:  {1, 1, nil},
	HardSigmoid:        {1, 1, map[string]kind{"alpha": kindFloat, "beta": kindFloat}},
	HardSwish:          {1, 1, nil},
	Identity:           {1, 1, nil},
	LeakyRelu:          {1, 1, map[string]kind{"alpha": kindFloat}},
	MatMul:             {2, 2, map[string]kind{dynamicAttr: kindInt}},
	MaxPool:            {1, 1, windowAttrs},
	Mul:                {2, 2, nil},
	Pad:                {1, 1, map[string]kind{"pads": kindInts, "mode": kindString, "value": kindFloat}},
	QuantizeLinear:     {1, 1, nil},
	Relu:               {1, 1, nil},
	Reshape:            {1, 1, map[string]kind{"shape": kindInts, "allowzero": kindInt}},
	Sigmoid:            {1, 1, nil},
	Slice:              {1, 1, map[string]kind{"starts": kindInts, "ends": kindInts, "axes": kindInts, "steps": kindInts}},
	Softmax:            {1, 1, map[string]kind{"axis": kindInt}},
	Squeeze:            {1, 1, map[string]kind{"axes": kindInts}},
	Tile:               {1, 1, map[string]kind{"repeats": kindInts}},
	Transpose:          {1, 1, map[string]kind{"perm": kindInts}},
	Where:              {3, 3, nil},
	Unsqueeze:          {1, 1, map[string]kind{"axes": kindInts}},

	Abs: {1, 1, nil}, Ceil: {1, 1, nil}, Erf: {1, 1, nil}, Exponential: {1, 1, nil}, Floor: {1, 1, nil}, Logarithm: {1, 1, nil},
	Mish: {1, 1, nil}, Neg: {1, 1, nil}, Reciprocal: {1, 1, nil}, Round: {1, 1, nil}, Sign: {1, 1, nil}, Softplus: {1, 1, nil},
	Softsign: {1, 1, nil}, Sqrt: {1, 1, nil}, Tanh: {1, 1, nil},
	Celu: {1, 1, alphaAttrs}, Elu: {1, 1, alphaAttrs}, Swish: {1, 1, alphaAttrs}, ThresholdedRelu: {1, 1, alphaAttrs},
	Gelu: {1, 1, map[string]kind{"approximate": kindString}},
	Selu: {1, 1, map[string]kind{"alpha": kindFloat, "gamma": kindFloat}},
	Sub:  {2, 2, nil}, Div: {2, 2, nil}, Pow: {2, 2, nil}, Max: {2, 2, nil}, Min: {2, 2, nil}, PRelu: {2, 2, nil},

	ReduceL1: {1, 1, reduceAttrs}, ReduceL2: {1, 1, reduceAttrs}, ReduceLogSum: {1, 1, reduceAttrs},
	ReduceLogSumExp: {1, 1, reduceAttrs}, ReduceMax: {1, 1, reduceAttrs}, ReduceMean: {1, 1, reduceAttrs},
	ReduceMin: {1, 1, reduceAttrs}, ReduceProd: {1, 1, reduceAttrs}, ReduceSum: {1, 1, reduceAttrs},
	ReduceSumSquare: {1, 1, reduceAttrs},

	GlobalMaxPool:         {1, 1, nil},
	GroupNormalization:    {3, 3, map[string]kind{"epsilon": kindFloat, "num_groups": kindInt}},
	InstanceNormalization: {3, 3, map[string]kind{"epsilon": kindFloat}},
	LayerNormalization:    {2, 3, map[string]kind{"axis": kindInt, "epsilon": kindFloat}},
	LogSoftmax:            {1, 1, map[string]kind{"axis": kindInt}},
	Resize:                {1, 1, resizeAttrs},
	RMSNormalization:      {2, 2, map[string]kind{"axis": kindInt, "epsilon": kindFloat}},
}

// Known reports whether a graph can have nodes of the operator.
func (o Op) Known() bool {
	_, ok := operators[o]
	return ok
}

// checkNode returns an error unless the node's operator is known, and the number of its inputs and outputs and the
// types of its attributes are the operator's. Attributes that the operator does not have are ignored.
func checkNode(n *Node) error {
	op, ok := operators[n.Op]
	if !ok {
		return fmt.Errorf("%v: the operator is not one of the %d that linquant knows: replace the node before the graph is made", n, len(operators))
	}
	if len(n.Inputs) < op.least || len(n.Inputs) > op.most {
		return fmt.Errorf("%v has %d inputs, %s", n, len(n.Inputs), op.arity())
	}
	for i, name := range n.Inputs {
		if name == "" && i < op.least {
			return fmt.Errorf("%v: input %d is left out, and the operator needs it", n, i)
		}
	}
	if len(n.Outputs) != 1 || n.Outputs[0] == "" {
		return fmt.Errorf("%v has %d outputs: every operator here has one; leave out the others (masks, indices)", n, len(n.Outputs))
	}
	for name, k := range op.attrs {
		v, ok := n.Attrs[name]
		if !ok {
			continue
		}
		switch v.(type) {
		case int:
			ok = k == kindInt
		case float32:
			ok = k == kindFloat
		case string:
			ok = k == kindString
		case []int:
			ok = k == kindInts
		case []float32:
			ok = k == kindFloats
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("%v: the attribute %s is a %T: make it %s", n, name, v, k)
		}
	}
	return nil
}

func (o operator) arity() string {
	switch {
	case o.most == unbounded:
		return fmt.Sprintf("not %d or more", o.least)
	case o.least == o.most:
		return fmt.Sprintf("not %d", o.least)
	}
	return fmt.Sprintf("not %d to %d", o.least, o.most)
}

func (k kind) String() string {
	return [...]string{"an int", "a float32", "a string", "a []int", "a []float32"}[k]
}
