package graph

// Op is an operator, by its ONNX name.
type Op string

// The operators of a Graph. Inputs and attributes are ONNX's, except that what ONNX passes as a constant input (the
// bounds of Clip, the axes of Squeeze, the target of Reshape) is an attribute here, under the name given. Each has one
// output: masks and indices do not exist. ONNX's Constant is a Value with Const. Convolution and pooling are 2-D.
//
//	Conv                inputs X, W [M, C/group, kH, kW], B [M] optional; strides, pads, dilations, group, auto_pad
//	Gemm                inputs A, B, C optional; alpha, beta, transA, transB
//	MatMul              inputs A, B
//	BatchNormalization  inputs X, scale, B, mean, var; epsilon
//	Relu, Sigmoid, HardSwish, Identity, Dropout (as in inference, where it does nothing)
//	Clip                min, max (float32; a missing one is no bound)
//	LeakyRelu           alpha
//	HardSigmoid         alpha, beta
//	Softmax             axis
//	MaxPool             kernel_shape, strides, pads, dilations, ceil_mode, auto_pad
//	AveragePool         the same, and count_include_pad
//	GlobalAveragePool
//	Add, Mul            with numpy's broadcasting
//	Concat              axis
//	Pad                 pads ([]int, starts then ends, over all dimensions), mode ("constant", "reflect", "edge"), value
//	                    (float32)
//	Slice               starts, ends, axes, steps ([]int of one length)
//	Flatten             axis
//	Reshape             shape ([]int with 0 and -1 as in ONNX; the first may be Batch), allowzero
//	Transpose           perm
//	Squeeze, Unsqueeze  axes
//	QuantizeLinear      input of floats; the output's Quant has the parameters
//	DequantizeLinear    input of codes, whose Quant has the parameters
const (
	Add                Op = "Add"
	AveragePool        Op = "AveragePool"
	BatchNormalization Op = "BatchNormalization"
	Clip               Op = "Clip"
	Concat             Op = "Concat"
	Conv               Op = "Conv"
	DequantizeLinear   Op = "DequantizeLinear"
	Dropout            Op = "Dropout"
	Flatten            Op = "Flatten"
	Gemm               Op = "Gemm"
	GlobalAveragePool  Op = "GlobalAveragePool"
	HardSigmoid        Op = "HardSigmoid"
	HardSwish          Op = "HardSwish"
	Identity           Op = "Identity"
	LeakyRelu          Op = "LeakyRelu"
	MatMul             Op = "MatMul"
	MaxPool            Op = "MaxPool"
	Mul                Op = "Mul"
	Pad                Op = "Pad"
	QuantizeLinear     Op = "QuantizeLinear"
	Relu               Op = "Relu"
	Reshape            Op = "Reshape"
	Sigmoid            Op = "Sigmoid"
	Slice              Op = "Slice"
	Softmax            Op = "Softmax"
	Squeeze            Op = "Squeeze"
	Transpose          Op = "Transpose"
	Unsqueeze          Op = "Unsqueeze"
)

// Attrs are the attributes of a node by their ONNX names. A value is an int, float32, string, []int, []float32 or
// tensor.Tensor; an attribute that is missing has ONNX's default.
type Attrs map[string]any

// Int returns an integer attribute, or fallback where it is missing or no integer.
func (a Attrs) Int(name string, fallback int) int {
	if v, ok := a[name].(int); ok {
		return v
	}
	return fallback
}

// Float returns a float attribute, or fallback where it is missing or no float.
func (a Attrs) Float(name string, fallback float32) float32 {
	if v, ok := a[name].(float32); ok {
		return v
	}
	return fallback
}

// Str returns a string attribute, or fallback where it is missing or no string.
func (a Attrs) Str(name, fallback string) string {
	if v, ok := a[name].(string); ok {
		return v
	}
	return fallback
}

// Ints returns a list of integers; nil where it is missing. The list is shared and must not be changed.
func (a Attrs) Ints(name string) []int {
	v, _ := a[name].([]int)
	return v
}
