package diagnose

import (
	"context"
	"strings"
	"testing"

	"linquant/graph"
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
