package onnx

import (
	"fmt"
	"strconv"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
)

// The opsets of ONNX that are read. Those before 7 had attributes that are gone: see legacy.go.
const minOpset, maxOpset = 1, 25

// operator is how a node of the file becomes one of the raw form.
type operator struct {
	since   int64  // the first opset of its domain that has it
	inputs  [2]int // least and most, without the "" at the end
	attrs   string // the names of the attributes that mean something to the graph
	ignored string // those that change nothing in inference
	convert func(s site) error
}

const (
	windowAttrs = "auto_pad dilations kernel_shape pads strides"
	poolAttrs   = windowAttrs + " ceil_mode"
	reduceAttrs = "axes keepdims noop_with_empty_axes"
	many        = 1 << 30
)

// operators has every operator that is read, by its name in the raw form.
var operators = map[graph.Op]operator{
	graph.Add:                {1, [2]int{2, 2}, "", "", nil},
	graph.AveragePool:        {1, [2]int{1, 1}, poolAttrs + " count_include_pad", "", nil},
	graph.BatchNormalization: {1, [2]int{5, 5}, "epsilon spatial training_mode", "momentum", site.batchNormalization},
	graph.Clip:               {1, [2]int{1, 3}, "min max", "", site.clip},
	graph.Concat:             {1, [2]int{1, many}, "axis", "", nil},
	graph.Conv:               {1, [2]int{2, 3}, windowAttrs + " group", "", nil},
	graph.Dropout:            {1, [2]int{1, 3}, "", "ratio seed", site.dropout},
	graph.Flatten:            {1, [2]int{1, 1}, "axis", "", nil},
	graph.Gemm:               {1, [2]int{2, 3}, "alpha beta transA transB", "", nil},
	graph.GlobalAveragePool:  {1, [2]int{1, 1}, "", "", nil},
	graph.HardSigmoid:        {1, [2]int{1, 1}, "alpha beta", "", nil},
	graph.HardSwish:          {14, [2]int{1, 1}, "", "", nil},
	graph.Identity:           {1, [2]int{1, 1}, "", "", site.identity},
	graph.LeakyRelu:          {1, [2]int{1, 1}, "alpha", "", nil},
	graph.MatMul:             {1, [2]int{2, 2}, "", "", nil},
	graph.MaxPool:            {1, [2]int{1, 1}, poolAttrs, "storage_order", nil},
	graph.Mul:                {1, [2]int{2, 2}, "", "", nil},
	graph.Pad:                {1, [2]int{1, 4}, "mode pads value", "", site.pad},
	graph.Relu:               {1, [2]int{1, 1}, "", "", nil},
	graph.Reshape:            {1, [2]int{1, 2}, "allowzero", "", site.reshape},
	graph.Sigmoid:            {1, [2]int{1, 1}, "", "", nil},
	graph.Slice:              {1, [2]int{1, 5}, "starts ends axes", "", site.slice},
	graph.Softmax:            {1, [2]int{1, 1}, "axis", "", site.softmax},
	graph.Squeeze:            {1, [2]int{1, 2}, "axes", "", site.axes},
	graph.Transpose:          {1, [2]int{1, 1}, "perm", "", nil},
	graph.Unsqueeze:          {1, [2]int{1, 2}, "axes", "", site.axes},

	"Cast":     {1, [2]int{1, 1}, "to", "saturate round_mode", site.cast},
	"Constant": {1, [2]int{0, 0}, "", "", site.constant},

	graph.Expand:      {8, [2]int{2, 2}, "", "", site.expand},
	graph.Gather:      {1, [2]int{2, 2}, "axis", "", site.gather},
	graph.Tile:        {1, [2]int{2, 3}, "", "", site.tile},
	"Split":           {1, [2]int{1, 2}, "axis split num_outputs", "", site.split},
	"ConvTranspose":   {1, [2]int{2, 3}, windowAttrs + " group output_padding output_shape", "", site.convTranspose},
	"LRN":             {1, [2]int{1, 1}, "alpha beta bias size", "", site.lrn},
	"DepthToSpace":    {1, [2]int{1, 1}, "blocksize mode", "", site.depthToSpace},
	"SpaceToDepth":    {1, [2]int{1, 1}, "blocksize", "", site.spaceToDepth},
	"CastLike":        {15, [2]int{2, 2}, "", "saturate round_mode", site.castLike},
	"Shape":           {1, [2]int{1, 1}, "start end", "", site.onlyConstants},
	"Size":            {1, [2]int{1, 1}, "", "", site.onlyConstants},
	"ConstantOfShape": {9, [2]int{1, 1}, "value", "", site.onlyConstants},
	"Range":           {11, [2]int{3, 3}, "", "", site.onlyConstants},
	"EyeLike":         {9, [2]int{1, 1}, "dtype k", "", site.onlyConstants},
	"OneHot":          {9, [2]int{3, 3}, "axis", "", site.onlyConstants},
	"CumSum":          {11, [2]int{2, 2}, "exclusive reverse", "", site.onlyConstants},
	"NonZero":         {9, [2]int{1, 1}, "", "", site.onlyConstants},
	"GatherElements":  {11, [2]int{2, 2}, "axis", "", site.onlyConstants},
	"Trilu":           {14, [2]int{1, 2}, "upper", "", site.onlyConstants},
	"ArgMax":          {1, [2]int{1, 1}, "axis keepdims select_last_index", "", site.onlyConstants},
	"ArgMin":          {1, [2]int{1, 1}, "axis keepdims select_last_index", "", site.onlyConstants},
	"Mod":             {10, [2]int{2, 2}, "fmod", "", site.onlyConstants},
	"BitShift":        {11, [2]int{2, 2}, "direction", "", site.onlyConstants},
	"Equal":           {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"Greater":         {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"GreaterOrEqual":  {12, [2]int{2, 2}, "", "", site.onlyConstants},
	"Less":            {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"LessOrEqual":     {12, [2]int{2, 2}, "", "", site.onlyConstants},
	"And":             {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"Or":              {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"Xor":             {1, [2]int{2, 2}, "", "", site.onlyConstants},
	"Not":             {1, [2]int{1, 1}, "", "", site.onlyConstants},
	graph.Where:       {9, [2]int{3, 3}, "", "", site.where},
	"IsNaN":           {9, [2]int{1, 1}, "", "", site.onlyConstants},
	"IsInf":           {10, [2]int{1, 1}, "detect_negative detect_positive", "", site.onlyConstants},

	graph.Abs:             {1, [2]int{1, 1}, "", "", nil},
	graph.Ceil:            {1, [2]int{1, 1}, "", "", nil},
	graph.Celu:            {12, [2]int{1, 1}, "alpha", "", nil},
	graph.Div:             {1, [2]int{2, 2}, "", "", nil},
	graph.Elu:             {1, [2]int{1, 1}, "alpha", "", nil},
	graph.Erf:             {9, [2]int{1, 1}, "", "", nil},
	graph.Exponential:     {1, [2]int{1, 1}, "", "", nil},
	graph.Floor:           {1, [2]int{1, 1}, "", "", nil},
	graph.Gelu:            {20, [2]int{1, 1}, "approximate", "", nil},
	graph.Logarithm:       {1, [2]int{1, 1}, "", "", nil},
	graph.Max:             {1, [2]int{1, many}, "", "", chain(graph.Max)},
	graph.Min:             {1, [2]int{1, many}, "", "", chain(graph.Min)},
	graph.Mish:            {18, [2]int{1, 1}, "", "", nil},
	graph.Neg:             {1, [2]int{1, 1}, "", "", nil},
	graph.Pow:             {1, [2]int{2, 2}, "", "", site.power},
	graph.PRelu:           {1, [2]int{2, 2}, "", "", nil},
	graph.Reciprocal:      {1, [2]int{1, 1}, "", "", nil},
	graph.Round:           {11, [2]int{1, 1}, "", "", nil},
	graph.Selu:            {1, [2]int{1, 1}, "alpha gamma", "", nil},
	graph.Sign:            {9, [2]int{1, 1}, "", "", nil},
	graph.Softplus:        {1, [2]int{1, 1}, "", "", nil},
	graph.Softsign:        {1, [2]int{1, 1}, "", "", nil},
	graph.Sqrt:            {1, [2]int{1, 1}, "", "", nil},
	graph.Sub:             {1, [2]int{2, 2}, "", "", nil},
	graph.Swish:           {24, [2]int{1, 1}, "alpha", "", nil},
	graph.Tanh:            {1, [2]int{1, 1}, "", "", nil},
	graph.ThresholdedRelu: {10, [2]int{1, 1}, "alpha", "", nil},
	"Mean":                {1, [2]int{1, many}, "", "", site.mean},
	"Sum":                 {1, [2]int{1, many}, "", "", chain(graph.Add)},
	msGelu:                {1, [2]int{1, 1}, "", "", site.gelu},
	msFastGelu:            {1, [2]int{1, 2}, "", "", site.gelu},
	msBiasGelu:            {1, [2]int{2, 2}, "", "", site.gelu},
	msQuickGelu:           {1, [2]int{1, 1}, "alpha", "", site.gelu},

	graph.ReduceL1:        {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceL2:        {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceLogSum:    {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceLogSumExp: {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceMax:       {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceMean:      {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceMin:       {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceProd:      {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceSum:       {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},
	graph.ReduceSumSquare: {1, [2]int{1, 2}, reduceAttrs, "", site.reduce},

	graph.GlobalMaxPool:         {1, [2]int{1, 1}, "", "", nil},
	graph.GroupNormalization:    {18, [2]int{3, 3}, "epsilon num_groups", "stash_type", site.groupNorm},
	graph.InstanceNormalization: {1, [2]int{3, 3}, "epsilon", "", nil},
	graph.LayerNormalization:    {17, [2]int{2, 3}, "axis epsilon", "stash_type", site.layerNorm},
	graph.LogSoftmax:            {1, [2]int{1, 1}, "axis", "", site.softmax},
	graph.RMSNormalization:      {23, [2]int{2, 2}, "axis epsilon", "stash_type", nil},
	graph.Resize: {
		10, [2]int{1, 4}, "mode coordinate_transformation_mode nearest_mode cubic_coeff_a exclude_outside " +
			"extrapolation_value antialias keep_aspect_ratio_policy axes", "", site.resize,
	},
	"Upsample": {7, [2]int{1, 2}, "mode scales", "", site.upsample},

	graph.QuantizeLinear:   {10, [2]int{2, 3}, "axis block_size output_dtype precision saturate", "", nil},
	graph.DequantizeLinear: {10, [2]int{2, 3}, "axis block_size output_dtype", "", nil},
	raw.QLinearConv:        {10, [2]int{8, 9}, windowAttrs + " group", "", nil},
	raw.QLinearMatMul:      {10, [2]int{8, 8}, "", "", nil},

	raw.DynamicConv:   {0, [2]int{3, 5}, windowAttrs + " group", "", nil},
	raw.DynamicMatMul: {1, [2]int{3, 5}, "", "", nil},

	raw.MSQuantizeLinear:       {1, [2]int{2, 3}, "axis block_size", "", nil},
	raw.MSDequantizeLinear:     {1, [2]int{2, 3}, "axis block_size", "", nil},
	raw.MSQGemm:                {1, [2]int{6, 9}, "alpha transA transB", "", nil},
	raw.MSQLinearAdd:           {1, [2]int{7, 8}, "", "", nil},
	raw.MSQLinearMul:           {1, [2]int{7, 8}, "", "", nil},
	raw.MSQLinearConcat:        {1, [2]int{5, many}, "axis", "", nil},
	raw.MSQLinearAveragePool:   {1, [2]int{4, 5}, poolAttrs + " count_include_pad channels_last", "", nil},
	raw.MSQLinearGlobalAverage: {1, [2]int{4, 5}, "channels_last", "", nil},
	raw.MSQLinearLeakyRelu:     {1, [2]int{4, 5}, "alpha", "", nil},
	raw.MSQLinearSigmoid:       {1, [2]int{4, 5}, "", "", nil},
	raw.MSQLinearSoftmax:       {1, [2]int{4, 5}, "axis opset", "", nil},
}

// advice says what to do about well-known operators that are not read.
var advice = map[string]string{
	"ConvInteger":           dynamicAdvice,
	"MatMulInteger":         dynamicAdvice,
	"DynamicQuantizeLinear": dynamicAdvice,
	"If":                    "export the model with its branches resolved",
	"Loop":                  "export the model with its loops unrolled",
	"Scan":                  "export the model with its loops unrolled",
}

const dynamicAdvice = "scales that are found while the model runs are supported for layers with constant weights, as " +
	"ONNX Runtime's quantize_dynamic writes them: quantize the float model with linquant"

// opName is the name of a node's operator in the raw form.
func opName(n *onnxpb.Node) graph.Op {
	if d := domain(n.Domain); d != "" {
		return graph.Op(d + "." + n.Op)
	}
	return graph.Op(n.Op)
}

// domain gives the two names of ONNX's own domain as one.
func domain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// versions returns the opset of every domain.
func versions(m *onnxpb.Model) (map[string]int64, error) {
	v := make(map[string]int64, len(m.Opsets))
	for _, o := range m.Opsets {
		v[domain(o.Domain)] = max(o.Version, v[domain(o.Domain)])
	}
	own, ok := v[""]
	switch {
	case !ok && len(m.Opsets) == 0:
		return nil, fmt.Errorf("the model says of no opset that it needs it: it is damaged, or no ONNX file")
	case ok && (own < minOpset || own > maxOpset):
		return nil, fmt.Errorf("the model is of opset %d: linquant reads %d to %d; convert it with "+
			"onnx.version_converter, or export it again", own, minOpset, maxOpset)
	}
	return v, nil
}

// known returns one error for all operators that are not read.
func known(nodes []onnxpb.Node, opsets map[string]int64) error {
	const most = 5
	var missing []string
	seen := map[graph.Op]bool{}
	var hint string
	for i := range nodes {
		n := &nodes[i]
		op, version := opName(n), opsets[domain(n.Domain)]
		rule, ok := operators[op]
		if ok && (version >= rule.since || domain(n.Domain) != "") || seen[op] {
			continue
		}
		seen[op] = true
		switch {
		case hint != "":
		case ok:
			hint = fmt.Sprintf("%s came with opset %d: the model is damaged", n.Op, rule.since)
		default:
			hint = advice[n.Op]
		}
		if len(missing) < most {
			d := word(domain(n.Domain))
			if d == "" {
				d = "ai.onnx"
			}
			missing = append(missing, fmt.Sprintf("%s (domain %s, opset %d, node %q)", word(n.Op), d, version, nodeName(n)))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	more := ""
	if len(seen) > most {
		more = fmt.Sprintf(" and %d more", len(seen)-most)
	}
	if hint == "" {
		hint = "replace them in the model, export it as plain operators of ONNX, or read it up to a value before them"
	}
	return fmt.Errorf("operators that linquant does not have: %s%s; %s", strings.Join(missing, ", "), more, hint)
}

// word keeps what should be an identifier on one line.
func word(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func nodeName(n *onnxpb.Node) string {
	if n.Name == "" && len(n.Outputs) > 0 {
		return n.Outputs[0]
	}
	return n.Name
}
