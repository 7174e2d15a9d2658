package pipeline_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"linquant/engine"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
	"linquant/vision"
)

// What is nil, empty or negative is an error and no panic.
func TestMisuse(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := n.Compile(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := pipeline.OpenCheckpoint(pipeline.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, set := t.Context(), images(t, "builtin:test", 2)
	none, cfg := pipeline.MeasureConfig{}, pipeline.Config{}
	fields := map[string]error{}
	field := func(name string, err error) { fields[name] = err }
	_, err = m.Benchmark(ctx, 0, 1, 0)
	field("a batch of 0", err)
	_, err = m.Benchmark(ctx, 1, -1, 0)
	field("threads of Benchmark", err)
	_, err = m.Benchmark(ctx, 1, 1, -time.Second)
	field("time of Benchmark", err)
	_, err = m.Accuracy(ctx, set, pipeline.MeasureConfig{Batch: -1})
	field("a batch of -1", err)
	_, err = m.Accuracy(ctx, set, pipeline.MeasureConfig{Threads: -1})
	field("threads of MeasureConfig", err)
	_, err = m.Accuracy(ctx, nil, none)
	field("set of Accuracy", err)
	_, err = pipeline.Measure(ctx, n, n, nil, none)
	field("set of Measure", err)
	_, err = pipeline.Compare(ctx, n, n, nil, none)
	field("set of Compare", err)
	_, err = n.Sweep(ctx, nil, set, nil, none)
	field("training of Sweep", err)
	_, err = n.Sweep(ctx, set, nil, nil, none)
	field("test of Sweep", err)
	_, err = n.Calibrate(ctx, nil, cfg)
	field("set of Calibrate", err)
	_, err = pipeline.Weights(t.Context(), nil, f, pipeline.WeightsConfig{})
	field("writer of Weights", err)
	_, err = pipeline.Weights(t.Context(), io.Discard, nil, pipeline.WeightsConfig{})
	field("checkpoint of Weights", err)
	field("writer of Export", n.Export(nil, onnx.ExportConfig{}))
	_, err = pipeline.Load(t.Context(), nil, engine.Config{})
	field("reader of Load", err)
	field("2 means for 3 channels", n.SetPreprocess(vision.Preprocess{Mean: []float32{0, 0}}))
	field("1 deviation for 3 channels", n.SetPreprocess(vision.Preprocess{Std: []float32{1}}))
	for name, cfg := range map[string]pipeline.Config{
		"WeightBits": {Quant: ptq.Config{WeightBits: 99}},
		"ActBits":    {Quant: ptq.Config{ActBits: 99}},
		"Threads":    {Threads: -1},
		"Percentile": {Calibration: pipeline.Calibration{Percentile: 500}},
		"Limit":      {Calibration: pipeline.Calibration{Data: pipeline.Data{Limit: -1}}},
	} {
		cfg.Model = pipeline.Builtin
		_, err := pipeline.Quantize(ctx, cfg)
		field(name, err)
	}
	for name, err := range fields {
		if !as[*pipeline.ConfigError](err) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
	if b, err := m.Benchmark(ctx, 1, 0, 0); err != nil || b.PeakBytes <= 0 {
		t.Errorf("as many threads as processors: %v", err)
	}

	for _, n := range []*pipeline.Network{nil, {}} {
		_, err1 := n.Compile(t.Context(), engine.Config{})
		_, err2 := n.Inspect(t.Context())
		_, err3 := n.WithOutputs("y")
		_, err4 := pipeline.Compare(ctx, n, n, set, none)
		_, err5 := pipeline.Measure(ctx, n, n, set, none)
		_, _, err6 := n.Dynamic(t.Context(), ptq.Config{})
		_, err7 := n.Sweep(ctx, set, set, nil, none)
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, n.Export(io.Discard, onnx.ExportConfig{}), n.SetPreprocess(vision.Preprocess{})} {
			if err == nil {
				t.Errorf("no error %d of a network that is none", i)
			}
		}
		n.Close()
	}
	for _, m := range []*pipeline.Model{nil, {}, {Program: &engine.Program{}}} {
		_, err1 := m.Benchmark(ctx, 1, 1, 0)
		_, err2 := m.Accuracy(ctx, set, none)
		_, err3 := m.Classify(ctx, nil, 1)
		_, err4 := m.Room(1)
		_, err5 := m.ProfileRandom(ctx)
		_, _, err6 := m.Array(0, tensor.Tensor{})
		_, err7 := m.ImageConfig()
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, m.Pixels(nil, nil)} {
			if err == nil {
				t.Errorf("no error %d of a model that is none", i)
			}
		}
		m.Warnings()
	}
}

// What is no ONNX file is an *onnx.FileError, from wherever it is read.
func TestFileErrors(t *testing.T) {
	model := digits()
	for name, data := range map[string][]byte{"empty": nil, "cut": model[:len(model)/2]} {
		path := write(t, "x.onnx", data)
		_, opened := pipeline.Open(t.Context(), path, pipeline.OpenConfig{})
		_, alone := onnx.Open(t.Context(), path)
		_, quantized := pipeline.Quantize(t.Context(), pipeline.Config{Model: path})
		for _, err := range []error{opened, alone, quantized} {
			var file *onnx.FileError
			if !errors.As(err, &file) || file.Path != path || err.Error() != alone.Error() {
				t.Errorf("%s: %T %v", name, err, err)
			}
		}
	}
}
