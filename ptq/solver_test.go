package ptq

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/linalg"
)

// problem is a solver for rows of random targets, with H the Gram matrix of dependent inputs.
func problem(t *testing.T, m linalg.Machine, seed uint64, rows, k, bits int) (*solver, linalg.Matrix) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	samples := linalg.New(k, 3*k)
	for s := range samples.Cols {
		common := r.NormFloat64()
		for i := range k {
			samples.Data[i*samples.Step+s] = float32(r.NormFloat64() + 0.7*common)
		}
	}
	h := linalg.New(k, k)
	linalg.Machine{Tier: cpu.Best(), Threads: 1}.GramReals(h, samples)
	s := &solver{
		machine: m, low: -float32(int(1) << (bits - 1)), high: float32(int(1)<<(bits-1)) - 1, bits: bits, fits: 2, sweeps: 4, h: h,
		target: linalg.New(rows, k),
	}
	for i := range s.target.Data {
		s.target.Data[i] = float32(r.NormFloat64() / 8)
	}
	l := linalg.Matrix{Rows: k, Cols: k, Step: k, Data: slices.Clone(h.Data)}
	f, err := m.Cholesky(l)
	if err != nil {
		t.Fatal(err)
	}
	return s, f.L
}

// lost returns tr((s·q − t)·H·(s·q − t)ᵀ) of a row, in float64.
func (s *solver) lost(row int) float64 {
	t, q := s.target.Row(row), s.codes.Row(row)
	sum := 0.0
	for i := range t {
		ei := float64(q[i])*float64(s.scales[row]) - float64(t[i])
		for j := range t {
			sum += ei * float64(s.h.At(i, j)) * (float64(q[j])*float64(s.scales[row]) - float64(t[j]))
		}
	}
	return sum
}

// Every step makes the error smaller: nearest codes, rounding with errors carried on, moving single codes. In the end no
// single code could move and make it smaller, and no other scale either.
func TestSolver(t *testing.T) {
	m := linalg.Machine{Tier: cpu.Best(), Threads: 2}
	for _, size := range [][3]int{{5, 1, 2}, {4, 9, 2}, {7, 70, 2}, {6, 130, 3}, {3, 200, 4}, {2, 64, 8}} {
		rows, k, bits := size[0], size[1], size[2]
		s, l := problem(t, m, uint64(k), rows, k, bits)
		total := func() float64 {
			sum := 0.0
			for o := range rows {
				sum += s.lost(o)
			}
			return sum
		}
		s.nearest()
		nearest := total()
		s.start()
		s.round(l)
		rounded := total()
		for o := range rows {
			for i, e := range s.errors.Row(o) {
				if want := s.codes.At(o, i)*s.scales[o] - s.target.At(o, i); math.Abs(float64(e-want)) > 1e-6 {
					t.Fatalf("%v: the error of [%d,%d] is kept as %v, and is %v", size, o, i, e, want)
				}
			}
		}
		s.run(l)
		end := total()
		if k > 1 && (rounded > nearest || end > rounded) {
			t.Errorf("%v: nearest %v, with errors carried on %v, moved %v", size, nearest, rounded, end)
		}
		s.sweeps = 1000
		s.descend()
		for o := range rows {
			best, q := s.lost(o), s.codes.Row(o)
			for i := range q {
				was := q[i]
				for _, q[i] = range []float32{was - 1, was + 1} {
					if s.low <= q[i] && q[i] <= s.high && s.lost(o) < best*(1-1e-4) {
						t.Fatalf("%v: row %d, code %d at %v instead of %v loses %v instead of %v", size, o, i, q[i], was, s.lost(o), best)
					}
				}
				q[i] = was
			}
		}
		s.fit()
		for o := range rows {
			best, scale := s.lost(o), s.scales[o]
			for _, s.scales[o] = range []float32{scale * 0.99, scale * 1.01} {
				if s.lost(o) < best {
					t.Errorf("%v: row %d, scale %v loses less than %v", size, o, s.scales[o], scale)
				}
			}
			s.scales[o] = scale
		}
		for i, q := range s.codes.Data {
			if q != float32(int(q)) || q < s.low || q > s.high {
				t.Fatalf("%v: code %d is %v", size, i, q)
			}
		}
	}
}

// Carrying errors on is what the definition says, computed plainly.
func TestRoundCarriesErrors(t *testing.T) {
	m := linalg.Machine{Tier: cpu.Best(), Threads: 1}
	const rows, k = 3, 150
	s, l := problem(t, m, 5, rows, k, 3)
	s.start()
	s.round(l)
	differ := 0
	for o := range rows {
		e := make([]float64, k)
		for i := k - 1; i >= 0; i-- {
			carried := 0.0
			for j := i + 1; j < k; j++ {
				carried += float64(l.At(j, i)) / float64(l.At(i, i)) * e[j]
			}
			scale, t := float64(s.scales[o]), float64(s.target.At(o, i))
			q := min(max(math.RoundToEven((t-carried)/scale), float64(s.low)), float64(s.high))
			if q != float64(s.codes.At(o, i)) {
				differ++
				q = float64(s.codes.At(o, i)) // a tie: go on with what it is
			}
			e[i] = q*scale - t
		}
	}
	if differ > 1 {
		t.Errorf("%d of %d codes are others", differ, rows*k)
	}
}

// The same codes and scales come on any number of threads and on every processor with fused multiply-add.
func TestSolverSameBits(t *testing.T) {
	var codes, scales []float32
	for _, tier := range cpu.Available() {
		for _, threads := range []int{1, 3} {
			m := linalg.Machine{Tier: tier, Threads: threads}
			s, l := problem(t, m, 9, 20, 140, 2)
			s.run(l)
			switch {
			case tier == cpu.Generic:
			case codes == nil:
				codes, scales = s.codes.Data, s.scales
			case !slices.Equal(codes, s.codes.Data) || !slices.Equal(scales, s.scales):
				t.Errorf("%v, %d threads: other codes or scales", tier, threads)
			}
		}
	}
}

// One scale for all rows is the best for all of them together.
func TestSolverShared(t *testing.T) {
	s, l := problem(t, linalg.Machine{Tier: cpu.Best(), Threads: 1}, 11, 6, 40, 3)
	s.shared = true
	s.run(l)
	for _, scale := range s.scales {
		if scale != s.scales[0] {
			t.Fatalf("scales %v", s.scales)
		}
	}
}
