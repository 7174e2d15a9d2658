package engine

import (
	"testing"

	"linquant/quant"
)

// Products of codes less their zero points reach 255·255, and 33025 of them fit an int32: layers of more are looked at
// closely, however small the codes of their weights are.
func TestCheckAccumulators(t *testing.T) {
	in := quant.TensorParams(quant.Uint(8), 1, 0)
	for depth, fits := range map[int]bool{33025: true, 33026: false} {
		weight := make([]int8, depth)
		for i := range weight {
			weight[i] = 127
		}
		if err := checkAccumulators(weight, []int32{-128}, 1, &in, 0); (err == nil) != fits {
			t.Errorf("%d products: %v", depth, err)
		}
	}
}
