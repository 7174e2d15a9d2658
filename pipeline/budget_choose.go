package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"linquant/dataset"
	"linquant/eval"
	"linquant/internal/knapsack"
	"linquant/ptq"
)

// options returns what the layers may cost and lose, as items of a knapsack. The noise of layers alone is added up: what they do to
// the outputs is independent, as good as.
func (c *choosing) options() [][]knapsack.Option {
	items := make([][]knapsack.Option, len(c.result.Layers))
	for i, l := range c.result.Layers {
		for _, o := range l.Options {
			cost := o.Bytes
			if c.budget.Latency > 0 {
				cost = int64(o.Time)
			}
			items[i] = append(items[i], knapsack.Option{Cost: cost, Loss: min(o.Loss.noise(), math.MaxFloat32)})
		}
	}
	return items
}

// overrides says a choice as the configuration would.
func (c *choosing) overrides(picks []int) []ptq.Override {
	list := slices.Clone(c.cfg.Quant.Overrides)
	for i, l := range c.result.Layers {
		o := l.Options[picks[i]]
		switch {
		case o.Bits == 0:
			list = append(list, ptq.Override{Pattern: l.Node, Float: true})
		case c.budget.Latency == 0 && o.Bits != c.cfg.Quant.WeightBits:
			list = append(list, ptq.Override{Pattern: l.Node, WeightBits: o.Bits})
		}
	}
	return list
}

// size returns the bytes of the network of a choice, put together from networks whose layers are alone, before it is made.
func (c *choosing) size(picks []int) (int64, error) {
	at := c.alone[c.result.Layers[0].Options[picks[0]].Bits]
	g := at.graph.Clone()
	for i, l := range c.result.Layers {
		from := c.alone[l.Options[picks[i]].Bits]
		for k, name := range at.nodes[l.Node].Inputs[1:] {
			if name == "" {
				continue
			}
			v := from.graph.Value(from.nodes[l.Node].Inputs[1+k]).Clone()
			v.Name = name
			g.Values[name] = v
		}
	}
	return c.sizeOf(c.n.made(g), picks)
}

// sizeOf returns the bytes of the network of a choice.
func (c *choosing) sizeOf(n *Network, picks []int) (int64, error) {
	if c.result.InFile {
		var w byteCounter
		err := c.budget.Write(&w, n, c.overrides(picks))
		return int64(w), err
	}
	_, packed := ptq.ConstantBytes(n.graph)
	return packed, nil
}

// choose returns the choice that loses least within so many bytes, put together, and what it takes.
func (c *choosing) choose(bytes int64) (knapsack.Choice, int64, error) {
	limit := bytes
	for range mostTightened {
		choice, err := knapsack.Choose(c.options(), limit-c.fixed)
		if err != nil {
			return choice, 0, c.tooLittle(err, bytes)
		}
		size, err := c.size(choice.Picks)
		if err != nil || size <= bytes {
			return choice, size, err
		}
		limit -= size - bytes
	}
	return knapsack.Choice{}, 0, c.tooLittle(&knapsack.InfeasibleError{}, bytes)
}

// tooLittle is the error about a budget that no choice is within.
func (c *choosing) tooLittle(err error, bytes int64) error {
	of := (*knapsack.InfeasibleError)(nil)
	if !errors.As(err, &of) {
		return c.n.named(fmt.Errorf("bits of layers: %w", err))
	}
	what := "packed"
	if c.result.InFile {
		what = "size"
	}
	nearest, err := c.least()
	if err != nil {
		return err
	}
	return &BudgetError{Name: c.n.Name, What: what, Budget: bytes, Nearest: nearest}
}

// least returns the bytes of the smallest choice.
func (c *choosing) least() (int64, error) {
	picks := make([]int, len(c.result.Layers))
	for i, l := range c.result.Layers {
		for k, o := range l.Options {
			if o.Bytes < l.Options[picks[i]].Bytes {
				picks[i] = k
			}
		}
		// Of several that are as small, the best, which a knapsack takes as well.
		for k, o := range l.Options {
			if o.Bytes == l.Options[picks[i]].Bytes && o.Loss.noise() < l.Options[picks[i]].Loss.noise() {
				picks[i] = k
			}
		}
	}
	return c.size(picks)
}

// within makes the network that loses least within so many bytes.
func (c *choosing) within(ctx context.Context, bytes int64) (*Result, error) {
	limit := bytes
	for range mostTightened {
		choice, _, err := c.choose(limit)
		if err != nil {
			return nil, c.ofBudget(err, bytes)
		}
		r, size, err := c.make(ctx, choice)
		if err != nil {
			return nil, err
		}
		if size <= bytes {
			return r, c.picked(choice, size)
		}
		limit -= size - bytes
	}
	return nil, c.ofBudget(c.tooLittle(&knapsack.InfeasibleError{}, bytes), bytes)
}

// ofBudget names in an error the budget that was given.
func (c *choosing) ofBudget(err error, bytes int64) error {
	if of := (*BudgetError)(nil); errors.As(err, &of) {
		of.Budget = bytes
	}
	return err
}

// make makes the network of a choice as Quantize does, and measures nothing.
func (c *choosing) make(ctx context.Context, choice knapsack.Choice) (*Result, int64, error) {
	cfg := c.cfg
	cfg.Test = Data{}
	cfg.Quant.Overrides = c.overrides(choice.Picks)
	r, err := c.n.quantize(ctx, cfg)
	if err != nil {
		return nil, 0, err
	}
	size, err := c.sizeOf(r.Network, choice.Picks)
	return r, size, err
}

// predicted is the loss of a choice, as far as its layers are concerned.
func predicted(choice knapsack.Choice) Loss {
	return Loss{SQNR: -10 * math.Log10(choice.Loss), Cosine: math.NaN()}
}

// picked says in the result what was chosen, of bytes so many, and what other budgets would give.
func (c *choosing) picked(choice knapsack.Choice, size int64) error {
	r := &c.result
	r.Bytes, r.Predicted = size, predicted(choice)
	if choice.Loss > 0 {
		r.Gap = choice.Loss/choice.Bound - 1
	}
	for i := range r.Layers {
		r.Layers[i].Picked = choice.Picks[i]
	}
	r.Overrides = c.overrides(choice.Picks)
	if r.Curve == nil {
		choices, err := c.choices()
		if err != nil {
			return err
		}
		r.Curve = c.curve(choices)
	}
	point := c.point(choice)
	at, found := slices.BinarySearchFunc(r.Curve, point, comparePoints)
	if found && slices.Equal(r.Curve[at].Bits, point.Bits) {
		r.Curve[at].Chosen = true
		return nil
	}
	point.Chosen = true
	r.Curve = slices.Insert(r.Curve, at, point)
	return nil
}

func comparePoints(a, b ChoicePoint) int {
	if a.Bytes != b.Bytes {
		return int(max(-1, min(1, a.Bytes-b.Bytes)))
	}
	return int(max(-1, min(1, a.Time-b.Time)))
}

// point is a choice as one of a curve.
func (c *choosing) point(choice knapsack.Choice) ChoicePoint {
	p := ChoicePoint{Bytes: c.fixed + choice.Cost, Predicted: predicted(choice)}
	if c.budget.Latency > 0 {
		p.Bytes, p.Time = 0, c.otherTime()+c.spent(choice)
	}
	for i, l := range c.result.Layers {
		p.Bits = append(p.Bits, l.Options[choice.Picks[i]].Bits)
	}
	return p
}

// curve returns choices as points.
func (c *choosing) curve(choices []knapsack.Choice) []ChoicePoint {
	var points []ChoicePoint
	for _, choice := range choices {
		points = append(points, c.point(choice))
	}
	return points
}

// choices returns the different choices for budgets from the least to the largest that changes something, at even ratios, by
// rising cost.
func (c *choosing) choices() ([]knapsack.Choice, error) {
	items := c.options()
	least, most := int64(0), int64(0)
	for _, options := range items {
		low, high := options[0].Cost, options[0].Cost
		for _, o := range options {
			low, high = min(low, o.Cost), max(high, o.Cost)
		}
		least, most = least+low, most+high
	}
	var list []knapsack.Choice
	for k := range curvePoints {
		ratio := float64(most+c.fixed) / float64(max(least+c.fixed, 1))
		budget := float64(least+c.fixed) * math.Pow(ratio, float64(k)/(curvePoints-1))
		limit := min(max(int64(budget)-c.fixed, least), most)
		if k == curvePoints-1 {
			limit = most
		}
		choice, err := knapsack.Choose(items, limit)
		if err != nil {
			return nil, c.n.named(fmt.Errorf("bits of layers: %w", err))
		}
		if len(list) == 0 || choice.Cost > list[len(list)-1].Cost {
			list = append(list, choice)
		}
	}
	return list, nil
}

// small makes the smallest network of the curve that loses no more accuracy than it may, found by halving: accuracy is taken to rise with size.
func (c *choosing) small(ctx context.Context) (*Result, error) {
	set, err := c.cfg.Test.open(ctx, "Test", dataset.Test)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	mine := every{set, 0}
	c.result.DropExamples = mine.Len()
	float, err := c.measure(ctx, c.n, mine, "as floats")
	if err != nil {
		return nil, err
	}
	choices, err := c.choices()
	if err != nil {
		return nil, err
	}
	c.result.Curve = c.curve(choices)
	bound := max(c.budget.Packed, c.budget.File)
	if bound > 0 {
		if choices, err = c.bounded(choices, bound); err != nil {
			return nil, err
		}
	}
	var best *Result
	var bestSize int64
	var bestChoice knapsack.Choice
	least := &BudgetError{Name: c.n.Name, What: "max-drop", Drop: *c.budget.MaxDrop, Least: math.Inf(1)}
	low, high := 0, len(choices)-1
	for low <= high {
		// The largest is looked at first: if it loses too much, so do the others.
		at := (low + high) / 2
		if best == nil && high == len(choices)-1 && low == 0 {
			at = high
		}
		r, size, err := c.make(ctx, choices[at])
		if err != nil {
			return nil, err
		}
		a, err := c.measure(ctx, r.Network, mine, fmt.Sprintf("with %d bytes", size))
		if err != nil {
			return nil, err
		}
		drop := -100 * eval.Paired(a.Right, float.Right).Value()
		c.noteDrop(choices[at], drop)
		if drop < least.Least {
			least.Least, least.Bytes = drop, size
		}
		if drop <= *c.budget.MaxDrop && (bound == 0 || size <= bound) {
			best, bestSize, bestChoice, high = r, size, choices[at], at-1
			continue
		}
		if best == nil {
			return nil, least
		}
		low = at + 1
	}
	return best, c.picked(bestChoice, bestSize)
}

// bounded returns the choices within so many bytes, the one for exactly so many among them.
func (c *choosing) bounded(choices []knapsack.Choice, bytes int64) ([]knapsack.Choice, error) {
	largest, _, err := c.choose(bytes)
	if err != nil {
		return nil, err
	}
	choices = slices.DeleteFunc(choices, func(choice knapsack.Choice) bool { return choice.Cost >= largest.Cost })
	return append(choices, largest), nil
}

// noteDrop notes at its point of the curve what a choice was measured to lose.
func (c *choosing) noteDrop(choice knapsack.Choice, drop float64) {
	point := c.point(choice)
	at, found := slices.BinarySearchFunc(c.result.Curve, point, comparePoints)
	if !found || !slices.Equal(c.result.Curve[at].Bits, point.Bits) {
		c.result.Curve = slices.Insert(c.result.Curve, at, point)
	}
	c.result.Curve[at].Drop = &drop
}

// measure measures the accuracy of a network.
func (c *choosing) measure(ctx context.Context, n *Network, set dataset.Set, of string) (*eval.Accuracy, error) {
	_, a, err := n.accuracy(ctx, set, MeasureConfig{Threads: c.cfg.Threads, Progress: c.cfg.Progress, Of: of})
	return a, err
}

// judge measures the network beside the float one: on every second example of Config.Test, those that had no part in the choice, where the
// others had, and else on all.
func (c *choosing) judge(ctx context.Context, r *Result) error {
	if c.cfg.Test.none() {
		return nil
	}
	cfg := c.cfg
	set, err := cfg.Test.open(ctx, "Test", dataset.Test)
	if err != nil {
		return err
	}
	defer set.Close()
	cfg.Test.Set, cfg.Test.Limit = set, 0
	if c.budget.MaxDrop != nil {
		cfg.Test.Set = every{set, 1}
	}
	if err := r.measure(ctx, cfg); err != nil || c.budget.MaxDrop == nil {
		return err
	}
	if drop := -100 * r.Accuracy.Value(); drop > *c.budget.MaxDrop {
		r.Warnings = append(r.Warnings, DropExceeded{drop, *c.budget.MaxDrop, r.Accuracy.N})
	}
	return nil
}

// labelled returns an error unless the examples of Config.Test have labels, and there are enough for two halves.
func (c *choosing) labelled(ctx context.Context) error {
	set, err := c.cfg.Test.open(ctx, "Test", dataset.Test)
	if err != nil {
		return err
	}
	defer set.Close()
	size, err := set.Shape().Elements()
	if err != nil {
		return err
	}
	if set.Len() < 2 {
		return &ConfigError{"Test", set.Name(), fmt.Sprintf("it has %s: a drop of accuracy is chosen by on some, and measured on others", count(set.Len(), "example"))}
	}
	label, err := set.Read(ctx, 0, make([]float32, size))
	if err == nil && label < 0 {
		err = &ConfigError{"Test", set.Name(), "its examples have no labels, and a drop of accuracy is measured on labelled ones: give some that have"}
	}
	return err
}

// every is every second example of a set, from the first or the second on.
type every struct {
	dataset.Set
	first int
}

func (e every) Len() int            { return (e.Set.Len() + 1 - e.first) / 2 }
func (e every) Close() error        { return nil }
func (e every) Unwrap() dataset.Set { return e.Set }

func (e every) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if i < 0 || i >= e.Len() {
		return 0, fmt.Errorf("%s: there is no example %d of %d", e.Name(), i, e.Len())
	}
	return e.Set.Read(ctx, 2*i+e.first, dst)
}
