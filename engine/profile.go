package engine

import (
	"context"
	"time"
)

// StepTime is what a step took.
type StepTime struct {
	Step
	Elapsed time.Duration // over all examples
}

// Profile runs the network on one worker and measures every step. Inputs and errors are those of Run.
func (p *Program) Profile(ctx context.Context, inputs [][]float32) ([]StepTime, error) {
	batch, err := p.batch(inputs)
	if err != nil {
		return nil, err
	}
	times := make([]StepTime, len(p.steps))
	for i := range times {
		times[i].Step = p.steps[i].Step
	}
	for example := range batch {
		next := 0
		err := p.watch(ctx, inputs, example, func(s *state, k *step) error {
			if k == nil {
				return nil
			}
			start := time.Now()
			err := k.compute(ctx, s)
			times[next].Elapsed += time.Since(start)
			next++
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return times, nil
}
