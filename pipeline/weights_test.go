package pipeline_test

import (
	"bytes"
	"errors"
	"testing"

	"linquant/checkpoint"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

func TestWeights(t *testing.T) {
	f, err := pipeline.OpenCheckpoint(pipeline.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	cfg := pipeline.WeightsConfig{WeightConfig: ptq.WeightConfig{Bits: 4, Pack: true}, Metadata: map[string]string{"made by": "a test"}}
	report, err := pipeline.Weights(t.Context(), &file, f, cfg)
	if err != nil || len(report.Layers) != 9 {
		t.Fatalf("%+v, %v", report, err)
	}
	// What was written is a network still.
	n, err := pipeline.Read(t.Context(), file.Bytes(), "weights", pipeline.OpenConfig{})
	if err != nil || n.Quantized() {
		t.Errorf("read back: %v", err)
	}
	back, err := checkpoint.New(bytes.NewReader(file.Bytes()), int64(file.Len()), "weights")
	if err != nil || back.Metadata["made by"] != "a test" {
		t.Errorf("metadata %v, %v", back.Metadata, err)
	}
}

func TestSelect(t *testing.T) {
	arrays := func(names ...string) *checkpoint.File {
		var outputs []checkpoint.Output
		for _, name := range names {
			x, err := tensor.Of(tensor.Shape{2, 2}, []float32{1, 2, 3, 4})
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, checkpoint.FromTensor(name, x))
		}
		var file bytes.Buffer
		if err := checkpoint.WriteNPZ(&file, outputs); err != nil {
			t.Fatal(err)
		}
		f, err := checkpoint.New(bytes.NewReader(file.Bytes()), int64(file.Len()), "arrays")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, tt := range []struct {
		f    *checkpoint.File
		cfg  pipeline.WeightsConfig
		want []string
	}{
		{arrays("a.weight", "b.bias"), pipeline.WeightsConfig{}, []string{"a.weight"}},
		{
			arrays("a.weight", "b/weight", "c.weight", "a.running_mean", "rnn.weight_ih_l0", "a.bias"),
			pipeline.WeightsConfig{Pattern: "*[ab]*,!c*,rnn*"},
			[]string{"a.weight", "b/weight", "rnn.weight_ih_l0"},
		},
		{arrays("a.weight", "b.weight"), pipeline.WeightsConfig{Pattern: "!b*"}, []string{"a.weight"}},
		{arrays("a.weight", "a.bias"), pipeline.WeightsConfig{Pattern: "*bias"}, nil},
		{arrays("module.a.weight"), pipeline.WeightsConfig{StripModule: true}, []string{"a.weight"}},
		{arrays("module.a.weight", "module.b.weight"), pipeline.WeightsConfig{StripModule: true, Pattern: "module.a"}, []string{"a.weight"}},
		{arrays("module.a.weight", "module.b.weight"), pipeline.WeightsConfig{StripModule: true, Pattern: "*,!module.a.weight"}, []string{"b.weight"}},
		{arrays("b"), pipeline.WeightsConfig{}, nil},
		{arrays("b"), pipeline.WeightsConfig{Pattern: "c*"}, nil},
	} {
		weights, err := tt.cfg.Select(tt.f)
		var names []string
		for _, w := range weights {
			names = append(names, w.Name)
		}
		var none *pipeline.NoWeightsError
		if len(names) != len(tt.want) || errors.As(err, &none) != (tt.want == nil) {
			t.Errorf("%+v: %q, %v, want %q", tt.cfg, names, err, tt.want)
			continue
		}
		for i := range names {
			if names[i] != tt.want[i] {
				t.Errorf("%+v: %q, want %q", tt.cfg, names, tt.want)
			}
		}
	}
	for pattern, want := range map[string]string{
		"*bias":    `"*bias" matches only tensors that are no weights, such as "a.bias", which stay as they are; weights are "a.weight"`,
		"a.wieght": `no weight's name matches "a.wieght"; near to it: "a.weight"`,
	} {
		_, err := pipeline.WeightsConfig{Pattern: pattern}.Select(arrays("a.weight", "a.bias"))
		contains(t, err, want)
	}
	for want, cfg := range map[string]pipeline.WeightsConfig{
		"Arch alexnet: ":                         {Arch: "alexnet"},
		`Pattern "[": it is no pattern: write *`: {Pattern: "["},
		`tensor "b" has no prefix "module."`:     {StripModule: true},
		"arrays: the tensors are not those of ":  {Arch: "vgg"},
	} {
		_, err := cfg.Select(arrays("b"))
		contains(t, err, want)
	}
}
