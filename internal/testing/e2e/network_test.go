package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"linquant/builtin"
	"linquant/calib"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/testing/datadir"
	"linquant/models"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
	"linquant/vision"
)

const cifar = "cifar10" // the folder of images below the data folder

// network is a trained network, folded, with the images that go with it.
type network struct {
	name   string
	float  *graph.Graph
	open   func(split string) (dataset.Set, error) // the images
	ranges map[int]calib.Ranges

	islands []graph.Op // what stays in floating point when it is quantized, sorted
}

// checkpoints are the files of the real networks.
var checkpoints = map[string]string{
	"resnet20": "models/resnet20-12fca82f.th",
	"vgg":      "checkpoints/model_199-1.tar",
}

// networks has what load has opened. Tests of this package do not run in parallel.
var networks = map[string]*network{}

// load opens "resnet20", "vgg" or "builtin", once for all tests. It skips the test where the data is missing.
func load(t testing.TB, name string) *network {
	t.Helper()
	if n := networks[name]; n != nil {
		return n
	}
	var file *checkpoint.File
	var err error
	data := pipeline.Builtin
	if name == "builtin" {
		b := builtin.Checkpoint()
		file, err = checkpoint.New(bytes.NewReader(b), int64(len(b)), "builtin")
	} else {
		data = "cifar10:" + filepath.Dir(datadir.File(t, cifar+"/test_batch.bin"))
		file, err = checkpoint.Open(datadir.File(t, checkpoints[name]))
	}
	must(t, err)
	g, _, err := models.Build(file.Tensors(), "")
	must(t, err)
	g, err = graph.Fold(t.Context(), g)
	must(t, err)
	open := func(split string) (dataset.Set, error) { return dataset.Open(context.Background(), data, split) }
	n := &network{name: name, float: g, open: open, ranges: map[int]calib.Ranges{}}
	networks[name] = n
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quantize quantizes the network with ranges measured on the first images of the training split. What stays in floating
// point must be what n.islands says.
func (n *network) quantize(t testing.TB, images int, cfg ptq.Config) *graph.Graph {
	t.Helper()
	q, report := n.quantizeAny(t, images, cfg)
	if islands := opsOf(report.Float); !slices.Equal(islands, n.islands) {
		t.Fatalf("%s: in floating point %v, want %v: %+v", n.name, islands, n.islands, report.Float)
	}
	return q
}

// opsOf lists the operators of islands, sorted.
func opsOf(islands []ptq.Island) []graph.Op {
	var ops []graph.Op
	for _, i := range islands {
		ops = append(ops, i.Op)
	}
	slices.Sort(ops)
	return ops
}

// quantizeAny is quantize wherever the islands are.
func (n *network) quantizeAny(t testing.TB, images int, cfg ptq.Config) (*graph.Graph, *ptq.NetworkReport) {
	t.Helper()
	if n.ranges[images] == nil {
		points, err := ptq.Points(n.float, ptq.Config{})
		must(t, err)
		program := compile(t, n.float, engine.Config{Keep: calib.Values(points)})
		n.ranges[images], err = calib.Run(context.Background(), program, func(yield func([][]float32, error) bool) {
			for b := range n.batches(t, dataset.Train, images, 32) {
				if !yield([][]float32{b.X}, nil) {
					return
				}
			}
		}, points, calib.Config{})
		must(t, err)
	}
	q, report, err := ptq.Quantize(t.Context(), n.float, n.ranges[images], cfg)
	must(t, err)
	return q, report
}

// batches yields the first images of a split as inputs.
func (n *network) batches(t testing.TB, split string, images, batch int) func(yield func(dataset.Batch) bool) {
	return func(yield func(dataset.Batch) bool) {
		set, err := n.open(split)
		must(t, err)
		defer set.Close()
		for b, err := range dataset.Each(context.Background(), n.prepared(t, set, images), batch) {
			must(t, err)
			if !yield(b) {
				return
			}
		}
	}
}

// prepared returns the first images of a set as inputs.
func (n *network) prepared(t testing.TB, set dataset.Set, images int) dataset.Set {
	t.Helper()
	pre, err := vision.Of(n.float)
	must(t, err)
	set, err = pipeline.Prepare(dataset.Limit(set, images), pre, n.shape())
	must(t, err)
	return set
}

// shape is that of one image.
func (n *network) shape() tensor.Shape { return n.float.Value(n.float.Inputs[0]).Shape[1:] }

// images returns the first test images as inputs.
func (n *network) images(t testing.TB, images int) []float32 {
	t.Helper()
	for b := range n.batches(t, dataset.Test, images, images) {
		return b.X
	}
	t.Fatal("no images")
	return nil
}

// imagesOf returns the batch as the tensor of the network's input.
func imagesOf(t testing.TB, n *network, b dataset.Batch) tensor.Tensor {
	t.Helper()
	x, err := tensor.Of(append(tensor.Shape{b.N}, n.shape()...), slices.Clone(b.X))
	must(t, err)
	return x
}

func compile(t testing.TB, g *graph.Graph, cfg engine.Config) *engine.Program {
	t.Helper()
	p, err := engine.Compile(t.Context(), g, cfg)
	must(t, err)
	return p
}

// logits runs a classifier with one input and one output.
func logits(t testing.TB, p *engine.Program, x []float32, images int) []float32 {
	t.Helper()
	classes, err := p.Outputs()[0].Shape.Elements()
	must(t, err)
	y := make([]float32, images*classes)
	must(t, p.Run(context.Background(), [][]float32{y}, [][]float32{x}))
	return y
}

// argmax returns the index of the largest logit of every image.
func argmax(y []float32, images int) []int {
	best := make([]int, images)
	classes := len(y) / images
	for i := range best {
		row := y[i*classes : (i+1)*classes]
		for j, v := range row {
			if v > row[best[i]] {
				best[i] = j
			}
		}
	}
	return best
}

// trace returns every value of the network, for the whole batch.
func trace(t testing.TB, p *engine.Program, x []float32) map[string]tensor.Tensor {
	t.Helper()
	values := map[string]tensor.Tensor{}
	must(t, p.TraceTensors(context.Background(), [][]float32{x}, func(name string, v tensor.Tensor) error {
		values[name] = joined(values[name], v)
		return nil
	}))
	return values
}

// joined appends examples to a batch.
func joined(batch, more tensor.Tensor) tensor.Tensor {
	if batch.Shape == nil {
		return tensor.Tensor{DType: more.DType, Shape: slices.Clone(more.Shape), Data: slices.Clone(more.Data)}
	}
	batch.Shape[0] += more.Shape[0]
	batch.Data = append(batch.Data, more.Data...)
	return batch
}

// slow reports whether networks run in plain Go here, a tenth as fast or under an emulator, or tests are to be short.
func slow() bool {
	return testing.Short() || race || generic()
}

var generic = sync.OnceValue(func() bool {
	tier, err := cpu.FromEnv()
	return err != nil || tier == cpu.Generic || runtime.GOARCH != "amd64"
})

// size is how many images the comparisons run: LINQUANT_E2E_IMAGES, or few.
func size(t testing.TB, few int) int {
	t.Helper()
	text := os.Getenv("LINQUANT_E2E_IMAGES")
	if text == "" {
		if slow() {
			return max(1, few/4)
		}
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LINQUANT_E2E_IMAGES is %q: give it a number of images", text)
	}
	return n
}

// calibration is on how many images ranges are measured: 256 where that takes no time.
func (n *network) calibration() int {
	switch {
	case os.Getenv("LINQUANT_E2E_IMAGES") != "":
		return 256
	case slow():
		return 8
	case n.name == "vgg":
		return 32
	}
	return 256
}
