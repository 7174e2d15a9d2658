package read

import (
	"fmt"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
)

// cut makes the values that the configuration names the outputs, and leaves out the nodes that none of them needs.
func cut(c build.Config, g *onnxpb.Graph) error {
	if c.Outputs == nil {
		return nil
	}
	made, outputs := map[string]int{}, g.Outputs
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			made[out] = i
		}
	}
	g.Outputs = nil
	needed, wanted := make([]bool, len(g.Nodes)), slices.Clone(c.Outputs)
	for i, name := range c.Outputs {
		if _, ok := made[name]; !ok || name == "" || slices.Contains(c.Outputs[:i], name) {
			return fmt.Errorf("the output %q is asked for, and no node computes it, or it is asked for twice: the file has the "+
				"outputs %s", name, namesOf(outputs))
		}
		g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: name})
	}
	for len(wanted) > 0 {
		last := len(wanted) - 1
		i, ok := made[wanted[last]]
		if wanted = wanted[:last]; !ok || needed[i] {
			continue
		}
		needed[i] = true
		wanted = append(wanted, g.Nodes[i].Inputs...)
		wanted = append(wanted, captured(&g.Nodes[i], 0)...)
	}
	var nodes []onnxpb.Node
	for i := range g.Nodes {
		if needed[i] {
			nodes = append(nodes, g.Nodes[i])
		}
	}
	g.Nodes = nodes
	return nil
}
