package pipeline

import (
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// TestTakesPixels has every way in which an input of codes is no image as Classify has it.
func TestTakesPixels(t *testing.T) {
	model := func(q *quant.Params) *Model {
		g := graph.New("g")
		g.AddInput("x", tensor.Shape{graph.Batch, 3, 4, 4})
		g.Values["x"].Quant = q
		g.AddNode(graph.DequantizeLinear, "d", "y", nil, "x")
		if q == nil {
			g.Nodes[0].Op = graph.Relu
		}
		g.Outputs = []string{"y"}
		m, err := CompileGraph(t.Context(), g, engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		m.Preprocess = vision.Preprocess{Divisor: 1}
		return m
	}
	params := func(typ quant.Type, scale float32, zero int32) *quant.Params {
		return &quant.Params{Type: typ, Scale: []float32{scale}, ZeroPoint: []int32{zero}}
	}
	for name, tt := range map[string]struct {
		q    *quant.Params
		edit func(p *vision.Preprocess)
		want bool
	}{
		"pixels":         {params(quant.Uint(8), 1, 0), nil, true},
		"reals":          {nil, nil, false},
		"signed":         {params(quant.Int(8), 1, 0), nil, false},
		"7 bits":         {params(quant.Uint(7), 1, 0), nil, false},
		"a scale":        {params(quant.Uint(8), 0.5, 0), nil, false},
		"a zero point":   {params(quant.Uint(8), 1, 1), nil, false},
		"a divisor":      {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.Divisor = 255 }, false},
		"a mean":         {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.Mean = []float32{1, 1, 1} }, false},
		"a deviation":    {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.Std = []float32{1, 1, 1} }, false},
		"blue first":     {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.BGR = true }, false},
		"channels last":  {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.ChannelsLast = true }, false},
		"labels besides": {params(quant.Uint(8), 1, 0), func(p *vision.Preprocess) { p.Labels = []string{"a"} }, true},
	} {
		m := model(tt.q)
		if tt.edit != nil {
			tt.edit(&m.Preprocess)
		}
		if got := m.takesPixels(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
