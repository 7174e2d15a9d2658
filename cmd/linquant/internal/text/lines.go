package text

import (
	"fmt"
	"io"
	"strings"
)

// Lines prints a table row by row, as its rows become known. Its columns are as wide as the widest of rows like those that
// will come.
type Lines struct {
	w      io.Writer
	widths []int
	right  []bool
}

// NewLines prints the heading, as Table does, and returns what prints rows like those of like.
func NewLines(w io.Writer, heading []string, like [][]string) (*Lines, error) {
	l := &Lines{w, make([]int, len(heading)), make([]bool, len(heading))}
	names := make([]string, len(heading))
	for i, head := range heading {
		names[i], l.right[i] = strings.CutSuffix(head, ">")
		l.widths[i] = len([]rune(names[i]))
		for _, row := range like {
			l.widths[i] = max(l.widths[i], len([]rune(row[i])))
		}
	}
	return l, l.Row(names)
}

// Row prints a row.
func (l *Lines) Row(cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		pad := strings.Repeat(" ", max(0, l.widths[i]-len([]rune(cell))))
		if l.right[i] {
			cell, pad = pad+cell, ""
		}
		b.WriteString(cell + pad + "  ")
	}
	_, err := fmt.Fprintln(l.w, strings.TrimRight(b.String(), " "))
	return err
}
