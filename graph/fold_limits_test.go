package graph

import (
	"context"
	"math"
	"strconv"
	"testing"

	"linquant/tensor"
)

func limit(of *int64, to int64, f func()) {
	old := *of
	*of = to
	defer func() { *of = old }()
	f()
}

// products is x + Σ a·a, n products of a constant matrix of 8×8 elements with itself: 512 multiplications each.
func products(t *testing.T, n int) *Graph {
	g := New("g")
	g.AddInput("x", tensor.Shape{Batch, 8, 8})
	a, err := tensor.Of(tensor.Shape{8, 8}, make([]float32, 64))
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("a", a)
	last := "x"
	for i := range n {
		last = g.AddNode(Add, "", "s"+strconv.Itoa(i), nil, last, g.AddNode(MatMul, "", "p"+strconv.Itoa(i), nil, "a", "a"))
	}
	g.Outputs = []string{last}
	return g
}

// folded returns how many of the products are constants.
func folded(t *testing.T, g *Graph) int {
	f, err := Fold(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range f.Values {
		if v.Const != nil && v.Name != "a" {
			n++
		}
	}
	return n
}

// TestFoldLimits counts what is folded with exactly the work, and the room, for three nodes of ten, and one less.
func TestFoldLimits(t *testing.T) {
	const each = 512 + elementWork*3*64
	for want, work := range map[int]int64{3: 3 * each, 2: 3*each - 1, 10: math.MaxInt64 / 2, 0: each - 1} {
		limit(&foldWork, work-foldWorkEach*64, func() {
			if got := folded(t, products(t, 10)); got != want {
				t.Errorf("work for %d: %d nodes of ten are folded, want %d", work, got, want)
			}
		})
	}
	for want, elements := range map[int]int64{3: 3 * 64, 2: 3*64 - 1, 10: math.MaxInt64 / 2} {
		limit(&foldElements, elements-foldElementsEach*64, func() {
			if got := folded(t, products(t, 10)); got != want {
				t.Errorf("room for %d: %d nodes of ten are folded, want %d", elements, got, want)
			}
		})
	}
}

// A chain needs the room of two results, however long it is: what nothing reads any more gives its room back.
func TestFoldChain(t *testing.T) {
	g := products(t, 0)
	last := "a"
	for i := range 50 {
		last = g.AddNode(MatMul, "", "c"+strconv.Itoa(i), nil, last, "a")
	}
	g.Outputs = []string{g.AddNode(Add, "", "y", nil, "x", last)}
	limit(&foldElements, 2*64-foldElementsEach*64, func() {
		if got := folded(t, g); got != 1 {
			t.Errorf("%d constants, want the last alone", got)
		}
	})
}

// TestFoldEnds ends with the context.
func TestFoldEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Fold(ctx, products(t, 3)); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if _, err := Resolve(ctx, products(t, 3), false); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

// Of many values with one name each gets another, and soon.
func TestUnique(t *testing.T) {
	g := New("g")
	for i := range 20000 {
		want := "w"
		if i > 0 {
			want += "_" + strconv.Itoa(i)
		}
		if got := g.Unique("w"); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		g.Values[want] = &Value{Name: want}
	}
}
