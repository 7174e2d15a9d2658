package graph

import "fmt"

// checkNode returns an error unless the node's operator is known, and its inputs, outputs and attributes are as many, so
// named and of such types as the operator's.
func checkNode(n *Node) error {
	op, ok := table[n.Op]
	if !ok {
		return n.errorf("the operator is not one of the %d that linquant knows: replace the node before the graph is made", len(table))
	}
	if len(n.Inputs) < op.Inputs.Least || len(n.Inputs) > op.Inputs.Most {
		return n.wrong(fmt.Errorf("%v has %d inputs, %s", n, len(n.Inputs), op.Inputs.refusal()))
	}
	for i, name := range n.Inputs {
		if name == "" && i < op.Inputs.Least {
			return n.errorf("input %d is left out, and the operator needs it", i)
		}
	}
	if len(n.Outputs) != 1 || n.Outputs[0] == "" {
		return n.wrong(fmt.Errorf("%v has %d outputs: every operator here has one; leave out the others (masks, indices)", n, len(n.Outputs)))
	}
	return op.checkAttrs(n)
}

func (a Arity) refusal() string {
	switch {
	case a.Most == Many:
		return fmt.Sprintf("not %d or more", a.Least)
	case a.Least == a.Most:
		return fmt.Sprintf("not %d", a.Least)
	}
	return fmt.Sprintf("not %d to %d", a.Least, a.Most)
}
