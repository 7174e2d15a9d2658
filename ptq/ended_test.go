package ptq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"linquant/internal/testing/looks"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// counted counts the layers that it quantizes.
type counted struct {
	ptq.AbsMax
	layers *int
}

func (c counted) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	*c.layers++
	return c.AbsMax.Quantize(ctx, w, codes)
}

// Quantizing looks at its context before each layer, and the search for a weight's scale before each candidate.
func TestEnded(t *testing.T) {
	const layers = 8
	n := newNet(t, 4)
	x := "x"
	for i := range layers {
		x = n.gemm(fmt.Sprint("fc", i), x, 4, 4)
	}
	g := n.done(x)
	ranges := spread(t, g, ptq.Config{})
	for name, quantize := range map[string]func(ctx context.Context, cfg ptq.Config) error{
		"Quantize": func(ctx context.Context, cfg ptq.Config) error {
			_, _, err := ptq.Quantize(ctx, g, ranges, cfg)
			return err
		},
		"Dynamic": func(ctx context.Context, cfg ptq.Config) error { _, _, err := ptq.Dynamic(ctx, g, cfg); return err },
	} {
		for _, after := range []int{0, 3, 5} {
			done := 0
			err := quantize(looks.After(t.Context(), after), ptq.Config{WeightMethod: counted{layers: &done}})
			if !errors.Is(err, context.Canceled) || done != after {
				t.Errorf("%s ended by look %d: %d layers, %v", name, after+1, done, err)
			}
		}
	}
	w := &ptq.LayerWeight{Real: []float32{0.1, -0.7, 0.33, 0.9}, Shape: tensor.Shape{4, 1}, Type: quant.Int(4)}
	if _, _, err := (ptq.LeastSquares{}).Quantize(looks.After(t.Context(), 50), w, make([]int8, 4)); !errors.Is(err, context.Canceled) {
		t.Errorf("a search ended after half of its candidates: %v", err)
	}
}
