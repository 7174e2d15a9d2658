package pipeline_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/calib"
	"linquant/pipeline"
	"linquant/vision"
)

// What nothing would come of is an error of the configuration.
func TestConfigOfNothing(t *testing.T) {
	data := pipeline.Data{Spec: pipeline.Builtin, Limit: 4}
	for field, cfg := range map[string]pipeline.Config{
		"Calibration.Data":       {Dynamic: true, Calibration: pipeline.Calibration{Data: data}},
		"Calibration.Ranges":     {Dynamic: true, Calibration: pipeline.Calibration{Ranges: calib.Ranges{}}},
		"Calibration.Method":     {Dynamic: true, Calibration: pipeline.Calibration{Method: calib.MSE}},
		"Calibration.Percentile": {Calibration: pipeline.Calibration{Data: data, Percentile: 99}},
	} {
		cfg.Model = pipeline.Builtin
		_, err := pipeline.Quantize(t.Context(), cfg)
		var of *pipeline.ConfigError
		if !errors.As(err, &of) || of.Field != field {
			t.Errorf("%v, want an error about %s", err, field)
		}
	}
}

// Ranges tell of the pixels that they were measured on: each pair of preparations that gives others is found, also where the
// ranges do not say it, as in files of earlier versions.
func TestOtherPixels(t *testing.T) {
	names := []string{"imagenet", "unit", "-1..1", "raw"}
	measured := map[string]calib.Ranges{}
	config := func(name string, c pipeline.Calibration) pipeline.Config {
		pre, err := vision.Named(name, 3)
		if err != nil {
			t.Fatal(err)
		}
		return pipeline.Config{Network: silent(t), Preprocess: &pre, Calibration: c}
	}
	for _, name := range names {
		c := pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 32}}
		measured[name] = quantized(t, config(name, c)).Ranges
	}
	for _, was := range names {
		for _, is := range names {
			r := quantized(t, config(is, pipeline.Calibration{Ranges: measured[was]}))
			if got := says(r.Warnings, "were measured on other pixels than it is given, on "); got != (was != is) {
				t.Errorf("measured on %s, quantized for %s: %v", was, is, r.Warnings)
			}
			silent := maps.Clone(measured[was])
			for name, r := range silent {
				r.On = ""
				silent[name] = r
			}
			r = quantized(t, config(is, pipeline.Calibration{Ranges: silent}))
			if got := says(r.Warnings, "it was measured on pixels that were prepared otherwise"); got != (was != is) {
				t.Errorf("measured on %s, which is not said, quantized for %s: %v", was, is, r.Warnings)
			}
		}
	}
}

// Means that differ little leave ranges that could be of either; what they say tells them apart. What nobody said is written
// of ranges as of examples, as the guess that it is.
func TestRangesSayTheirPixels(t *testing.T) {
	data := pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 8}}
	guessed := quantized(t, pipeline.Config{Network: silent(t), Calibration: data})
	for value, r := range guessed.Ranges {
		if r.On != "pixels/255 (unit)" {
			t.Errorf("%s: %q", value, r.On)
		}
	}
	again := quantized(t, pipeline.Config{Network: silent(t), Calibration: pipeline.Calibration{Ranges: guessed.Ranges}})
	if !says(again.Warnings, "is a guess") {
		t.Errorf("warnings %v", again.Warnings)
	}
	if was, is := guessed.Graph().Metadata[vision.Key], again.Graph().Metadata[vision.Key]; is != was || !strings.Contains(is, `"assumed":true`) {
		t.Errorf("metadata %s, and with the ranges that it gave %s", was, is)
	}
	near := vision.Preprocess{Mean: []float32{0.02, 0, 0}}
	r := quantized(t, pipeline.Config{Network: silent(t), Preprocess: &near, Calibration: pipeline.Calibration{Ranges: guessed.Ranges}})
	if !says(r.Warnings, "on pixels/255 (unit) and not on pixels/255 - 0.02,0,0: prepare them as then") {
		t.Errorf("warnings %v", r.Warnings)
	}
}

// Of a preparation that the caller replaced a part of, it is said which part is the file's.
func TestKeptPreparation(t *testing.T) {
	n := silent(t)
	file, err := vision.Named("imagenet", 3)
	if err != nil {
		t.Fatal(err)
	}
	g := n.Graph().Clone()
	if err := file.Store(g); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		edit func(p *vision.Preprocess)
		want []string
	}{
		{func(p *vision.Preprocess) { p.Mean = []float32{0.5, 0.5, 0.5} }, []string{"std"}},
		{func(p *vision.Preprocess) { p.Divisor = 1 }, []string{"mean", "std"}},
		{func(p *vision.Preprocess) { *p = vision.Preprocess{} }, nil},
		{func(*vision.Preprocess) {}, nil},
	} {
		n, err := pipeline.NewNetwork(g)
		if err != nil {
			t.Fatal(err)
		}
		p := n.Preprocess()
		c.edit(&p)
		if err := n.SetPreprocess(p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, n.Preparation(nil).Kept); diff != "" {
			t.Errorf("%v: %s", p, diff)
		}
	}
}
