package graph

// RecognizeFunctions is Recognize for functions of one real alone, in a graph of any kind: nothing is asked of shapes and
// codes, and nodes of operators that are not those of this package are left alone. So it also finds a function that
// stands as a whole between a DequantizeLinear and a QuantizeLinear. It changes the graph itself.
func (g *Graph) RecognizeFunctions() {
	p := pieces{g, map[string]*Node{}}
	for _, n := range g.Nodes {
		if checkNode(n) != nil {
			continue
		}
		p.producers[n.Outputs[0]] = n
		p.recognize(n, func(o *Operator) bool { return o.Unary != nil })
	}
	g.Prune()
}
