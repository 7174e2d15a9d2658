package onnx

import (
	"slices"

	"linquant/graph"
)

// explicitPads gives convolutions and pools with auto_pad the pads that it stands for: runtimes compute SAME otherwise where
// there are dilations, ceil_mode or windows smaller than their stride. Shapes have been inferred; the nodes are not shared.
func explicitPads(g *graph.Graph) error {
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.Conv, graph.MaxPool, graph.AveragePool:
		default:
			continue
		}
		x := g.Values[n.Inputs[0]]
		if auto := n.Str("auto_pad"); auto == "NOTSET" || auto == "" || x == nil || len(x.Shape) != 4 {
			continue
		}
		w, err := graph.WindowOf(g, n, x.Shape[2], x.Shape[3])
		if err != nil {
			return err
		}
		delete(n.Attrs, "auto_pad")
		if n.Attrs["pads"] = w.Pad[:]; !slices.ContainsFunc(w.Pad[:], func(p int) bool { return p != 0 }) {
			delete(n.Attrs, "pads")
		}
	}
	return nil
}
