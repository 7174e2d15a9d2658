package engine

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

// Values that live at the same time never share memory, and the arena is no larger than all values together.
func TestPack(t *testing.T) {
	t.Run("pack", func(t *testing.T) { testPack(t, func(list []*buffer) int { return pack(list, true) }) })
	t.Run("sweep", func(t *testing.T) {
		testPack(t, func(list []*buffer) int {
			return sweep(slices.DeleteFunc(slices.Clone(list), func(b *buffer) bool { return !b.float }))
		})
	})
}

// TestPackManyBuffers plans the memory of so many values at once that each cannot be compared with each.
func TestPackManyBuffers(t *testing.T) {
	many := 100000
	if testing.Short() { // so it is under the race detector, which takes ten times as long
		many /= 5
	}
	var list []*buffer
	for i := range many {
		list = append(list, &buffer{n: 64, float: true, first: i, last: 2*many - i})
	}
	start := time.Now()
	if size := pack(list, true); size != 64*len(list) {
		t.Errorf("%d elements, want %d", size, 64*len(list))
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func testPack(t *testing.T, pack func(list []*buffer) int) {
	rapid.Check(t, func(t *rapid.T) {
		var list []*buffer
		total := 0
		for range rapid.IntRange(0, 30).Draw(t, "buffers") {
			first := rapid.IntRange(0, 20).Draw(t, "first")
			b := &buffer{n: rapid.IntRange(1, 500).Draw(t, "n"), float: rapid.Bool().Draw(t, "float"), first: first}
			b.last = first + rapid.IntRange(0, 8).Draw(t, "life")
			list = append(list, b)
			if b.float {
				total += b.aligned()
			}
		}
		size := pack(list)
		if size > total {
			t.Fatalf("%d elements for buffers that have %d in all", size, total)
		}
		for i, a := range list {
			if !a.float {
				continue
			}
			if a.offset < 0 || a.offset+a.n > size {
				t.Fatalf("[%d, %d) is outside an arena of %d", a.offset, a.offset+a.n, size)
			}
			for _, b := range list[:i] {
				if b.float && a.first <= b.last && b.first <= a.last && a.offset < b.offset+b.n && b.offset < a.offset+a.n {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
	})
}

// A chain of layers needs the memory of two neighbours, not of all.
func TestPackReuses(t *testing.T) {
	var list []*buffer
	for i := range 20 {
		list = append(list, &buffer{n: 640, float: true, first: i, last: i + 1})
	}
	if size := pack(list, true); size != 2*640 {
		t.Errorf("%d elements, want %d", size, 2*640)
	}
}

// The layouts that a value can have count each element once.
func TestOrder(t *testing.T) {
	for _, o := range []order{rowMajor(6), {3, 4}, {1, 1}, {5, 2}} {
		seen := make([]bool, o.channels*o.plane)
		for i := range seen {
			seen[o.at(i)] = true
		}
		for at, ok := range seen {
			if !ok {
				t.Errorf("%+v leaves out %d", o, at)
			}
		}
	}
}
