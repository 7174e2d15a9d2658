package engine

import (
	"context"
	"math"
)

// States returns how many workers the program has memory for.
func States(p *Program) int {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	return len(p.pool.idle) + len(p.pool.slots)
}

// Poison fills the memory of idle workers.
func Poison(p *Program) {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	nan := float32(math.NaN())
	for _, s := range p.pool.idle {
		for _, e := range append([]*state{s}, s.group...) {
			fill(e.codes, 0xa5)
			fill(e.floats, nan)
		}
		fill(s.scratch.codes, 0xa5)
		fill(s.scratch.floats, nan)
		for i := range s.scratch.sums {
			s.scratch.sums[i] = 1 << 29
		}
	}
}

// Occupy takes all of the program's memory until release is called.
func Occupy(p *Program) (release func()) {
	var states []*state
	for range cap(p.pool.slots) {
		s, err := p.pool.get(context.Background())
		if err != nil {
			panic(err)
		}
		states = append(states, s)
	}
	return func() {
		for _, s := range states {
			p.pool.put(s)
		}
	}
}

// Divide makes workers share every step that can be shared, however small, and compute it in parts even where nobody
// helps. It returns how many steps those are.
func Divide(p *Program) int {
	p.shares, p.always = divide(p.steps, p.threads, worth{part: 1}), true
	n := 0
	for i := range p.steps {
		if p.steps[i].parts > 1 {
			n++
		}
	}
	return n
}

// Grouped returns how many steps a worker runs on several examples at once.
func Grouped(p *Program) int {
	n := 0
	for i := range p.steps {
		if p.steps[i].grouped != nil {
			n++
		}
	}
	return n
}
