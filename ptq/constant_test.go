package ptq_test

import (
	"fmt"
	"testing"

	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// A constant operand of one number keeps that number exactly, whatever the codes.
func TestNumbersAreExact(t *testing.T) {
	for _, value := range []float32{6, -1.0 / 3, 0.7071, 1e-30, -3e20} {
		for _, cfg := range []ptq.Config{{}, {ActSymmetric: true}, {ActSigned: true}, {ActBits: 2}, {ActBits: 3, ActSigned: true}} {
			t.Run(fmt.Sprintf("%g,%+v", value, cfg), func(t *testing.T) {
				n := newNet(t, 2, 4, 4)
				k := n.constant("k", tensor.Shape{1, 1}, value)
				g := n.done(n.op(graph.Mul, "m", nil, n.conv("c", "x", 2, 3), k))
				q, _, err := ptq.Quantize(t.Context(), g, spread(t, g, cfg), cfg)
				if err != nil {
					t.Fatal(err)
				}
				v := q.Values["k"]
				code := int32(v.Const.Data[0])
				if !v.Quant.Type.Unsigned {
					code = int32(int8(v.Const.Data[0]))
				}
				got := []float32{0}
				if err := quant.Dequantize(got, []int32{code}, tensor.Shape{1}, *v.Quant); err != nil || got[0] != value {
					t.Errorf("it stands for %g, %v", got[0], err)
				}
			})
		}
	}
}
