package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Run computes the outputs for a batch of examples. inputs has one slice for every graph input and outputs one for
// every graph output, each with the examples of the batch one after the other, channels first; an input or output whose
// values are codes is given as the reals that they stand for. The results depend neither on the batch nor on the number
// of threads.
//
// Errors: slices that are no batch of the network's inputs and outputs; ctx's, which is looked at between steps. After
// an error the outputs are undefined. With one thread Run starts no goroutine and, after the first call, allocates
// nothing; with more, none outlives the call.
func (p *Program) Run(ctx context.Context, outputs, inputs [][]float32) error {
	batch, err := p.batch(inputs)
	if err != nil {
		return err
	}
	if err := p.checkOutputs(outputs, batch); err != nil {
		return err
	}
	if workers := min(p.threads, batch); workers > 1 {
		return p.share(ctx, workers, batch, outputs, inputs)
	}
	s, err := p.pool.get(ctx)
	if err != nil {
		return err
	}
	defer p.pool.put(s)
	for i := range batch {
		if err := p.example(ctx, s, i, outputs, inputs); err != nil {
			return err
		}
	}
	return nil
}

// share runs a batch on several workers, each of which takes the next example when it is done with one.
func (p *Program) share(ctx context.Context, workers, batch int, outputs, inputs [][]float32) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			s, err := p.pool.get(ctx)
			if err != nil {
				cancel(err)
				return
			}
			defer p.pool.put(s)
			for i := next.Add(1) - 1; i < int64(batch); i = next.Add(1) - 1 {
				if err := p.example(ctx, s, int(i), outputs, inputs); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// example runs the program on example i.
func (p *Program) example(ctx context.Context, s *state, i int, outputs, inputs [][]float32) error {
	p.bind(s, i, outputs, inputs)
	for k := range p.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.steps[k].kernel.run(s)
	}
	return nil
}

// bind points the state at example i.
func (p *Program) bind(s *state, i int, outputs, inputs [][]float32) {
	for k, io := range p.inputs {
		s.in[k] = inputs[k][i*io.elements:][:io.elements:io.elements]
	}
	for k, io := range p.outputs {
		s.out[k] = outputs[k][i*io.elements:][:io.elements:io.elements]
	}
}

// batch returns the number of examples.
func (p *Program) batch(inputs [][]float32) (int, error) {
	if len(inputs) != len(p.inputs) {
		return 0, fmt.Errorf("the network has %d inputs, not %d", len(p.inputs), len(inputs))
	}
	batch := len(inputs[0]) / p.inputs[0].elements
	for i, io := range p.inputs {
		switch n := len(inputs[i]); {
		case n%io.elements != 0:
			return 0, fmt.Errorf("input %q: %d values are no whole number of examples of shape %v (%d values)",
				io.Name, n, io.Shape, io.elements)
		case n/io.elements != batch:
			return 0, fmt.Errorf("input %q has %d examples, input %q %d: give as many of each",
				io.Name, n/io.elements, p.inputs[0].Name, batch)
		}
	}
	return batch, nil
}

func (p *Program) checkOutputs(outputs [][]float32, batch int) error {
	if len(outputs) != len(p.outputs) {
		return fmt.Errorf("the network has %d outputs, not %d", len(p.outputs), len(outputs))
	}
	for i, io := range p.outputs {
		if n := len(outputs[i]); n%io.elements != 0 || n/io.elements != batch {
			return fmt.Errorf("output %q: room for %d values, and %d examples have %d each", io.Name, n, batch, io.elements)
		}
	}
	return nil
}
