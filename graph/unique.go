package graph

import "fmt"

// Unique returns name, or name with the first free number behind it where a value is called so already.
func (g *Graph) Unique(name string) string {
	if g.Values[name] == nil {
		return name
	}
	for i := 1; ; i++ {
		if numbered := fmt.Sprintf("%s_%d", name, i); g.Values[numbered] == nil {
			return numbered
		}
	}
}
