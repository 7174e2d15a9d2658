package calib

import (
	"math/rand/v2"
	"testing"

	"linquant/quant"
)

// activations are 64 channels of 32×32 numbers, as a network has them after a Relu, or before.
func activations(relu bool) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 64*32*32)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		if relu {
			x[i] = max(x[i], 0)
		}
	}
	return x
}

// The rate at which values are observed; a float32 has four bytes.
func BenchmarkObserve(b *testing.B) {
	for _, data := range []struct {
		name string
		relu bool
	}{{"relu", true}, {"normal", false}} {
		x := activations(data.relu)
		for _, method := range []Method{MinMax, MSE} {
			b.Run(data.name+"/"+method.String(), func(b *testing.B) {
				o, err := Config{Method: method}.Observer()
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					if err := o.Observe(x); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// The time that a range takes to choose, once for each value of a network.
func BenchmarkRange(b *testing.B) {
	for _, data := range []struct {
		name string
		relu bool
	}{{"relu", true}, {"normal", false}} {
		for _, method := range []Method{Percentile, MSE, Entropy} {
			b.Run(data.name+"/"+method.String(), func(b *testing.B) {
				cfg := Config{Method: method}
				o, err := cfg.Observer()
				if err != nil {
					b.Fatal(err)
				}
				if err := o.Observe(activations(data.relu)); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := cfg.Range(o, Scheme{Type: quant.Int(8)}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
