package onnx

import (
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Without axes a ratio that is kept is that of all dimensions (ONNX, Resize-18), the batch among them: to halve a picture
// would halve the examples. Of one example ONNX's round_int(0.9·1) leaves one.
func TestResizeRatioOfTheBatch(t *testing.T) {
	for _, tt := range []struct {
		x, sizes []int64
		fixed    bool
		want     tensor.Shape
	}{
		{[]int64{2, 4, 6, 6}, []int64{2, 4, 3, 3}, false, tensor.Shape{1, 2, 3, 3}},
		{[]int64{2, 4, 6, 6}, []int64{2, 4, 3, 3}, true, tensor.Shape{1, 2, 3, 3}},
		{[]int64{2, 4, 10, 10}, []int64{2, 4, 9, 9}, false, tensor.Shape{2, 4, 9, 9}},
		{[]int64{1, 4, 10, 10}, []int64{1, 4, 9, 9}, false, tensor.Shape{graph.Batch, 4, 9, 9}},
		{[]int64{2, 4, 6, 6}, []int64{2, 4, 6, 12}, false, tensor.Shape{graph.Batch, 4, 6, 6}},
	} {
		c := trial{
			op: "Resize", opset: 18, x: tt.x, attrs: attrsOf(textAttr("keep_aspect_ratio_policy", "not_larger")),
			consts: consts(onnxpb.Tensor{}, onnxpb.Tensor{}, intsOf("s", tt.sizes...)),
		}
		g, err := ImportConfig{Fixed: tt.fixed}.Import(t.Context(), c.file(t), "file")
		if err == nil {
			g, err = graph.Fold(t.Context(), g)
		}
		if err != nil {
			t.Error(err)
		} else if got := g.Values[g.Outputs[0]].Shape; !got.Equal(tt.want) {
			t.Errorf("%v to %v: %v, want %v", tt.x, tt.sizes, got, tt.want)
		}
	}
}
