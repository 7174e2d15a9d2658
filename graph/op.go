package graph

// Op is an operator, by its ONNX name.
type Op string

// The operators of a Graph. Their inputs and attributes are ONNX's in its newest opset, and Lookup has the row of each: how
// many inputs, which attributes and their defaults. What the rows cannot say:
//
//   - What ONNX passes as a constant input (the bounds of Clip, the axes of Squeeze, the target of Reshape) is an attribute
//     here, and ONNX's Constant is a Value with Const. A node has one output: of an operator with several
//     there is a node for each that is read (the attribute output), and masks do not exist. Dropout does
//     nothing, as in inference.
//   - Convolution and pooling are 2-D: X is [N, C, H, W], W of Conv [M, C/group, kH, kW], its bias [M].
//   - The first dimension of the attributes shape of Reshape and Expand may be Batch. The starts and ends of Pad's pads are
//     over all dimensions, Slice's lists of one length, Tile's repeats one for each dimension, Gather's indices a list, those
//     below 0 from the end, or its second input.
//   - Concat joins an input without a batch whose first dimension is 1 to every example.
//   - The condition of Where is booleans, or a constant of floats: the first operand where it is not 0.
//   - The parameters of QuantizeLinear and DequantizeLinear are the Quant of the value of codes.
//   - A Conv, Gemm or MatMul with the attribute dynamic (1) is dynamically quantized: its input, output and bias (a constant,
//     [channels]) are reals, its weight is a constant of codes, and it makes codes of each example of its input by the range
//     that the example has. SetDynamic makes one, and Dynamic says how ranges become scales. An LSTM with it has codes for W and
//     R, constants with a scale for each direction or for each row of a direction (groups as long as a row), and makes codes of
//     the whole input, and in each step of the hidden states of the whole batch.
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
// (Sum, Mean, Max, Min) are chains of two, with numpy's broadcasting. Missing or empty axes of a reduction are all dimensions,
// unless noop_with_empty_axes says none. Scale and bias of GroupNormalization and InstanceNormalization are [C], those of
// LayerNormalization broadcast to the dimensions from axis on. Resize has scales or sizes (with both, the sizes are the
// result's), one for each dimension; the first size may be Batch, and roi has the starts, then the ends.
const (
	Abs                   Op = "Abs"
	Acos                  Op = "Acos"
	Acosh                 Op = "Acosh"
	Asin                  Op = "Asin"
	Asinh                 Op = "Asinh"
	Atan                  Op = "Atan"
	Atanh                 Op = "Atanh"
	Ceil                  Op = "Ceil"
	Celu                  Op = "Celu"
	Cos                   Op = "Cos"
	Cosh                  Op = "Cosh"
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
	Sin                   Op = "Sin"
	Sinh                  Op = "Sinh"
	Softplus              Op = "Softplus"
	Softsign              Op = "Softsign"
	Sqrt                  Op = "Sqrt"
	Sub                   Op = "Sub"
	Swish                 Op = "Swish"
	Tan                   Op = "Tan"
	Tanh                  Op = "Tanh"
	ThresholdedRelu       Op = "ThresholdedRelu"
)

// The operators that an engine computes as Eval does, on reals, integers and booleans (ClassReference). Indices, k and axes that
// ONNX has as inputs are attributes, but for indices of Gather and its relatives that are computed.
const (
	And             Op = "And"
	ArgMax          Op = "ArgMax"
	ArgMin          Op = "ArgMin"
	Cast            Op = "Cast"
	CumSum          Op = "CumSum"
	Einsum          Op = "Einsum"
	Equal           Op = "Equal"
	GRU             Op = "GRU"
	GatherElements  Op = "GatherElements"
	GatherND        Op = "GatherND"
	Greater         Op = "Greater"
	GreaterOrEqual  Op = "GreaterOrEqual"
	GridSample      Op = "GridSample"
	Hardmax         Op = "Hardmax"
	IsInf           Op = "IsInf"
	IsNaN           Op = "IsNaN"
	LSTM            Op = "LSTM"
	Less            Op = "Less"
	LessOrEqual     Op = "LessOrEqual"
	Mod             Op = "Mod"
	Not             Op = "Not"
	Or              Op = "Or"
	RNN             Op = "RNN"
	ReverseSequence Op = "ReverseSequence"
	ScatterElements Op = "ScatterElements"
	ScatterND       Op = "ScatterND"
	TopK            Op = "TopK"
	Trilu           Op = "Trilu"
	Xor             Op = "Xor"
)

// Attrs are the attributes of a node by their ONNX names. A value is an int, float32, string, []int or []float32, as the
// operator's row has it; Check refuses others. An attribute that is missing has the row's default, which is ONNX's: read
// them with Node.Int and the like.
type Attrs map[string]any
