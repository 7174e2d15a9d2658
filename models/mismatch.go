package models

import (
	"fmt"
	"strconv"
	"strings"

	"linquant/tensor"
)

// Mismatch says how a checkpoint differs from a network of an architecture. Names are the checkpoint's own, or what
// they would be there.
type Mismatch struct {
	Arch       string // the architecture's name
	Missing    []string
	Unexpected []string // a second tensor of the same name is one
	Misshapen  []Misshapen
	Mistyped   []Mistyped
}

// Misshapen is a tensor that has another shape than the tensors around it call for.
type Misshapen struct {
	Name          string
	Found, Wanted tensor.Shape
	By            string // set where Wanted follows from this one tensor alone, which may then be the wrong one
}

// Mistyped is a tensor whose elements are no real numbers.
type Mistyped struct {
	Name  string
	Found tensor.DType
}

func (m *Mismatch) count() int {
	return len(m.Missing) + len(m.Unexpected) + len(m.Misshapen) + len(m.Mistyped)
}

// listed is how many tensors of each kind an error names before it only counts the rest.
const listed = 8

// Error lists the differences in one line, the first few of each kind.
func (m *Mismatch) Error() string {
	var parts []string
	add := func(kind string, n int, item func(i int) string) {
		if n == 0 {
			return
		}
		items := make([]string, 0, listed+1)
		for i := range min(n, listed) {
			items = append(items, item(i))
		}
		list := strings.Join(items, ", ")
		if n > listed {
			list += fmt.Sprintf(" and %d more", n-listed)
		}
		parts = append(parts, kind+" "+list)
	}
	add("missing", len(m.Missing), func(i int) string { return printable(m.Missing[i]) })
	add("unexpected", len(m.Unexpected), func(i int) string { return printable(m.Unexpected[i]) })
	add("misshapen", len(m.Misshapen), func(i int) string {
		t := m.Misshapen[i]
		by := ""
		if t.By != "" {
			by = " as " + printable(t.By) + " says"
		}
		return fmt.Sprintf("%s (is %s, not %s%s)", printable(t.Name), shapeString(t.Found), shapeString(t.Wanted), by)
	})
	add("not floating point", len(m.Mistyped), func(i int) string {
		return fmt.Sprintf("%s (is %v)", printable(m.Mistyped[i].Name), m.Mistyped[i].Found)
	})
	return fmt.Sprintf("the tensors are not those of a %s network: %s", m.Arch, strings.Join(parts, "; "))
}

// printable returns a name from a file as an error may show it: quoted where it holds anything but plain characters,
// and cut where it is long.
func printable(name string) string {
	const longest = 100
	if len(name) > longest {
		return strconv.Quote(name[:longest]) + "…"
	}
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` || strings.Contains(name, " ") {
		return quoted
	}
	return name
}

// shapeString formats a shape from a file, however many dimensions that claims.
func shapeString(s tensor.Shape) string {
	const most = 8
	if len(s) > most {
		return fmt.Sprintf("of %d dimensions", len(s))
	}
	return s.String()
}
