package engine

import (
	"context"
	"sync"

	"linquant/internal/elementwise"
	"linquant/internal/ended"
)

// state is what a worker needs to run the program on one example at a time.
type state struct {
	ctx     context.Context // of the run, for steps that are long in themselves
	codes   []byte          // arena
	floats  []float32       // arena
	scratch scratch
	in, out [][]float32 // the example's part of what the caller gave
	own     [][]float32 // for out, where the caller gives nothing; nil before the first time
	raw     [][]uint8   // instead of in, of RunUint8
	group   []*state    // of the examples that a worker runs at once, itself the first; nil until there are several
}

// scratch is memory that a step uses while it runs.
type scratch struct {
	codes  []byte
	floats []float32
	sums   []int32
	run    run              // that is being computed, of a windowKernel
	line   elementwise.Line // of a depthwiseKernel
}

// need is how many elements of scratch a step uses.
type need struct{ codes, floats, sums int }

func (n *need) grow(o need) {
	n.codes, n.floats, n.sums = max(n.codes, o.codes), max(n.floats, o.floats), max(n.sums, o.sums)
}

// codesOf returns the memory of a value of codes.
func (s *state) codesOf(p *place) []byte {
	if b := p.buffer; b != nil {
		at, n := p.span()
		return s.codes[b.offset+at:][:n:n]
	}
	return p.codes
}

// floatsOf returns the memory of a value of floats.
func (s *state) floatsOf(p *place) []float32 {
	if b := p.buffer; b != nil {
		at, n := p.span()
		return s.floats[b.offset+at:][:n:n]
	}
	if p.input >= 0 {
		return s.in[p.input]
	}
	return p.floats
}

// pool hands out states, at most so many at once. The one given back last goes out first: a program that is run by one
// goroutine has memory for one.
type pool struct {
	slots chan struct{}
	make  func() *state

	mu   sync.Mutex
	idle []*state
}

func newPool(limit int, mk func() *state) *pool {
	return &pool{slots: make(chan struct{}, limit), make: mk, idle: make([]*state, 0, limit)}
}

// tryGet returns a state, or nil where none is free.
func (p *pool) tryGet() *state {
	select {
	case p.slots <- struct{}{}:
		return p.take()
	default:
		return nil
	}
}

// get returns a state, or ctx's error where none came free before ctx was done.
func (p *pool) get(ctx context.Context) (*state, error) {
	if err := ended.Err(ctx); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ended.Err(ctx)
	}
	return p.take(), nil
}

func (p *pool) take() *state {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s
	}
	return p.make()
}

func (p *pool) put(s *state) {
	s.ctx = nil
	clear(s.in) // the caller's memory is not ours to keep alive
	clear(s.out)
	clear(s.raw)
	for _, e := range s.group {
		clear(e.in)
		clear(e.out)
		clear(e.raw)
	}
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
	<-p.slots
}
