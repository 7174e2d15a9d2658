package eval

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTime(t *testing.T) {
	net := &identity{}
	inputs := [][][]float32{{{1, 2}}, {{3, 4}}}
	out := [][]float32{make([]float32, 2)}
	l, err := Time(context.Background(), net, inputs, out, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if l.Runs != 3 || net.runs != 4 || l.Batch != 2 || l.Min > l.Median || l.Median > l.P90 || l.P90 > l.P99 {
		t.Errorf("%+v after %d runs", l, net.runs)
	}
}

// sleeper is a network whose runs take 1, 2, … 200 ms, one longer than the other, after the first.
type sleeper int

func (s *sleeper) Run(context.Context, [][]float32, [][]float32) error {
	time.Sleep(time.Duration(*s) * time.Millisecond)
	*s++
	return nil
}

// TestTimes knows how long each run takes. By nearest rank the percentile p of n is the one at n·p/100, rounded up.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		l, err := Time(t.Context(), new(sleeper), [][][]float32{{{1}}}, nil, 1, 200*201/2*ms)
		want := Latency{Batch: 1, Runs: 200, Min: ms, Median: 100 * ms, P90: 180 * ms, P99: 198 * ms}
		if err != nil || l != want {
			t.Errorf("%+v, %v; want %+v", l, err, want)
		}
	})
}

func TestQuantile(t *testing.T) {
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(i+1))
	}
	for percent, want := range map[int]time.Duration{0: 1, 1: 1, 50: 50, 90: 90, 99: 99, 100: 100} {
		if got := quantile(d, percent); got != want {
			t.Errorf("%d%% of 1…100 is %d, want %d", percent, got, want)
		}
	}
	if got := quantile(d[:3], 99); got != 3 {
		t.Errorf("99%% of 1, 2, 3 is %d", got)
	}
}
