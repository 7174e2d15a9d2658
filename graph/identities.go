package graph

// removeIdentities removes nodes that hand on their input unchanged: Identity and Dropout, and where shapes are known,
// reshapes to the same shape, padding by nothing, slices of everything, transpositions that move nothing, pooling over
// single elements; also Concat of one value and Clip without bounds.
//
// The names of inputs and outputs survive: where such a node makes an output of the graph, the node before it makes
// that output instead; where nothing does (it would be an input of the graph, or another output), the node stays.
func (g *Graph) removeIdentities() error {
	output, computed := map[string]bool{}, map[string]bool{}
	for _, name := range g.Outputs {
		output[name] = true
	}
	alias := map[string]string{}   // a removed node's output → what stands for it
	renamed := map[string]string{} // a computed value → the output that it becomes
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		for i, name := range n.Inputs {
			if a, ok := alias[name]; ok {
				n.Inputs[i] = a
			}
		}
		if !doesNothing(site{g, n}) {
			computed[n.Outputs[0]] = true
			kept = append(kept, n)
			continue
		}
		from, to := n.Inputs[0], n.Outputs[0]
		switch {
		case !output[to]:
			alias[to] = from
			delete(g.Values, to)
		case computed[from] && !output[from] && renamed[from] == "":
			renamed[from] = to
		default:
			if r := renamed[from]; r != "" {
				n.Inputs[0] = r
			}
			computed[to] = true
			kept = append(kept, n)
		}
	}
	g.Nodes = kept
	for from, to := range renamed {
		v := g.Values[from]
		delete(g.Values, from)
		v.Name = to
		g.Values[to] = v
	}
	for _, n := range g.Nodes {
		for _, names := range [][]string{n.Inputs, n.Outputs} {
			for i, name := range names {
				if r, ok := renamed[name]; ok {
					names[i] = r
				}
			}
		}
	}
	return nil
}

// doesNothing reports whether the node's output is its first input, element for element.
func doesNothing(s site) bool {
	if len(s.n.Inputs) == 0 || len(s.n.Outputs) != 1 {
		return false
	}
	x, y := s.value(0), s.g.Values[s.n.Outputs[0]]
	if x == nil || y == nil || !SameParams(x.Quant, y.Quant) {
		return false
	}
	o := of(s.n)
	return o.nothing != nil && o.nothing(s, x, y)
}

func alwaysNothing(site, *Value, *Value) bool { return true }

func sameShape(_ site, x, y *Value) bool { return x.Shape != nil && x.Shape.Equal(y.Shape) }

func unbounded(s site, _, _ *Value) bool { return s.n.Attrs["min"] == nil && s.n.Attrs["max"] == nil }

func slicesNothing(s site, x, y *Value) bool { return sameShape(s, x, y) && all(s.n.Ints("steps"), 1) }

func movesNothing(s site, x, y *Value) bool {
	same, perm := sameShape(s, x, y), s.n.Ints("perm")
	for i, p := range perm {
		same = same && i == p
	}
	return same && len(perm) == len(x.Shape)
}

func poolsNothing(s site, x, y *Value) bool {
	kernel := s.n.Ints("kernel_shape")
	return sameShape(s, x, y) && kernel != nil && all(kernel, 1) && all(s.n.Ints("strides"), 1) && all(s.n.Ints("pads"), 0)
}

// all reports whether every number of the list is v.
func all(list []int, v int) bool {
	for _, x := range list {
		if x != v {
			return false
		}
	}
	return true
}
