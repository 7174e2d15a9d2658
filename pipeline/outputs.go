package pipeline

import (
	"fmt"
	"slices"

	"linquant/internal/near"
)

// NoValueError is the name of a value that a network does not compute.
type NoValueError struct {
	Name, Value string
	Others      []string // names near to it, or some at all
}

// Error names others.
func (e *NoValueError) Error() string {
	return fmt.Sprintf("%s: it computes no value %q; there are %q and others", e.Name, e.Value, e.Others)
}

// WithOutputs returns the network with other values as its outputs: any that nodes compute, or inputs. It shares n's file,
// which must stay open. Errors: *NoValueError.
func (n *Network) WithOutputs(names ...string) (*Network, error) {
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
			return nil, &NoValueError{n.Name, name, like}
		}
	}
	g.Outputs = slices.Clone(names)
	return n.made(g), nil
}
