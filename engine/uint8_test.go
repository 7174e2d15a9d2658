package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/pipeline"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// photos quantizes a small network whose input is prepared in a way, and returns it with what takes raw pixels.
func photos(t *testing.T, pre vision.Preprocess) (prepared, raw *graph.Graph) {
	t.Helper()
	g := resNet(1, 4)
	if pre.ChannelsLast {
		g = channelsLast(g)
	}
	prepared = quantized(g, true, quant.ONNX)
	if err := pre.Store(prepared); err != nil {
		t.Fatal(err)
	}
	raw, err := vision.PixelInput(prepared)
	if err != nil {
		t.Fatal(err)
	}
	return prepared, raw
}

// channelsLast puts a Transpose before the network.
func channelsLast(g *graph.Graph) *graph.Graph {
	g = g.Clone()
	in := g.Inputs[0]
	for _, n := range g.Nodes {
		for i, name := range n.Inputs {
			if name == in {
				n.Inputs[i] = "first"
			}
		}
	}
	s := g.Values[in].Shape
	g.Values[in].Shape = tensor.Shape{graph.Batch, s[2], s[3], s[1]}
	g.Values["first"] = &graph.Value{Name: "first", DType: tensor.Float32}
	g.Nodes = append([]*graph.Node{{
		Name: "transpose", Op: graph.Transpose, Inputs: []string{in}, Outputs: []string{"first"}, Attrs: graph.Attrs{"perm": []int{0, 3, 1, 2}},
	}}, g.Nodes...)
	return g
}

// Raw pixels give the bits that prepared ones give, on every tier, through one step of tables and without any float.
func TestRunUint8(t *testing.T) {
	image := tensor.Shape{3, 32, 32}
	for name, pre := range map[string]vision.Preprocess{
		"divided":       {},
		"normalized":    {Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}},
		"one deviation": {Mean: []float32{0.5, 0.5, 0.5}, BGR: true},
		"channels last": {Mean: []float32{0.4, 0.5, 0.6}, Std: []float32{0.3, 0.2, 0.1}, ChannelsLast: true},
	} {
		t.Run(name, func(t *testing.T) {
			prepared, raw := photos(t, pre)
			const examples = 3
			r := rand.New(rand.NewPCG(1, 2))
			x, pixels := make([]float32, examples*3*32*32), make([]uint8, examples*3*32*32)
			laid := vision.Preprocess{Divisor: 1, BGR: pre.BGR, ChannelsLast: pre.ChannelsLast}
			for i := range examples {
				red, one := make([]float32, 3*32*32), make([]float32, 3*32*32)
				for k := range red {
					red[k] = float32(r.IntN(256))
				}
				if err := pre.Apply(x[i*3072:(i+1)*3072], red, image); err != nil {
					t.Fatal(err)
				}
				if err := laid.Apply(one, red, image); err != nil {
					t.Fatal(err)
				}
				for k, v := range one {
					pixels[i*3072+k] = uint8(v)
				}
			}
			want := run(t, prepared, engine.Config{Threads: 1}, x)
			for _, tier := range cpu.Available() {
				for threads := 1; threads <= 2; threads++ {
					p, err := engine.Compile(t.Context(), raw, engine.Config{Threads: threads, CPU: tier.String()})
					if err != nil {
						t.Fatal(err)
					}
					if in := p.Inputs()[0]; in.Quant == nil || len(p.Islands()) > 0 {
						t.Errorf("input %+v, islands %v", in, p.Islands())
					}
					y := make([]float32, len(want))
					if err := p.RunUint8(t.Context(), [][]float32{y}, [][]uint8{pixels}); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(y, want) {
						t.Errorf("%v, %d threads: %v, want %v", tier, threads, y, want)
					}
				}
			}
			if !pre.BGR && !pre.ChannelsLast { // in the order in which Classify takes them
				checkSameClasses(t, prepared, raw, pixels[:3072])
			}
			// The nodes one by one, and the reference.
			kept, err := engine.Compile(t.Context(), raw, engine.Config{KeepAll: true})
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float32, len(want))
			if err := kept.RunUint8(t.Context(), [][]float32{y}, [][]uint8{pixels}); err != nil || !slices.Equal(y, want) {
				t.Errorf("%v, want %v: %v", y, want, err)
			}
			input, err := tensor.Of(append(tensor.Shape{1}, raw.Values[raw.Inputs[0]].Shape[1:]...), pixels[:3072])
			if err != nil {
				t.Fatal(err)
			}
			out, err := graph.Eval(t.Context(), raw, map[string]tensor.Tensor{raw.Inputs[0]: input}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if reals, err := out[raw.Outputs[0]].Float32s(); err != nil || !slices.Equal(reals, want[:10]) {
				t.Errorf("%v, want %v: %v", reals, want[:10], err)
			}
		})
	}
}

// checkSameClasses classifies with both.
func checkSameClasses(t *testing.T, a, b *graph.Graph, pixels []uint8) {
	t.Helper()
	var answers [2][]vision.Class
	for i, g := range []*graph.Graph{a, b} {
		m, err := pipeline.CompileGraph(t.Context(), g, engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if answers[i], err = m.Classify(t.Context(), pixels, 10); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(answers[0], answers[1]) {
		t.Errorf("prepared %v, raw %v", answers[0], answers[1])
	}
}

func TestRunUint8Errors(t *testing.T) {
	prepared, raw := photos(t, vision.Preprocess{Mean: []float32{0.4, 0.5, 0.6}})
	for _, tt := range []struct {
		g      *graph.Graph
		inputs [][]uint8
		want   string
	}{
		{prepared, [][]uint8{make([]uint8, 3072)}, "is not of uint8 codes"},
		{raw, nil, "1 inputs, not 0"},
		{raw, [][]uint8{make([]uint8, 3071)}, fmt.Sprintf("input %q: 3071 values", raw.Inputs[0])},
	} {
		p, err := engine.Compile(t.Context(), tt.g, engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		err = p.RunUint8(t.Context(), [][]float32{make([]float32, 10)}, tt.inputs)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

// Codes of any shape and width are the reals that they stand for.
func TestRunUint8Shapes(t *testing.T) {
	for _, shape := range []tensor.Shape{{7}, {1, 4, 4}, {2, 3, 5}, {3, 40, 70}, {5, 2, 2}, {4, 3}} {
		for _, bits := range []int{5, 8} {
			p := quant.TensorParams(quant.Uint(bits), 0.03, 9)
			g := graph.New("shapes")
			for _, name := range []string{"a", "b"} {
				g.AddInput(name, append(tensor.Shape{graph.Batch}, shape...))
				g.Values[name].Quant, g.Values[name].DType = &p, tensor.Uint8
			}
			g.AddNode(graph.Add, "add", "y", nil, "a", "b")
			out := quant.TensorParams(quant.Uint(8), 0.06, 9)
			g.Values["y"].Quant, g.Values["y"].DType = &out, tensor.Uint8
			g.Outputs = []string{"y"}
			program, err := engine.Compile(t.Context(), g, engine.Config{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			size, err := shape.Elements()
			if err != nil {
				t.Fatal(err)
			}
			const batch = 3
			codes, reals := make([][]uint8, 2), make([][]float32, 2)
			for k := range codes {
				codes[k], reals[k] = make([]uint8, batch*size), make([]float32, batch*size)
				for i := range codes[k] {
					codes[k][i] = uint8(i*(41+2*k) + k)
					reals[k][i] = float32(min(int32(codes[k][i]), 1<<bits-1)-9) * 0.03
				}
			}
			got, want := make([]float32, batch*size), make([]float32, batch*size)
			if err := program.RunUint8(t.Context(), [][]float32{got}, codes); err != nil {
				t.Fatal(err)
			}
			if err := program.Run(t.Context(), [][]float32{want}, reals); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, %d bits: %v, want %v", shape, bits, got, want)
			}
			// And again with floats, that nothing stays of the codes.
			if err := program.Run(t.Context(), [][]float32{got}, [][]float32{reals[1], reals[0]}); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v: %v, want %v", shape, got, want)
			}
		}
	}
}

func BenchmarkRunUint8(b *testing.B) {
	g := graph.New("pixels")
	g.AddInput("x", tensor.Shape{graph.Batch, 3, 224, 224})
	p := quant.TensorParams(quant.Uint(8), 0.0186, 114)
	g.AddNode(graph.QuantizeLinear, "quantize", "codes", nil, "x")
	g.AddNode(graph.GlobalAveragePool, "pool", "y", nil, "codes")
	for _, name := range []string{"codes", "y"} {
		g.Values[name].Quant, g.Values[name].DType = &p, tensor.Uint8
	}
	g.Outputs = []string{"y"}
	pre := vision.Preprocess{Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}}
	if err := pre.Store(g); err != nil {
		b.Fatal(err)
	}
	raw, err := vision.PixelInput(g)
	if err != nil {
		b.Fatal(err)
	}
	pixels, red, x, y := make([]uint8, 3*224*224), make([]float32, 3*224*224), make([]float32, 3*224*224), make([]float32, 3)
	for i := range pixels {
		pixels[i], red[i] = uint8(i), float32(uint8(i))
	}
	compile := func(g *graph.Graph) *engine.Program {
		p, err := engine.Compile(b.Context(), g, engine.Config{Threads: 1})
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	prepared, program := compile(g), compile(raw)
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			if err := program.RunUint8(b.Context(), [][]float32{y}, [][]uint8{pixels}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("prepared", func(b *testing.B) {
		for b.Loop() {
			if err := pre.Apply(x, red, tensor.Shape{3, 224, 224}); err != nil {
				b.Fatal(err)
			}
			if err := prepared.Run(b.Context(), [][]float32{y}, [][]float32{x}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Codes that are given as they are must be unsigned.
func TestRunUint8OfSignedCodes(t *testing.T) {
	g := image(true, 4)
	codes(g, "x", quant.Int(8), 1, 0)
	g.Outputs = []string{g.AddNode(graph.Relu, "r", "y", nil, "x")}
	codes(g, "y", quant.Int(8), 1, 0)
	p, err := engine.Compile(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	err = p.RunUint8(t.Context(), [][]float32{make([]float32, 4)}, [][]uint8{{0, 1, 2, 255}})
	if err == nil || !strings.Contains(err.Error(), `input "x" is not of uint8 codes`) {
		t.Errorf("signed codes: %v", err)
	}
}
