package ptq_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/datadir"
	"linquant/models"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/vision"
)

// A real ResNet-20 on a few real images: 8 bits hardly change its outputs, fewer bits change them more, and the search
// for the least squared error helps where bits are few.
func TestResNet(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real network")
	}
	const calibration, images = 16, 24
	file, err := checkpoint.Open(datadir.File(t, "models/resnet20-12fca82f.th"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.StripPrefix("module."); err != nil {
		t.Fatal(err)
	}
	g, _, err := models.Build(file.Tensors(), "")
	if err != nil {
		t.Fatal(err)
	}
	if g, err = graph.Fold(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(datadir.File(t, "cifar10/test_batch.bin"))
	points, err := ptq.Points(g, ptq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	float := compile(t, g, calib.Values(points))
	train := inputs(t, "cifar10:"+dir+":train", g, calibration)
	ranges, err := calib.Run(context.Background(), float, func(yield func([][]float32, error) bool) {
		yield([][]float32{train}, nil)
	}, points, calib.Config{})
	if err != nil {
		t.Fatal(err)
	}
	test := inputs(t, "cifar10:"+dir+":test", g, images)
	want := logits(t, float, test, images)
	sqnr := func(cfg ptq.Config) float64 {
		q, report, err := ptq.Quantize(t.Context(), g, ranges, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Float) > 0 || len(report.Layers) != 20 {
			t.Fatalf("%d layers, in floating point %+v", len(report.Layers), report.Float)
		}
		var signal, noise float64
		for i, y := range logits(t, compile(t, q, nil), test, images) {
			d := float64(want[i]) - float64(y)
			signal, noise = signal+float64(want[i])*float64(want[i]), noise+d*d
		}
		db := 10 * math.Log10(signal/noise)
		t.Logf("%+v: %.1f dB", cfg, db)
		return db
	}
	eight, four := sqnr(ptq.Config{}), sqnr(ptq.Config{WeightBits: 4})
	if eight < 20 || four > eight {
		t.Errorf("8-bit weights have an SQNR of %.1f dB, 4-bit ones %.1f", eight, four)
	}
	largest := sqnr(ptq.Config{WeightBits: 3, PerTensor: true})
	searched := sqnr(ptq.Config{WeightBits: 3, PerTensor: true, WeightMethod: ptq.LeastSquares{}})
	if searched < largest {
		t.Errorf("3-bit weights with one scale have an SQNR of %.1f dB, with the least squared error %.1f", largest, searched)
	}
}

func compile(t *testing.T, g *graph.Graph, keep []string) *engine.Program {
	t.Helper()
	p, err := engine.Compile(t.Context(), g, engine.Config{Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inputs returns the first images of a set as a network wants them.
func inputs(t *testing.T, spec string, g *graph.Graph, n int) []float32 {
	t.Helper()
	set, err := dataset.Open(t.Context(), spec, "")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	pre, err := vision.Of(g)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := pipeline.Prepare(dataset.Limit(set, n), pre, g.Value(g.Inputs[0]).Shape[1:])
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range dataset.Each(context.Background(), prepared, n) {
		if err != nil {
			t.Fatal(err)
		}
		return b.X
	}
	t.Fatal("no images")
	return nil
}

func logits(t *testing.T, p *engine.Program, x []float32, images int) []float32 {
	t.Helper()
	y := make([]float32, 10*images)
	if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
		t.Fatal(err)
	}
	return y
}
