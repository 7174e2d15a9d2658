package graph

// NodeMACs returns the multiplications that a Conv, Gemm or MatMul node does for one example, 0 for others. Padding
// counts as elements. Shapes must have been inferred.
func NodeMACs(g *Graph, n *Node) int64 {
	s := site{g, n}
	out := int64(perExample(g.Values[n.Outputs[0]].Shape))
	switch n.Op {
	case Conv:
		return out * int64(perExample(s.shape(1)[1:]))
	case Gemm:
		if n.Int("transA") != 0 {
			return out * int64(s.shape(0)[0])
		}
		fallthrough
	case MatMul:
		a := s.shape(0)
		return out * int64(a[len(a)-1])
	}
	return 0
}

// MACs returns the multiplications of all Conv, Gemm and MatMul nodes for one example. The graph need not have shapes
// yet.
func MACs(g *Graph) (int64, error) {
	g, err := InferShapes(g)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, n := range g.Nodes {
		total += NodeMACs(g, n)
	}
	return total, nil
}

// Parameters returns the number of elements of all constants that nodes read.
func Parameters(g *Graph) int64 {
	total, seen := int64(0), map[string]bool{}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			if v := g.Values[name]; v != nil && v.Const != nil && !seen[name] {
				seen[name] = true
				total += int64(v.Const.Elements())
			}
		}
	}
	return total
}
