package graph

import (
	"cmp"
	"slices"

	"linquant/tensor"
)

// Operator is a row of the table of operators: everything that is known of one, in one place. The stages (reading and
// writing files, shapes, evaluation, quantization, the engine, the documentation) derive what they do from the rows and
// their classes. Rows are shared and must not be changed.
type Operator struct {
	Op     Op
	Domain string // of the operator in files; "" is ONNX's own
	Since  int    // the first opset of the domain that has it
	// Written is the first opset that has it as a graph means it, where that is not Since.
	Written int
	// Integers is the first opset whose operator takes int8 and uint8, where that is after 10, the first that has operators
	// on codes; Never where none does.
	Integers int
	Class    Class
	Inputs   Arity // of a node in a graph
	// File is how many inputs a node in a file has, where that does not follow from Inputs and the attributes that are
	// inputs there.
	File  Arity
	Attrs []Attribute

	// Unary returns the function of each element that a node is, and is nil for other operators. Where it is set, a node
	// on codes is a table of 256.
	Unary func(n *Node) func(x float32) float32
	// Binary is the function of pairs of elements that the operator is, nil for others.
	Binary func(a, b float32) float32
	// Reduce is what becomes of the elements that are reduced to one, nil for other operators.
	Reduce func(x []float32) float32

	// Role is what a node with suitable operands is to quantization; RoleOf says it of a node. Why says why an operator
	// stays in floating point, where the reason is not the usual one.
	Role Role
	Why  string
	// FloatOnly: it has no form on codes at all. The function FloatOnly says it of a node.
	FloatOnly bool

	// Counting: without parameters it computes with integers and booleans as with reals, all of one type.
	Counting bool
	// Count is Binary of integers, where that is not the same; nil where it is.
	Count func(a, b float32) float32

	types     func(s site) (tensor.DType, error)      // of the output's elements; nil: those of the inputs
	shape     func(s site) (tensor.Shape, error)      // nil: that of the first input, or as the class has it
	eval      func(s site, c call) (array, error)     // nil: Unary, Binary or Reduce of the elements
	floatOnly func(n *Node) bool                      // FloatOnly of some nodes alone
	role      func(s site) (Role, string)             // instead of Role, for a node with operands
	nothing   func(s site, x, y *Value) bool          // the output is the first input, element for element
	spelled   []func(p pieces, n *Node) (whole *Node) // finds it where a node is the last of the pieces that spell it
}

// Class is what an operator does with its elements, as far as whoever moves or computes them must know.
type Class uint8

// The classes.
const (
	ClassUnary         Class = iota + 1 // a function of each element
	ClassBinary                         // a function of pairs of elements, with numpy's broadcasting
	ClassReduction                      // some dimensions become one element each
	ClassLayer                          // sums of products: Conv, Gemm, MatMul
	ClassPool                           // one element for each window of a picture
	ClassNormalization                  // an element by those of its row, channel or example; Softmax too
	ClassReshape                        // the same elements in the same order, under another shape or name
	ClassMove                           // elements in other places, some several times, some not at all
	ClassJoin                           // elements of several inputs side by side
	ClassSelect                         // each element from one of several inputs
	ClassResample                       // a picture of another size
	ClassBoundary                       // between reals and codes
	ClassReference                      // reals that the engine computes as Eval does, on whole values
)

var classNames = [...]string{
	"none", "unary", "binary", "reduction", "layer", "pool", "normalization", "reshape", "move", "join", "select", "resample", "boundary", "reference",
}

func (c Class) String() string { return classNames[min(int(c), len(classNames)-1)] }

// Arity is how many inputs a node has: Most is Many where there is no bound.
type Arity struct{ Least, Most int }

// Many is more inputs than a node has, and Never an opset that no file has.
const Many, Never = 1 << 20, 1 << 20

// table has every operator by name and rows all of them in order. They are filled in by init, because the rows refer to
// functions that look operators up, and only read afterwards.
var (
	table = map[Op]*Operator{}
	rows  []*Operator
)

// add enters rows into the table that have a class and a number of inputs in common.
func add(class Class, inputs Arity, operators ...Operator) {
	for _, o := range operators {
		o.Class = class
		if o.Inputs == (Arity{}) {
			o.Inputs = inputs
		}
		if table[o.Op] != nil {
			panic("two rows for " + string(o.Op))
		}
		table[o.Op] = &o
		at, _ := slices.BinarySearchFunc(rows, o.Op, func(r *Operator, op Op) int { return cmp.Compare(r.Op, op) })
		rows = slices.Insert(rows, at, &o)
	}
}

// Operators returns the rows of all operators that a graph can have, in the order of their names.
func Operators() []*Operator { return slices.Clone(rows) }

// Lookup returns the row of an operator, and whether a graph can have nodes of it.
func Lookup(op Op) (*Operator, bool) {
	o, ok := table[op]
	return o, ok
}

// Known reports whether a graph can have nodes of the operator.
func (o Op) Known() bool { return table[o] != nil }

// of returns the row of a node's operator, an empty one where it is unknown.
func of(n *Node) *Operator {
	if o := table[n.Op]; o != nil {
		return o
	}
	return &Operator{}
}

// Attr returns the attribute of that name.
func (o *Operator) Attr(name string) (*Attribute, bool) {
	for i := range o.Attrs {
		if o.Attrs[i].Name == name {
			return &o.Attrs[i], true
		}
	}
	return nil, false
}

// FirstWritten returns the first opset that a node can be written in.
func (o *Operator) FirstWritten() int {
	if o.Written != 0 {
		return o.Written
	}
	return o.Since
}
