package graph

// The methods here are passes that change the graph itself, for who has just made it and has it alone. After an error the
// graph is of no use.

// Infer is InferShapes.
func (g *Graph) Infer() error {
	if err := checkStructure(g); err != nil {
		return err
	}
	return g.inferShapes()
}

// Recognize is the function Recognize.
func (g *Graph) Recognize() error { return g.recognize() }

// Prune is RemoveDead.
func (g *Graph) Prune() { _ = g.removeDead() } // which has no errors
