package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
	"linquant/tensor"
)

// counted is a set whose example i has the values 10·i and 10·i+1, and the label i mod 3. Example broken does not read.
type counted struct {
	n, broken int
	closed    *bool
}

var errBroken = errors.New("broken")

func (counted) Name() string        { return "counted" }
func (s counted) Len() int          { return s.n }
func (counted) Shape() tensor.Shape { return tensor.Shape{2} }
func (counted) Classes() []string   { return nil }
func (counted) Pixels() bool        { return false }
func (s counted) Close() error      { *s.closed = true; return nil }
func (s counted) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if i == s.broken {
		return 0, errBroken
	}
	dst[0], dst[1] = float32(10*i), float32(10*i+1)
	return i % 3, nil
}

func TestEachVisitsAllInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, batch := rapid.IntRange(0, 40).Draw(t, "n"), rapid.IntRange(-1, 50).Draw(t, "batch")
		next := 0
		for b, err := range Each(context.Background(), counted{n: n, broken: -1}, batch) {
			if err != nil {
				t.Fatal(err)
			}
			if b.First != next || b.N < 1 || b.N > max(batch, 1) || len(b.X) != 2*b.N || len(b.Labels) != b.N {
				t.Fatalf("after %d examples a batch from %d of %d, %d values, %d labels", next, b.First, b.N, len(b.X), len(b.Labels))
			}
			if b.N != max(batch, 1) && b.First+b.N != n {
				t.Fatalf("a batch of %d is not the last", b.N)
			}
			for i := range b.N {
				k := next + i
				if b.X[2*i] != float32(10*k) || b.X[2*i+1] != float32(10*k+1) || b.Labels[i] != k%3 {
					t.Fatalf("example %d is %v with the label %d", k, b.X[2*i:2*i+2], b.Labels[i])
				}
			}
			next += b.N
		}
		if next != n {
			t.Fatalf("%d examples, not %d", next, n)
		}
	})
}

func TestEachStops(t *testing.T) {
	count := func(ctx context.Context, s Set, most int) (batches int, failure error) {
		for _, err := range Each(ctx, s, 2) {
			if failure != nil {
				t.Error("more is yielded after an error")
			}
			if failure = err; err == nil {
				batches++
			}
			if batches == most {
				break
			}
		}
		return batches, failure
	}
	if n, err := count(t.Context(), counted{n: 10, broken: 5}, 99); n != 2 || !errors.Is(err, errBroken) {
		t.Errorf("%d batches and %v before the broken example", n, err)
	}
	if n, err := count(t.Context(), counted{n: 10, broken: -1}, 3); n != 3 || err != nil {
		t.Errorf("%d batches and %v, though three were wanted", n, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if n, err := count(ctx, counted{n: 10, broken: -1}, 99); n != 0 || !errors.Is(err, why) {
		t.Errorf("%d batches and %v after the context was done", n, err)
	}
}

func TestEachReusesItsMemory(t *testing.T) {
	allocations := testing.AllocsPerRun(10, func() {
		for _, err := range Each(context.Background(), counted{n: 1000, broken: -1}, 1) {
			if err != nil {
				t.Error(err)
			}
		}
	})
	if allocations > 20 {
		t.Errorf("%v allocations for 1000 batches", allocations)
	}
}

func TestLimit(t *testing.T) {
	closed := false
	s := counted{n: 5, broken: -1, closed: &closed}
	for n, want := range map[int]int{-3: 0, 0: 0, 2: 2, 5: 5, 9: 5} {
		if got := Limit(s, n).Len(); got != want {
			t.Errorf("Limit(%d) has %d examples, not %d", n, got, want)
		}
	}
	l := Limit(s, 2)
	if x, label := read(t, l, 1); !slices.Equal(x, []float32{10, 11}) || label != 1 {
		t.Errorf("example 1 is %v with the label %d", x, label)
	}
	for _, i := range []int{-1, 2} {
		_, err := l.Read(t.Context(), i, make([]float32, 2))
		wantError(t, err, "counted", "example", fmt.Sprint(i))
	}
	for n, want := range map[int]int{-3: 5, 0: 5, 2: 3, 5: 0, 9: 0} {
		if got := Skip(s, n).Len(); got != want {
			t.Errorf("Skip(%d) has %d examples, not %d", n, got, want)
		}
	}
	behind := Skip(s, 2)
	if x, label := read(t, behind, 1); !slices.Equal(x, []float32{30, 31}) || label != 0 { // labels are modulo 3
		t.Errorf("example 1 of those behind is %v with the label %d", x, label)
	}
	for _, i := range []int{-1, 3} {
		_, err := behind.Read(t.Context(), i, make([]float32, 2))
		wantError(t, err, "counted", "example", fmt.Sprint(i))
	}
	if err := l.Close(); err != nil || !closed {
		t.Errorf("closing a Limit gives %v and closed: %v", err, closed)
	}
}

// Every kind of set refuses what is out of range in the same words.
func TestReadRefuses(t *testing.T) {
	for _, s := range sets(t) {
		n, err := s.Shape().Elements()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{-1, s.Len()} {
			_, err := s.Read(t.Context(), i, make([]float32, n))
			wantError(t, err, s.Name())
		}
		for _, size := range []int{0, n - 1, n + 1} {
			_, err := s.Read(t.Context(), 0, make([]float32, size))
			wantError(t, err, s.Name(), s.Shape().String())
		}
		if diff := cmp.Diff(s.Len(), Limit(s, 1<<30).Len()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadsAtTheSameTime(t *testing.T) {
	for _, s := range sets(t) {
		want, wantLabel := read(t, s, 0)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				x := make([]float32, len(want))
				for range 20 {
					if label, err := s.Read(t.Context(), 0, x); err != nil || label != wantLabel || !slices.Equal(x, want) {
						t.Errorf("%s: label %d, %v, or other values", s.Name(), label, err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}
