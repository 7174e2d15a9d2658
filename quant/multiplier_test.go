package quant_test

import (
	"testing"

	"linquant/quant"
)

// The order of the operations is part of the convention. These scales are ones for which (a·b)/c, a·(b/c) and (a/c)·b
// are three different float32; the values are NumPy's.
func TestMultiplier(t *testing.T) {
	const input, weight, output = 0x1.6295bp-4, 0x1.fa2992p-7, 0x1.ab9e9cp-5
	for c, want := range map[quant.Convention]float64{
		quant.ONNX: 0x1.a3b682p-6, quant.Torch: 0x1.a3b682p-6, quant.Fixed: 0x1.a3b6801a8c3f2p-6, quant.FixedDouble: 0x1.a3b6801a8c3f2p-6,
	} {
		if got := c.Multiplier(input, weight, output); got != want {
			t.Errorf("%v: %x, want %x", c, got, want)
		}
	}
}
