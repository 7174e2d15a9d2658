// Package fault has the kinds of errors that package onnx tells apart.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged is wrapped by errors about files that are not what ONNX demands.
var ErrDamaged = errors.New("the file is damaged")

type damaged struct{ error }

func (d damaged) Is(target error) bool { return target == ErrDamaged }
func (d damaged) Unwrap() error        { return d.error }

// Errorf is fmt.Errorf for an error about a damaged file. The text says it itself.
func Errorf(format string, args ...any) error { return damaged{fmt.Errorf(format, args...)} }

// Wrap makes an error one about a damaged file.
func Wrap(err error) error { return damaged{err} }

// Operator is one that is not read, in the first node that has it.
type Operator struct {
	Op, Domain string // the domain "ai.onnx" is ONNX's own
	Opset      int64
	Node       string
	Inside     []string // the operators of the networks that its attributes are, those within them too, by name
}

// Unsupported is the error for all operators of a model that are not read.
type Unsupported struct {
	Operators []Operator // one node of each
	Values    []string   // what all nodes of them make
	Remedy    string
}

func (u *Unsupported) Error() string {
	const most, mostInside = 5, 24
	var names []string
	for _, o := range u.Operators[:min(len(u.Operators), most)] {
		inside := ""
		if len(o.Inside) > 0 {
			inside = "; inside it " + strings.Join(o.Inside[:min(len(o.Inside), mostInside)], ", ")
			if n := len(o.Inside) - mostInside; n > 0 {
				inside += fmt.Sprintf(" and %d more", n)
			}
		}
		names = append(names, fmt.Sprintf("%s (domain %s, opset %d, node %q%s)", o.Op, o.Domain, o.Opset, o.Node, inside))
	}
	more := ""
	if n := len(u.Operators); n > most {
		more = fmt.Sprintf(" and %d more", n-most)
	}
	return fmt.Sprintf("operators that linquant does not have: %s%s; %s", strings.Join(names, ", "), more, u.Remedy)
}
