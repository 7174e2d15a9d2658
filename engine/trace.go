package engine

import (
	"context"
	"sync"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/tensor"
)

// Trace runs the network on the inputs, one slice for every graph input with the examples of the batch one after the
// other, and shows every kept value as reals, channels first: example by example in the order of the batch, the values
// of an example in the order in which they are computed. visit is never called concurrently, and must not keep x. Its
// error ends the run and is returned. Memory: the kept values of one example for each thread.
func (p *Program) Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	if err := p.made(); err != nil {
		return err
	}
	kept := p.keptPlaces()
	tables := make([]*[256]float32, len(kept))
	for i, v := range kept {
		if v.quant != nil {
			tables[i] = realsTable(v.quant)
		}
	}
	buffers := make([][][]float32, p.threads)
	for w := range buffers {
		buffers[w] = make([][]float32, len(kept))
	}
	return trace(ctx, p, inputs, func(s *state, worker, i int, v *place) []float32 {
		x := &buffers[worker][i]
		if *x == nil {
			*x = make([]float32, v.n)
		}
		v.export(s, *x, tables[i])
		return *x
	}, visit)
}

// TraceTensors is Trace, but shows values as they are: float32, or codes as int8 or uint8, with the shape of a batch of
// one example. visit may keep the tensors.
func (p *Program) TraceTensors(ctx context.Context, inputs [][]float32,
	visit func(value string, t tensor.Tensor) error,
) error {
	return trace(ctx, p, inputs, func(s *state, _, _ int, v *place) tensor.Tensor { return v.tensor(s) }, visit)
}

// tensor returns a copy of the value as it is outside the engine.
func (p *place) tensor(s *state) tensor.Tensor {
	shape := append(tensor.Shape{1}, p.shape...)
	if p.quant == nil {
		reals := make([]float32, p.n)
		p.export(s, reals, nil)
		t, err := tensor.Of(shape, reals)
		if graph.Counts(p.kind) {
			t, err = graph.CountsOf(shape, reals, p.kind)
		}
		if err != nil {
			panic("engine: " + err.Error()) // the shape is that of n elements
		}
		return t
	}
	t := tensor.Tensor{DType: tensor.Int8, Shape: shape, Data: make([]byte, p.n)}
	if p.quant.Type.Unsigned {
		t.DType = tensor.Uint8
	}
	src, pixel := s.codesOf(p), p.rowOr(p.order.channels)
	for i := range t.Data {
		t.Data[i] = src[i%p.order.plane*pixel+i/p.order.plane] ^ p.flip
	}
	return t
}

// keptPlaces lists the values that a trace shows, in the order in which they are computed.
func (p *Program) keptPlaces() []*place {
	kept := append([]*place(nil), p.kept...)
	for i := range p.steps {
		kept = append(kept, p.steps[i].kept...)
	}
	return kept
}

// trace runs as many examples at a time as there are workers, copies their kept values with export, and then shows the
// copies in order.
func trace[T any](ctx context.Context, p *Program, inputs [][]float32, export func(s *state, worker, i int, v *place) T,
	visit func(value string, x T) error,
) error {
	batch, err := p.batch(inputs)
	if err != nil {
		return err
	}
	kept := p.keptPlaces()
	workers := min(p.threads, max(batch, 1))
	copies, errs := make([][]T, workers), make([]error, workers)
	work := func(w, example int) {
		copies[w] = copies[w][:0]
		show := func(s *state, values []*place) {
			for _, v := range values {
				copies[w] = append(copies[w], export(s, w, len(copies[w]), v))
			}
		}
		errs[w] = p.watch(ctx, inputs, example, func(s *state, k *step) error {
			if k == nil {
				show(s, p.kept)
				return nil
			}
			if err := k.compute(ctx, s); err != nil {
				return err
			}
			show(s, k.kept)
			return nil
		})
	}
	for first := 0; first < batch; first += workers {
		n := min(workers, batch-first)
		var wait sync.WaitGroup
		for w := 1; w < n; w++ {
			wait.Go(func() { work(w, first+w) })
		}
		work(0, first)
		wait.Wait()
		for w := range n {
			if errs[w] != nil {
				return errs[w]
			}
			for i, v := range kept {
				if err := visit(v.name, copies[w][i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// watch runs the program on one example, and leaves every step to run, which is called with nil before the first.
func (p *Program) watch(ctx context.Context, inputs [][]float32, example int, run func(*state, *step) error) error {
	s, err := p.pool.get(ctx)
	if err != nil {
		return err
	}
	defer p.pool.put(s)
	for i, io := range p.inputs {
		s.in[i] = inputs[i][example*io.elements:][:io.elements:io.elements]
	}
	if s.own == nil {
		s.own = make([][]float32, len(p.outputs))
		for i, io := range p.outputs {
			s.own[i] = make([]float32, io.elements)
		}
	}
	copy(s.out, s.own)
	if err := run(s, nil); err != nil {
		return err
	}
	for k := range p.steps {
		if err := ended.Err(ctx); err != nil {
			return err
		}
		if err := run(s, &p.steps[k]); err != nil {
			return err
		}
	}
	return nil
}
