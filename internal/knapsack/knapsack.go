// Package knapsack chooses one option of every item so that the sum of losses is least and the sum of costs stays within a budget: the
// multiple-choice knapsack problem, solved exactly by dynamic programming over what is neither dearer nor worse, with bounds of the linear
// relaxation.
package knapsack

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Option is one way to have an item. Cost is not negative, Loss is finite.
type Option struct {
	Cost int64
	Loss float64
}

// Choice is what was chosen.
type Choice struct {
	Picks []int // the index of the option of each item
	Cost  int64
	Loss  float64

	// Bound is a proven lower bound of the least loss: Loss itself, up to rounding, unless there were too many sums of costs to go through.
	Bound float64
}

// InfeasibleError says that no choice is within the budget.
type InfeasibleError struct {
	Budget int64
	Least  int64 // that all items cost together
}

// Error gives both numbers.
func (e *InfeasibleError) Error() string {
	return fmt.Sprintf("a budget of %d cannot be met: the least is %d", e.Budget, e.Least)
}

// mostStates is how many sums of costs are gone through for an item, and for all items together.
const (
	mostStates = 1 << 16
	allStates  = 1 << 24
)

// Choose returns the choice of least loss whose cost is at most the budget, and of those with that loss one of least cost. The same items give the
// same picks. Errors: *InfeasibleError; an item without options, a negative cost, a sum of costs beyond 2⁶³−1, a loss that is not finite.
func Choose(items [][]Option, budget int64) (Choice, error) {
	return choose(items, budget, min(mostStates, max(allStates/max(len(items), 1), 256)))
}

func choose(items [][]Option, budget int64, most int) (Choice, error) {
	useful := make([][]option, len(items))
	least, largest := int64(0), int64(0)
	for i, options := range items {
		var err error
		if useful[i], err = undominated(options); err != nil {
			return Choice{}, fmt.Errorf("item %d: %w", i, err)
		}
		if largest += useful[i][len(useful[i])-1].Cost; largest < 0 {
			return Choice{}, fmt.Errorf("item %d: the costs add up to more than %d", i, int64(math.MaxInt64))
		}
		least += useful[i][0].Cost
	}
	if least > budget {
		return Choice{}, &InfeasibleError{budget, least}
	}
	s := &search{items: useful, budget: min(budget, largest), most: most}
	return s.run(), nil
}

// option is an Option and its index.
type option struct {
	Option
	index int
}

// undominated returns the options by rising cost and falling loss, without those than which another is neither dearer nor worse.
func undominated(options []Option) ([]option, error) {
	var list []option
	for i, o := range options {
		switch {
		case o.Cost < 0:
			return nil, fmt.Errorf("option %d costs %d", i, o.Cost)
		case math.IsNaN(o.Loss) || math.IsInf(o.Loss, 0):
			return nil, fmt.Errorf("option %d loses %v", i, o.Loss)
		}
		list = append(list, option{o, i})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("it has no options")
	}
	slices.SortStableFunc(list, func(a, b option) int { return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Loss, b.Loss)) })
	kept := list[:1]
	for _, o := range list[1:] {
		if o.Loss < kept[len(kept)-1].Loss {
			kept = append(kept, o)
		}
	}
	return kept, nil
}

// step is a part of the linear relaxation: what more cost brings.
type step struct {
	item, to int // the option of the item that it ends at
	cost     int64
	gain     float64 // of loss
}

func (s step) slope() float64 { return s.gain / float64(s.cost) }

// hull returns the steps between the options that are chosen where the relaxation weighs loss against cost, with falling slopes.
func hull(item int, options []option) []step {
	kept := []int{0}
	slope := func(a, b int) float64 {
		return (options[a].Loss - options[b].Loss) / float64(options[b].Cost-options[a].Cost)
	}
	for i := 1; i < len(options); i++ {
		for len(kept) > 1 && slope(kept[len(kept)-1], i) >= slope(kept[len(kept)-2], kept[len(kept)-1]) {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, i)
	}
	var steps []step
	for k := 1; k < len(kept); k++ {
		a, b := options[kept[k-1]], options[kept[k]]
		steps = append(steps, step{item, kept[k], b.Cost - a.Cost, a.Loss - b.Loss})
	}
	return steps
}

// relaxed is the linear relaxation of the items from one on: their least loss for any cost.
type relaxed struct {
	cost  int64 // the least
	loss  float64
	costs []int64   // that the first so many steps add
	gains []float64 // and what they take off the loss
}

// at returns the least loss with so much room.
func (r *relaxed) at(room int64) float64 {
	room -= r.cost
	i, found := slices.BinarySearch(r.costs, room)
	if !found {
		i--
	}
	loss := r.loss - r.gains[i]
	if i+1 < len(r.costs) {
		loss -= (r.gains[i+1] - r.gains[i]) * (float64(room-r.costs[i]) / float64(r.costs[i+1]-r.costs[i]))
	}
	return loss
}

// search is a choice at work.
type search struct {
	items  [][]option
	budget int64
	most   int
	bounds []*relaxed // of the items behind each; nil of most where there are many
}

// state is a choice of the first items.
type state struct {
	cost int64
	loss float64
	from int32 // the state before the last item
	pick int32
}

// mostBounds is for how many items bounds are kept.
const mostBounds = 64

// relax computes the bounds, and returns the relaxation of all items and its steps, by falling slope.
func (s *search) relax() (*relaxed, []step) {
	n := len(s.items)
	s.bounds = make([]*relaxed, n+1)
	stride := max(1, n/mostBounds)
	var steps []step
	for i := n; i >= 0; i-- {
		if i < n {
			steps = append(steps, hull(i, s.items[i])...)
		}
		if i%stride != 0 {
			continue
		}
		slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(b.slope(), a.slope()) })
		r := &relaxed{costs: make([]int64, 1, len(steps)+1), gains: make([]float64, 1, len(steps)+1)}
		for _, options := range s.items[i:] {
			r.cost += options[0].Cost
			r.loss += options[0].Loss
		}
		for k, st := range steps {
			r.costs, r.gains = append(r.costs, r.costs[k]+st.cost), append(r.gains, r.gains[k]+st.gain)
		}
		s.bounds[i] = r
	}
	return s.bounds[0], steps
}

// greedy takes the steps of the relaxation as long as they fit, and each that fits behind those.
func (s *search) greedy(steps []step) Choice {
	at := make([]int, len(s.items))
	cost := int64(0)
	for _, options := range s.items {
		cost += options[0].Cost
	}
	for _, st := range steps {
		options := s.items[st.item]
		more := options[st.to].Cost - options[at[st.item]].Cost
		if st.to > at[st.item] && cost+more <= s.budget {
			at[st.item] = st.to
			cost += more
		}
	}
	return s.choice(at)
}

// choice adds up what was chosen.
func (s *search) choice(at []int) Choice {
	c := Choice{Picks: make([]int, len(at))}
	for i, k := range at {
		o := s.items[i][k]
		c.Picks[i] = o.index
		c.Cost += o.Cost
		c.Loss += o.Loss
	}
	return c
}

func (s *search) run() Choice {
	all, steps := s.relax()
	best := s.greedy(steps)
	rest := int64(0)
	for _, options := range s.items {
		rest += options[0].Cost
	}
	exact := true
	layers := make([][]state, 0, len(s.items)+1)
	now := []state{{}}
	for i, options := range s.items {
		rest -= options[0].Cost
		layers = append(layers, now)
		now = s.extend(now, options, s.budget-rest)
		if b := s.bounds[i+1]; b != nil {
			now = slices.DeleteFunc(now, func(st state) bool { return st.loss+b.at(s.budget-st.cost) > best.Loss })
		}
		if len(now) > s.most {
			now, exact = thin(now, s.most), false
		}
	}
	if len(now) > 0 { // by falling loss: the last is the best
		last := now[len(now)-1]
		at := make([]int, len(s.items))
		for i := len(s.items) - 1; i >= 0; i-- {
			at[i] = int(last.pick)
			last = layers[i][last.from]
		}
		if c := s.choice(at); c.Loss < best.Loss || c.Loss == best.Loss && c.Cost < best.Cost {
			best = c
		}
	}
	if best.Bound = best.Loss; !exact {
		best.Bound = min(best.Loss, all.at(s.budget))
	}
	return best
}

// extend adds an item to every state, keeps within the limit, and drops what is neither cheaper nor better than another.
func (s *search) extend(states []state, options []option, limit int64) []state {
	next := make([]int, len(options)) // of each option, the state that comes next
	var list []state
	for {
		least, of := int64(math.MaxInt64), -1
		for k, o := range options {
			if next[k] < len(states) && states[next[k]].cost+o.Cost <= limit {
				cost, loss := states[next[k]].cost+o.Cost, states[next[k]].loss+o.Loss
				if of < 0 || cost < least || cost == least && loss < states[next[of]].loss+options[of].Loss {
					least, of = cost, k
				}
			}
		}
		if of < 0 {
			return list
		}
		loss := states[next[of]].loss + options[of].Loss
		if len(list) == 0 || loss < list[len(list)-1].loss {
			list = append(list, state{least, loss, int32(next[of]), int32(of)})
		}
		next[of]++
	}
}

// thin keeps of the states so many, evenly over their costs, and the first and the last.
func thin(states []state, most int) []state {
	first, last := states[0].cost, states[len(states)-1].cost
	width := (last-first)/int64(most) + 1
	var kept []state
	for i, st := range states {
		bucket := (st.cost - first) / width
		if i+1 == len(states) || (states[i+1].cost-first)/width != bucket { // the best of its bucket
			kept = append(kept, st)
		}
	}
	return kept
}
