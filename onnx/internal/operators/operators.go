// Package operators has the table of the operators that are read.
package operators

import (
	"fmt"
	"strconv"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
)

// The opsets of ONNX that are read. Those before 7 had attributes that are gone: see read/legacy.go.
const MinOpset, MaxOpset = 1, 25

// Row is how a node of the file becomes one of the raw form.
type Row struct {
	Since   int64  // the first opset of its domain that has it
	Inputs  [2]int // least and most, without the "" at the end
	Attrs   string // the names of the attributes that mean something to the graph
	Ignored string // those that change nothing in inference
}

const (
	windowAttrs = "auto_pad dilations kernel_shape pads strides"
	poolAttrs   = windowAttrs + " ceil_mode"
	reduceAttrs = "axes keepdims noop_with_empty_axes"
	Many        = 1 << 30
)

// Rows has every operator that is read, by its name in the raw form.
var Rows = map[graph.Op]Row{
	graph.Add:                {1, [2]int{2, 2}, "", ""},
	graph.AveragePool:        {1, [2]int{1, 1}, poolAttrs + " count_include_pad", ""},
	graph.BatchNormalization: {1, [2]int{5, 5}, "epsilon spatial training_mode", "momentum"},
	graph.Clip:               {1, [2]int{1, 3}, "min max", ""},
	graph.Concat:             {1, [2]int{1, Many}, "axis", ""},
	graph.Conv:               {1, [2]int{2, 3}, windowAttrs + " group", ""},
	graph.Dropout:            {1, [2]int{1, 3}, "", "ratio seed"},
	graph.Flatten:            {1, [2]int{1, 1}, "axis", ""},
	graph.Gemm:               {1, [2]int{2, 3}, "alpha beta transA transB", ""},
	graph.GlobalAveragePool:  {1, [2]int{1, 1}, "", ""},
	graph.HardSigmoid:        {1, [2]int{1, 1}, "alpha beta", ""},
	graph.HardSwish:          {14, [2]int{1, 1}, "", ""},
	graph.Identity:           {1, [2]int{1, 1}, "", ""},
	graph.LeakyRelu:          {1, [2]int{1, 1}, "alpha", ""},
	graph.MatMul:             {1, [2]int{2, 2}, "", ""},
	graph.MaxPool:            {1, [2]int{1, 1}, poolAttrs, "storage_order"},
	graph.Mul:                {1, [2]int{2, 2}, "", ""},
	graph.Pad:                {1, [2]int{1, 4}, "mode pads value", ""},
	graph.Relu:               {1, [2]int{1, 1}, "", ""},
	graph.Reshape:            {1, [2]int{1, 2}, "allowzero", ""},
	graph.Sigmoid:            {1, [2]int{1, 1}, "", ""},
	graph.Slice:              {1, [2]int{1, 5}, "starts ends axes", ""},
	graph.Softmax:            {1, [2]int{1, 1}, "axis", ""},
	graph.Squeeze:            {1, [2]int{1, 2}, "axes", ""},
	graph.Transpose:          {1, [2]int{1, 1}, "perm", ""},
	graph.Unsqueeze:          {1, [2]int{1, 2}, "axes", ""},

	"Cast":     {1, [2]int{1, 1}, "to", "saturate round_mode"},
	"Constant": {1, [2]int{0, 0}, "", ""},

	graph.Expand:      {8, [2]int{2, 2}, "", ""},
	graph.Gather:      {1, [2]int{2, 2}, "axis", ""},
	graph.Tile:        {1, [2]int{2, 3}, "", ""},
	"Split":           {1, [2]int{1, 2}, "axis split num_outputs", ""},
	"ConvTranspose":   {1, [2]int{2, 3}, windowAttrs + " group output_padding output_shape", ""},
	"LRN":             {1, [2]int{1, 1}, "alpha beta bias size", ""},
	"DepthToSpace":    {1, [2]int{1, 1}, "blocksize mode", ""},
	"SpaceToDepth":    {1, [2]int{1, 1}, "blocksize", ""},
	"CastLike":        {15, [2]int{2, 2}, "", "saturate round_mode"},
	"Shape":           {1, [2]int{1, 1}, "start end", ""},
	"Size":            {1, [2]int{1, 1}, "", ""},
	"ConstantOfShape": {9, [2]int{1, 1}, "value", ""},
	"Range":           {11, [2]int{3, 3}, "", ""},
	"EyeLike":         {9, [2]int{1, 1}, "dtype k", ""},
	"OneHot":          {9, [2]int{3, 3}, "axis", ""},
	"CumSum":          {11, [2]int{2, 2}, "exclusive reverse", ""},
	"NonZero":         {9, [2]int{1, 1}, "", ""},
	"GatherElements":  {11, [2]int{2, 2}, "axis", ""},
	"Trilu":           {14, [2]int{1, 2}, "upper", ""},
	"ArgMax":          {1, [2]int{1, 1}, "axis keepdims select_last_index", ""},
	"ArgMin":          {1, [2]int{1, 1}, "axis keepdims select_last_index", ""},
	"Mod":             {10, [2]int{2, 2}, "fmod", ""},
	"BitShift":        {11, [2]int{2, 2}, "direction", ""},
	"Equal":           {1, [2]int{2, 2}, "", ""},
	"Greater":         {1, [2]int{2, 2}, "", ""},
	"GreaterOrEqual":  {12, [2]int{2, 2}, "", ""},
	"Less":            {1, [2]int{2, 2}, "", ""},
	"LessOrEqual":     {12, [2]int{2, 2}, "", ""},
	"And":             {1, [2]int{2, 2}, "", ""},
	"Or":              {1, [2]int{2, 2}, "", ""},
	"Xor":             {1, [2]int{2, 2}, "", ""},
	"Not":             {1, [2]int{1, 1}, "", ""},
	graph.Where:       {9, [2]int{3, 3}, "", ""},
	"IsNaN":           {9, [2]int{1, 1}, "", ""},
	"IsInf":           {10, [2]int{1, 1}, "detect_negative detect_positive", ""},

	graph.Abs:             {1, [2]int{1, 1}, "", ""},
	graph.Ceil:            {1, [2]int{1, 1}, "", ""},
	graph.Celu:            {12, [2]int{1, 1}, "alpha", ""},
	graph.Div:             {1, [2]int{2, 2}, "", ""},
	graph.Elu:             {1, [2]int{1, 1}, "alpha", ""},
	graph.Erf:             {9, [2]int{1, 1}, "", ""},
	graph.Exponential:     {1, [2]int{1, 1}, "", ""},
	graph.Floor:           {1, [2]int{1, 1}, "", ""},
	graph.Gelu:            {20, [2]int{1, 1}, "approximate", ""},
	graph.Logarithm:       {1, [2]int{1, 1}, "", ""},
	graph.Max:             {1, [2]int{1, Many}, "", ""},
	graph.Min:             {1, [2]int{1, Many}, "", ""},
	graph.Mish:            {18, [2]int{1, 1}, "", ""},
	graph.Neg:             {1, [2]int{1, 1}, "", ""},
	graph.Pow:             {1, [2]int{2, 2}, "", ""},
	graph.PRelu:           {1, [2]int{2, 2}, "", ""},
	graph.Reciprocal:      {1, [2]int{1, 1}, "", ""},
	graph.Round:           {11, [2]int{1, 1}, "", ""},
	graph.Selu:            {1, [2]int{1, 1}, "alpha gamma", ""},
	graph.Sign:            {9, [2]int{1, 1}, "", ""},
	graph.Softplus:        {1, [2]int{1, 1}, "", ""},
	graph.Softsign:        {1, [2]int{1, 1}, "", ""},
	graph.Sqrt:            {1, [2]int{1, 1}, "", ""},
	graph.Sub:             {1, [2]int{2, 2}, "", ""},
	graph.Swish:           {24, [2]int{1, 1}, "alpha", ""},
	graph.Tanh:            {1, [2]int{1, 1}, "", ""},
	graph.ThresholdedRelu: {10, [2]int{1, 1}, "alpha", ""},
	"Mean":                {1, [2]int{1, Many}, "", ""},
	"Sum":                 {1, [2]int{1, Many}, "", ""},
	raw.MSGelu:            {1, [2]int{1, 1}, "", ""},
	raw.MSFastGelu:        {1, [2]int{1, 2}, "", ""},
	raw.MSBiasGelu:        {1, [2]int{2, 2}, "", ""},
	raw.MSQuickGelu:       {1, [2]int{1, 1}, "alpha", ""},

	graph.ReduceL1:        {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceL2:        {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceLogSum:    {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceLogSumExp: {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceMax:       {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceMean:      {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceMin:       {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceProd:      {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceSum:       {1, [2]int{1, 2}, reduceAttrs, ""},
	graph.ReduceSumSquare: {1, [2]int{1, 2}, reduceAttrs, ""},

	graph.GlobalMaxPool:         {1, [2]int{1, 1}, "", ""},
	graph.GroupNormalization:    {18, [2]int{3, 3}, "epsilon num_groups", "stash_type"},
	graph.InstanceNormalization: {1, [2]int{3, 3}, "epsilon", ""},
	graph.LayerNormalization:    {17, [2]int{2, 3}, "axis epsilon", "stash_type"},
	graph.LogSoftmax:            {1, [2]int{1, 1}, "axis", ""},
	graph.RMSNormalization:      {23, [2]int{2, 2}, "axis epsilon", "stash_type"},
	graph.Resize: {
		10, [2]int{1, 4}, "mode coordinate_transformation_mode nearest_mode cubic_coeff_a exclude_outside " +
			"extrapolation_value antialias keep_aspect_ratio_policy axes", "",
	},
	"Upsample": {7, [2]int{1, 2}, "mode scales", ""},

	graph.QuantizeLinear:   {10, [2]int{2, 3}, "axis block_size output_dtype precision saturate", ""},
	graph.DequantizeLinear: {10, [2]int{2, 3}, "axis block_size output_dtype", ""},
	raw.QLinearConv:        {10, [2]int{8, 9}, windowAttrs + " group", ""},
	raw.QLinearMatMul:      {10, [2]int{8, 8}, "", ""},

	raw.DynamicConv:   {0, [2]int{3, 5}, windowAttrs + " group", ""},
	raw.DynamicMatMul: {1, [2]int{3, 5}, "", ""},

	raw.MSQuantizeLinear:       {1, [2]int{2, 3}, "axis block_size", ""},
	raw.MSDequantizeLinear:     {1, [2]int{2, 3}, "axis block_size", ""},
	raw.MSQGemm:                {1, [2]int{6, 9}, "alpha transA transB", ""},
	raw.MSQLinearAdd:           {1, [2]int{7, 8}, "", ""},
	raw.MSQLinearMul:           {1, [2]int{7, 8}, "", ""},
	raw.MSQLinearConcat:        {1, [2]int{5, Many}, "axis", ""},
	raw.MSQLinearAveragePool:   {1, [2]int{4, 5}, poolAttrs + " count_include_pad channels_last", ""},
	raw.MSQLinearGlobalAverage: {1, [2]int{4, 5}, "channels_last", ""},
	raw.MSQLinearLeakyRelu:     {1, [2]int{4, 5}, "alpha", ""},
	raw.MSQLinearSigmoid:       {1, [2]int{4, 5}, "", ""},
	raw.MSQLinearSoftmax:       {1, [2]int{4, 5}, "axis opset", ""},
}

// advice says what to do about well-known operators that are not read.
var advice = map[string]string{
	"ConvInteger":           DynamicAdvice,
	"MatMulInteger":         DynamicAdvice,
	"DynamicQuantizeLinear": DynamicAdvice,
	"If":                    "export the model with its branches resolved",
	"Loop":                  "export the model with its loops unrolled",
	"Scan":                  "export the model with its loops unrolled",
}

const DynamicAdvice = "scales that are found while the model runs are supported for layers with constant weights, as " +
	"ONNX Runtime's quantize_dynamic writes them: quantize the float model with linquant"

// Op is the name of a node's operator in the raw form.
func Op(n *onnxpb.Node) graph.Op {
	if d := Domain(n.Domain); d != "" {
		return graph.Op(d + "." + n.Op)
	}
	return graph.Op(n.Op)
}

// Domain gives the two names of ONNX's own domain as one.
func Domain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// Opsets returns the opset of every domain.
func Opsets(m *onnxpb.Model) (map[string]int64, error) {
	v := make(map[string]int64, len(m.Opsets))
	for _, o := range m.Opsets {
		v[Domain(o.Domain)] = max(o.Version, v[Domain(o.Domain)])
	}
	own, ok := v[""]
	switch {
	case !ok && len(m.Opsets) == 0:
		return nil, fmt.Errorf("the model says of no opset that it needs it: it is damaged, or no ONNX file")
	case ok && (own < MinOpset || own > MaxOpset):
		return nil, fmt.Errorf("the model is of opset %d: linquant reads %d to %d; convert it with "+
			"onnx.version_converter, or export it again", own, MinOpset, MaxOpset)
	}
	return v, nil
}

// Known returns one error for all operators that are not read.
func Known(nodes []onnxpb.Node, opsets map[string]int64) error {
	const most = 5
	var missing []string
	seen := map[graph.Op]bool{}
	var hint string
	for i := range nodes {
		n := &nodes[i]
		op, version := Op(n), opsets[Domain(n.Domain)]
		rule, ok := Rows[op]
		if ok && (version >= rule.Since || Domain(n.Domain) != "") || seen[op] {
			continue
		}
		seen[op] = true
		switch {
		case hint != "":
		case ok:
			hint = fmt.Sprintf("%s came with opset %d: the model is damaged", n.Op, rule.Since)
		default:
			hint = advice[n.Op]
		}
		if len(missing) < most {
			d := word(Domain(n.Domain))
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

// FirstModern is the first opset without them.
const FirstModern = 7
