package kernel_test

import (
	"slices"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

type add = func(sum *int, by int)

type table struct {
	one  kernel.Func[add]
	more [2]kernel.Func[add]
	none kernel.Func[add]
	deep struct{ last kernel.Func[func() int] }
}

func plus(sum *int, by int) { *sum += by }

// Kernels that did not run are named, those that are not there are not, and copies of a table count for themselves.
func TestUnused(t *testing.T) {
	kernel.Count()
	k := table{one: kernel.Of(plus)}
	k.more[1] = k.one
	k.deep.last = kernel.Of(func() int { return 7 })
	other := k
	sum := 0
	k.one.Get()(&sum, 3)
	if got, want := kernel.Unused(&k), []string{".more[1]", ".deep.last"}; !slices.Equal(got, want) {
		t.Errorf("unused %v, want %v", got, want)
	}
	sum += k.deep.last.Get()()
	k.more[1].Get()(&sum, 1)
	if got := kernel.Unused(&k); got != nil || sum != 11 {
		t.Errorf("unused %v, sum %d", got, sum)
	}
	if got := kernel.Unused(&other); len(got) != 3 {
		t.Errorf("of a copy %v ran too", got)
	}
	if k.none.Has() || !k.one.Has() {
		t.Error("Has")
	}
}

// A tier without a table of its own has that of the one it is based on.
func TestTables(t *testing.T) {
	var plain, wide table
	tables := kernel.Tables[table]{cpu.Generic: &plain, cpu.AVX512VNNI: &wide}
	for tier, want := range map[cpu.Tier]*table{
		cpu.Generic: &plain, cpu.AVX2: &plain, cpu.AVXVNNI: &plain, cpu.AVX512VNNI: &wide, cpu.AMX: &wide, cpu.I8MM: &plain,
	} {
		if tables.Of(tier) != want {
			t.Errorf("%v has another table", tier)
		}
	}
}

// What kernels of a table are given stays on the stack.
func TestNoEscape(t *testing.T) {
	k := table{one: kernel.Of(plus)}
	if n := testing.AllocsPerRun(10, func() {
		var sum [64]int
		for i := range sum {
			k.one.Get()(kernel.NoEscape(&sum[i]), i)
		}
		if sum[63] != 63 {
			t.Error(sum)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A hidden pointer follows its variable when the stack moves.
func TestNoEscapeMoves(t *testing.T) {
	done := make(chan bool)
	go func() { // with a small stack
		var x [8]int
		p := kernel.NoEscape(&x)
		grow(1000)
		p[3] = 5
		done <- x[3] == 5
	}()
	if !<-done {
		t.Error("a hidden pointer points to where its variable was")
	}
}

//go:noinline
func grow(n int) int {
	var room [64]int
	if n == 0 {
		return 0
	}
	room[n%64] = grow(n - 1)
	return room[n%64] + 1
}
