package diagnose

import (
	"context"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

func TestBadDumps(t *testing.T) {
	array := func(shape tensor.Shape, dtype tensor.DType, fill byte) tensor.Tensor {
		n, _ := shape.Elements()
		data := make([]byte, n*dtype.Size())
		for i := range data {
			data[i] = fill
		}
		return tensor.Tensor{DType: dtype, Shape: shape, Data: data}
	}
	for name, test := range map[string]struct {
		change func(a map[string]tensor.Tensor)
		want   string
	}{
		"shape": {
			func(a map[string]tensor.Tensor) { a["conv"] = array(tensor.Shape{2, 6, 6, 4}, tensor.Uint8, 1) },
			`"conv" has the shape [2, 6, 6, 4], and the network's value has [batch, 4, 6, 6]`,
		},
		"batch": {
			func(a map[string]tensor.Tensor) { a["q"] = array(tensor.Shape{1, 4, 6, 6}, tensor.Uint8, 1) },
			`"q" has 1 examples, and "conv" has 2`,
		},
		"floats": {
			func(a map[string]tensor.Tensor) { a["conv"] = array(tensor.Shape{2, 4, 6, 6}, tensor.Float32, 0) },
			`"conv": it holds float32 and not integers`,
		},
		"codes": {
			func(a map[string]tensor.Tensor) { a["conv"] = array(tensor.Shape{2, 4, 6, 6}, tensor.Int8, 255) },
			`"conv": element 0 is no uint8`,
		},
		"wide": {
			func(a map[string]tensor.Tensor) { a["conv"] = array(tensor.Shape{2, 4, 6, 6}, tensor.Int64, 127) },
			`"conv": element 0 is no uint8`,
		},
		"input": {
			func(a map[string]tensor.Tensor) { a["x"] = array(tensor.Shape{2, 4, 6, 6}, tensor.Uint8, 0) },
			`"x" holds uint8`,
		},
		"broken": {func(a map[string]tensor.Tensor) {
			a["conv"] = tensor.Tensor{DType: tensor.Uint8, Shape: tensor.Shape{2, 4, 6, 6}}
		}, `"conv": `},
		"no names": {
			func(a map[string]tensor.Tensor) { clear(a); a["convs"] = array(tensor.Shape{1}, tensor.Uint8, 0) },
			`none of its 1 arrays ("convs") is named like a value of codes in the network ("conv")`,
		},
		"no input": {
			func(a map[string]tensor.Tensor) { q := a["q"]; clear(a); a["q"] = q },
			`add the network's input "x"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			arrays := dumped(t, "net.equal")
			test.change(arrays)
			r, err := Compare(context.Background(), network(t, "net"), arrays)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v, error %v, want %q", r, err, test.want)
			}
		})
	}
	g := graph.New("float")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	g.AddNode(graph.Relu, "", "y", nil, "x")
	g.Outputs = []string{"y"}
	if _, err := Compare(context.Background(), g, dumped(t, "net.equal")); err == nil ||
		!strings.Contains(err.Error(), "no values of integer codes") {
		t.Errorf("a network without codes: %v", err)
	}
}

// Inputs of integers, such as token ids, stand in dumps as they are.
func TestIntegerInputs(t *testing.T) {
	ids, err := tensor.Of(tensor.Shape{2, 3}, []int64{4, 0, 1, 2, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	table, err := tensor.Of(tensor.Shape{5, 2}, []float32{0, 1, -2, 3, 0.4, 5, 6, -7, 8, 9})
	if err != nil {
		t.Fatal(err)
	}
	p := quant.TensorParams(quant.Uint(8), 0.1, 90)
	g := graph.New("embedding")
	g.AddInput("ids", tensor.Shape{graph.Batch, 3})
	g.Values["ids"].DType = tensor.Int64
	g.AddConst("table", table)
	g.AddNode(graph.QuantizeLinear, "q", "q", nil, g.AddNode(graph.Gather, "rows", "rows", nil, "table", "ids"))
	g.Values["q"].Quant, g.Values["q"].DType = &p, tensor.Uint8
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "y", "y", nil, "q")}
	values, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"ids": ids}, []string{"q"})
	if err != nil {
		t.Fatal(err)
	}
	values["ids"] = ids
	if r := compare(t, g, values); r.First != -1 || len(r.Layers) != 1 || r.Layers[0].Elements != 12 {
		t.Errorf("%+v", r)
	}
	values["q"].Data[5]++
	if r := compare(t, g, values); r.First != 0 {
		t.Error("another code is none")
	}
}
