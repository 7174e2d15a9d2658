package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"linquant/internal/near"
)

// Attribute is an attribute of an operator: its type and default, and what becomes of it in files.
type Attribute struct {
	Name string
	Kind Kind
	// Default is what a missing one stands for, of the attribute's kind; nil where a missing list means something of
	// its own.
	Default any
	Scope   Scope
	// Required: a node without it means nothing.
	Required bool
	// Since is the first opset that has it, 0 where the operator always had.
	Since int
	// Input is which input it is in files of opset InputSince and later, 0 where it stays an attribute. Where Since and
	// InputSince are the same it never was one.
	Input, InputSince int
}

// Kind is the type of an attribute.
type Kind uint8

// The kinds, by their Go types.
const (
	KindInt    Kind = iota // int
	KindFloat              // float32
	KindString             // string
	KindInts               // []int
	KindFloats             // []float32
)

func (k Kind) String() string {
	return [...]string{"an int", "a float32", "a string", "a []int", "a []float32"}[k]
}

// kindOf returns the kind of a value of Attrs.
func kindOf(v any) (Kind, bool) {
	switch v.(type) {
	case int:
		return KindInt, true
	case float32:
		return KindFloat, true
	case string:
		return KindString, true
	case []int:
		return KindInts, true
	case []float32:
		return KindFloats, true
	}
	return 0, false
}

// Scope says where an attribute means something.
type Scope uint8

// The scopes.
const (
	ScopeBoth    Scope = iota // in graphs and in files
	ScopeGraph                // in graphs alone
	ScopeFile                 // in files alone: reading them makes something else of it, or refuses it
	ScopeIgnored              // files have it, and it changes nothing in inference
)

// InGraph reports whether a node of a graph can have the attribute.
func (a *Attribute) InGraph() bool { return a.Scope == ScopeBoth || a.Scope == ScopeGraph }

// The attributes of the table are written with these.

func intAttr(name string, missing int) Attribute {
	return Attribute{Name: name, Kind: KindInt, Default: missing}
}

func floatAttr(name string, missing float32) Attribute {
	return Attribute{Name: name, Kind: KindFloat, Default: missing}
}

func strAttr(name, missing string) Attribute {
	return Attribute{Name: name, Kind: KindString, Default: missing}
}

func intsAttr(name string) Attribute   { return Attribute{Name: name, Kind: KindInts} }
func floatsAttr(name string) Attribute { return Attribute{Name: name, Kind: KindFloats} }

func (a Attribute) in(s Scope) Attribute { a.Scope = s; return a }
func (a Attribute) required() Attribute  { a.Required = true; return a }
func (a Attribute) from(opset int) Attribute {
	a.Since = opset
	return a
}

func (a Attribute) input(i, opset int) Attribute {
	a.Input, a.InputSince = i, opset
	return a
}

// Int returns an integer attribute of the node; where it is missing its default in the operator's row. Float, Str, Ints
// and Floats do so for the other kinds. To ask for an attribute that the operator's row does not have, of that kind, is
// a mistake of the program and panics, whatever the node's attributes are: Operator.Attr says what there is.
func (n *Node) Int(name string) int { return AttrOf[int](of(n), n.Attrs, name) }

// Float returns a float attribute: see Int.
func (n *Node) Float(name string) float32 { return AttrOf[float32](of(n), n.Attrs, name) }

// Str returns a string attribute: see Int.
func (n *Node) Str(name string) string { return AttrOf[string](of(n), n.Attrs, name) }

// Ints returns a list of integers, nil where it is missing: see Int. The list is shared and must not be changed.
func (n *Node) Ints(name string) []int { return AttrOf[[]int](of(n), n.Attrs, name) }

// Floats returns a list of floats, nil where it is missing: see Int. The list is shared and must not be changed.
func (n *Node) Floats(name string) []float32 { return AttrOf[[]float32](of(n), n.Attrs, name) }

// AttrOf returns an attribute of a node whose operator has the row o, and the default where attrs lacks it. Node.Int and
// the like are AttrOf for the rows of graphs; package onnx has rows of its own. It panics as they do.
func AttrOf[T int | float32 | string | []int | []float32](o *Operator, attrs Attrs, name string) T {
	var missing T
	a, ok := o.Attr(name)
	if k, _ := kindOf(missing); !ok || k != a.Kind {
		panic(fmt.Sprintf("graph: %s has no attribute %s of type %T", o.Op, name, missing))
	}
	if v, ok := attrs[name].(T); ok {
		return v
	}
	missing, _ = a.Default.(T)
	return missing
}

// checkAttrs returns an error unless the node's attributes are the operator's, with their types.
func (o *Operator) checkAttrs(n *Node) error {
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		a, ok := o.Attr(name)
		if !ok || !a.InGraph() {
			return o.unknown(n, name)
		}
		if k, ok := kindOf(n.Attrs[name]); !ok || k != a.Kind {
			return n.errorf("the attribute %s is a %T: make it %s", name, n.Attrs[name], a.Kind)
		}
	}
	return nil
}

func (o *Operator) unknown(n *Node, name string) error {
	var names []string
	for i := range o.Attrs {
		if o.Attrs[i].InGraph() {
			names = append(names, o.Attrs[i].Name)
		}
	}
	if similar := near.Names(name, names); len(similar) > 0 {
		return n.errorf("the attribute %s is none of the operator's: did you mean %s?", name, strings.Join(similar, " or "))
	}
	if len(names) == 0 {
		return n.errorf("the attribute %s is none of the operator's, which has none: remove it", name)
	}
	return n.errorf("the attribute %s is none of the operator's, which are %s: remove it", name, strings.Join(names, ", "))
}
