package vision_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	_ "linquant/internal/testing/seeds"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// prepared is a quantized network that does little more than to quantize its input, which pre prepares.
func prepared(pre vision.Preprocess, shape tensor.Shape, p quant.Params) *graph.Graph {
	g := graph.New("prepared")
	g.AddInput("x", append(tensor.Shape{graph.Batch}, shape[1:]...))
	g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, "x")
	quantize(g, "x_quantized", p)
	g.AddNode(graph.Relu, "relu", "y", nil, "x_quantized")
	quantize(g, "y", p)
	g.Outputs = []string{"y"}
	if err := pre.Store(g); err != nil {
		panic(err)
	}
	return g
}

func quantize(g *graph.Graph, name string, p quant.Params) { g.Values[name].Quant = &p }

// Whatever the preparation, the codes of raw pixels are those of prepared ones.
func TestPixelInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.SampledFrom([]int{1, 3}).Draw(t, "channels")
		image := tensor.Shape{channels, 9, 11}
		pre := vision.Preprocess{
			BGR: rapid.Bool().Draw(t, "bgr"), ChannelsLast: rapid.Bool().Draw(t, "last"),
			Divisor: rapid.SampledFrom([]float32{0, 1, 255, 127.5}).Draw(t, "divisor"),
		}
		if rapid.Bool().Draw(t, "mean") {
			pre.Mean = rapid.SliceOfN(rapid.Float32Range(0, 1), channels, channels).Draw(t, "means")
		}
		if rapid.Bool().Draw(t, "std") {
			pre.Std = rapid.SliceOfN(rapid.Float32Range(0.1, 2), channels, channels).Draw(t, "stds")
		}
		shape := tensor.Shape{1, channels, 9, 11}
		if pre.ChannelsLast {
			shape = tensor.Shape{1, 9, 11, channels}
		}
		typ := quant.Type{Bits: rapid.IntRange(4, 8).Draw(t, "bits"), Unsigned: rapid.Bool().Draw(t, "unsigned")}
		zero := rapid.Int32Range(-8, 7).Draw(t, "zero")
		if typ.Unsigned {
			zero += 8
		}
		g := prepared(pre, shape, quant.TensorParams(typ, rapid.Float64Range(1e-3, 0.1).Draw(t, "scale"), zero))

		pixels := rapid.SliceOfN(rapid.Byte(), channels*99, channels*99).Draw(t, "pixels")
		red, x := make([]float32, len(pixels)), make([]float32, len(pixels))
		for i, v := range pixels {
			red[i] = float32(v)
		}
		if err := pre.Apply(x, red, image); err != nil {
			t.Fatal(err)
		}
		// The order of elements stays to the caller.
		order := vision.Preprocess{Divisor: 1, BGR: pre.BGR, ChannelsLast: pre.ChannelsLast}
		laid, raw := make([]float32, len(pixels)), make([]uint8, len(pixels))
		if err := order.Apply(laid, red, image); err != nil {
			t.Fatal(err)
		}
		for i, v := range laid {
			raw[i] = uint8(v)
		}

		u, err := vision.PixelInput(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := graph.Check(u); err != nil {
			t.Fatal(err)
		}
		says, err := vision.Of(u)
		inside := vision.Preprocess{BGR: pre.BGR} // what the file says becomes of a pixel, inside and before
		if says.Inside != nil {
			inside.Divisor, inside.Mean, inside.Std = says.Inside.Divisor, says.Inside.Mean, says.Inside.Std
		} else {
			inside.Divisor, inside.Mean, inside.Std = says.Divisor, says.Mean, says.Std
		}
		if err != nil || !inside.SamePixels(pre) || says.Inside != nil && says.Divisor != 1 {
			t.Errorf("of %v the file says %+v, %v", pre, says, err)
		}
		floats, _ := tensor.Of(shape, x)
		codes, _ := tensor.Of(shape, raw)
		want, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": floats}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := graph.Eval(t.Context(), u, map[string]tensor.Tensor{"x_uint8": codes}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got["y"].Data, want["y"].Data) {
			t.Errorf("codes %v, want %v", got["y"].Data, want["y"].Data)
		}
	})
}

// Pixels that are codes already need no nodes; of others the steps that do nothing are left out.
func TestPixelInputNodes(t *testing.T) {
	shape := tensor.Shape{1, 3, 4, 4}
	whole := quant.TensorParams(quant.Uint(8), 1.0/255, 0)
	tests := []struct {
		name string
		pre  vision.Preprocess
		p    quant.Params
		want string
	}{
		{"codes", vision.Preprocess{}, whole, "Relu"},
		{"idle", vision.Preprocess{Mean: []float32{0, 0, 0}, Std: []float32{1, 1, 1}}, whole, "Relu"},
		{"not divided", vision.Preprocess{Divisor: 1}, quant.TensorParams(quant.Uint(8), 1, 0), "Relu"},
		{"signed", vision.Preprocess{}, quant.TensorParams(quant.Int(8), 1.0/255, 0), "DequantizeLinear Div QuantizeLinear Relu"},
		{"darker", vision.Preprocess{}, quant.TensorParams(quant.Uint(8), 0.99/255, 0), "DequantizeLinear Div QuantizeLinear Relu"},
		{"mean", vision.Preprocess{Divisor: 1, Mean: []float32{1, 2, 3}}, whole, "DequantizeLinear Sub QuantizeLinear Relu"},
		{
			"all",
			vision.Preprocess{Mean: []float32{1, 2, 3}, Std: []float32{1, 2, 3}},
			whole,
			"DequantizeLinear Div Sub Div QuantizeLinear Relu",
		},
	}
	for _, tt := range tests {
		g, err := vision.PixelInput(prepared(tt.pre, shape, tt.p))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var ops []string
		for _, n := range g.Nodes {
			ops = append(ops, string(n.Op))
		}
		if got := strings.Join(ops, " "); got != tt.want || g.Inputs[0] != "x_uint8" || g.Values["x_uint8"].DType != tensor.Uint8 {
			t.Errorf("%s: %s of %q, want %s", tt.name, got, g.Inputs[0], tt.want)
		}
	}
}

func TestPixelInputErrors(t *testing.T) {
	p := quant.TensorParams(quant.Uint(8), 1.0/255, 0)
	once, err := vision.PixelInput(prepared(vision.Preprocess{}, tensor.Shape{1, 3, 4, 4}, p))
	if err != nil {
		t.Fatal(err)
	}
	float := graph.New("float")
	float.AddInput("x", tensor.Shape{graph.Batch, 3, 4, 4})
	float.Outputs = []string{float.AddNode(graph.Relu, "relu", "y", nil, "x")}
	for name, tt := range map[string]struct {
		g    *graph.Graph
		want string
	}{
		"twice":    {once, `input "x_uint8" is codes already`},
		"float":    {float, "the network is not quantized"},
		"channels": {prepared(vision.Preprocess{Mean: []float32{1, 2}}, tensor.Shape{1, 3, 4, 4}, p), "2 values for 3 channels"},
		"shape":    {prepared(vision.Preprocess{}, tensor.Shape{1, 3, 4}, p), "which is no image's"},
	} {
		if _, err := vision.PixelInput(tt.g); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// Reals that the network also gives back stay there, though its codes are the pixels.
func TestPixelInputThatIsAnOutput(t *testing.T) {
	g := prepared(vision.Preprocess{}, tensor.Shape{1, 1, 2, 2}, quant.TensorParams(quant.Uint(8), 1.0/255, 0))
	g.Outputs = append(g.Outputs, "x")
	u, err := vision.PixelInput(g)
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := tensor.Of(tensor.Shape{1, 1, 2, 2}, []uint8{0, 51, 102, 255})
	if err != nil {
		t.Fatal(err)
	}
	got, err := graph.Eval(t.Context(), u, map[string]tensor.Tensor{"x_uint8": pixels}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := got["x"].Float32s()
	if want := []float32{0, 0.2, 0.4, 1}; err != nil || !slices.Equal(x, want) {
		t.Errorf("%v, %v, want %v", x, err, want)
	}
}
