// Package file works on a file's messages before anything of them is converted: nodes come into an order in which they
// can be computed, and the patterns of dynamic quantization become one node each.
package file

import (
	"fmt"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/operators"
)

// Order returns the nodes' indices such that every node comes after those whose outputs it reads, in the file's order
// otherwise (Kahn 1962), and which node makes a value. Names that are given are inputs and constants. Names that are made twice or never, and cycles, are errors. Files should be in order already,
// but not all are.
func Order(nodes []onnxpb.Node, given func(name string) bool) (order []int, made map[string]int, err error) {
	if made, err = madeBy(nodes, given); err != nil {
		return nil, nil, err
	}

	// next lists the readers of a node's outputs, as chains in one array: reader j of the chain at head[i].
	type edge struct{ reader, next int32 }
	inputs := 0
	for i := range nodes {
		inputs += len(nodes[i].Inputs)
	}
	head, waits, edges := make([]int32, len(nodes)), make([]int32, len(nodes)), make([]edge, 1, 1+inputs)
	for i := range nodes {
		for _, in := range nodes[i].Inputs {
			if in == "" || given(in) {
				continue
			}
			from, ok := made[in]
			if !ok {
				return nil, nil, fault.Errorf("%s reads %q, which is no input, no initializer and no node's output: "+
					"a tensor is missing from the file", Label(&nodes[i]), in)
			}
			edges = append(edges, edge{int32(i), head[from]})
			head[from] = int32(len(edges) - 1)
			waits[i]++
		}
	}

	order = make([]int, 0, len(nodes))
	done := make([]bool, len(nodes))
	var ready heap
	for i := range nodes {
		if waits[i] == 0 {
			ready.push(i)
		}
	}
	for len(ready) > 0 {
		i := ready.pop()
		order, done[i] = append(order, i), true
		for e := head[i]; e != 0; e = edges[e].next {
			if r := edges[e].reader; waits[r] > 0 {
				if waits[r]--; waits[r] == 0 {
					ready.push(int(r))
				}
			}
		}
	}
	if len(order) == len(nodes) {
		return order, made, nil
	}
	return nil, nil, fault.Errorf("%s is part of a cycle: it needs its own output", Label(cycle(nodes, made, done)))
}

// madeBy returns which node makes a value. Names that are made twice, or are given too, are errors.
func madeBy(nodes []onnxpb.Node, given func(name string) bool) (map[string]int, error) {
	made := make(map[string]int, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		for _, out := range n.Outputs {
			if out == "" {
				continue
			}
			if first, ok := made[out]; ok {
				return nil, fault.Errorf("%s and %s both make %q: every name must be unique", Label(&nodes[first]), Label(n), out)
			}
			if given(out) {
				return nil, fault.Errorf("%s makes %q, which is an input or initializer too: every name must be unique",
					Label(n), out)
			}
			made[out] = i
		}
	}
	return made, nil
}

// cycle returns a node of a cycle: among nodes that wait for each other, going back from any leads into one.
func cycle(nodes []onnxpb.Node, made map[string]int, done []bool) *onnxpb.Node {
	at := 0
	for done[at] {
		at++
	}
	for range nodes {
		for _, in := range nodes[at].Inputs {
			if from, ok := made[in]; ok && !done[from] {
				at = from
				break
			}
		}
	}
	return &nodes[at]
}

// heap gives the smallest of its numbers first.
type heap []int

func (h *heap) push(v int) {
	*h = append(*h, v)
	a := *h
	for i := len(a) - 1; i > 0 && a[i] < a[(i-1)/2]; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
}

func (h *heap) pop() int {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < len(a) && a[c+1] < a[c] {
			c++
		}
		if c >= len(a) || a[i] <= a[c] {
			break
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
	*h = a
	return top
}

// Maker returns the name by which a node of the file's own graph can be found: its first output, "" where it has none.
func Maker(n *onnxpb.Node) string {
	if n.Inline != nil && n.Inline.Within != "" {
		return n.Inline.Within
	}
	for _, out := range n.Outputs {
		if out != "" {
			return out
		}
	}
	return ""
}

// Label names a node in errors, as raw.Node.String does.
func Label(n *onnxpb.Node) string {
	return fmt.Sprintf("%s node %q", n.Op, operators.NodeName(n))
}
