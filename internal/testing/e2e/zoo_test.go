package e2e

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
)

const zooFolder = "testdata/zoo" // of networks that make_zoo.py has exported from PyTorch

// family is one network of the zoo.
type family struct {
	name    string
	sqnr    float64    // of the quantized network's outputs: what they have at least, in decibels
	islands []graph.Op // what stays in floating point when it is quantized, sorted
}

var zoo = []family{
	{name: "lenet", sqnr: 18},
	{name: "lenet_tanh", sqnr: 27, islands: []graph.Op{graph.Softmax}},
	{name: "mlp", sqnr: 23},
	{name: "mlp_gated", sqnr: 23.5, islands: []graph.Op{graph.LogSoftmax}},
	{name: "mobilenet_v2", sqnr: 14},
	{name: "mobilenet_v3", sqnr: 9},
	{name: "mobilenet_v3_by_hand", sqnr: 16},
	{name: "resnet18", sqnr: 17},
	{name: "resnet50", sqnr: 13.5},
	{name: "squeezenet", sqnr: 31},
	{name: "densenet", sqnr: 20.5},
	{name: "shufflenet", sqnr: 13.5},
	{name: "vit", sqnr: 9, islands: []graph.Op{
		graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, // of the residual stream, which LayerNormalization reads
		graph.LayerNormalization, graph.LayerNormalization, graph.LayerNormalization, graph.Mul, graph.Softmax,
	}},
	{name: "vit_mean", sqnr: 17, islands: []graph.Op{
		graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, graph.Add, graph.Div, graph.Div,
		graph.LayerNormalization, graph.LayerNormalization, graph.LayerNormalization, graph.LayerNormalization,
		graph.LayerNormalization, graph.ReduceMean, graph.Softmax, graph.Softmax,
	}},
	{name: "cnn1d", sqnr: 27.5},
}

// forZoo runs a test for every network.
func forZoo(t *testing.T, test func(t *testing.T, f family)) {
	for _, f := range zoo {
		t.Run(f.name, func(t *testing.T) { test(t, f) })
	}
}

// loadZoo opens a network of the zoo, folded, once for all tests.
func loadZoo(t testing.TB, f family) *network {
	t.Helper()
	if n := networks[f.name]; n != nil {
		return n
	}
	n := openNetwork(t, f.name, filepath.Join(zooFolder, f.name+".onnx"))
	n.islands = f.islands
	networks[f.name] = n
	return n
}

// openNetwork imports a float network and folds it. Its data is made up.
func openNetwork(t testing.TB, name, path string) *network {
	t.Helper()
	g, err := graph.Fold(t.Context(), imported(t, path))
	must(t, err)
	n := &network{name: name, float: g, ranges: map[int]calib.Ranges{}}
	n.open = func(split string) (dataset.Set, error) { return smooth{n.shape(), split}, nil }
	return n
}

func imported(t testing.TB, path string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	g, err := onnx.Import(t.Context(), data, filepath.Base(path))
	must(t, err)
	return g
}

// The networks compute what PyTorch does, whole, imported and folded.
func TestZooOutputs(t *testing.T) {
	outputs, err := checkpoint.Open(filepath.Join(zooFolder, "outputs.npz"))
	must(t, err)
	defer outputs.Close()
	forZoo(t, func(t *testing.T, f family) {
		stored, err := outputs.Tensor(f.name)
		must(t, err)
		want, err := stored.Float32s(nil)
		must(t, err)
		n := loadZoo(t, f)
		images := stored.Shape[0]
		x := n.images(t, images)
		raw := imported(t, filepath.Join(zooFolder, f.name+".onnx"))
		for what, g := range map[string]*graph.Graph{"imported": raw, "folded": n.float} {
			got := logits(t, compile(t, g, engine.Config{}), x, images)
			if d := difference(got, want); !(d <= 1e-4) {
				t.Errorf("%s: outputs are %.2g of the largest away\n%v\n%v", what, d, got, want)
			}
		}
	})
}

// difference is the largest one between two values, as a share of the largest element wanted.
func difference(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, largest float64
	for i, w := range want {
		d = max(d, math.Abs(float64(got[i])-float64(w)))
		largest = max(largest, math.Abs(float64(w)))
	}
	if largest == 0 {
		return d
	}
	return d / largest
}

// smooth is a set of generated examples, those that make_zoo.py generates too.
type smooth struct {
	shape tensor.Shape
	split string
}

func (s smooth) Name() string        { return "smooth " + s.split }
func (s smooth) Len() int            { return 10000 }
func (s smooth) Shape() tensor.Shape { return s.shape }
func (s smooth) Classes() []string   { return nil }
func (s smooth) Pixels() bool        { return false }
func (s smooth) Close() error        { return nil }

// Read interpolates a random grid, which has a point for every eight pixels, and adds noise.
func (s smooth) Read(ctx context.Context, i int, dst []float32) (int, error) {
	h, w := 1, s.shape[len(s.shape)-1]
	if len(s.shape) == 3 {
		h = s.shape[1]
	}
	if len(dst) != s.shape[0]*h*w {
		return 0, fmt.Errorf("%v does not have %d elements", s.shape, len(dst))
	}
	if s.split == dataset.Train {
		i += 10000
	}
	seed := uint64(i) << 32
	gh, gw := h/8+2, w/8+2
	for j := range dst {
		c, y, x := j/(h*w), j/w%h, j%w
		grid := func(dy, dx int) int {
			return int(hashed(seed+uint64((c*gh+y/8+dy)*gw+x/8+dx)) >> 56)
		}
		fy, fx := y%8, x%8
		v := grid(0, 0)*(8-fy)*(8-fx) + grid(0, 1)*(8-fy)*fx + grid(1, 0)*fy*(8-fx) + grid(1, 1)*fy*fx
		noise := int(hashed(seed+1<<31+uint64(j)) >> 60)
		dst[j] = float32(v/64+noise-136) / 64
	}
	return -1, nil
}

// hashed returns well-mixed bits of an index (splitmix64).
func hashed(i uint64) uint64 {
	z := i * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Tests of the data would notice if the networks were all fed the same.
func TestSmooth(t *testing.T) {
	s := smooth{tensor.Shape{3, 16, 16}, dataset.Train}
	a, b, again := make([]float32, 768), make([]float32, 768), make([]float32, 768)
	for i, dst := range [][]float32{a, b, again} {
		_, err := s.Read(context.Background(), i%2, dst)
		must(t, err)
	}
	if !slices.Equal(a, again) || slices.Equal(a, b) {
		t.Error("an example is always the same, and another one is another")
	}
}
