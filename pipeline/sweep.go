package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"linquant/calib"
	"linquant/dataset"
	"linquant/eval"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
)

// Variant is one way to quantize a network.
type Variant struct {
	Quant  ptq.Config
	Method calib.Method // of calibration
}

// String names the variant: "w4a8 per channel, mse, reconstruct".
func (v Variant) String() string {
	text := fmt.Sprintf("w%da%d per %v, %v", cmp.Or(v.Quant.WeightBits, 8), cmp.Or(v.Quant.ActBits, 8), v.Granularity(), v.Method)
	if m := v.Quant.WeightMethod; m != nil && m != (ptq.AbsMax{}) {
		text += ", " + m.String()
	}
	return text
}

// Granularity says which weights share a scale.
func (v Variant) Granularity() quant.Granularity {
	if v.Quant.PerTensor {
		return quant.PerTensor
	}
	return quant.PerChannel
}

// Measured is what came of one variant.
type Measured struct {
	Variant     *Variant // nil: the float network
	Numbers     Numbers
	Accuracy    *eval.Accuracy
	Difference  *eval.Difference // to the float network; nil of that itself
	WeightBytes int64            // of all constants, codes packed at their bits
	Weights     string           // how codes of weights were made; "" of the float network
}

// Sweep measures the network as it is and in every variant on the examples of test. Ranges are measured on the examples
// of training, once for all variants that they suit, and weights of fewer than 8 bits are reconstructed with them. What is finished when an error comes is returned with it.
//
// Errors: ErrQuantized, and those of Calibrate, Quantize, Compile and Accuracy.
func (n *Network) Sweep(ctx context.Context, training, test dataset.Set, variants []Variant, cfg MeasureConfig) ([]Measured, error) {
	if training == nil {
		return nil, missing("training")
	}
	if err := cmp.Or(n.usable(), cfg.check(test)); err != nil {
		return nil, err
	}
	if n.Quantized() {
		return nil, n.named(ErrQuantized)
	}
	total := len(variants) + 1
	float, err := n.measured(ctx, test, cfg, fmt.Sprintf("float32, 1 of %d", total))
	if err != nil {
		return nil, err
	}
	float.WeightBytes = 4 * graph.Parameters(n.folded)
	list := []Measured{*float}
	told := func(m Measured) {
		if cfg.Measured != nil {
			cfg.Measured(m)
		}
	}
	told(*float)
	known := map[calib.Method][]calib.Ranges{}
	for i, v := range variants {
		suits := func(r calib.Ranges) bool { _, err := n.CheckRanges(r, v.Quant); return err == nil }
		at := slices.IndexFunc(known[v.Method], suits)
		if at < 0 {
			c := Config{Quant: v.Quant, Calibration: Calibration{Method: v.Method}, Threads: cfg.Threads, Progress: cfg.Progress}
			ranges, err := n.Calibrate(ctx, training, c)
			if err != nil {
				return list, err
			}
			at = len(known[v.Method])
			known[v.Method] = append(known[v.Method], ranges)
		}
		vq := v.Quant
		if vq.Examples.Compile == nil && vq.Examples.Batches == nil {
			vq.Examples = n.examplesOf(ctx, training, cfg.Threads)
		}
		q, report, err := n.Quantize(ctx, known[v.Method][at], vq)
		if err != nil {
			return list, err
		}
		m, err := q.measured(ctx, test, cfg, fmt.Sprintf("%v, %d of %d", v, i+2, total))
		if err != nil {
			return list, err
		}
		d := eval.Paired(m.Accuracy.Right, float.Accuracy.Right)
		m.Variant, m.Difference, m.WeightBytes, m.Weights = &v, &d, report.PackedBytes, report.WeightMethod
		list = append(list, *m)
		told(*m)
	}
	return list, nil
}

func (n *Network) measured(ctx context.Context, test dataset.Set, cfg MeasureConfig, of string) (*Measured, error) {
	cfg.Of = of
	m, a, err := n.accuracy(ctx, test, cfg)
	if err != nil {
		return nil, err
	}
	return &Measured{Numbers: m.Numbers, Accuracy: a}, nil
}

// SameExamples reports whether two sets begin with the same example of the same file, as data that is not divided does: a
// network that is calibrated on one and measured on the other looks better than it is (CalibratedOnTest).
func SameExamples(ctx context.Context, a, b dataset.Set) bool {
	n, err := a.Shape().Elements()
	if a.Name() != b.Name() || !a.Shape().Equal(b.Shape()) || err != nil || a.Len() == 0 || b.Len() == 0 {
		return false
	}
	x, y := make([]float32, n), make([]float32, n)
	_, errA := a.Read(ctx, 0, x)
	_, errB := b.Read(ctx, 0, y)
	return errA == nil && errB == nil && slices.Equal(x, y)
}
