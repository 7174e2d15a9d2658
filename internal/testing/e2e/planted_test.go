package e2e

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/quant"
	"linquant/tensor"
)

// TestDrawnFindsFaults plants faults of the kinds that were once there in what is computed here, and sees that random
// networks find each of them, soon.
func TestDrawnFindsFaults(t *testing.T) {
	ort.Require(t)
	if slow() {
		t.Skip("takes a minute")
	}
	faults := map[string]func(*graph.Graph) bool{
		"elements in another order":          reordered,
		"a zero point one off":               parameters(func(p *quant.Params) bool { return shifted(p) }),
		"a scale for 4 bits of codes of 8":   parameters(func(p *quant.Params) bool { p.Scale[0] *= 17; return p.Type.Bits == 8 }),
		"a bit less":                         parameters(func(p *quant.Params) bool { p.Type.Bits--; return p.Type.Bits >= 2 }),
		"a bias one off":                     constant(2, func(w []byte) { w[0]++ }),
		"a weight one off":                   constant(1, func(w []byte) { w[0] ^= 1 }),
		"a real weight a little off":         realWeight,
		"pads at the other end":              ints("pads", func(p []int) []int { return slices.Concat(p[len(p)/2:], p[:len(p)/2]) }),
		"strides of the other axis":          ints("strides", reversed),
		"dimensions exchanged":               ints("perm", func(p []int) []int { return slices.Concat(p[:1], reversed(p[1:])) }),
		"an average that counts its padding": number("count_include_pad"),
		"a row of another place":             ints("indices", reversed),
		"rounding as in PyTorch":             convention(quant.Torch),
		"rounding as in TensorFlow Lite":     convention(quant.FixedDouble),
		"a bound forgotten":                  unbounded,
	}
	folder := t.TempDir()
	for name, plant := range faults {
		t.Run(name, func(t *testing.T) {
			planted := 0
			for seed := range 3000 {
				c := rapid.Custom(drawCase).Example(seed)
				there := false
				o, err := c.compare(folder, func(g *graph.Graph) bool { there = plant(g); return there })
				if there && o.refused == "" {
					planted++
				}
				if err == nil || !there || !errors.Is(err, errDiffers) {
					continue
				}
				if _, err := c.compare(folder, func(*graph.Graph) bool { return true }); err != nil {
					t.Fatalf("seed %d differs as it is: %v", seed, err)
				}
				t.Logf("found in network %d, the %d. that has it: %v", seed, planted, err)
				return
			}
			t.Errorf("not found in 3000 networks, of which %d had it", planted)
		})
	}
}

// The faults change what is computed here, and say whether there is such a thing in the network.

// reordered makes a Flatten of pictures take channels last.
func reordered(g *graph.Graph) bool {
	for i, n := range g.Nodes {
		if n.Op == graph.Flatten && len(g.Values[n.Inputs[0]].Shape) == 4 && g.Values[n.Inputs[0]].Quant == nil {
			last := &graph.Node{
				Op: graph.Transpose, Name: "channels last", Inputs: n.Inputs[:1], Outputs: []string{"channels last"},
				Attrs: graph.Attrs{"perm": []int{0, 2, 3, 1}},
			}
			g.Values["channels last"] = &graph.Value{Name: "channels last", DType: tensor.Float32}
			n.Inputs = []string{"channels last"}
			g.Nodes = slices.Insert(g.Nodes, i, last)
			return true
		}
	}
	return false
}

// parameters changes those of codes that a node computes.
func parameters(change func(*quant.Params) bool) func(*graph.Graph) bool {
	return func(g *graph.Graph) bool {
		for _, n := range g.Nodes {
			v := g.Values[n.Outputs[0]]
			if v.Quant == nil {
				continue
			}
			p := *v.Quant
			p.Scale, p.ZeroPoint = slices.Clone(p.Scale), slices.Clone(p.ZeroPoint)
			if change(&p) {
				v.Quant = &p
				return true
			}
		}
		return false
	}
}

func shifted(p *quant.Params) bool {
	lo, hi := p.Type.Range()
	if p.ZeroPoint == nil || p.ZeroPoint[0] <= lo || p.ZeroPoint[0] >= hi {
		return false
	}
	p.ZeroPoint[0]++
	return true
}

// constant changes the bytes of an input of a layer of codes.
func constant(input int, change func([]byte)) func(*graph.Graph) bool {
	return func(g *graph.Graph) bool {
		for _, n := range g.Nodes {
			v := g.Value(n.Input(input))
			if n.Op != graph.Conv && n.Op != graph.Gemm && n.Op != graph.MatMul || v == nil || v.Const == nil || v.Quant == nil {
				continue
			}
			changed := *v.Const
			changed.Data = slices.Clone(changed.Data)
			change(changed.Data)
			v.Const = &changed
			return true
		}
		return false
	}
}

// realWeight makes one weight of reals a thousandth larger.
func realWeight(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		v := g.Value(n.Input(1))
		if n.Op != graph.Conv && n.Op != graph.Gemm || v == nil || v.Const == nil || v.Const.DType != tensor.Float32 {
			continue
		}
		w, err := v.Const.Float32s()
		if err != nil {
			return false
		}
		w = slices.Clone(w)
		w[len(w)-1] += 1e-3
		changed, err := tensor.Of(v.Const.Shape, w)
		v.Const = &changed
		return err == nil
	}
	return false
}

// ints changes a list that is an attribute.
func ints(name string, change func([]int) []int) func(*graph.Graph) bool {
	return func(g *graph.Graph) bool {
		for _, n := range g.Nodes {
			had, ok := n.Attrs[name].([]int)
			if !ok || len(had) < 2 {
				continue
			}
			if is := change(slices.Clone(had)); !slices.Equal(is, had) {
				n.Attrs[name] = is
				return true
			}
		}
		return false
	}
}

func reversed(p []int) []int {
	p = slices.Clone(p)
	slices.Reverse(p)
	return p
}

// number changes an attribute of 0 or 1.
func number(name string) func(*graph.Graph) bool {
	return func(g *graph.Graph) bool {
		for _, n := range g.Nodes {
			if had, ok := n.Attrs[name].(int); ok {
				n.Attrs[name] = 1 - had
				return true
			}
		}
		return false
	}
}

func convention(c quant.Convention) func(*graph.Graph) bool {
	return func(g *graph.Graph) bool {
		g.Requant = c
		return g.Quantized()
	}
}

func unbounded(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == graph.Clip && n.Attrs["max"] != nil {
			delete(n.Attrs, "max")
			return true
		}
	}
	return false
}
