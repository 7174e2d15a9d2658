package knapsack

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	_ "linquant/internal/testing/seeds"

	"pgregory.net/rapid"
)

// brute tries all choices; ok is false where none is within the budget.
func brute(items [][]Option, budget int64) (cost int64, loss float64, ok bool) {
	picks := make([]int, len(items))
	for {
		c, l := int64(0), 0.0
		for i, k := range picks {
			c += items[i][k].Cost
			l += items[i][k].Loss
		}
		if c <= budget && (!ok || l < loss || l == loss && c < cost) {
			cost, loss, ok = c, l, true
		}
		i := 0
		for ; i < len(items); i++ {
			if picks[i]++; picks[i] < len(items[i]) {
				break
			}
			picks[i] = 0
		}
		if i == len(items) {
			return cost, loss, ok
		}
	}
}

func drawItems(t *rapid.T) [][]Option {
	items := make([][]Option, rapid.IntRange(0, 6).Draw(t, "items"))
	for i := range items {
		items[i] = make([]Option, rapid.IntRange(1, 5).Draw(t, "options"))
		for k := range items[i] {
			// Whole numbers, whose sums are exact, so that equal losses are.
			items[i][k] = Option{rapid.Int64Range(0, 40).Draw(t, "cost"), float64(rapid.IntRange(-5, 200).Draw(t, "loss"))}
		}
	}
	return items
}

// What is chosen is what trying all choices finds, and its cost and loss are those of its picks.
func TestChooseIsOptimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, budget := drawItems(t), rapid.Int64Range(0, 150).Draw(t, "budget")
		c, err := Choose(items, budget)
		cost, loss, ok := brute(items, budget)
		var of *InfeasibleError
		switch {
		case !ok && (!errors.As(err, &of) || of.Least <= budget || of.Budget != budget):
			t.Fatalf("no choice is within the budget, and the error is %v", err)
		case !ok:
			if _, _, feasible := brute(items, of.Least); !feasible {
				t.Fatalf("nor is one within %d", of.Least)
			}
			if _, _, less := brute(items, of.Least-1); less {
				t.Fatalf("less than %d does", of.Least)
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		sumCost, sumLoss := int64(0), 0.0
		for i, k := range c.Picks {
			sumCost += items[i][k].Cost
			sumLoss += items[i][k].Loss
		}
		if len(c.Picks) != len(items) || sumCost != c.Cost || sumLoss != c.Loss || c.Cost > budget {
			t.Fatalf("%+v: its picks cost %d and lose %v", c, sumCost, sumLoss)
		}
		if c.Loss != loss || c.Bound != loss {
			t.Fatalf("%+v; all choices tried, the least loss is %v, at %d", c, loss, cost)
		}
	})
}

// With too few states to go through all, the choice is within the budget, and the least loss between its bound and it.
func TestBoundsOfWhatIsNotExact(t *testing.T) {
	inexact, r := 0, rand.New(rand.NewPCG(1, 2))
	for range 500 {
		items, budget := make([][]Option, 6), int64(40+r.IntN(100))
		for i := range items {
			for range 4 {
				items[i] = append(items[i], Option{r.Int64N(40), float64(r.IntN(200))})
			}
		}
		c, err := choose(items, budget, 1)
		_, loss, ok := brute(items, budget)
		if ok != (err == nil) {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		if c.Cost > budget || c.Loss < loss || c.Bound > loss+1e-9 {
			t.Fatalf("%+v, and the least loss is %v", c, loss)
		}
		if c.Bound < c.Loss {
			inexact++
		}
	}
	if inexact == 0 {
		t.Error("none of the draws had too many states")
	}
}

// Hundreds of items of any costs are chosen at once, exactly or with a small gap.
func TestChooseMany(t *testing.T) {
	items := make([][]Option, 400)
	budget := int64(0)
	for i := range items {
		size := int64(1000 + 7919*i%50021)
		for _, bits := range []int64{2, 3, 4, 6, 8} {
			items[i] = append(items[i], Option{size * bits, float64(1+i*31%17) / math.Exp2(float64(2*bits))})
		}
		budget += 3 * size
	}
	c, err := Choose(items, budget)
	if err != nil || c.Cost > budget || c.Loss-c.Bound > 1e-3*c.Loss {
		t.Errorf("cost %d of %d, loss %v, bound %v, %v", c.Cost, budget, c.Loss, c.Bound, err)
	}
}

func TestChooseRefuses(t *testing.T) {
	for want, items := range map[string][][]Option{
		"item 1: it has no options":       {{{1, 1}}, {}},
		"item 0: option 1 costs -1":       {{{1, 1}, {-1, 1}}},
		"item 0: option 0 loses NaN":      {{{1, math.NaN()}}},
		"item 0: option 0 loses +Inf":     {{{1, math.Inf(1)}}},
		"item 1: the costs add up":        {{{math.MaxInt64, 1}}, {{1, 1}}},
		"budget of 9 cannot be met: the ": {{{5, 1}}, {{5, 1}, {6, 0}}},
	} {
		if _, err := Choose(items, 9); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
