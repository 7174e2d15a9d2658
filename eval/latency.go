package eval

import (
	"context"
	"slices"
	"time"
)

// Latency is how long the Runs of one batch size took.
type Latency struct {
	Batch  int // examples of one Run
	Runs   int
	Median time.Duration
	P90    time.Duration
	P99    time.Duration
	Min    time.Duration
}

// ImagesPerSecond returns the examples run in a second at the median.
func (l Latency) ImagesPerSecond() float64 {
	if l.Median <= 0 {
		return 0
	}
	return float64(l.Batch) / l.Median.Seconds()
}

// Time runs the network again and again for at least the given time and at least three times, after one Run that does
// not count, going around several batches of inputs so that none stays in the nearest cache. inputs[i] is a batch: one
// slice for each of the network's inputs. outputs is written by every Run.
func Time(ctx context.Context, net Network, inputs [][][]float32, outputs [][]float32, batch int, atLeast time.Duration) (Latency, error) {
	if err := net.Run(ctx, outputs, inputs[0]); err != nil {
		return Latency{}, err
	}
	var took []time.Duration
	for begin := time.Now(); len(took) < 3 || time.Since(begin) < atLeast; {
		start := time.Now()
		if err := net.Run(ctx, outputs, inputs[(len(took)+1)%len(inputs)]); err != nil {
			return Latency{}, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return Latency{
		Batch: batch, Runs: len(took), Min: took[0],
		Median: quantile(took, 50), P90: quantile(took, 90), P99: quantile(took, 99),
	}, nil
}

// quantile returns the nearest-rank percentile of sorted durations: the smallest that at least percent of them do not
// exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
