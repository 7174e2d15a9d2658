package graph

import (
	"testing"

	"linquant/tensor"
)

// A bias of a Gemm broadcasts to [rows, channels]: one element for all, or for each of the channels, which are last.
func TestPerChannel(t *testing.T) {
	for _, tt := range []struct {
		op   Op
		bias tensor.Shape
		want bool
	}{
		{Gemm, tensor.Shape{}, true},
		{Gemm, tensor.Shape{1}, true},
		{Gemm, tensor.Shape{8}, true},
		{Gemm, tensor.Shape{1, 1}, true},
		{Gemm, tensor.Shape{1, 8}, true},
		{Gemm, tensor.Shape{8, 1}, false},
		{Gemm, tensor.Shape{8, 8}, false},
		{Gemm, tensor.Shape{7}, false},
		{Gemm, tensor.Shape{1, 1, 8}, false},
		{Gemm, tensor.Shape{1, 1, 1}, false},
		{Conv, tensor.Shape{8}, true},
		{Conv, tensor.Shape{1}, false},
		{Conv, tensor.Shape{1, 8}, false},
		{Conv, tensor.Shape{}, false},
	} {
		if got := perChannel(tt.bias, 8, tt.op); got != tt.want {
			t.Errorf("%v with a bias of %v for 8 channels: %v, want %v", tt.op, tt.bias, got, tt.want)
		}
	}
}
