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
//	Concat              axis; an input without a batch whose first dimension is 1 is joined to every example
//	Pad                 pads ([]int, starts then ends, over all dimensions), mode ("constant", "reflect", "edge"), value
//	                    (float32)
//	Slice               starts, ends, axes, steps ([]int of one length)
//	Flatten             axis
//	Reshape             shape ([]int with 0 and -1 as in ONNX; the first may be Batch), allowzero
//	Transpose           perm
//	Squeeze, Unsqueeze  axes
//	QuantizeLinear      input of floats; the output's Quant has the parameters
//	DequantizeLinear    input of codes, whose Quant has the parameters
//	Gather              indices ([]int, those below 0 from the end), axis
//	Expand              shape ([]int, the first may be Batch): broadcasting
//	Tile                repeats ([]int, one for each dimension)
//	Where               inputs condition (a constant of floats: where it is not 0), X, Y, with numpy's broadcasting
//
// A Conv, Gemm or MatMul with the attribute dynamic (1) is dynamically quantized: its input, output and bias (a constant,
// [channels]) are reals, its weight is a constant of codes, and it makes codes of each example of its input by the range
// that the example has. SetDynamic makes one, and Dynamic says how ranges become scales.
const (
	Add                Op = "Add"
	AveragePool        Op = "AveragePool"
	BatchNormalization Op = "BatchNormalization"
	Clip               Op = "Clip"
	Concat             Op = "Concat"
	Conv               Op = "Conv"
	DequantizeLinear   Op = "DequantizeLinear"
	Dropout            Op = "Dropout"
	Expand             Op = "Expand"
	Flatten            Op = "Flatten"
	Gather             Op = "Gather"
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
	Tile               Op = "Tile"
	Transpose          Op = "Transpose"
	Unsqueeze          Op = "Unsqueeze"
	Where              Op = "Where"
)

// The operators of mathematics. They too have ONNX's inputs and attributes; ONNX's operators of any number of inputs
// (Sum, Mean, Max, Min) are chains of two.
//
//	Sub, Div, Pow, Max, Min  two inputs, with numpy's broadcasting
//	PRelu               inputs X, slope, which broadcasts to X
//	Sqrt, Exp, Log, Tanh, Erf, Softplus, Softsign, Mish, Abs, Neg, Reciprocal, Floor, Ceil, Sign, Round (ties to even)
//	Gelu                approximate ("none": with Erf, "tanh")
//	Elu, Celu, ThresholdedRelu, Swish (x·sigmoid(alpha·x))  alpha
//	Selu                alpha, gamma
//	LogSoftmax          axis
//	ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp,
//	ReduceSumSquare     axes ([]int; a missing or empty one is all dimensions), keepdims (default 1),
//	                    noop_with_empty_axes
//	GlobalMaxPool
//	LayerNormalization  inputs X, scale, B optional, which broadcast to the dimensions from axis on; axis, epsilon
//	RMSNormalization    inputs X, scale; axis, epsilon
//	InstanceNormalization  inputs X, scale [C], B [C]; epsilon
//	GroupNormalization  inputs X, scale [C], B [C]; num_groups, epsilon
//	Resize              mode ("nearest", "linear", "cubic"); scales ([]float32) or sizes ([]int, the first may be Batch),
//	                    one for each dimension (with both, the sizes are the result's); nearest_mode, antialias,
//	                    coordinate_transformation_mode, cubic_coeff_a, exclude_outside, extrapolation_value, roi
//	                    ([]float32, starts then ends)
const (
	Abs                   Op = "Abs"
	Ceil                  Op = "Ceil"
	Celu                  Op = "Celu"
	Div                   Op = "Div"
	Elu                   Op = "Elu"
	Erf                   Op = "Erf"
	Exponential           Op = "Exp"
	Floor                 Op = "Floor"
	Gelu                  Op = "Gelu"
	GlobalMaxPool         Op = "GlobalMaxPool"
	GroupNormalization    Op = "GroupNormalization"
	InstanceNormalization Op = "InstanceNormalization"
	LayerNormalization    Op = "LayerNormalization"
	Logarithm             Op = "Log"
	LogSoftmax            Op = "LogSoftmax"
	Max                   Op = "Max"
	Min                   Op = "Min"
	Mish                  Op = "Mish"
	Neg                   Op = "Neg"
	Pow                   Op = "Pow"
	PRelu                 Op = "PRelu"
	Reciprocal            Op = "Reciprocal"
	ReduceL1              Op = "ReduceL1"
	ReduceL2              Op = "ReduceL2"
	ReduceLogSum          Op = "ReduceLogSum"
	ReduceLogSumExp       Op = "ReduceLogSumExp"
	ReduceMax             Op = "ReduceMax"
	ReduceMean            Op = "ReduceMean"
	ReduceMin             Op = "ReduceMin"
	ReduceProd            Op = "ReduceProd"
	ReduceSum             Op = "ReduceSum"
	ReduceSumSquare       Op = "ReduceSumSquare"
	Resize                Op = "Resize"
	RMSNormalization      Op = "RMSNormalization"
	Round                 Op = "Round"
	Selu                  Op = "Selu"
	Sign                  Op = "Sign"
	Softplus              Op = "Softplus"
	Softsign              Op = "Softsign"
	Sqrt                  Op = "Sqrt"
	Sub                   Op = "Sub"
	Swish                 Op = "Swish"
	Tanh                  Op = "Tanh"
	ThresholdedRelu       Op = "ThresholdedRelu"
)

// Attrs are the attributes of a node by their ONNX names. A value is an int, float32, string, []int or []float32, as the
// operator's row has it; Check refuses others. An attribute that is missing has the row's default, which is ONNX's: read
// them with Node.Int and the like.
type Attrs map[string]any
