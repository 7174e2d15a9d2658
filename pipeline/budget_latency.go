package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"linquant/engine"
	"linquant/internal/knapsack"
	"linquant/ptq"
)

const (
	timedRuns  = 15                     // of which the median is a layer's time
	timedWhole = 150 * time.Millisecond // at least, of a whole network
)

// fast makes the network that loses least within the time of an example on one thread: each layer in integers, or in floats where that is worth it.
// What layers take is measured of both networks; codes that become reals between them, and back, take time that no layer shows: the
// whole is measured, and where it takes longer than promised, chosen again for less.
func (c *choosing) fast(ctx context.Context) (*Result, error) {
	float, err := c.latency(ctx, c.n)
	if err != nil {
		return nil, err
	}
	if float <= c.budget.Latency {
		return nil, c.n.named(&ConfigError{"Budget.Latency", c.budget.Latency.String(), fmt.Sprintf("the float network takes %v, which is within it, and "+
			"loses nothing: export that, or give less", float.Round(time.Microsecond))})
	}
	cfg := c.cfg
	cfg.Test = Data{}
	whole, err := c.n.quantize(ctx, cfg)
	if err != nil {
		return nil, err
	}
	integers, err := c.latency(ctx, whole.Network)
	if err != nil {
		return nil, err
	}
	if err := c.senseTimes(ctx, whole, integers, float); err != nil {
		return nil, err
	}
	fastest := min(float, integers)
	limit := c.budget.Latency
	for range mostTightened {
		choice, err := knapsack.Choose(c.options(), int64(limit-c.otherTime()))
		if err != nil {
			break
		}
		if !slices.ContainsFunc(c.point(choice).Bits, func(bits int) bool { return bits > 0 }) { // the float network, of which more is known
			limit -= max(float-c.budget.Latency, limit/20)
			continue
		}
		r, _, err := c.make(ctx, choice)
		if err != nil {
			return nil, err
		}
		took, err := c.latency(ctx, r.Network)
		if err != nil {
			return nil, err
		}
		fastest = min(fastest, took)
		if took <= c.budget.Latency {
			c.result.Latency = took
			return r, c.picked(choice, r.Report.PackedBytes)
		}
		limit -= max(took-c.budget.Latency, limit/20)
	}
	if integers <= c.budget.Latency { // no layer can stay float
		c.result.Latency = integers
		all := knapsack.Choice{Picks: make([]int, len(c.result.Layers))}
		for _, options := range c.options() {
			all.Cost, all.Loss = all.Cost+options[0].Cost, all.Loss+options[0].Loss
		}
		all.Bound = all.Loss
		return whole, c.picked(all, whole.Report.PackedBytes)
	}
	return nil, &BudgetError{Name: c.n.Name, What: "latency", Time: c.budget.Latency, Fastest: fastest}
}

// noLoss is the SQNR of what stays as it is.
var noLoss = math.Inf(1)

// otherTime is the time of what is no layer that may stay float.
func (c *choosing) otherTime() time.Duration { return time.Duration(c.fixed) }

// spent is the time of the layers of a choice.
func (c *choosing) spent(choice knapsack.Choice) time.Duration { return time.Duration(choice.Cost) }

// senseTimes measures what layers take in integers and in floats, and what each alone in integers costs the outputs. Steps that are timed take
// longer than in a run: their times are brought to those that both networks take as a whole.
func (c *choosing) senseTimes(ctx context.Context, whole *Result, integers, float time.Duration) error {
	ints, rest, err := c.times(ctx, whole.Network, integers)
	if err != nil {
		return err
	}
	floats, _, err := c.times(ctx, c.n, float)
	if err != nil {
		return err
	}
	d := &diagnosing{n: c.n, cfg: c.cfg, made: whole, sample: c.sample}
	if d.cfg.Quant.WeightMethod == nil {
		if d.cfg.Quant.WeightMethod, err = ptq.ParseWeightMethod(whole.Report.WeightMethod); err != nil {
			return err
		}
	}
	d.cfg.Quant.Examples = c.n.watched(ctx, c.cfg)
	if err := d.makeAlone(ctx, c.float); err != nil {
		return err
	}
	d.list(c.float)
	for _, l := range d.result.Layers {
		in, float := ints[l.Node], floats[l.Node]
		if l.WeightBits == 0 || in == 0 || float == 0 {
			continue
		}
		g, _, err := d.alone(&l)
		if err != nil {
			return err
		}
		loss, err := c.sample.loss(ctx, g)
		if err != nil {
			return err
		}
		rest -= in
		c.result.Layers = append(c.result.Layers, ChosenLayer{Node: l.Node, Options: []LayerOption{
			{Bits: l.WeightBits, Time: in, Loss: loss}, {Time: float, Loss: Loss{SQNR: noLoss, Cosine: 1}},
		}})
	}
	if len(c.result.Layers) == 0 {
		return c.n.named(&ConfigError{"Budget.Latency", "", "there is no layer with weights that is timed in integers and in floats"})
	}
	c.fixed = int64(max(rest, 0))
	return nil
}

// times returns the median times of the steps of a network by node, of one example, as parts of what all of them together take, and that.
func (c *choosing) times(ctx context.Context, n *Network, together time.Duration) (map[string]time.Duration, time.Duration, error) {
	m, err := n.Compile(ctx, engine.Config{Threads: 1})
	if err != nil {
		return nil, 0, err
	}
	all := map[string][]time.Duration{}
	for i := range timedRuns {
		steps, err := m.ProfileRandom(ctx)
		if err != nil {
			return nil, 0, err
		}
		if i == 0 {
			continue // memory that was never used
		}
		byNode := map[string]time.Duration{}
		for _, s := range steps {
			byNode[s.Node] += s.Elapsed
		}
		for node, t := range byNode {
			all[node] = append(all[node], t)
		}
	}
	median, sum := map[string]time.Duration{}, time.Duration(0)
	for node, list := range all {
		slices.Sort(list)
		median[node] = list[len(list)/2]
		sum += median[node]
	}
	for node, t := range median {
		median[node] = max(time.Duration(float64(t)*float64(together)/float64(max(sum, 1))), 1)
	}
	return median, together, nil
}

// latency measures the median time of one example on one thread.
func (c *choosing) latency(ctx context.Context, n *Network) (time.Duration, error) {
	m, err := n.Compile(ctx, engine.Config{Threads: 1})
	if err != nil {
		return 0, err
	}
	b, err := m.Benchmark(ctx, 1, 1, timedWhole)
	if err != nil {
		return 0, err
	}
	return b.Median, nil
}
