package ptq_test

import (
	"testing"

	"linquant/ptq"
)

func BenchmarkQuantize(b *testing.B) {
	n := newNet(b, 64, 8, 8)
	g := n.done(n.conv("b", n.conv("a", "x", 64, 128), 128, 128))
	for _, choose := range []ptq.WeightMethod{ptq.AbsMax{}, ptq.LeastSquares{}} {
		b.Run(choose.String(), func(b *testing.B) {
			cfg := ptq.Config{WeightMethod: choose}
			ranges := spread(b, g, cfg)
			b.SetBytes(4 * (64 + 128) * 128 * 9)
			for b.Loop() {
				if _, _, err := ptq.Quantize(b.Context(), g, ranges, cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
