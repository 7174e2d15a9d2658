package eval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"linquant/dataset"
)

// Config says how a network is measured. The zero value is sensible.
type Config struct {
	Batch int // examples of one Run; 0 means 64

	// Progress, if set, is called with the number of examples done and their total, never concurrently.
	Progress func(done, total int)
}

// batch returns the examples of one Run.
func (c Config) batch() int {
	if c.Batch < 1 {
		return 64
	}
	return c.Batch
}

// Accuracy is what a classifier got right.
type Accuracy struct {
	N          int           // examples
	Classes    int           // that the network tells apart
	Top1, Top5 int           // how often the label was the first, or among the first five, of the outputs
	Right      []bool        // for each example, whether the label was the first
	Predicted  []int         // for each example, the first
	Elapsed    time.Duration // spent in Run, without reading data
	NaN        int           // values of the examples that are no numbers
}

// Fraction returns Top1 / N; 0 without examples.
func (a *Accuracy) Fraction() float64 { return fraction(a.Top1, a.N) }

// Fraction5 returns Top5 / N; 0 without examples.
func (a *Accuracy) Fraction5() float64 { return fraction(a.Top5, a.N) }

// AboveChance reports whether the network is right more often than a guess among its classes: whether the 95% interval of
// its accuracy (Wilson) begins above 1 / Classes. Of one class nothing can be said, and it is true.
func (a *Accuracy) AboveChance() bool {
	return a.Classes < 2 || Wilson(a.Top1, a.N).Low > 1/float64(a.Classes)
}

// ImagesPerSecond returns the examples run in a second, the reading of data not counted.
func (a *Accuracy) ImagesPerSecond() float64 {
	if a.Elapsed <= 0 {
		return 0
	}
	return float64(a.N) / a.Elapsed.Seconds()
}

func fraction(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}

// Measure runs a classifier with one output of classes numbers on every example of s, which are its inputs
// as they are: pipeline.Prepare makes such a set of images. The
// largest output is the answer, the first of several that are equal. Errors: data that does not fit the network, an
// example without a label or with one that is no class, an output that is not a number; those of the network and of ctx.
func Measure(ctx context.Context, net Network, classes int, s dataset.Set, cfg Config) (*Accuracy, error) {
	if s.Len() == 0 {
		return nil, fmt.Errorf("%s: it has no examples", s.Name())
	}
	a := &Accuracy{Classes: classes, Right: make([]bool, 0, s.Len()), Predicted: make([]int, 0, s.Len())}
	out := make([]float32, min(cfg.batch(), s.Len())*classes)
	for b, err := range dataset.Each(ctx, s, cfg.batch()) {
		if err != nil {
			return nil, err
		}
		for _, x := range b.X {
			if x != x {
				a.NaN++
			}
		}
		y := out[:b.N*classes]
		start := time.Now()
		if err := net.Run(ctx, [][]float32{y}, b.Inputs); err != nil {
			return nil, err
		}
		a.Elapsed += time.Since(start)
		for i, label := range b.Labels[:b.N] {
			if err := a.add(y[i*classes:(i+1)*classes], label); err != nil {
				return nil, fmt.Errorf("%s, example %d: %w", s.Name(), b.First+i, err)
			}
		}
		if cfg.Progress != nil {
			cfg.Progress(a.N, s.Len())
		}
	}
	return a, nil
}

// add counts one example.
func (a *Accuracy) add(y []float32, label int) error {
	best, before, err := answer(y, label)
	if err != nil {
		return err
	}
	a.N++
	if best == label {
		a.Top1++
	}
	if before < 5 {
		a.Top5++
	}
	a.Right = append(a.Right, best == label)
	a.Predicted = append(a.Predicted, best)
	return nil
}

// ErrNoLabel says that an example has no label.
var ErrNoLabel = errors.New("it has no label: accuracy can be measured on labelled data only, images in a folder for each " +
	"class, or arrays with one of labels, y, beside them")

// answer returns the class of the largest output, and how many stand before the label. Among equal outputs the one of the lower class
// counts as the higher.
func answer(y []float32, label int) (best, before int, err error) {
	switch {
	case label < 0:
		return 0, 0, ErrNoLabel
	case label >= len(y):
		return 0, 0, fmt.Errorf("its label is class %d, and the network knows %d classes", label, len(y))
	}
	for c, v := range y {
		if v != v {
			return 0, 0, fmt.Errorf("the network's output for class %d is not a number", c)
		}
		if v > y[best] {
			best = c
		}
		if v > y[label] || v == y[label] && c < label {
			before++
		}
	}
	return best, before, nil
}
