package eval

import (
	"context"
	"testing"
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
