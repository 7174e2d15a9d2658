package engine

import (
	"fmt"
	"runtime"

	"linquant/internal/cpu"
)

// Config says how a network is compiled. The zero value uses the whole machine.
type Config struct {
	Threads int // workers of one Run, which share the batch and each example; 0 means GOMAXPROCS

	// Keep names values that Trace shows; KeepAll is all that nodes compute. A Relu is not fused into the layer before
	// it where the value between them is kept.
	Keep    []string
	KeepAll bool

	CPU     string // instructions to use: a name that LINQUANT_CPU takes; "" is what that variable says, or the best
	MaxRuns int    // Runs that hold memory at once, others wait; 0 means GOMAXPROCS
}

// check returns an error for numbers that cannot be.
func (c Config) check() error {
	if c.Threads < 0 {
		return fmt.Errorf("%d threads: use 1 or more, or 0 for one on each processor", c.Threads)
	}
	if c.MaxRuns < 0 {
		return fmt.Errorf("at most %d runs at once: use 1 or more, or 0 for one on each processor", c.MaxRuns)
	}
	return nil
}

// threads returns the number of workers of one Run.
func (c Config) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// states returns how many workers may hold memory at once.
func (c Config) states() int {
	runs := c.MaxRuns
	if runs <= 0 {
		runs = runtime.GOMAXPROCS(0)
	}
	return runs * c.threads()
}

// tier returns the instructions to compile for.
func (c Config) tier() (cpu.Tier, error) {
	if c.CPU == "" {
		return cpu.FromEnv()
	}
	return cpu.Parse(c.CPU)
}
