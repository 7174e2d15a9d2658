package pipeline

import (
	"fmt"
	"slices"

	"linquant/internal/near"
)

// WithOutputs returns the network with other values as its outputs: any that nodes compute, or inputs. Errors: a value that
// it does not compute, with names near to it.
func (n *Network) WithOutputs(names ...string) (*Network, error) {
	if err := n.usable(); err != nil {
		return nil, err
	}
	g := n.graph.Clone()
	producers := g.Producers()
	for _, name := range names {
		if producers[name] == nil && !slices.Contains(g.Inputs, name) {
			var all []string
			for _, node := range g.Nodes {
				all = append(all, node.Outputs...)
			}
			like := near.Names(name, all)
			if len(like) == 0 {
				like = all[max(len(all)-3, 0):]
			}
			return nil, n.named(fmt.Errorf("it computes no value %q; there are %s and others", name, near.List(like)))
		}
	}
	g.Outputs = slices.Clone(names)
	return n.made(g), nil
}
