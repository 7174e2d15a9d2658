package engine

import (
	"context"
	"math"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// limited runs f with a limit changed.
func limited(limit *int64, to int64, f func()) {
	old := *limit
	*limit = to
	defer func() { *limit = old }()
	f()
}

func oneNode(op graph.Op, attrs graph.Attrs, shape tensor.Shape, weights ...tensor.Shape) *graph.Graph {
	g := graph.New("g")
	g.AddInput("x", shape)
	inputs := []string{"x"}
	for i, s := range weights {
		n, _ := s.Elements()
		w, err := tensor.Of(s, make([]float32, n))
		if err != nil {
			panic(err)
		}
		name := string(rune('v' + i))
		g.AddConst(name, w)
		inputs = append(inputs, name)
	}
	g.AddNode(op, "n", "y", attrs, inputs...)
	g.Outputs = []string{"y"}
	return g
}

// TestTables has for every kind of table a network that needs it: refused by name where there is no room, within bounds by
// default, and beyond them once the limit is gone.
func TestTables(t *testing.T) {
	const room = 1 << 18
	for name, g := range map[string]*graph.Graph{
		"rows":      oneNode(graph.Softmax, graph.Attrs{"axis": 2}, tensor.Shape{graph.Batch, 1 << 17, 4}),
		"transpose": oneNode(graph.Transpose, graph.Attrs{"perm": []int{0, 2, 1}}, tensor.Shape{graph.Batch, 1 << 16, 2}),
		"pad":       oneNode(graph.Pad, graph.Attrs{"mode": "reflect", "pads": []int{0, 1, 0, 1}}, tensor.Shape{graph.Batch, 1 << 17}),
		"resize":    oneNode(graph.Resize, graph.Attrs{"mode": "linear", "sizes": []int{graph.Batch, 1, 1, 1 << 14}}, tensor.Shape{graph.Batch, 1, 1, 4}),
		"expand":    oneNode(graph.Expand, graph.Attrs{"shape": []int{1, 1 << 16}}, tensor.Shape{graph.Batch, 1}),
		"pool": oneNode(graph.MaxPool, graph.Attrs{"kernel_shape": []int{600, 600}, "pads": []int{0, 0, 0, 0}}, tensor.Shape{
			graph.Batch, 1, 600, 600,
		}),
		"columns": oneNode(graph.MaxPool, graph.Attrs{"kernel_shape": []int{1, 40000}, "pads": []int{0, 39999, 0, 39999}}, tensor.Shape{
			graph.Batch, 1, 1, 1,
		}),
	} {
		t.Run(name, func(t *testing.T) {
			limited(&leastTables, room, func() {
				_, err := Compile(t.Context(), g, Config{})
				if err == nil || !strings.Contains(err.Error(), `node "n": what says where its elements lie would take`) {
					t.Errorf("error %v", err)
				}
				if _, err := Check(t.Context(), g, Config{}); err != nil {
					t.Errorf("Check: %v, and it makes no tables", err)
				}
			})
			limited(&leastTables, math.MaxInt64/2, func() {
				p, err := Compile(t.Context(), g, Config{})
				if err != nil {
					t.Fatal(err)
				}
				if got := p.Memory().Weights; got <= room {
					t.Errorf("%d bytes of tables without a limit: the limit of %d was none", got, room)
				}
			})
		})
	}
}

// TestPlanned plans windows while there is room, and copies them where there is none: with the same results, as other
// tests say.
func TestPlanned(t *testing.T) {
	g := oneNode(graph.Conv, graph.Attrs{"pads": []int{1, 1, 1, 1}}, tensor.Shape{graph.Batch, 8, 40, 40}, tensor.Shape{8, 8, 3, 3})
	planned := func(limit int64) (left int64) {
		limited(&leastPlanned, limit, func() {
			c, err := compile(context.Background(), g, Config{}, false)
			if err != nil {
				t.Fatal(err)
			}
			left = c.room.planned
			if left < 0 {
				t.Errorf("%d taps too many", -left)
			}
		})
		return left
	}
	const taps, constants = 40 * 40 * 9, 8 * 8 * 9
	if got := planned(taps - constants - 1); got != taps-1 {
		t.Errorf("%d taps are left of %d, and %d are needed: windows were planned without room", got, taps-1, taps)
	}
}

// TestSharedWeights packs a weight that layers share once, and refuses so many that even reading it takes long.
func TestSharedWeights(t *testing.T) {
	shared := func(layers int) *graph.Graph {
		g := oneNode(graph.MatMul, nil, tensor.Shape{graph.Batch, 64}, tensor.Shape{64, 64})
		g.Outputs = nil
		for i := range layers {
			g.Outputs = append(g.Outputs, g.AddNode(graph.MatMul, "m"+string(rune('a'+i)), "z"+string(rune('a'+i)), nil, "x", "v"))
		}
		return g
	}
	c, err := compile(context.Background(), shared(20), Config{Threads: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.packs.made) != 1 {
		t.Errorf("one weight was packed %d times", len(c.packs.made))
	}
	limited(&leastRead, -readsEach*64*64+20*64*64, func() {
		if _, err := Compile(t.Context(), shared(20), Config{}); err != nil {
			t.Error(err)
		}
		if _, err := Compile(t.Context(), shared(21), Config{}); err == nil || !strings.Contains(err.Error(), "so many layers cannot share") {
			t.Errorf("error %v", err)
		}
	})
}

// TestCompileEnds ends with the context, before anything is computed.
func TestCompileEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := oneNode(graph.Relu, nil, tensor.Shape{graph.Batch, 8})
	if _, err := Compile(ctx, g, Config{}); err != context.Canceled {
		t.Errorf("Compile: %v", err)
	}
	if _, err := Check(ctx, g, Config{}); err != context.Canceled {
		t.Errorf("Check: %v", err)
	}
}

// The windows of all output pixels follow from the columns of them: a pool whose every window has another form.
func TestWindowRunsOfManyForms(t *testing.T) {
	g := oneNode(graph.MaxPool, graph.Attrs{"kernel_shape": []int{2800, 2800}, "pads": []int{2799, 2799, 2799, 2799}},
		tensor.Shape{graph.Batch, 1, 4, 4})
	p, err := Compile(t.Context(), g, Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Memory().Weights; got > 1<<20 {
		t.Errorf("%d bytes for the windows of 4×4 pixels", got)
	}
	x, y := make([]float32, 16), make([]float32, 2803*2803)
	for i := range x {
		x[i] = float32(i)
	}
	if err := p.Run(t.Context(), [][]float32{y}, [][]float32{x}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct{ y, x int }{{0, 0}, {1, 2}, {3, 3}, {100, 2000}, {2799, 3}, {2802, 2802}, {2801, 0}} {
		most := float32(-1)
		for r := range 4 {
			for c := range 4 { // window (y, x) sees rows y-2799 to y and columns x-2799 to x
				if r <= at.y && r >= at.y-2799 && c <= at.x && c >= at.x-2799 {
					most = max(most, x[4*r+c])
				}
			}
		}
		if got := y[at.y*2803+at.x]; got != most {
			t.Errorf("window %v has %v, want %v", at, got, most)
		}
	}
}
