package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"linquant/dataset"
	"linquant/eval"
)

// How many examples are read at a time: as many as run at first, so that a clear case ends with them, then twice as many each time. Within
// these a set is read in its order, since one that is compressed is read anew for what lies before.
const (
	mostRead   = 1024
	readValues = 1 << 23 // of the inputs or the outputs of one network, where one example has not more
)

// checking is a Check at work.
type checking struct {
	cfg                CheckConfig
	set                dataset.Set
	metric             eval.Metric
	gate               *eval.Gate
	network, reference side
	alike              bool // the inputs of one are those of the other
	labels             []int
	room               [2][]float32

	undefined  int // NaN in inputs
	firstRight int // how often the reference's first answer is right
	result     Checked
}

// suit looks whether both networks can be compared.
func (c *checking) suit() error {
	a, b := &c.network, &c.reference
	for _, s := range []*side{a, b} {
		if in, out := s.model.Inputs(), s.model.Outputs(); c.cfg.Judge == nil && c.metric.Labels() && len(out) != 1 {
			return &InputsError{s.model.Name, len(in), len(out), fmt.Sprintf("%s is measured on a classifier, which has one output", c.metric)}
		}
	}
	if c.cfg.Judge == nil && !c.metric.Labels() && !slices.Equal(a.outputs, b.outputs) {
		return &NetworkError{a.model.Name, fmt.Errorf("its outputs have %v values for an example and those of %s %v: only answers of the same "+
			"form can be compared", a.outputs, b.model.Name, b.outputs)}
	}
	p, q := &a.model.Preprocess, &b.model.Preprocess
	c.alike = a.examples.Shape().Equal(b.examples.Shape()) && a.model.takesPixels() == b.model.takesPixels() && p.SamePixels(*q) &&
		p.ChannelsLast == q.ChannelsLast && p.Resize == q.Resize
	return nil
}

// run goes on until there is a verdict, or no example is left.
func (c *checking) run(ctx context.Context, name string) error {
	r := &c.result
	order := shuffled(c.set.Len(), c.cfg.Seed)[:r.Of]
	report := reporter(c.cfg.Progress, Progress{Stage: Checking, Total: r.Of, Of: name, Data: c.set.Name()})
	report(0)
	batch := cmp.Or(c.cfg.Batch, 64)
	most := max(1, readValues/max(c.network.size, c.reference.size, c.network.answer, c.reference.answer, 1))
	done := 0
	for size := batch; len(order) > 0 && c.gate.Verdict() == eval.Undecided; size = min(2*size, max(mostRead, batch)) {
		examples := order[:min(size, most, len(order))]
		order = order[len(examples):]
		if err := c.read(ctx, examples); err != nil {
			return c.end(err)
		}
		for first := 0; first < len(examples) && c.gate.Verdict() == eval.Undecided; first += batch {
			next := min(first+batch, len(examples))
			if err := c.compute(ctx, first, next); err != nil {
				return c.end(err)
			}
			if c.cfg.Judge == nil {
				if err := c.compare(examples, first, next); err != nil {
					return err
				}
			}
			report(done + next)
		}
		if c.cfg.Judge != nil {
			if err := c.judge(ctx, examples, done == 0); err != nil {
				return c.end(err)
			}
		}
		done += len(examples)
	}
	if r.Whole {
		loss, err := c.cfg.Judge.All(ctx)
		if err != nil {
			return c.end(err)
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("%s: the loss over all examples is %g", c.set.Name(), loss)
		}
		r.Verdict, r.N, r.Loss, r.Bounds = eval.Pass, done, loss, eval.Interval{Low: loss, High: loss}
		if loss > c.cfg.MaxLoss {
			r.Verdict = eval.Fail
		}
		return nil
	}
	return c.end(nil)
}

// end makes the result of what was seen, and returns the error.
func (c *checking) end(err error) error {
	r := &c.result
	r.Verdict, r.N, r.Loss, r.Bounds = c.gate.Verdict(), c.gate.N(), c.gate.Mean(), c.gate.Bounds()
	var ok bool
	if r.More, ok = c.gate.More(); !ok {
		r.More = -1
	}
	return err
}

// read fills the inputs of both networks with examples.
func (c *checking) read(ctx context.Context, examples []int) error {
	if cap(c.labels) < len(examples) {
		c.labels = make([]int, len(examples))
	}
	c.labels = c.labels[:len(examples)]
	inOrder := make([]int, len(examples)) // places in examples, by the number of what is there
	for i := range inOrder {
		inOrder[i] = i
	}
	slices.SortFunc(inOrder, func(i, j int) int { return examples[i] - examples[j] })
	for _, s := range []*side{&c.network, &c.reference} {
		if c.alike && s == &c.reference {
			s.x = c.network.x
			break
		}
		s.x = slices.Grow(s.x[:0], len(examples)*s.size)[:len(examples)*s.size]
		for _, i := range inOrder {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			label, err := s.examples.Read(ctx, examples[i], s.x[i*s.size:(i+1)*s.size])
			if err != nil {
				return err
			}
			c.labels[i] = label
		}
	}
	for _, s := range []*side{&c.network, &c.reference} {
		s.y = slices.Grow(s.y[:0], len(s.outputs))[:len(s.outputs)]
		for k, size := range s.outputs {
			s.y[k] = slices.Grow(s.y[k][:0], len(examples)*size)[:len(examples)*size]
		}
	}
	return nil
}

// compute runs both networks on some of the examples that were read.
func (c *checking) compute(ctx context.Context, first, next int) error {
	for _, s := range []*side{&c.network, &c.reference} {
		outputs := make([][]float32, len(s.outputs))
		for k, size := range s.outputs {
			outputs[k] = s.y[k][first*size : next*size]
		}
		if err := s.model.Run(ctx, outputs, dataset.Split(nil, s.x[first*s.size:next*s.size], s.sizes)); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return &NetworkError{s.model.Name, err}
		}
	}
	for _, v := range c.network.x[first*c.network.size : next*c.network.size] {
		if v != v {
			c.undefined++
		}
	}
	return nil
}

// compare gives the gate the losses of some examples, until it decides.
func (c *checking) compare(examples []int, first, next int) error {
	_, high := c.metric.Range(c.cfg.MaxLoss)
	for i := first; i < next && c.gate.Verdict() == eval.Undecided; i++ {
		a, b, label := c.network.of(i, c.room[0]), c.reference.of(i, c.room[1]), c.labels[i]
		if len(c.network.outputs) > 1 {
			c.room = [2][]float32{a, b}
		}
		loss, err := c.metric.Loss(a, b, label)
		if err != nil {
			return fmt.Errorf("%s, example %d: %w", c.set.Name(), examples[i], err)
		}
		if loss > high {
			loss = high
			c.result.Clipped++
		}
		if c.metric.Labels() {
			c.count(a, b, label)
		}
		if err := c.take(loss, examples[i]); err != nil {
			return err
		}
	}
	return nil
}

// count counts right answers, which Loss has found to be some.
func (c *checking) count(network, reference []float32, label int) {
	one := func(to *int, m eval.Metric, answer []float32) {
		if right, _ := m.Right(answer, label); right {
			*to++
		}
	}
	one(&c.result.Right, c.metric, network)
	one(&c.result.ReferenceRight, c.metric, reference)
	one(&c.firstRight, eval.Top1, reference)
}

// take gives the gate a loss.
func (c *checking) take(loss float64, example int) error {
	if _, err := c.gate.Add(loss); err != nil {
		return fmt.Errorf("%s, example %d: %w", c.set.Name(), example, err)
	}
	switch {
	case loss > 0:
		c.result.Worse++
	case loss < 0:
		c.result.Better++
	}
	return nil
}

// judge gives the gate what the Judge says of the examples at hand.
func (c *checking) judge(ctx context.Context, examples []int, first bool) error {
	answers := Answers{Examples: examples, Labels: c.labels}
	var err error
	if answers.Network, err = c.network.tensors(len(examples)); err != nil {
		return err
	}
	if answers.Reference, err = c.reference.tensors(len(examples)); err != nil {
		return err
	}
	losses, err := c.cfg.Judge.Losses(ctx, answers)
	if err != nil {
		return err
	}
	if first {
		c.result.Whole = losses == nil
	}
	switch {
	case c.result.Whole && losses == nil:
		return nil
	case len(losses) != len(examples) || c.result.Whole:
		return fmt.Errorf("%s: %d losses for %d examples: one for each is wanted", c.set.Name(), len(losses), len(examples))
	}
	for i, loss := range losses {
		if c.gate.Verdict() != eval.Undecided {
			break
		}
		if err := c.take(loss, examples[i]); err != nil {
			return err
		}
	}
	return nil
}

// shuffled returns the numbers below n in an order that depends on nothing but the seed (R. Durstenfeld, "Algorithm 235: random permutation",
// 1964; PCG).
func shuffled(n int, seed uint64) []int {
	order, r := make([]int, n), rand.NewPCG(seed, 0)
	for i := range order {
		j, _ := bits.Mul64(r.Uint64(), uint64(i)+1)
		order[i], order[j] = order[j], i
	}
	return order
}
