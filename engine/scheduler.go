package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"linquant/internal/ended"
)

// scheduler divides the work of one Run among workers. Each takes the next example as long as there is one. A worker that
// finds none helps the others, which publish the parts of the step that they are at. So a batch of one is computed by
// all, and the last examples of a larger batch too.
//
// Nobody waits for a worker that is not there yet: a part is taken by whoever comes first, and a worker that publishes
// parts takes them itself until none is left. Waiting is spinning for some microseconds, then sleeping.
type scheduler struct {
	program         *Program
	outputs, inputs [][]float32
	batch           int64
	next            atomic.Int64 // the next example

	queues  []workQueue
	active  atomic.Int32 // workers that have examples, or may find some
	helpers atomic.Int32 // workers that look for parts

	asleep atomic.Int32
	mu     sync.Mutex
	awake  sync.Cond
}

// workQueue has the parts of the step that a worker is at, for everybody to take.
type workQueue struct {
	// ticket says which part is to be taken next: the generation, which counts the steps, in the upper half, then how many
	// parts there are, then the part. Taking one is adding 1. A generation begins when all parts of the one before are done.
	ticket  atomic.Uint64
	done    atomic.Int32          // parts
	failed  atomic.Pointer[error] // of a part
	waiting atomic.Bool           // the worker sleeps until all are done
	wake    chan struct{}

	generation uint32
	step       *step
	state      *state   // the example's memory
	_          [64]byte // queues are far enough apart that they do not share a cache line
}

const (
	maxParts = 1 << 14 // so that a part, and those who look for one, fit 16 bits
	spins    = 2000    // looks before a worker that waits lets others run
	patience = 30      // times that, before it sleeps
)

func newScheduler(p *Program, workers, batch int, outputs, inputs [][]float32) *scheduler {
	c := &scheduler{program: p, outputs: outputs, inputs: inputs, batch: int64(batch), queues: make([]workQueue, workers)}
	c.awake.L = &c.mu
	for i := range c.queues {
		c.queues[i].wake = make(chan struct{}, 1)
	}
	c.active.Store(int32(min(workers, batch)))
	return c
}

// work is what worker i does with its memory: examples, then parts of the examples of others.
func (c *scheduler) work(ctx context.Context, i int, s *state) error {
	if int64(i) < c.batch {
		err := c.runExamples(ctx, &c.queues[i], s)
		c.retire()
		if err != nil {
			return err
		}
	}
	c.help(&s.scratch)
	return nil
}

// retire is called once for each of the first workers, one for each example, when it finds no example.
func (c *scheduler) retire() {
	if c.active.Add(-1) == 0 {
		c.wakeAll()
	}
}

// runExamples runs examples.
func (c *scheduler) runExamples(ctx context.Context, b *workQueue, s *state) error {
	for {
		first, n := c.take()
		if n == 0 {
			return nil
		}
		err := c.program.runGroup(s, first, n, c.outputs, c.inputs, func(s *state, k *step) error {
			if err := ended.Err(ctx); err != nil {
				return err
			}
			b.state = s
			return c.run(ctx, b, k)
		})
		if err != nil {
			c.next.Store(c.batch) // nobody needs the rest
			return err
		}
	}
}

// take returns the examples that a worker does next.
func (c *scheduler) take() (first, n int) {
	for {
		first := c.next.Load()
		n := c.program.groupOf(int(c.batch-first), len(c.queues))
		if n == 0 || c.next.CompareAndSwap(first, first+int64(n)) {
			return int(first), n
		}
	}
}

// run computes a step, with the help of those who have nothing else to do.
func (c *scheduler) run(ctx context.Context, b *workQueue, k *step) error {
	if k.parts < 2 || c.helpers.Load() == 0 && !c.expects(k) {
		return k.compute(ctx, b.state)
	}
	b.step = k
	b.done.Store(0)
	b.generation++
	b.ticket.Store(uint64(b.generation)<<32 | uint64(k.parts)<<16)
	if c.asleep.Load() > 0 {
		c.wakeAll()
	}
	for b.take(&b.state.scratch) {
	}
	b.wait(int32(k.parts))
	if err := b.failed.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// expects reports whether a worker may come while the step is computed that has no example.
func (c *scheduler) expects(k *step) bool {
	return k.long && c.batch < int64(len(c.queues)) || c.program.always
}

// open reports whether there is a part to take.
func open(ticket uint64) bool { return uint16(ticket) < uint16(ticket>>16) }

// take computes a part, if there is one.
func (b *workQueue) take(w *scratch) bool {
	if !open(b.ticket.Load()) {
		return false
	}
	ticket := b.ticket.Add(1) - 1
	if !open(ticket) {
		return false
	}
	parts := int32(b.step.parts) // the step stays until this part is done
	if err := b.step.computePart(b.state, w, int(uint16(ticket))); err != nil {
		failed := err // so that nothing is allocated where all is well
		b.failed.Store(&failed)
	}
	if b.done.Add(1) == parts && b.waiting.CompareAndSwap(true, false) {
		b.wake <- struct{}{}
	}
	return true
}

// wait returns when all parts are done.
func (b *workQueue) wait(parts int32) {
	for round := range patience {
		for range spins {
			if b.done.Load() == parts {
				return
			}
		}
		if round > 0 {
			runtime.Gosched()
		}
	}
	// A helper that did the last part of an earlier generation may only now come to look for somebody who sleeps, and wake
	// the worker too soon.
	for done := false; !done; done = b.done.Load() == parts {
		b.waiting.Store(true)
		if b.done.Load() == parts && b.waiting.CompareAndSwap(true, false) {
			return
		}
		<-b.wake
	}
}

// help takes parts until nobody leads.
func (c *scheduler) help(w *scratch) {
	c.helpers.Add(1)
	defer c.helpers.Add(-1)
	for idle := 1; c.active.Load() > 0; idle++ {
		for i := range c.queues {
			for c.queues[i].take(w) {
				idle = 0
			}
		}
		if idle%spins == 0 {
			runtime.Gosched()
		}
		if idle >= spins*patience {
			c.sleep()
			idle = 0
		}
	}
}

// sleep returns when there may be something to do.
func (c *scheduler) sleep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asleep.Add(1)
	defer c.asleep.Add(-1)
	if c.active.Load() == 0 {
		return
	}
	for i := range c.queues {
		if open(c.queues[i].ticket.Load()) {
			return
		}
	}
	c.awake.Wait()
}

// wakeAll wakes all who sleep. It takes the lock so that nobody is between looking and falling asleep.
func (c *scheduler) wakeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awake.Broadcast()
}
