package checkpoint

import "linquant/internal/near"

// nearNames returns up to three tensor names that resemble name.
func nearNames(name string, tensors []*Tensor) []string {
	names := make([]string, len(tensors))
	for i, t := range tensors {
		names[i] = t.Name
	}
	return near.Names(name, names)
}
