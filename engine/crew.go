package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// crew is the workers of one Run. Each takes the next example as long as there is one. A worker that finds none helps
// the others: they show it the parts of the step that they are at. So a batch of one is computed by all, and the last
// examples of a larger batch too.
//
// Nobody waits for a worker that is not there yet: a part is taken by whoever comes first, and a worker that shows parts
// to others takes them itself until none is left. Waiting is spinning for some microseconds, then sleeping.
type crew struct {
	program         *Program
	outputs, inputs [][]float32
	batch           int64
	next            atomic.Int64 // the next example

	boards  []board
	leaders atomic.Int32 // workers that have examples, or may find some
	helpers atomic.Int32 // workers that look for parts

	asleep atomic.Int32
	mu     sync.Mutex
	awake  sync.Cond
}

// board is where a worker shows the parts of the step that it is at.
type board struct {
	// ticket says which part is to be taken next: the number of the showing in the upper half, then how many parts there
	// are, then the part. Taking one is adding 1. A showing begins when all parts of the one before are done.
	ticket  atomic.Uint64
	done    atomic.Int32          // parts
	failed  atomic.Pointer[error] // of a part
	waiting atomic.Bool           // the worker sleeps until all are done
	wake    chan struct{}

	showing uint32
	step    *step
	state   *state   // the example's memory
	_       [64]byte // boards are far enough apart that they do not share a cache line
}

const (
	maxParts = 1 << 14 // so that a part, and those who look for one, fit 16 bits
	spins    = 2000    // looks before a worker that waits lets others run
	patience = 30      // times that, before it sleeps
)

func newCrew(p *Program, workers, batch int, outputs, inputs [][]float32) *crew {
	c := &crew{program: p, outputs: outputs, inputs: inputs, batch: int64(batch), boards: make([]board, workers)}
	c.awake.L = &c.mu
	for i := range c.boards {
		c.boards[i].wake = make(chan struct{}, 1)
	}
	c.leaders.Store(int32(min(workers, batch)))
	return c
}

// work is what worker i does with its memory: examples, then parts of the examples of others.
func (c *crew) work(ctx context.Context, i int, s *state) error {
	if int64(i) < c.batch {
		err := c.lead(ctx, &c.boards[i], s)
		c.retire()
		if err != nil {
			return err
		}
	}
	c.help(&s.scratch)
	return nil
}

// retire is called once for each of the first workers, one for each example, when it finds no example.
func (c *crew) retire() {
	if c.leaders.Add(-1) == 0 {
		c.alarm()
	}
}

// lead runs examples.
func (c *crew) lead(ctx context.Context, b *board, s *state) error {
	for {
		first, n := c.take()
		if n == 0 {
			return nil
		}
		err := c.program.runGroup(s, first, n, c.outputs, c.inputs, func(s *state, k *step) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			b.state = s
			return c.run(b, k)
		})
		if err != nil {
			c.next.Store(c.batch) // nobody needs the rest
			return err
		}
	}
}

// take returns the examples that a worker does next.
func (c *crew) take() (first, n int) {
	for {
		first := c.next.Load()
		n := c.program.groupOf(int(c.batch-first), len(c.boards))
		if n == 0 || c.next.CompareAndSwap(first, first+int64(n)) {
			return int(first), n
		}
	}
}

// run computes a step, with the help of those who have nothing else to do.
func (c *crew) run(b *board, k *step) error {
	if k.parts < 2 || c.helpers.Load() == 0 && !c.expects(k) {
		return k.compute(b.state)
	}
	b.step = k
	b.done.Store(0)
	b.showing++
	b.ticket.Store(uint64(b.showing)<<32 | uint64(k.parts)<<16)
	if c.asleep.Load() > 0 {
		c.alarm()
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
func (c *crew) expects(k *step) bool {
	return k.long && c.batch < int64(len(c.boards)) || c.program.always
}

// open reports whether there is a part to take.
func open(ticket uint64) bool { return uint16(ticket) < uint16(ticket>>16) }

// take computes a part, if there is one.
func (b *board) take(w *scratch) bool {
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
func (b *board) wait(parts int32) {
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
	// A helper that did the last part of an earlier showing may only now come to look for somebody who sleeps, and wake
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
func (c *crew) help(w *scratch) {
	c.helpers.Add(1)
	defer c.helpers.Add(-1)
	for idle := 1; c.leaders.Load() > 0; idle++ {
		for i := range c.boards {
			for c.boards[i].take(w) {
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
func (c *crew) sleep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asleep.Add(1)
	defer c.asleep.Add(-1)
	if c.leaders.Load() == 0 {
		return
	}
	for i := range c.boards {
		if open(c.boards[i].ticket.Load()) {
			return
		}
	}
	c.awake.Wait()
}

// alarm wakes all who sleep. It takes the lock so that nobody is between looking and falling asleep.
func (c *crew) alarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awake.Broadcast()
}
