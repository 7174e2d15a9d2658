package pipeline_test

import (
	"math"
	"os"
	"testing"

	"linquant/dataset"
	"linquant/internal/mmap"
	"linquant/pipeline"
	"linquant/vision"
)

// held reports whether a file as large as the one at path is in memory, which no other test's may be at this time.
func held(t *testing.T, path string) bool {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return mmap.Held() == info.Size()
}

// What Quantize opens stays open until its result is closed, and no longer where there is none; what is given stays open.
func TestQuantizeCloses(t *testing.T) {
	builtin, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "model.onnx", exported(t, builtin))
	data := pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 4}}
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{Model: path, Calibration: data})
	if err != nil {
		t.Fatal(err)
	}
	if !held(t, path) {
		t.Error("the file is closed while its network is used")
	}
	if err := r.Close(); err != nil || held(t, path) {
		t.Errorf("Close leaves the file open: %v", err)
	}
	faults := map[string]pipeline.Config{
		"data":       {Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: -1}}},
		"preprocess": {Calibration: data, Preprocess: &vision.Preprocess{Divisor: float32(math.NaN())}},
	}
	for name, cfg := range faults {
		cfg.Model = path
		if _, err := pipeline.Quantize(t.Context(), cfg); err == nil || held(t, path) {
			t.Errorf("%s: the file stays open after %v", name, err)
		}
	}
	n, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for name, cfg := range faults {
		cfg.Network = n
		if _, err := pipeline.Quantize(t.Context(), cfg); err == nil || !held(t, path) {
			t.Errorf("%s: the network that was given is closed after %v", name, err)
		}
	}
	r, err = pipeline.Quantize(t.Context(), pipeline.Config{Network: n, Calibration: data})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil || !held(t, path) {
		t.Errorf("Close closes the network that was given: %v", err)
	}
}

// closing is a set that says when it is closed.
type closing struct {
	dataset.Set
	closed *bool
}

func (s closing) Close() error {
	*s.closed = true
	return s.Set.Close()
}

func TestQuantizeLeavesSetsOpen(t *testing.T) {
	closed := false
	set := pipeline.Data{Set: closing{images(t, "builtin:train", 8), &closed}, Limit: 4}
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{
		Model: pipeline.Builtin, Calibration: pipeline.Calibration{Data: set}, Test: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Close(); closed {
		t.Error("a set that was given is closed")
	}
}
