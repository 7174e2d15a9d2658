package graph

import "fmt"

// Unique returns name, or name with a free number behind it, the first if those before it have no gaps, where a value is called so already.
func (g *Graph) Unique(name string) string {
	if g.Values[name] == nil {
		return name
	}
	free := func(i int) bool { return g.Values[fmt.Sprintf("%s_%d", name, i)] == nil }
	// Where many are called so the numbers have no gaps, and a search need not look at all of them.
	last, end := 0, 1
	for !free(end) {
		last, end = end, 2*end
	}
	for end-last > 1 { // last is taken, and end free
		if middle := (last + end) / 2; free(middle) {
			end = middle
		} else {
			last = middle
		}
	}
	return fmt.Sprintf("%s_%d", name, end)
}
