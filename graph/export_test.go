package graph

// Recognize is Graph.Recognize on a copy.
func Recognize(g *Graph) (*Graph, error) { return g.after(sure((*Graph).Recognize)) }
