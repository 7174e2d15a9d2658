package checkpoint

import (
	"slices"
	"strings"
)

// nearNames returns up to three tensor names that resemble name: the same last part of the dotted path, or few edits
// away.
func nearNames(name string, tensors []*Tensor) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	most := 1 + len(name)/3
	for _, t := range tensors {
		d := max(len(name)-len(t.Name), len(t.Name)-len(name)) // as many edits at least
		if d <= most {
			d = editDistance(name, t.Name)
		}
		if strings.HasSuffix(t.Name, name) || strings.HasSuffix(name, t.Name) {
			d = min(d, 1)
		}
		if d <= most {
			found = append(found, candidate{t.Name, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range found[:min(len(found), 3)] {
		names = append(names, c.name)
	}
	return names
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
