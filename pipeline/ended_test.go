package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"linquant/calib"
	"linquant/engine"
	"linquant/pipeline"
	"linquant/ptq"
)

// Whatever may take long ends with its context, and says why it did.
func TestEnded(t *testing.T) {
	path := write(t, "x.onnx", digits())
	set := images(t, "builtin:test", 4)
	float := func() *pipeline.Network {
		n, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := float()
	if _, err := n.Folded(t.Context()); err != nil {
		t.Fatal(err)
	}
	ranges := calib.Ranges{}
	points, err := ptq.Points(n.Graph(), ptq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		ranges[p.Value] = calib.Range{Lo: -8, Hi: 8}
	}
	weights, err := pipeline.OpenCheckpoint(pipeline.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	data := pipeline.Calibration{Data: pipeline.Data{Set: set}}
	why := errors.New("the user went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	for name, use := range map[string]func() error{
		"Open":          func() error { _, err := pipeline.Open(ctx, path, pipeline.OpenConfig{}); return err },
		"Open, builtin": func() error { _, err := pipeline.Open(ctx, pipeline.Builtin, pipeline.OpenConfig{}); return err },
		"Read":          func() error { _, err := pipeline.Read(ctx, digits(), "x", pipeline.OpenConfig{}); return err },
		"Load":          func() error { _, err := pipeline.Load(ctx, bytes.NewReader(digits()), engine.Config{}); return err },
		"LoadFile":      func() error { _, err := pipeline.LoadFile(ctx, path, engine.Config{}); return err },
		"CompileGraph":  func() error { _, err := pipeline.CompileGraph(ctx, n.Graph(), engine.Config{}); return err },
		"Folded":        func() error { _, err := float().Folded(ctx); return err },
		"Compile":       func() error { _, err := n.Compile(ctx, engine.Config{}); return err },
		"Inspect":       func() error { _, err := n.Inspect(ctx); return err },
		"Calibrate":     func() error { _, err := n.Calibrate(ctx, set, pipeline.Config{}); return err },
		"Quantize":      func() error { _, _, err := n.Quantize(ctx, ranges, ptq.Config{}); return err },
		"Dynamic":       func() error { _, _, err := n.Dynamic(ctx, ptq.Config{}); return err },
		"Sweep":         func() error { _, err := n.Sweep(ctx, set, set, nil, pipeline.MeasureConfig{}); return err },
		"Config": func() error {
			_, err := pipeline.Quantize(ctx, pipeline.Config{Network: n, Calibration: data})
			return err
		},
		"Config.Ranges":  func() error { _, err := pipeline.Quantize(ctx, withRanges(n, ranges)); return err },
		"Config.Dynamic": func() error { _, err := pipeline.Quantize(ctx, pipeline.Config{Network: n, Dynamic: true}); return err },
		"Measure":        func() error { _, err := pipeline.Measure(ctx, n, n, set, pipeline.MeasureConfig{}); return err },
		"Compare":        func() error { _, err := pipeline.Compare(ctx, n, n, set, pipeline.MeasureConfig{}); return err },
		"Weights": func() error {
			_, err := pipeline.Weights(ctx, io.Discard, weights, pipeline.WeightsConfig{})
			return err
		},
	} {
		if err := use(); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
			t.Errorf("%s with a context that is done: %v", name, err)
		}
	}
}

func withRanges(n *pipeline.Network, r calib.Ranges) pipeline.Config {
	return pipeline.Config{Network: n, Calibration: pipeline.Calibration{Ranges: r}}
}
