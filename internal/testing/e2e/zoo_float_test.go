package e2e

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/tensor"
)

// closeEnough is how far apart floats of the same layer may be in two runtimes, which add in different orders: a share
// of the layer's largest element, with what came before in the network counted in.
const (
	closeEnough      = 1e-5
	closeEnoughWhole = 1e-4 // networks of the size of the papers, of 50 layers and 4,608 terms in a sum
)

// Every value of every network is what ONNX Runtime computes: in the engine and in the reference evaluator, of the
// network as it is imported and of the folded one.
func TestZooFloatInONNXRuntime(t *testing.T) {
	ort.Require(t)
	forZoo(t, func(t *testing.T, f family) {
		compareFloats(t, loadZoo(t, f), filepath.Join(zooFolder, f.name+".onnx"), 3)
	})
}

// leastSlow is how many products of one example take the reference evaluator seconds.
const leastSlow = 50e6

func compareFloats(t *testing.T, n *network, path string, images int) {
	t.Helper()
	most := closeEnough
	if compile(t, n.float, engine.Config{}).MACs() > leastSlow {
		most = closeEnoughWhole
	}
	x, err := tensor.Of(append(tensor.Shape{images}, n.shape()...), n.images(t, images))
	must(t, err)
	in := map[string]tensor.Tensor{n.float.Inputs[0]: x}
	theirs := ort.Run(t, path, in, nil, ort.Options{DisableOptimizations: true, ExposeAll: true})
	for what, g := range map[string]*graph.Graph{"imported": imported(t, path), "folded": n.float} {
		floats, err := x.Float32s()
		must(t, err)
		p := compile(t, g, engine.Config{KeepAll: true})
		ours := map[string]map[string]tensor.Tensor{"engine": trace(t, p, floats)}
		if p.MACs() < leastSlow {
			ours["reference"], err = graph.Eval(context.Background(), g, in, slices.Collect(maps.Keys(ours["engine"])))
			must(t, err)
		}
		compared, worst := 0, 0.0
		for _, node := range g.Nodes {
			name := node.Outputs[0]
			want, ok := theirs[oneDimensional(name)]
			if _, computed := ours["engine"][name]; !ok || !computed || want.DType != tensor.Float32 {
				continue
			}
			compared++
			for by, got := range ours {
				d := differs(t, got[name], want)
				if worst = max(worst, d); !(d <= most) {
					t.Errorf("%s, %s: %v is %.2g of the largest away", what, by, node, d)
				}
			}
		}
		if 2*compared < len(g.Nodes) {
			t.Errorf("%s: %d values of %d compared", what, compared, len(g.Nodes))
		}
		t.Logf("%s: %d values of %d nodes compared, at most %.2g of the largest apart", what, compared, len(g.Nodes), worst)
	}
}

// differs is difference for tensors, which must have the same shape, but for dimensions of 1.
func differs(t *testing.T, got, want tensor.Tensor) float64 {
	t.Helper()
	one := func(d int) bool { return d == 1 }
	if !slices.DeleteFunc(slices.Clone(got.Shape), one).Equal(slices.DeleteFunc(slices.Clone(want.Shape), one)) {
		t.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	a, err := got.Float32s()
	must(t, err)
	b, err := want.Float32s()
	must(t, err)
	return difference(a, b)
}
