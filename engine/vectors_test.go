package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/toy"
	"linquant/quant"
	"linquant/tensor"
)

// The layers that the PyTorch original computed, as networks of one layer: the same codes, on every tier.
func TestOriginalVectors(t *testing.T) {
	data, err := os.ReadFile("../quant/testdata/linear_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []toy.FC
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range append(cases, toy.Load().FC) {
		t.Run(fmt.Sprintf("%d_w%d_a%d", i, c.WeightBits, c.FeatureBits), func(t *testing.T) {
			for _, tier := range cpu.Available() {
				checkOriginal(t, c, tier)
			}
		})
	}
}

func checkOriginal(t *testing.T, c toy.FC, tier cpu.Tier) {
	t.Helper()
	batch, depth, channels := len(c.Input), len(c.Weight[0]), len(c.Weight)
	input := quant.TensorParams(quant.Int(c.FeatureBits), c.InputScale, c.InputZeroPoint)
	output := quant.TensorParams(quant.Int(c.FeatureBits), c.OutputScale, c.OutputZeroPoint)
	weight := quant.Params{Type: quant.Int(c.WeightBits), Layout: quant.Layout{Per: quant.PerChannel}, Scale: c.WeightScale}
	bias, err := quant.BiasParams(input, weight)
	if err != nil {
		t.Fatal(err)
	}
	g := graph.New("layer")
	g.Requant = quant.Torch
	g.AddInput("x", tensor.Shape{graph.Batch, depth})
	g.AddNode(graph.QuantizeLinear, "q", "qx", nil, "x")
	g.Values["qx"].Quant = &input
	g.AddConst("w", mustTensor(tensor.Shape{channels, depth}, slices.Concat(c.QuantizedWeight...)))
	g.Values["w"].Quant = &weight
	g.AddConst("b", mustTensor(tensor.Shape{channels}, c.QuantizedBias))
	g.Values["b"].Quant = &bias
	g.AddNode(graph.Gemm, "fc", "qy", graph.Attrs{"transB": 1}, "qx", "w", "b")
	g.Values["qy"].Quant = &output
	g.AddNode(graph.DequantizeLinear, "d", "y", nil, "qy")
	g.Outputs = []string{"y"}

	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, CPU: tier.String(), Keep: []string{"qx", "qy"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]int8{}
	err = p.TraceTensors(context.Background(), [][]float32{slices.Concat(c.Input...)}, func(name string, x tensor.Tensor) error {
		codes, err := tensor.As[int8](x)
		got[name] = append(got[name], codes...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat(c.QuantizedInput...); !slices.Equal(got["qx"], want) {
		t.Errorf("%v: input codes %v, want %v", tier, got["qx"], want)
	}
	if want := slices.Concat(c.QuantizedOutput...); !slices.Equal(got["qy"], want) || len(want) != batch*channels {
		t.Errorf("%v: output codes %v, want %v", tier, got["qy"], want)
	}
}
