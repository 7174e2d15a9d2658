package engine_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/netgen"
	"linquant/quant"
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

// drawn is a random network and a batch of its input, as the evaluator takes it and as the engine does.
type drawn struct {
	g     *graph.Graph
	x     tensor.Tensor
	reals []float32
}

// drawInput returns the network with an input.
func drawInput(t *rapid.T, g *graph.Graph) drawn {
	d := drawn{g: g}
	shape := append(tensor.Shape{rapid.IntRange(1, 3).Draw(t, "batch")}, d.g.Values["x"].Shape[1:]...)
	n, _ := shape.Elements()
	b := builder{seed: rapid.Uint64().Draw(t, "input")}
	d.reals = b.reals(n, 1.2)
	if len(d.g.Nodes) > 0 && d.g.Nodes[0].Op == graph.QuantizeLinear && rapid.IntRange(0, 3).Draw(t, "odd values") == 0 {
		for _, v := range []uint32{0x7fc00055, 0x7f800000, 0xff800000} { // a NaN and infinities
			d.reals[rapid.IntRange(0, n-1).Draw(t, "at")] = math.Float32frombits(v)
		}
	}
	d.x = mustTensor(shape, d.reals)
	if v := d.g.Values["x"]; v.Quant != nil {
		var err error
		if d.x, err = codesOf(d.reals, shape, v.Quant); err != nil {
			t.Fatal(err)
		}
		exact, err := realsOf(v, d.x)
		if err != nil {
			t.Fatal(err)
		}
		d.reals, _ = exact.Float32s()
	}
	return d
}

// codesOf quantizes by the definition.
func codesOf(x []float32, shape tensor.Shape, q *quant.Params) (tensor.Tensor, error) {
	if q.Type.Unsigned {
		codes := make([]uint8, len(x))
		if err := quant.Quantize(codes, x, shape, *q); err != nil {
			return tensor.Tensor{}, err
		}
		return tensor.Of(shape, codes)
	}
	codes := make([]int8, len(x))
	if err := quant.Quantize(codes, x, shape, *q); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Of(shape, codes)
}

// TestIntegers compares every value of random quantized networks with the reference evaluator's: codes must be equal.
func TestIntegers(t *testing.T) {
	often(t, func(t *rapid.T) { checkNetwork(t, drawInput(t, netgen.Draw(t, true)), sameCodes) })
}

// TestFloats compares every value of random float networks with the reference evaluator's.
func TestFloats(t *testing.T) {
	often(t, func(t *rapid.T) { checkNetwork(t, drawInput(t, netgen.Draw(t, false)), closeReals) })
}

// TestSeeds is TestIntegers and TestFloats for the same networks each time, whatever they are: a fault that few networks
// show is found by all who run this, or by nobody.
func TestSeeds(t *testing.T) {
	seeds := 500
	if raceEnabled {
		seeds = 50
	}
	for _, codes := range []bool{false, true} {
		compare := closeReals
		if codes {
			compare = sameCodes
		}
		for seed := range seeds {
			t.Run(fmt.Sprintf("codes=%v,%d", codes, seed), func(t *testing.T) {
				draw := func(t *rapid.T) drawn { return drawInput(t, netgen.Draw(t, codes)) }
				checkNetwork(t, rapid.Custom(draw).Example(seed), compare)
			})
		}
	}
}

// sameCodes is sameElements, but for what is computed in reals before the input is quantized: there a zero that was
// clamped has either sign, and a NaN any payload.
func sameCodes(g *graph.Graph) func(name string, got, want tensor.Tensor) error {
	before := map[string]bool{}
	for _, n := range g.Nodes {
		if n.Op == graph.QuantizeLinear {
			break
		}
		before[n.Outputs[0]] = g.Values[n.Outputs[0]].Quant == nil
	}
	return func(name string, got, want tensor.Tensor) error {
		if !before[name] {
			return sameElements(name, got, want)
		}
		a, _ := got.Float32s()
		b, _ := want.Float32s()
		if !got.Shape.Equal(want.Shape) || !slices.EqualFunc(a, b, func(a, b float32) bool { return cmp.Compare(a, b) == 0 }) {
			return fmt.Errorf("%s is %v %v, want %v %v", name, got.Shape, a, want.Shape, b)
		}
		return nil
	}
}

// often checks a property of networks, which have many parts and take less than a millisecond each, on many more than the
// usual 100 of them.
func often(t *testing.T, property func(t *rapid.T)) {
	times := 20 // of 100, or 20 where time is short
	if raceEnabled {
		times = 2
	}
	for range times {
		rapid.Check(t, property)
	}
}

// A comparison makes a function that compares a value of the network with what it should be.
type comparison func(g *graph.Graph) func(name string, got, want tensor.Tensor) error

// checkNetwork compares every value of the network with the reference evaluator's.
func checkNetwork(t rapid.TB, d drawn, how comparison) {
	ctx, g, x, reals, compare := context.Background(), d.g, d.x, d.reals, how(d.g)
	names := computed(g)
	want, err := graph.Eval(ctx, g, map[string]tensor.Tensor{"x": x}, names)
	if err != nil {
		t.Fatalf("Eval: %v", err)
	}
	all, err := engine.Compile(context.Background(), g, engine.Config{Threads: 1, KeepAll: true})
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
		p, err := engine.Compile(context.Background(), g, engine.Config{Threads: threads})
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
			if allocs != 0 && !slices.ContainsFunc(g.Nodes, allocates(g)) {
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
func closeReals(*graph.Graph) func(name string, got, want tensor.Tensor) error {
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

// allocates reports of a node whether the engine computes it as the evaluator does, which takes memory in every run.
func allocates(g *graph.Graph) func(*graph.Node) bool {
	return func(n *graph.Node) bool {
		inferred, err := graph.InferShapes(g)
		return graph.ByReference(n) || err == nil && graph.Counts(inferred.Values[n.Outputs[0]].DType) && inferred.Values[n.Outputs[0]].Quant == nil
	}
}
