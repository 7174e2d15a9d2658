package raw

import "linquant/graph"

// Microsoft is the domain of ONNX Runtime's own operators.
const Microsoft = "com.microsoft"

// The operators of quantization, as the raw form names them, beside QuantizeLinear and DequantizeLinear.
const (
	QLinearConv            graph.Op = "QLinearConv"
	QLinearMatMul          graph.Op = "QLinearMatMul"
	MSQuantizeLinear       graph.Op = Microsoft + ".QuantizeLinear"
	MSDequantizeLinear     graph.Op = Microsoft + ".DequantizeLinear"
	MSQGemm                graph.Op = Microsoft + ".QGemm"
	MSDynamicLSTM          graph.Op = Microsoft + ".DynamicQuantizeLSTM"
	MSGatherBlocks         graph.Op = Microsoft + ".GatherBlockQuantized"
	MSMatMulNBits          graph.Op = Microsoft + ".MatMulNBits"
	MSMatMulIntegerFloat   graph.Op = Microsoft + ".MatMulIntegerToFloat"
	MSQLinearAdd           graph.Op = Microsoft + ".QLinearAdd"
	MSQLinearMul           graph.Op = Microsoft + ".QLinearMul"
	MSQLinearConcat        graph.Op = Microsoft + ".QLinearConcat"
	MSQLinearAveragePool   graph.Op = Microsoft + ".QLinearAveragePool"
	MSQLinearGlobalAverage graph.Op = Microsoft + ".QLinearGlobalAveragePool"
	MSQLinearLeakyRelu     graph.Op = Microsoft + ".QLinearLeakyRelu"
	MSQLinearSigmoid       graph.Op = Microsoft + ".QLinearSigmoid"
	MSQLinearSoftmax       graph.Op = Microsoft + ".QLinearSoftmax"
)

// Layers that quantize their input while they run: inputs X of reals, W of codes, its scale, its zero point, and a bias;
// the last two optional. ONNX Runtime has the one, and files have nodes for the other that package dynamic finds. MSDynamicLSTM
// is another: inputs are those of LSTM, but W and R have rows for columns, and the scales and zero points of these.
const (
	DynamicMatMul graph.Op = Microsoft + ".DynamicQuantizeMatMul"
	DynamicConv   graph.Op = DynamicDomain + ".DynamicQuantizeConv"

	DynamicDomain = "linquant" // files do not have it
)

// IsDynamic reports whether the operator quantizes its input while it runs.
func IsDynamic(op graph.Op) bool {
	return op == DynamicMatMul || op == DynamicConv || op == MSDynamicLSTM
}

// Slot is where a node has codes and what they stand for: indices of its inputs.
type Slot struct{ Codes, Scale, Zero int }

// quantized says of an operator with scales and zero points among its inputs where they are.
type quantized struct {
	float graph.Op // what it computes, in reals; "" for what only quantizes or dequantizes
	reads []Slot   // the codes that it reads; those of QLinearConcat depend on how many there are
	write Slot     // the parameters of the codes that it makes; the zero value for one that makes reals
}

var (
	one   = []Slot{{0, 1, 2}}
	two   = []Slot{{0, 1, 2}, {3, 4, 5}}
	layer = []Slot{{1, 2, 3}}
	lstm  = []Slot{{1, 8, 9}, {2, 10, 11}}
)

var quantizedOps = map[graph.Op]quantized{
	graph.QuantizeLinear:   {write: Slot{0, 1, 2}},
	MSQuantizeLinear:       {write: Slot{0, 1, 2}},
	graph.DequantizeLinear: {reads: one},
	MSDequantizeLinear:     {reads: one},
	QLinearConv:            {graph.Conv, two, Slot{0, 6, 7}},
	QLinearMatMul:          {graph.MatMul, two, Slot{0, 6, 7}},
	MSQGemm:                {graph.Gemm, two, Slot{0, 7, 8}},
	MSQLinearAdd:           {graph.Add, two, Slot{0, 6, 7}},
	MSQLinearMul:           {graph.Mul, two, Slot{0, 6, 7}},
	MSQLinearConcat:        {graph.Concat, nil, Slot{0, 0, 1}},
	MSQLinearAveragePool:   {graph.AveragePool, one, Slot{0, 3, 4}},
	MSQLinearGlobalAverage: {graph.GlobalAveragePool, one, Slot{0, 3, 4}},
	MSQLinearLeakyRelu:     {graph.LeakyRelu, one, Slot{0, 3, 4}},
	MSQLinearSigmoid:       {graph.Sigmoid, one, Slot{0, 3, 4}},
	MSQLinearSoftmax:       {graph.Softmax, one, Slot{0, 3, 4}},
	DynamicMatMul:          {graph.MatMul, layer, Slot{}},
	DynamicConv:            {graph.Conv, layer, Slot{}},
	MSDynamicLSTM:          {graph.LSTM, lstm, Slot{}},
}

// QLinearOf returns ONNX Runtime's own operator on codes that rounds otherwise than the operator on reals between
// DequantizeLinear and QuantizeLinear does, and that graph.IsQLinear is of.
func QLinearOf(op graph.Op) (graph.Op, bool) {
	q, ok := map[graph.Op]graph.Op{
		graph.Add: MSQLinearAdd, graph.Mul: MSQLinearMul,
		graph.AveragePool: MSQLinearAveragePool, graph.GlobalAveragePool: MSQLinearGlobalAverage,
	}[op]
	return q, ok
}

// HasParameters reports whether the operator has scales and zero points among its inputs.
func HasParameters(op graph.Op) bool {
	_, ok := quantizedOps[op]
	return ok
}

// FloatOp returns the operator that one on codes computes, in reals; false for those that only quantize or dequantize,
// and for operators on reals.
func FloatOp(op graph.Op) (graph.Op, bool) {
	q := quantizedOps[op]
	return q.float, q.float != ""
}

// Reads returns where the node reads codes.
func (n *Node) Reads() []Slot {
	if n.Op != MSQLinearConcat {
		return quantizedOps[n.Op].reads
	}
	var s []Slot
	for i := 2; i+1 < len(n.Inputs); i += 3 {
		s = append(s, Slot{i, i + 1, i + 2})
	}
	return s
}

// Writes returns where an operator that makes codes has their parameters. Codes is 0 and means nothing.
func Writes(op graph.Op) Slot { return quantizedOps[op].write }

// TypeInput returns which input has the type of the output: mostly the first, the zero point of the output for the
// operators that make codes. One that a node does not have, such as that of reals, stands for float32.
func (n *Node) TypeInput() int {
	q, ok := quantizedOps[n.Op]
	switch {
	case !ok || IsDynamic(n.Op):
		return 0
	case q.write == Slot{}:
		return 1 // the scale that DequantizeLinear multiplies by
	case n.Op == MSQGemm && n.Input(q.write.Scale) == "": // it makes reals
		return q.write.Scale
	case q.float != "" && n.Input(q.write.Zero) == "":
		return 0
	}
	return q.write.Zero
}

// FloatAttrs returns the attributes that the operator on reals has.
func (n *Node) FloatAttrs() graph.Attrs {
	op, _ := FloatOp(n.Op)
	row, _ := graph.Lookup(op)
	attrs := graph.Attrs{}
	for k, v := range n.Attrs {
		if _, ok := row.Attr(k); ok && (n.Op != MSQGemm || k != "alpha") { // that goes to the scale of the weight
			attrs[k] = v
		}
	}
	return attrs
}
