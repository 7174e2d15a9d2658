package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// computed returns the names of all values that nodes make.
func computed(g *graph.Graph) []string {
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Outputs...)
	}
	return names
}

// drawInput returns a batch of x.
func drawInput(t *rapid.T, g *graph.Graph) (tensor.Tensor, []float32) {
	shape := append(tensor.Shape{rapid.IntRange(1, 3).Draw(t, "batch")}, g.Values["x"].Shape[1:]...)
	n, _ := shape.Elements()
	b := builder{seed: rapid.Uint64().Draw(t, "input")}
	x := b.reals(n, 1.2)
	if g.Quantized() && rapid.IntRange(0, 3).Draw(t, "odd values") == 0 {
		for _, v := range []uint32{0x7fc00055, 0x7f800000, 0xff800000} { // a NaN and infinities
			x[rapid.IntRange(0, n-1).Draw(t, "at")] = math.Float32frombits(v)
		}
	}
	return mustTensor(shape, x), x
}

// TestIntegers compares every value of random quantized networks with the reference evaluator's: codes must be equal.
func TestIntegers(t *testing.T) {
	often(t, func(t *rapid.T) { checkNetwork(t, drawNetwork(t, true), sameElements) })
}

// TestFloats compares every value of random float networks with the reference evaluator's.
func TestFloats(t *testing.T) {
	often(t, func(t *rapid.T) { checkNetwork(t, drawNetwork(t, false), closeReals()) })
}

// often checks a property of networks, which have many parts, on more than the usual 100 of them.
func often(t *testing.T, property func(t *rapid.T)) {
	times := 10
	if testing.Short() || raceEnabled {
		times = 1
	}
	for range times {
		rapid.Check(t, property)
	}
}

func checkNetwork(t *rapid.T, g *graph.Graph, compare func(name string, got, want tensor.Tensor) error) {
	ctx := context.Background()
	x, reals := drawInput(t, g)
	names := computed(g)
	want, err := graph.Eval(ctx, g, map[string]tensor.Tensor{"x": x}, names)
	if err != nil {
		t.Fatalf("Eval: %v", err)
	}
	all, err := engine.Compile(g, engine.Config{Threads: 1, KeepAll: true})
	if err != nil {
		t.Fatal(err)
	}
	seen, example := map[string]int{}, 0
	err = all.TraceTensors(ctx, [][]float32{reals}, func(name string, got tensor.Tensor) error {
		example = seen[name]
		seen[name]++
		return compare(name, got, exampleOf(want[name], example))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if seen[name] != x.Shape[0] {
			t.Fatalf("value %q was shown %d times for %d examples", name, seen[name], x.Shape[0])
		}
	}
	// Without keeping values layers are fused and memory is used again; on another thread count, the same.
	for _, threads := range []int{1, 3} {
		p, err := engine.Compile(g, engine.Config{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		outputs := roomFor(p, x.Shape[0])
		if err := p.Run(ctx, outputs, [][]float32{reals}); err != nil {
			t.Fatal(err)
		}
		if threads == 1 && !raceEnabled {
			engine.Poison(p) // what a run leaves behind is nothing that the next one reads
			inputs := [][]float32{reals}
			allocs := testing.AllocsPerRun(1, func() {
				if err := p.Run(ctx, outputs, inputs); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Fatalf("%v allocations a run", allocs)
			}
		}
		for i, name := range g.Outputs {
			reference, err := realsOf(g.Values[name], want[name])
			if err != nil {
				t.Fatal(err)
			}
			if err := compare(name, mustTensor(reference.Shape, outputs[i]), reference); err != nil {
				t.Fatalf("threads %d, fused: %v", threads, err)
			}
		}
	}
}

func roomFor(p *engine.Program, batch int) [][]float32 {
	var outputs [][]float32
	for _, io := range p.Outputs() {
		n, _ := io.Shape.Elements()
		outputs = append(outputs, make([]float32, batch*n))
	}
	return outputs
}

// realsOf dequantizes codes by the definition.
func realsOf(v *graph.Value, t tensor.Tensor) (tensor.Tensor, error) {
	if v.Quant == nil {
		return t, nil
	}
	reals := make([]float32, len(t.Data))
	for i, b := range t.Data {
		code := int32(b)
		if t.DType == tensor.Int8 {
			code = int32(int8(b))
		}
		if v.Quant.ZeroPoint != nil {
			code -= v.Quant.ZeroPoint[0]
		}
		reals[i] = float32(code) * v.Quant.Scale[0]
	}
	return tensor.Of(t.Shape, reals)
}

func exampleOf(t tensor.Tensor, i int) tensor.Tensor {
	size := len(t.Data) / t.Shape[0]
	return tensor.Tensor{DType: t.DType, Shape: append(tensor.Shape{1}, t.Shape[1:]...), Data: t.Data[i*size:][:size]}
}

func sameElements(name string, got, want tensor.Tensor) error {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) || !bytes.Equal(got.Data, want.Data) {
		return fmt.Errorf("%s is %v %v %v, want %v %v %v", name, got.DType, got.Shape, got.Data, want.DType, want.Shape, want.Data)
	}
	return nil
}

// closeReals allows an error of 1e-5 of the largest real seen so far: sums of large terms may cancel.
func closeReals() func(name string, got, want tensor.Tensor) error {
	magnitude := 1.0
	return func(name string, got, want tensor.Tensor) error {
		g, _ := got.Float32s()
		w, _ := want.Float32s()
		if !got.Shape.Equal(want.Shape) || len(g) != len(w) {
			return fmt.Errorf("%s has the shape %v, want %v", name, got.Shape, want.Shape)
		}
		for _, v := range w {
			magnitude = max(magnitude, math.Abs(float64(v)))
		}
		for i := range g {
			if !(math.Abs(float64(g[i])-float64(w[i])) <= 1e-5*magnitude) {
				return fmt.Errorf("%s[%d] is %g, want %g", name, i, g[i], w[i])
			}
		}
		return nil
	}
}
