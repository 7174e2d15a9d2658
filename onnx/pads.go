package onnx

import (
	"slices"

	"linquant/graph"
)

// plainWindows says what convolutions and pools do in the way that all runtimes read alike. Those with auto_pad get the pads
// that it stands for: SAME is computed otherwise by some where there are dilations, ceil_mode or windows smaller than their
// stride. A ceil_mode that adds no window goes: one that would begin in the padding is none, but shape inference of ONNX
// counts it. Shapes have been inferred; the nodes are not shared.
func plainWindows(g *graph.Graph) error {
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.Conv, graph.MaxPool, graph.AveragePool:
		default:
			continue
		}
		x := g.Values[n.Inputs[0]]
		if x == nil || len(x.Shape) != 4 {
			continue
		}
		w, err := graph.WindowOf(g, n, x.Shape[2], x.Shape[3])
		if err != nil {
			return err
		}
		if auto := n.Str("auto_pad"); auto != "NOTSET" && auto != "" {
			delete(n.Attrs, "auto_pad")
			if n.Attrs["pads"] = w.Pad[:]; !slices.ContainsFunc(w.Pad[:], func(p int) bool { return p != 0 }) {
				delete(n.Attrs, "pads")
			}
		}
		if n.Op != graph.Conv && n.Int("ceil_mode") != 0 {
			floor := n.Clone()
			delete(floor.Attrs, "ceil_mode")
			if f, err := graph.WindowOf(g, floor, x.Shape[2], x.Shape[3]); err == nil && f.Out == w.Out {
				delete(n.Attrs, "ceil_mode")
			}
		}
	}
	return nil
}
