package onnx

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"linquant/graph"
	"linquant/internal/onnxpb"
)

const (
	huge   = 1 << 62
	passes = "passes" // what it says is odd, and harmless
)

// What a damaged or malicious file can say in one node: an error of one line that names the node, at once, and without
// memory for what the file only claims to have.
var hostileNodes = map[string]struct {
	trial
	says string
}{
	"kernel":         {trial{op: "MaxPool", opset: 12, x: picture, attrs: attrsOf(intsAttr("kernel_shape", huge, huge))}, "kernel_shape has the number 2147483647"},
	"kernel of 0":    {trial{op: "MaxPool", opset: 12, x: picture, attrs: attrsOf(intsAttr("kernel_shape", 0, 1))}, "kernel_shape has the number 0"},
	"short kernel":   {trial{op: "MaxPool", opset: 12, x: picture, attrs: attrsOf(intsAttr("kernel_shape"))}, "kernel_shape has 0 numbers"},
	"pads":           {trial{op: "Conv", opset: 12, x: picture, attrs: attrsOf(intsAttr("pads", huge, huge, huge, huge)), consts: consts(weight)}, "pads has the number 2147483647"},
	"negative pads":  {trial{op: "Conv", opset: 12, x: picture, attrs: attrsOf(intsAttr("pads", -1, 0, 0, 0)), consts: consts(weight)}, "pads has the number -1"},
	"large pads":     {trial{op: "AveragePool", opset: 12, x: picture, attrs: attrsOf(intsAttr("kernel_shape", 1<<24, 1<<24), intsAttr("pads", 1<<24, 1<<24, 1<<24, 1<<24))}, ""},
	"dilations":      {trial{op: "Conv", opset: 12, x: picture, attrs: attrsOf(intsAttr("dilations", huge, 1)), consts: consts(weight)}, "dilations has the number 2147483647"},
	"strides":        {trial{op: "Conv", opset: 12, x: picture, attrs: attrsOf(intsAttr("strides", 0, -1)), consts: consts(weight)}, "strides has the number 0"},
	"group":          {trial{op: "Conv", opset: 12, x: picture, attrs: attrsOf(intAttr("group", -huge)), consts: consts(weight)}, "group is -2147483648"},
	"group of 0":     {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intAttr("group", 0)), consts: consts(weight)}, "do not fit with group 0"},
	"apart":          {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("strides", 1<<20, 1<<20)), consts: consts(weight)}, "2147483647"},
	"far apart":      {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("strides", huge, huge)), consts: consts(weight)}, "strides"},
	"more padding":   {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("output_padding", huge, 0)), consts: consts(weight)}, "output_padding"},
	"output shape":   {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("output_shape", huge, huge)), consts: consts(weight)}, "at most 16777216 are supported"},
	"no output":      {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("output_shape", -huge, -huge)), consts: consts(weight)}, ""},
	"cut off":        {trial{op: "ConvTranspose", opset: 12, x: picture, attrs: attrsOf(intsAttr("pads", huge, huge, huge, huge)), consts: consts(weight)}, ""},
	"pad":            {trial{op: "Pad", opset: 13, x: row, consts: consts(intsOf("p", 0, huge, 0, huge))}, "pads"},
	"crop":           {trial{op: "Pad", opset: 13, x: row, consts: consts(intsOf("p", 0, -huge, 0, -huge))}, "takes nothing"},
	"pad of wrap":    {trial{op: "Pad", opset: 19, x: row, attrs: attrsOf(textAttr("mode", "wrap")), consts: consts(intsOf("p", 0, 1, 0, 1))}, `mode is "wrap"`},
	"axes of pads":   {trial{op: "Pad", opset: 18, x: row, consts: consts(intsOf("p", 1, 1), scalar("v", 0), intsOf("axes", -3))}, "axis -3 is no dimension"},
	"axes twice":     {trial{op: "Pad", opset: 18, x: row, consts: consts(intsOf("p", 1, 2, 3, 4), scalar("v", 0), intsOf("axes", 1, -1))}, "twice"},
	"expand":         {trial{op: "Expand", opset: 13, x: []int64{2, 1}, consts: consts(intsOf("s", 1, 1<<40))}, "2147483647"},
	"expand twice":   {trial{op: "Expand", opset: 13, x: []int64{2, 1, 1}, consts: consts(intsOf("s", 1, 1<<20, 1<<20))}, "more than 2147483647 elements"},
	"expand to none": {trial{op: "Expand", opset: 13, x: row, consts: consts(intsOf("s", 1, -7))}, ""},
	"expand more":    {trial{op: "Expand", opset: 13, x: row, consts: consts(intsOf("s", ones(40)...))}, ""},
	"tile":           {trial{op: "Tile", opset: 13, x: row, consts: consts(intsOf("r", 1, huge))}, "a dimension at most"},
	"tile of 0":      {trial{op: "Tile", opset: 13, x: row, consts: consts(intsOf("r", 1, 0))}, "each is at least 1"},
	"reshape":        {trial{op: "Reshape", opset: 13, x: row, consts: consts(intsOf("s", huge, huge, 4))}, ""},
	"reshape, more":  {trial{op: "Reshape", opset: 13, x: row, consts: consts(intsOf("s", ones(60)...))}, ""},
	"reshape to -1":  {trial{op: "Reshape", opset: 13, x: row, consts: consts(intsOf("s", -1, -1, -1))}, ""},
	"reshape to -9":  {trial{op: "Reshape", opset: 13, x: row, consts: consts(intsOf("s", 0, math.MinInt64))}, ""},
	"gather":         {trial{op: "Gather", opset: 13, x: row, attrs: attrsOf(intAttr("axis", 1)), consts: consts(intsOf("i", huge))}, "is not in dimension 1"},
	"gather before":  {trial{op: "Gather", opset: 13, x: row, attrs: attrsOf(intAttr("axis", 1)), consts: consts(intsOf("i", math.MinInt64))}, "is not in dimension 1"},
	"gather of axis": {trial{op: "Gather", opset: 13, x: row, attrs: attrsOf(intAttr("axis", math.MinInt64)), consts: consts(intsOf("i", 0))}, "is no dimension"},
	"split":          {trial{op: "Split", opset: 13, x: row, outputs: 2, attrs: attrsOf(intAttr("axis", 1)), consts: consts(intsOf("s", huge, huge))}, "do not make"},
	"split of -1":    {trial{op: "Split", opset: 13, x: row, outputs: 2, attrs: attrsOf(intAttr("axis", 1)), consts: consts(intsOf("s", -1, 5))}, "do not make"},
	"split into":     {trial{op: "Split", opset: 18, x: row, outputs: 2, attrs: attrsOf(intAttr("axis", 1), intAttr("num_outputs", huge))}, "num_outputs is 2147483647"},
	"slice of 0":     {trial{op: "Slice", opset: 13, x: row, consts: consts(intsOf("a", 0), intsOf("b", 1), intsOf("c", 1), intsOf("d", 0))}, "a step other than 0"},
	"slice of axis":  {trial{op: "Slice", opset: 13, x: row, consts: consts(intsOf("a", 0), intsOf("b", 1), intsOf("c", huge))}, "is no dimension"},
	"slice twice":    {trial{op: "Slice", opset: 13, x: row, consts: consts(intsOf("a", 0, 0), intsOf("b", 1, 1), intsOf("c", 1, -1))}, "an axis can be given once"},
	"space":          {trial{op: "DepthToSpace", opset: 13, x: picture, attrs: attrsOf(intAttr("blocksize", 0))}, "blocksize 0"},
	"space below":    {trial{op: "SpaceToDepth", opset: 13, x: picture, attrs: attrsOf(intAttr("blocksize", -2))}, "blocksize -2"},
	"large space":    {trial{op: "DepthToSpace", opset: 13, x: picture, attrs: attrsOf(intAttr("blocksize", huge))}, "do not fit"},
	"larger depth":   {trial{op: "SpaceToDepth", opset: 13, x: picture, attrs: attrsOf(intAttr("blocksize", huge))}, "does not fall into blocks"},
	"space of row":   {trial{op: "DepthToSpace", opset: 13, x: row, attrs: attrsOf(intAttr("blocksize", 2))}, "4 dimensions"},
	"resize":         {trial{op: "Resize", opset: 13, x: picture, consts: consts(onnxpb.Tensor{}, floatsOf("s", 1, 1, 1e30, 1e30))}, "scales are"},
	"resize by NaN":  {trial{op: "Resize", opset: 13, x: picture, consts: consts(onnxpb.Tensor{}, floatsOf("s", 1, 1, nan, -1))}, "scales are"},
	"resize to":      {trial{op: "Resize", opset: 13, x: picture, consts: consts(onnxpb.Tensor{}, onnxpb.Tensor{}, intsOf("s", 2, 4, huge, huge))}, "2147483647"},
	"resize to -1":   {trial{op: "Resize", opset: 13, x: picture, consts: consts(onnxpb.Tensor{}, onnxpb.Tensor{}, intsOf("s", 2, 4, -1, 1))}, "every dimension is at least 1"},
	"resize of axes": {trial{op: "Resize", opset: 18, x: picture, attrs: attrsOf(intsAttr("axes", math.MinInt64)), consts: consts(onnxpb.Tensor{}, floatsOf("s", 1))}, "is no dimension"},
	"resize, ratio":  {trial{op: "Resize", opset: 18, x: picture, attrs: attrsOf(textAttr("keep_aspect_ratio_policy", "not_smaller")), consts: consts(onnxpb.Tensor{}, onnxpb.Tensor{}, intsOf("s", 2, 4, 1, huge))}, ""},
	"upsample":       {trial{op: "Upsample", opset: 9, x: picture, consts: consts(floatsOf("s"))}, "0 scales"},
	"norm by groups": {trial{op: "GroupNormalization", opset: 21, x: picture, attrs: attrsOf(intAttr("num_groups", 0)), consts: consts(floatsOf("s", 1, 1, 1, 1), floatsOf("b", 1, 1, 1, 1))}, "num_groups is 0"},
	"local norm":     {trial{op: "LRN", opset: 13, x: picture, attrs: attrsOf(intAttr("size", huge))}, ""},
	"local norm, -1": {trial{op: "LRN", opset: 13, x: picture, attrs: attrsOf(intAttr("size", -1))}, "normalizes -1 channels"},
	"softmax":        {trial{op: "Softmax", opset: 13, x: row, attrs: attrsOf(intAttr("axis", huge))}, "is no dimension"},
	"old softmax":    {trial{op: "Softmax", opset: 11, x: row, attrs: attrsOf(intAttr("axis", -huge))}, ""},
	"flatten":        {trial{op: "Flatten", opset: 13, x: row, attrs: attrsOf(intAttr("axis", huge))}, "is no dimension"},
	"transpose":      {trial{op: "Transpose", opset: 13, x: row, attrs: attrsOf(intsAttr("perm", huge, math.MinInt64))}, "is no permutation"},
	"unsqueeze":      {trial{op: "Unsqueeze", opset: 13, x: row, consts: consts(intsOf("a", huge))}, "is no dimension"},
	"unsqueeze more": {trial{op: "Unsqueeze", opset: 13, x: row, consts: consts(intsOf("a", ones(60)...))}, ""},
	"squeeze twice":  {trial{op: "Squeeze", opset: 13, x: []int64{2, 1}, consts: consts(intsOf("a", 1, -1))}, passes},
	"reduce twice":   {trial{op: "ReduceMax", opset: 18, x: row, consts: consts(intsOf("a", 1, -1))}, "twice"},
	"reduce":         {trial{op: "ReduceMax", opset: 18, x: row, consts: consts(intsOf("a", math.MinInt64))}, "is no dimension"},
	"constants":      {trial{op: "ConstantOfShape", opset: 13, consts: consts(intsOf("s", 1<<16, 1<<16))}, ""},
	"many constants": {trial{op: "ConstantOfShape", opset: 13, consts: consts(intsOf("s", huge, huge))}, ""},
	"no constants":   {trial{op: "ConstantOfShape", opset: 13, consts: consts(intsOf("s", -5))}, ""},
	"range":          {trial{op: "Range", opset: 13, consts: consts(scalar("a", 0), scalar("b", 1), scalar("c", 1e-30))}, ""},
	"range by NaN":   {trial{op: "Range", opset: 13, consts: consts(scalar("a", 0), scalar("b", 1), scalar("c", nan))}, ""},
	"range from NaN": {trial{op: "Range", opset: 13, consts: consts(scalar("a", nan), scalar("b", inf), scalar("c", 1))}, ""},
	"range by 0":     {trial{op: "Range", opset: 13, consts: consts(scalar("a", 1), scalar("b", 1), scalar("c", 0))}, ""},
	"long range":     {trial{op: "Range", opset: 13, consts: consts(number("a", 0), number("b", huge), number("c", 1))}, ""},
	"longer range":   {trial{op: "Range", opset: 13, consts: consts(number("a", math.MinInt64), number("b", math.MaxInt64), number("c", -1))}, ""},
	"one hot":        {trial{op: "OneHot", opset: 13, consts: consts(intsOf("i", 1), number("d", huge), floatsOf("v", 0, 1))}, ""},
	"one hot of -1":  {trial{op: "OneHot", opset: 13, consts: consts(intsOf("i", 1), number("d", -1), floatsOf("v", 0, 1))}, ""},
	"eye":            {trial{op: "EyeLike", opset: 13, attrs: attrsOf(intAttr("dtype", 99)), consts: consts(intsOf("i", 1, 2))}, ""},
	"sum of none":    {trial{op: "Sum", opset: 13, consts: consts(intsOf("i", 1, 2), onnxpb.Tensor{}, intsOf("j", 1, 2))}, ""},
	"shift where":    {trial{op: "BitShift", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("j", 1, 2))}, "it has no direction"},
	"joined where":   {trial{op: "Concat", opset: 13, x: row, consts: consts(intsOf("i", 1))}, "it has no axis"},
	"sum along":      {trial{op: "CumSum", opset: 13, consts: consts(intsOf("i", 1, 2), number("axis", huge))}, ""},
	"division":       {trial{op: "Div", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("j", 0))}, ""},
	"remainder":      {trial{op: "Mod", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("j", 0))}, ""},
	"power":          {trial{op: "Pow", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("j", -1))}, ""},
	"repeated":       {trial{op: "Tile", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("r", huge))}, ""},
	"repeated -1":    {trial{op: "Tile", opset: 13, consts: consts(intsOf("i", 1, 2), intsOf("r", -1))}, ""},
	"expanded":       {trial{op: "Expand", opset: 13, consts: consts(intsOf("i", 1), intsOf("s", 1<<40))}, ""},
	"TopK":           {trial{op: "TopK", opset: 13, x: row, outputs: 2, consts: consts(intsOf("k", 9))}, "k is 9"},
}

var (
	picture = []int64{2, 4, 6, 6}
	row     = []int64{2, 4}
	weight  = onnxpb.Tensor{Name: "w", Type: onnxpb.Float, Dims: []int64{4, 4, 3, 3}, Raw: make([]byte, 4*144)}
	nan     = float32(math.NaN())
	inf     = float32(math.Inf(1))
)

func attrsOf(a ...onnxpb.Attr) []onnxpb.Attr        { return a }
func consts(c ...onnxpb.Tensor) []onnxpb.Tensor     { return c }
func number(name string, x int64) (c onnxpb.Tensor) { c = intsOf(name, x); c.Dims = nil; return c }

func ones(n int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// names reports whether an error names the node, or one that stands for it, which is named after its output.
func names(err string) bool { return strings.Contains(err, `"node"`) || strings.Contains(err, `"y0_`) }

func TestHostileNodes(t *testing.T) {
	for name, c := range hostileNodes {
		t.Run(name, func(t *testing.T) {
			file := c.file(t)
			for _, fixed := range []bool{false, true} {
				if c.x == nil && !fixed {
					continue
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begin := time.Now()
				g, err := ImportConfig{Fixed: fixed}.Import(t.Context(), file, "file")
				if err == nil {
					g, err = graph.Fold(t.Context(), g)
				}
				runtime.ReadMemStats(&after)
				if d := time.Since(begin); d > 5*time.Second {
					t.Errorf("it took %v", d)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
					t.Errorf("it took %d MiB", n>>20)
				}
				switch {
				case c.says == passes:
					if err != nil {
						t.Error(err)
					}
				case err == nil:
					t.Errorf("fixed %v: it passed: %v", fixed, g.Values["y0"].Shape)
				case !strings.Contains(err.Error(), c.says) || !names(err.Error()) || strings.Contains(err.Error(), "\n"):
					t.Errorf("fixed %v: error %v, want one line with %s and the node", fixed, err, c.says)
				}
			}
		})
	}
}
