package engine

// kernel computes a step for an example. Its output falls into units that can be computed apart, by several workers at
// once, with the same bits as all at once. It is immutable, so that workers can share it.
type kernel interface {
	// units returns their number, and the number that a part must be a multiple of.
	units() (n, grain int)
	// part computes units lo ≤ u < hi of the example of s, with scratch that no other worker uses.
	part(s *state, w *scratch, lo, hi int)
}

// undivided is of a kernel that one worker runs.
type undivided struct{}

func (undivided) units() (n, grain int) { return 1, 1 }

// runWhole runs all of a kernel on one worker.
func runWhole(k kernel, s *state) {
	n, _ := k.units()
	k.part(s, &s.scratch, 0, n)
}

// partsPerWorker is more than 1 so that a worker that is late or slow leaves work to the others.
const partsPerWorker = 2

// longest is the time in estimated nanoseconds that a worker who comes in the middle of a step should have to wait for
// the next part. A step that takes longer is published in parts even where nobody helps yet: waking a worker takes as long.
const longest = 20_000

// thresholds is when work is divided, in estimated nanoseconds.
type thresholds struct {
	part   int64 // that a part should take at least: many times what it costs to hand it over
	shared int64 // in steps that are divided, for which it pays to wake another worker
}

// defaultThresholds returns what pays on most machines.
func defaultThresholds() thresholds { return thresholds{part: 1000, shared: 40_000} }

// elementGrain keeps workers off each other's cache lines.
const elementGrain = 64

// cost estimates how many nanoseconds a step takes; too few rather than too many.
func (k *step) cost() int64 {
	elements, macs := int64(k.out[0].n), k.MACs
	for _, p := range k.in {
		elements += int64(p.n)
	}
	if k.out[0].quant == nil {
		return macs/100 + elements/8
	}
	return macs/400 + elements/32
}

// divide decides into how many parts the workers divide each step, and returns whether the program as a whole is worth
// sharing.
func divide(steps []step, threads int, least thresholds) bool {
	if threads == 1 {
		return false
	}
	shared := int64(0)
	for i := range steps {
		k := &steps[i]
		cost := k.cost()
		n, grain := k.kernel.units()
		parts := max(int64(partsPerWorker*threads), cost/longest)
		parts = min(parts, cost/least.part, int64(n/grain), maxParts)
		if parts < 2 {
			continue
		}
		k.parts, k.long = int(parts), cost > longest
		shared += cost
	}
	return shared >= least.shared
}

// runPart computes part i of the step.
func (k *step) runPart(s *state, w *scratch, i int) {
	n, grain := k.kernel.units()
	blocks := (n + grain - 1) / grain
	lo, hi := int64(blocks)*int64(i)/int64(k.parts), int64(blocks)*int64(i+1)/int64(k.parts)
	k.kernel.part(s, w, int(lo)*grain, min(int(hi)*grain, n))
}
