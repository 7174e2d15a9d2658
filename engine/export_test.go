package engine

import (
	"context"
	"errors"
	"math"
	"sync/atomic"

	"linquant/graph"
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
	p.shares, p.always = divide(p.steps, p.threads, thresholds{part: 1}), true
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

// Break makes the i-th step of a program panic while on says so, in every way in which it is run.
func Break(p *Program, i int, on *atomic.Bool) {
	k := &p.steps[i]
	k.kernel = broken{k.kernel, on}
	if k.grouped != nil {
		k.grouped = brokenGroup{k.grouped, on}
	}
}

// ErrBroken is what such a step panics with.
var ErrBroken = errors.New("broken on purpose")

type broken struct {
	kernel
	on *atomic.Bool
}

func (k broken) part(s *state, w *scratch, lo, hi int) {
	if n, _ := k.units(); k.on.Load() && (lo > 0 || hi == n) { // the first of several parts goes on
		panic(ErrBroken)
	}
	k.kernel.part(s, w, lo, hi)
}

type brokenGroup struct {
	grouped
	on *atomic.Bool
}

func (k brokenGroup) runGroup(examples []*state) {
	if k.on.Load() {
		panic(ErrBroken)
	}
	k.grouped.runGroup(examples)
}

// Pack does what Compile does with constants that are made on all processors, for nodes of these names. Each panics for
// which broken says so.
func Pack(nodes []string, broken func(node string) bool) error {
	c := &compiler{ctx: context.Background()}
	for _, name := range nodes {
		s := &lowerer{compiler: c, n: &graph.Node{Op: graph.Conv, Name: name, Outputs: []string{name}}}
		s.later(func() error {
			if broken(name) {
				panic(ErrBroken)
			}
			return nil
		})
	}
	return c.pack()
}
