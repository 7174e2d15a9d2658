package graph

// Quantized reports whether any value of the graph is integer codes.
func (g *Graph) Quantized() bool {
	for _, v := range g.Values {
		if v.Quant != nil {
			return true
		}
	}
	return false
}
