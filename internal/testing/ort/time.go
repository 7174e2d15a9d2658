package ort

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// Time runs the model in the file, which has one float input, on batches of random numbers with so many threads, again
// and again for about that long and at least three times, and returns how long each run took. Optimizations are on;
// one run before is not counted. The session is kept, so that calls can alternate with those of something else.
func Time(t testing.TB, model string, threads, batch int, forAbout time.Duration) []time.Duration {
	t.Helper()
	Require(t)
	took, err := timeRuns(model, threads, batch, forAbout)
	if err != nil {
		t.Fatalf("ONNX Runtime, %s: %v", filepath.Base(model), err)
	}
	return took
}

func timeRuns(model string, threads, batch int, forAbout time.Duration) ([]time.Duration, error) {
	p, err := start()
	if err != nil {
		return nil, fmt.Errorf("LINQUANT_ORT_PYTHON does not start: %w", err)
	}
	path, err := filepath.Abs(model)
	if err != nil {
		return nil, err
	}
	a, err := p.ask(request{Model: path, Time: true, Threads: threads, Batch: batch, ForAbout: forAbout.Seconds()})
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for _, s := range a.Seconds {
		took = append(took, time.Duration(s*float64(time.Second)))
	}
	return took, nil
}
