package pipeline_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/graph"
	"linquant/models"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// as reports whether an error is, or wraps, one of the type.
func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func is(kind error) func(error) bool { return func(err error) bool { return errors.Is(err, kind) } }

// Every kind of failure can be told from the others by its type or its sentinel, through all layers.
func TestErrorsHaveTypes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	network := func() *pipeline.Network {
		n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	file := exported(t, network())
	soup := []byte(string(file))
	const known, unknown = "GlobalAveragePool", "GlobalAverageSoup"
	for i := range len(soup) - len(known) {
		if string(soup[i:i+len(known)]) == known {
			copy(soup[i:], unknown)
		}
	}
	open := func(path string) error { _, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{}); return err }
	make := func(cfg pipeline.Config) error {
		if cfg.Model == "" {
			cfg.Model = pipeline.Builtin
		}
		cfg.Calibration.Data.Limit = 2
		_, err := pipeline.Quantize(t.Context(), cfg)
		return err
	}
	two := func() error {
		g := graph.New("two")
		g.AddInput("a", tensor.Shape{graph.Batch, 3})
		g.AddInput("b", tensor.Shape{graph.Batch, 3})
		g.Outputs = []string{g.AddNode(graph.Add, "sum", "y", nil, "a", "b")}
		n, err := pipeline.NewNetwork(g)
		if err != nil {
			return err
		}
		m, err := n.Compile(t.Context(), engine.Config{})
		if err != nil {
			return err
		}
		_, err = m.Accuracy(t.Context(), images(t, "builtin:test", 2), pipeline.MeasureConfig{})
		return err
	}
	unlabelled := func() error {
		set, err := dataset.Open(t.Context(), "npz:"+write("x.npy", withoutLabels(t)), dataset.Test)
		if err != nil {
			return err
		}
		defer set.Close()
		_, err = pipeline.Check(t.Context(), network(), network(), set, pipeline.CheckConfig{})
		return err
	}
	weights := func(cfg pipeline.WeightsConfig) error {
		f, err := pipeline.OpenCheckpoint(pipeline.Builtin)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = cfg.Select(f)
		return err
	}
	bad := vision.Preprocess{Labels: []string{"one"}}
	for name, c := range map[string]struct {
		err error
		is  func(error) bool
	}{
		// Files.
		"no such file":            {open(filepath.Join(dir, "nowhere.onnx")), is(fs.ErrNotExist)},
		"a cut ONNX file":         {open(write("cut.onnx", file[:len(file)/2])), is(onnx.ErrDamaged)},
		"no ONNX file":            {open(write("text.onnx", []byte("hello"))), is(onnx.ErrDamaged)},
		"an unknown operator":     {open(write("soup.onnx", soup)), as[*onnx.UnsupportedError]},
		"an unknown format":       {open(write("text.pth", []byte("hello"))), is(checkpoint.ErrFormat)},
		"a damaged checkpoint":    {open(write("cut.pth", []byte("PK\x03\x04 and no more"))), as[*checkpoint.Error]},
		"no network that we know": {open(write("a.npy", npy())), as[*models.Mismatch]},
		// Configurations.
		"an architecture": {func() error {
			_, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{Arch: "x"})
			return err
		}(), as[*pipeline.ConfigError]},
		"data":             {make(pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: "cifar11:x"}}}), as[*pipeline.ConfigError]},
		"bits of weights":  {make(pipeline.Config{Quant: ptq.Config{WeightBits: 9}}), as[*ptq.ConfigError]},
		"bits of values":   {make(pipeline.Config{Quant: ptq.Config{ActBits: 1}}), as[*ptq.ConfigError]},
		"a convention":     {make(pipeline.Config{Quant: ptq.Config{Requant: quant.FixedDouble + 1}}), as[*ptq.ConfigError]},
		"an override":      {make(pipeline.Config{Quant: ptq.Config{Overrides: []ptq.Override{{Pattern: "nowhere", Float: true}}}}), as[*ptq.OverrideError]},
		"labels":           {make(pipeline.Config{Preprocess: &bad}), as[*pipeline.LabelsError]},
		"ranges":           {make(pipeline.Config{Calibration: pipeline.Calibration{Ranges: calib.Ranges{}}}), as[*pipeline.RangeError]},
		"a pattern":        {weights(pipeline.WeightsConfig{Pattern: "["}), as[*pipeline.ConfigError]},
		"weights":          {weights(pipeline.WeightsConfig{Pattern: "nowhere"}), as[*pipeline.NoWeightsError]},
		"no label":         {unlabelled(), is(eval.ErrNoLabel)},
		"several inputs":   {two(), as[*pipeline.InputsError]},
		"quantized":        {make(pipeline.Config{Network: quantized(t, pipeline.Config{}).Network}), is(pipeline.ErrQuantized)},
		"of which network": {two(), func(err error) bool { return as[*pipeline.NetworkError](err) || as[*pipeline.InputsError](err) }},
	} {
		if c.err == nil || !c.is(c.err) {
			t.Errorf("%s: %T %v", name, c.err, c.err)
		}
	}
}

// npy is an array of two numbers.
func npy() []byte {
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
	for len(header) < 117 {
		header += " "
	}
	return append([]byte("\x93NUMPY\x01\x00\x76\x00"+header+"\n"), 0, 0, 128, 63, 0, 0, 0, 64)
}

// withoutLabels is a file of two pictures, and no labels.
func withoutLabels(t *testing.T) []byte {
	t.Helper()
	x, err := tensor.Of(tensor.Shape{2, 3, 32, 32}, make([]uint8, 2*3*32*32))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := checkpoint.WriteNPY(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
