package pipeline

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

func compiledModel(t *testing.T, n *Network) *Model {
	t.Helper()
	m, err := n.Compile(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// twoInputs is a classifier of a picture and three numbers beside it, and a file of n examples for it, of which labels are its own answers.
func twoInputs(t *testing.T, n int) (*Network, string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	reals := func(shape ...int) tensor.Tensor {
		size, err := tensor.Shape(shape).Elements()
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, size)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		out, err := tensor.Of(shape, x)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	g := graph.New("two")
	g.AddInput("picture", tensor.Shape{graph.Batch, 3, 4, 4})
	g.AddInput("facts", tensor.Shape{graph.Batch, 3})
	g.AddConst("w", reals(5, 3, 4, 4))
	g.AddConst("v", reals(5, 3))
	g.AddNode(graph.Conv, "conv", "c", nil, "picture", "w")
	g.AddNode(graph.Flatten, "flat", "f", nil, "c")
	g.AddNode(graph.Gemm, "fc", "d", graph.Attrs{"transB": 1}, "facts", "v")
	g.AddNode(graph.Add, "add", "y", nil, "f", "d")
	g.Outputs = []string{"y"}
	network, err := NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]uint8, n*48)
	for i := range pixels {
		pixels[i] = uint8(r.IntN(256))
	}
	x, err := tensor.Of(tensor.Shape{n, 3, 4, 4}, pixels)
	if err != nil {
		t.Fatal(err)
	}
	facts := reals(n, 3)
	m := compiledModel(t, network)
	a, _, err := m.Array(0, x)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := m.Array(1, facts)
	if err != nil {
		t.Fatal(err)
	}
	y, labels := make([]float32, n*5), make([]int64, n)
	if err := m.Run(t.Context(), [][]float32{y}, [][]float32{a, b}); err != nil {
		t.Fatal(err)
	}
	for i := range labels {
		for k := range 5 {
			if y[i*5+k] > y[i*5+int(labels[i])] {
				labels[i] = int64(k)
			}
		}
	}
	right, err := tensor.Of(tensor.Shape{n}, labels)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "examples.npz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = checkpoint.WriteNPZ(f, []checkpoint.Output{
		checkpoint.FromTensor("facts", facts), checkpoint.FromTensor("picture", x), checkpoint.FromTensor("y", right),
	})
	if err != nil {
		t.Fatal(err)
	}
	return network, path
}

// Every stage that takes examples takes those of several inputs: the float network has its own answers for labels, and is right on all, which it is
// of no examples whose inputs were mixed up.
func TestSeveralInputs(t *testing.T) {
	n, path := twoInputs(t, 50)
	data := Data{Spec: "npz:" + path}
	r, err := Quantize(t.Context(), Config{Network: n, Calibration: Calibration{Data: data}, Test: data, Quant: ptq.Config{WeightBits: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Preparation.Pixels || r.Accuracy.Reference.Top1 != 50 || r.Accuracy.Network.Top1 < 35 || len(r.Ranges) == 0 || r.ExamplesSHA256 == "" {
		t.Errorf("pixels %v, right: %d and %d", r.Preparation.Pixels, r.Accuracy.Reference.Top1, r.Accuracy.Network.Top1)
	}
	if x := r.Ranges["picture"]; x.Lo < 0 || x.Hi > 1 || x.Hi < 0.9 {
		t.Errorf("pixels were prepared to %v to %v", x.Lo, x.Hi)
	}
	d, err := Diagnose(t.Context(), Config{Network: n, Calibration: Calibration{Data: data}, Test: data}, DiagnoseConfig{Examples: 8, Tried: 1, Measured: 1})
	if err != nil || len(d.Layers) == 0 || d.Output.SQNR < 20 {
		t.Errorf("diagnosis: %v, %v", d, err)
	}
	set, err := dataset.OpenInputs(t.Context(), data.Spec, dataset.Test, n.DataInputs())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	compared, err := Compare(t.Context(), n, r.Network, set, MeasureConfig{})
	if err != nil || len(compared.Layers) == 0 {
		t.Errorf("comparison: %v", err)
	}
	for _, l := range compared.Layers {
		if l.SQNR < 10 {
			t.Errorf("value %s: %v dB", l.Name, l.SQNR)
		}
	}
	checked, err := Check(t.Context(), r.Network, n, set, CheckConfig{MaxLoss: 0.5})
	if err != nil || checked.N == 0 {
		t.Errorf("check: %v", err)
	}
	rows, err := n.Sweep(t.Context(), set, set, []Variant{{Quant: ptq.Config{WeightBits: 8}}}, MeasureConfig{})
	if err != nil || len(rows) != 2 || rows[0].Accuracy.Top1 != 50 {
		t.Errorf("sweep: %v, %v", rows, err)
	}
}

// What is not for all inputs of the network is an error that says why.
func TestSeveralInputsRefuse(t *testing.T) {
	n, path := twoInputs(t, 4)
	m := compiledModel(t, n)
	for want, inputs := range map[string][]dataset.Input{
		"is for one input: give an array for each":      {{Name: "picture"}},
		"has the array \"facts\" where the input \"pic": {{Name: "facts"}, {Name: "picture"}},
	} {
		set, err := dataset.OpenInputs(t.Context(), "npz:"+path, dataset.Test, inputs)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Examples(set)
		of := (*InputsError)(nil)
		if !errors.As(err, &of) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and %q is due", err, want)
		}
		set.Close()
	}
}
