package ptq_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// mobile builds an inverted residual as MobileNetV2 has it, with channels of very different sizes.
func mobile(t *testing.T, clip bool) *net {
	n := newNet(t, 3, 6, 6)
	uneven := func(name string, from, per int) {
		v := n.Value(name).Const
		w, err := v.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		w = append([]float32(nil), w...)
		for i := range w {
			w[i] *= float32(math.Pow(2, float64((i/per*from)%9-4)))
		}
		n.AddConst(name, must(t, v.Shape, w))
	}
	relu := func(name, in string) string {
		if clip {
			return n.op(graph.Clip, name, graph.Attrs{"min": float32(0), "max": float32(6)}, in)
		}
		return n.op(graph.Relu, name, nil, in)
	}
	first := relu("r1", n.conv("first", "x", 3, 4))
	uneven("first.w", 5, 27)
	wide := relu("r2", n.conv("expand", first, 4, 8))
	uneven("expand.w", 7, 36)
	w := n.constant("depth.w", tensor.Shape{8, 1, 3, 3})
	b := n.constant("depth.b", tensor.Shape{8})
	uneven("depth.w", 4, 9)
	deep := relu("r3", n.AddNode(graph.Conv, "depth", "depth.y", graph.Attrs{"pads": []int{1, 1, 1, 1}, "group": 8}, wide, w, b))
	sum := n.op(graph.Add, "sum", nil, first, n.conv("project", deep, 8, 4))
	mean := n.op(graph.GlobalAveragePool, "pool", nil, sum)
	flat := n.op(graph.Flatten, "flat", graph.Attrs{"axis": 1}, mean)
	n.gemm("classes", flat, 4, 5)
	return n
}

func must(t *testing.T, shape tensor.Shape, x []float32) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func outputsOf(t *testing.T, g *graph.Graph, x []float32) []float32 {
	t.Helper()
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, 5)
	if err := p.Run(context.Background(), [][]float32{out}, [][]float32{x}); err != nil {
		t.Fatal(err)
	}
	return out
}

func equalized(t *testing.T, g *graph.Graph, norms map[string]graph.Moments) (*graph.Graph, *ptq.Equalization) {
	t.Helper()
	before := bytesOf(g)
	e, r, err := ptq.Equalize(context.Background(), g, norms)
	if err != nil {
		t.Fatal(err)
	}
	if bytesOf(g) != before {
		t.Error("the network was changed")
	}
	return e, r
}

func TestEqualizeKeepsOutputs(t *testing.T) {
	for name, clip := range map[string]bool{"Relu": false, "Clip": true} {
		t.Run(name, func(t *testing.T) {
			n := mobile(t, clip)
			g := n.done("classes.y")
			e, r := equalized(t, g, nil)
			if r.Layers != 5 || len(r.Scaled) != 5 || r.Channels != 4+8+8 {
				t.Errorf("%d layers, scaled %v, %d channels: want all 5, and 4 of the residual, 8 and 8", r.Layers, r.Scaled, r.Channels)
			}
			if clip != (len(r.Clips) == 3) {
				t.Errorf("Clips %v", r.Clips)
			}
			for range 3 {
				x := n.random(3 * 6 * 6)
				for i := range x {
					x[i] *= 8 // beyond the bound
				}
				want, got := outputsOf(t, g, x), outputsOf(t, e, x)
				largest := 0.0
				for _, v := range want {
					largest = max(largest, math.Abs(float64(v)))
				}
				for i := range want {
					if math.Abs(float64(got[i]-want[i])) > 2e-6*largest {
						t.Errorf("output %d is %v, was %v", i, got[i], want[i])
					}
				}
			}
			again, r := equalized(t, e, nil)
			if r.Channels != 0 || again != e {
				t.Errorf("a second time %d channels are scaled", r.Channels)
			}
		})
	}
}

// largest returns the largest magnitudes of a weight's outputs, and of its inputs.
func largest(t *testing.T, g *graph.Graph, name string) (outputs, inputs []float64) {
	t.Helper()
	v := g.Value(name).Const
	w, err := v.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	kernel := len(w) / (v.Shape[0] * v.Shape[1])
	outputs, inputs = make([]float64, v.Shape[0]), make([]float64, v.Shape[1])
	for i, x := range w {
		o, in := i/kernel/v.Shape[1], i/kernel%v.Shape[1]
		outputs[o] = max(outputs[o], math.Abs(float64(x)))
		inputs[in] = max(inputs[in], math.Abs(float64(x)))
	}
	return outputs, inputs
}

// grouped appends a convolution of groups, each of so many channels.
func (n *net) grouped(name, in string, groups, inputs, outputs int) string {
	w := n.constant(name+".w", tensor.Shape{groups * outputs, inputs, 3, 3})
	b := n.constant(name+".b", tensor.Shape{groups * outputs})
	return n.AddNode(graph.Conv, name, name+".y", graph.Attrs{"pads": []int{1, 1, 1, 1}, "group": groups}, in, w, b)
}

func TestEqualizePairs(t *testing.T) {
	for _, groups := range []int{1, 2} {
		n := newNet(t, 3, 4, 4)
		n.grouped("b", n.op(graph.Relu, "r", nil, n.conv("a", "x", 3, 4)), groups, 4/groups, 3)
		g := n.done("b.y")
		read := func(g *graph.Graph) []float64 { // largest magnitudes by channel of all groups
			w, err := g.Value("b.w").Const.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			inputs, most := 4/groups, make([]float64, 4)
			for i, x := range w {
				o, c := i/9/inputs, i/9%inputs
				most[o/3*inputs+c] = max(most[o/3*inputs+c], math.Abs(float64(x)))
			}
			return most
		}
		r1, _ := largest(t, g, "a.w")
		r2 := read(g)
		e, _ := equalized(t, g, nil)
		s1, in := largest(t, e, "a.w")
		s2 := read(e)
		for c := range r1 {
			want := math.Sqrt(r1[c] * r2[c])
			if math.Abs(s1[c]-want) > 1e-5*want || math.Abs(s2[c]-want) > 1e-5*want {
				t.Errorf("%d groups, channel %d: %v and %v, want √(%v·%v) = %v", groups, c, s1[c], s2[c], r1[c], r2[c], want)
			}
		}
		if out, _ := largest(t, e, "b.w"); len(in) != 3 || len(out) != 3*groups {
			t.Error("shapes changed")
		}
	}
}

func TestEqualizeDepthwise(t *testing.T) {
	e, _ := equalized(t, mobile(t, true).done("classes.y"), nil)
	expand, _ := largest(t, e, "expand.w")
	depth, _ := largest(t, e, "depth.w")
	_, project := largest(t, e, "project.w")
	for c := range depth {
		if math.Abs(expand[c]/depth[c]-1) > 1e-3 || math.Abs(project[c]/depth[c]-1) > 1e-3 {
			t.Errorf("channel %d: %v before the depthwise layer's %v, and %v behind", c, expand[c], depth[c], project[c])
		}
	}
}

func TestEqualizeLeavesWhatItMust(t *testing.T) {
	for name, build := range map[string]func(n *net) string{
		"a sigmoid between": func(n *net) string {
			return n.conv("b", n.op(graph.Sigmoid, "s", nil, n.conv("a", "x", 3, 4)), 4, 2)
		},
		"an output between": func(n *net) string {
			n.conv("b", n.conv("a", "x", 3, 4), 4, 2)
			return "a.y"
		},
		"a Clip from -1": func(n *net) string {
			return n.conv("b", n.op(graph.Clip, "c", graph.Attrs{"min": float32(-1), "max": float32(1)}, n.conv("a", "x", 3, 4)), 4, 2)
		},
		"one layer": func(n *net) string { return n.conv("a", "x", 3, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNet(t, 3, 4, 4)
			outputs := []string{build(n)}
			if outputs[0] == "a.y" && n.Value("b.y") != nil {
				outputs = append(outputs, "b.y")
			}
			g := n.done(outputs...)
			if e, r := equalized(t, g, nil); e != g || r.Channels != 0 {
				t.Errorf("%d channels scaled", r.Channels)
			}
		})
	}
}

func TestEqualizedWantsItsNetwork(t *testing.T) {
	n := newNet(t, 3, 4, 4)
	g := n.done(n.conv("a", "x", 3, 4))
	_, _, err := ptq.Dynamic(t.Context(), g, ptq.Config{WeightMethod: ptq.Equalized{}})
	if err == nil || !strings.Contains(err.Error(), "Equalize returned") {
		t.Errorf("error %v", err)
	}
}

// The layer b is given a clipped normal variable, whose mean is integrated here step by step; what the weights' rounding
// shifts its output by is taken out of its bias.
func TestEqualizedBias(t *testing.T) {
	for _, groups := range []int{1, 2} {
		t.Run(fmt.Sprint(groups, " groups"), func(t *testing.T) { testEqualizedBias(t, groups) })
	}
}

func testEqualizedBias(t *testing.T, groups int) {
	const inputs, outputs = 2, 3 // of a group
	n := newNet(t, 3, 4, 4)
	clip := n.op(graph.Clip, "c", graph.Attrs{"min": float32(0), "max": float32(1.5)}, n.conv("a", "x", 3, groups*inputs))
	n.grouped("b", clip, groups, inputs, outputs)
	g := n.done("b.y")
	moments := graph.Moments{Mean: []float64{0.5, -0.25, 0.75, 0.1}[:groups*inputs], Std: []float64{1, 2, 0.5, 1.5}[:groups*inputs]}
	e, r := equalized(t, g, map[string]graph.Moments{"a.y": moments})
	q, _, err := ptq.Dynamic(t.Context(), e, ptq.Config{WeightBits: 3, PerTensor: true, WeightMethod: ptq.Equalized{Network: r}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Corrected() != 1 {
		t.Errorf("%d corrected, want b's", r.Corrected())
	}
	weight, _ := g.Value("b.w").Const.Float32s() // before equalization: it scales inputs by what it divides their means by
	scaled, _ := e.Value("b.w").Const.Float32s()
	var node *graph.Node
	for _, m := range q.Nodes {
		if m.Name == "b" {
			node = m
		}
	}
	codes, p := q.Value(node.Inputs[1]).Const.Data, q.Value(node.Inputs[1]).Quant
	bias, _ := q.Value(node.Inputs[2]).Const.Float32s()
	old, _ := g.Value("b.b").Const.Float32s()
	for o := range groups * outputs {
		want := float64(old[o])
		for i := range inputs {
			from := o/outputs*inputs + i
			mean := clippedMean(moments.Mean[from], moments.Std[from], 0, 1.5)
			for k := range 9 {
				at := (o*inputs+i)*9 + k
				factor := float64(weight[at]) / float64(scaled[at])
				want -= (float64(int8(codes[at]))*float64(p.Scale[0])*factor - float64(weight[at])) * mean
			}
		}
		if math.Abs(float64(bias[o])-want) > 1e-4 {
			t.Errorf("bias %d is %v, want %v; it was %v", o, bias[o], want, old[o])
		}
	}
}

func clippedMean(mean, std, low, high float64) float64 {
	const steps = 20000
	sum, all := 0.0, 0.0
	for i := range steps {
		z := (float64(i)+0.5)/steps*16 - 8
		p := math.Exp(-z * z / 2)
		sum += p * min(max(mean+std*z, low), high)
		all += p
	}
	return sum / all
}
