package gemm_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// eachRunsTier is eachTier for those with a kernel for rows of runs.
func eachRunsTier(t *testing.T, test func(t *testing.T, tier cpu.Tier)) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		if !gemm.HasRuns(tier, 64) {
			if tier == cpu.AMX {
				t.Fatal("this tier should have a kernel for rows of runs")
			}
			t.Skip("no kernel for rows of runs")
		}
		test(t, tier)
	})
}

// runsCase is lines of rows of runs.
type runsCase struct {
	runs                gemm.Runs
	n, lda, ldd         int
	width, lines, pitch int
}

// check compares the product with the same one of rows that were copied together.
func (c *runsCase) check(t rapid.TB, tier cpu.Tier, a []byte, w []int8, s *gemm.Stage) {
	t.Helper()
	k, m := c.runs.Count*c.runs.Length, c.width*c.lines
	rows := make([]byte, 0, m*k)
	for y := range c.lines {
		for x := range c.width {
			for i := range c.runs.Count {
				rows = append(rows, a[(y*c.pitch+x)*c.lda+i*c.runs.Step:][:c.runs.Length]...)
			}
		}
	}
	plain := stageCase{m: m, n: c.n, k: k, lda: k, ldd: c.ldd, a: rows, w: w, stage: *s}
	want := plain.want()
	got, intact := kerneltest.Guarded(len(want), 0, byte(0xee))
	gemm.PackInt8Runs(w, c.n, c.runs, tier).Mul(got, c.ldd, a, c.lda, c.width, c.lines, c.pitch, s)
	if err := intact(); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%+v: row %d, channel %d is %d, want %d", c, i/c.ldd, i%c.ldd, got[i], want[i])
		}
	}
}

// bytes returns how many of a are read.
func (c *runsCase) bytes() int {
	return ((c.lines-1)*c.pitch+c.width-1)*c.lda + (c.runs.Count-1)*c.runs.Step + c.runs.Length
}

func TestRunsRandom(t *testing.T) {
	eachRunsTier(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			var c runsCase
			c.runs.Count, c.runs.Length = rapid.IntRange(1, 5).Draw(t, "runs"), 4*rapid.IntRange(1, 50).Draw(t, "length/4")
			c.runs.Step = rapid.IntRange(0, 700).Draw(t, "step")
			c.n, c.lda = rapid.IntRange(1, 70).Draw(t, "channels"), rapid.IntRange(0, 100).Draw(t, "lda")
			c.ldd = c.n + rapid.IntRange(0, 5).Draw(t, "gap")
			c.width, c.lines = rapid.IntRange(1, 40).Draw(t, "width"), rapid.IntRange(1, 5).Draw(t, "lines")
			c.pitch = c.width + rapid.IntRange(0, 40).Draw(t, "between lines")
			next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
			a, w := make([]byte, c.bytes()), make([]int8, c.n*c.runs.Count*c.runs.Length)
			for i := range a {
				a[i] = byte(next())
			}
			for i := range w {
				w[i] = int8(next())
			}
			s := &gemm.Stage{Bias: make([]int32, c.n), Requant: drawRequantizer(t, c.n, c.runs.Count*c.runs.Length)}
			for j := range s.Bias {
				s.Bias[j] = int32(next()%20000) - 10000
			}
			c.check(t, tier, a, w, s)
		})
	})
}

// Lines of whole registers, which are computed without what lies between them.
func TestRunsWholeLines(t *testing.T) {
	eachRunsTier(t, func(t *testing.T, tier cpu.Tier) {
		next := kerneltest.Random(3)
		for _, width := range []int{16, 32, 48, 64} {
			for _, lines := range []int{1, 2, 3, 35} {
				for _, n := range []int{32, 61, 64, 80, 130} {
					c := runsCase{gemm.Runs{Count: 3, Length: 12, Step: (width + 1) * 4}, n, 4, n + 1, width, lines, width + 1}
					a, w := make([]byte, c.bytes()), make([]int8, n*36)
					for i := range a {
						a[i] = byte(next())
					}
					for i := range w {
						w[i] = int8(next())
					}
					s := &gemm.Stage{Bias: make([]int32, n), Requant: requantizer(t, conventions[n%2], 0.001), Flip: 0x80}
					c.check(t, tier, a, w, s)
				}
			}
		}
	})
}

func TestRunsMistakesPanic(t *testing.T) {
	eachRunsTier(t, func(t *testing.T, tier cpu.Tier) {
		runs := gemm.Runs{Count: 2, Length: 4, Step: 10}
		w := gemm.PackInt8Runs(make([]int8, 24), 3, runs, tier)
		s := &gemm.Stage{Bias: make([]int32, 3), Requant: requantizer(t, 0, 0.1)}
		zeros := &gemm.Stage{Bias: make([]int32, 3), Requant: requantizer(t, 0, 0.1), WeightZero: make([]int32, 3)}
		// Three lines of 5 rows, each of 14 bytes and 4 after the one before; a line begins 6 rows after the one before.
		const bytes = (2*6+4)*4 + 14
		for name, call := range map[string]func(){
			"length":      func() { gemm.PackInt8Runs(make([]int8, 18), 3, gemm.Runs{Count: 2, Length: 3, Step: 3}, tier) },
			"step":        func() { gemm.PackInt8Runs(make([]int8, 24), 3, gemm.Runs{Count: 2, Length: 4, Step: 1 << 30}, tier) },
			"weights":     func() { gemm.PackInt8Runs(make([]int8, 23), 3, runs, tier) },
			"short a":     func() { w.Mul(make([]byte, 45), 3, make([]byte, bytes-1), 4, 5, 3, 6, s) },
			"short dst":   func() { w.Mul(make([]byte, 44), 3, make([]byte, bytes), 4, 5, 3, 6, s) },
			"pitch":       func() { w.Mul(make([]byte, 45), 3, make([]byte, bytes), 4, 5, 3, 4, s) },
			"lines":       func() { w.Mul(make([]byte, 45), 3, make([]byte, bytes), 4, 5, 0, 6, s) },
			"zero points": func() { w.Mul(make([]byte, 45), 3, make([]byte, bytes), 4, 5, 3, 6, zeros) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				call()
			}()
		}
		w.Mul(make([]byte, 45), 3, make([]byte, bytes), 4, 5, 3, 6, s)
		dst, a := make([]byte, 45), make([]byte, bytes)
		if allocs := testing.AllocsPerRun(10, func() { w.Mul(dst, 3, a, 4, 5, 3, 6, s) }); allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	})
}
