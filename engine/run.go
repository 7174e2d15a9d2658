package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"linquant/internal/ended"
)

// Run computes the outputs for a batch of examples. inputs has one slice for every graph input and outputs one for
// every graph output, each with the examples of the batch one after the other, channels first; an input or output whose
// values are codes is given as the reals that they stand for. The results depend neither on the batch nor on the number
// of threads.
//
// Errors: slices that are no batch of the network's inputs and outputs; ctx's, which is looked at between steps; a
// NumberError; a PanicError. After an error the outputs are undefined. With one thread Run starts no goroutine and, after the first call, allocates
// nothing but for nodes that are computed ByReference (package graph); with more, none outlives the call.
func (p *Program) Run(ctx context.Context, outputs, inputs [][]float32) error {
	batch, err := p.batch(inputs)
	if err != nil {
		return err
	}
	return p.run(ctx, batch, outputs, inputs)
}

// run is Run for a batch of so many examples; inputs are nil where p.raw has them.
func (p *Program) run(ctx context.Context, batch int, outputs, inputs [][]float32) error {
	if err := p.checkOutputs(outputs, batch); err != nil {
		return err
	}
	workers := p.threads
	if !p.shares {
		workers = min(workers, batch)
	}
	if workers > 1 && batch > 0 {
		return p.share(ctx, workers, batch, outputs, inputs)
	}
	s, err := p.pool.get(ctx)
	if err != nil {
		return err
	}
	defer p.pool.put(s)
	for i := 0; i < batch; {
		n := p.groupOf(batch-i, 1)
		if err := p.examples(ctx, s, i, n, outputs, inputs); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// share runs a batch on several workers, of which the caller is the first. Where there is no memory for the others,
// because other Runs have it, they are left out.
func (p *Program) share(ctx context.Context, workers, batch int, outputs, inputs [][]float32) error {
	s, err := p.pool.get(ctx)
	if err != nil {
		return err
	}
	c := newScheduler(p, workers, batch, outputs, inputs)
	var wait sync.WaitGroup
	errs := make([]error, workers)
	for i := 1; i < workers; i++ {
		wait.Go(func() {
			s := p.pool.tryGet()
			if s != nil {
				errs[i] = c.work(ctx, i, s)
				p.pool.put(s)
			} else if i < batch {
				c.retire()
			}
		})
	}
	errs[0] = c.work(ctx, 0, s)
	wait.Wait()
	p.pool.put(s) // those who helped are done with it too
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// examples runs the program on n examples from example i on.
func (p *Program) examples(ctx context.Context, s *state, i, n int, outputs, inputs [][]float32) error {
	return p.runGroup(s, i, n, outputs, inputs, func(s *state, k *step) error {
		if err := ended.Err(ctx); err != nil {
			return err
		}
		return k.compute(ctx, s)
	})
}

// bind points the state at example i.
func (p *Program) bind(s *state, i int, outputs, inputs [][]float32) {
	clear(s.raw)
	if p.raw != nil {
		p.bindRaw(s, i)
		inputs = nil
	}
	for k, io := range p.inputs[:len(inputs)] {
		s.in[k] = inputs[k][i*io.elements:][:io.elements:io.elements]
	}
	for k, io := range p.outputs {
		s.out[k] = outputs[k][i*io.elements:][:io.elements:io.elements]
	}
}

// batch returns the number of examples.
func (p *Program) batch(inputs [][]float32) (int, error) {
	var room [4]int // so that nothing is allocated
	lengths := room[:0]
	for _, x := range inputs {
		lengths = append(lengths, len(x))
	}
	batch, err := p.batchOf(lengths)
	if err == nil {
		err = p.checkInputs(inputs)
	}
	return batch, err
}

// batchOf returns the number of examples of inputs of these lengths.
func (p *Program) batchOf(lengths []int) (int, error) {
	if err := p.made(); err != nil {
		return 0, err
	}
	if len(lengths) != len(p.inputs) {
		return 0, fmt.Errorf("the network has %d inputs, not %d", len(p.inputs), len(lengths))
	}
	batch := lengths[0] / p.inputs[0].elements
	for i, io := range p.inputs {
		switch n := lengths[i]; {
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

// made returns an error for a program that Compile has not made.
func (p *Program) made() error {
	if p == nil || p.pool == nil {
		return errors.New("the program is empty: engine.Compile makes one of a graph")
	}
	return nil
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
