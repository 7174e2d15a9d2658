// Package near finds the names that were probably meant, for errors about names that do not exist.
package near

import (
	"slices"
	"strconv"
	"strings"
)

// Names returns up to three of the candidates that resemble name, the nearest first: one is the end of the other, as
// the last parts of paths are, or few edits lead from one to the other; and where
// there is none, those whose last parts few edits lead to.
func Names(name string, candidates []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	most := 1 + len(name)/3
	for _, c := range candidates {
		d := max(len(name)-len(c), len(c)-len(name)) // as many edits at least
		if d <= most {
			d = edits(name, c)
		}
		if strings.HasSuffix(c, name) || strings.HasSuffix(name, c) {
			d = min(d, 1)
		}
		if d <= most {
			found = append(found, candidate{c, d})
		}
	}
	for _, c := range candidates {
		if len(found) > 0 && found[0].distance <= most {
			break
		}
		for i, b := range []byte(c) { // the last parts of a path, with a slip
			if end := c[i+1:]; (b == '/' || b == '.') && max(len(name)-len(end), len(end)-len(name)) < most {
				if d := edits(name, end); d < most {
					found = append(found, candidate{c, most + d})
					break
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range found[:min(len(found), 3)] {
		names = append(names, c.name)
	}
	return names
}

// Meant returns what an error about name says at its end: `; did you mean "conv1"?`, or nothing where no candidate is close
// enough: a third of the letters may differ and not all, or it may be the only one that begins so, or that has all its letters in their order.
func Meant(name string, candidates []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if d := max(len(name)-len(c), len(c)-len(name)); d >= least {
			continue
		}
		if d := edits(name, c); d < least && d < max(len(name), len(c)) {
			best, least = c, d
		}
	}
	if best == "" && name != "" {
		longer := slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return !strings.HasPrefix(c, name) })
		if len(longer) == 0 && len(name) > 2 {
			longer = slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return !within(name, c) || len(c) > 2*len(name) })
		}
		if len(longer) == 1 {
			best = longer[0]
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// List lists names in an error: "a", "b", "c".
func List(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}

// within reports whether the letters of name stand in s in their order, from the first on.
func within(name, s string) bool {
	if name == "" || s == "" || name[0] != s[0] {
		return false
	}
	for i := 0; i < len(s) && name != ""; i++ {
		if name[0] == s[i] {
			name = name[1:]
		}
	}
	return name == ""
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
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
