package graph

import "context"

// Recognize is Graph.Recognize on a copy.
func Recognize(g *Graph) (*Graph, error) {
	return g.after(context.Background(), sure((*Graph).Recognize))
}
