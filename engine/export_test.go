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
		fill(s.codes, 0xa5)
		fill(s.scratch.codes, 0xa5)
		fill(s.floats, nan)
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
