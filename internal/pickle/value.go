// Package pickle reads Python pickles, protocols 0 to 5, as data.
//
// A pickle is a program for a stack machine that may import and call anything. This machine imports and calls nothing:
// where Python would call, it records what was to be called and with which arguments, as an Object, and leaves it to
// the caller to know the few classes it cares about. Every imported name is put to the caller first, who refuses what
// is not on his list.
//
// Work and memory are bounded, and in proportion to the file: no length in it is believed before as many bytes were read,
// and an opcode that would make more than its part is an error. Values
// refer to each other through the pickle's memo, so they form a graph that may share parts many times over and may have
// cycles; who walks it must mark where he was.
package pickle

// Value is one of
//
//	nil, bool, int64, *big.Int (outside int64 only), float64, string, []byte,
//	*Tuple, *List, *Dict, *Set, Global, *Object,
//
// or whatever Decoder.Persistent returned. An 8-bit string of Python 2 is a string, bytes as they are.
type Value any

// Tuple is a Python tuple.
type Tuple struct{ Items []Value }

// List is a Python list.
type List struct{ Items []Value }

// Set is a Python set or frozenset as protocol 4 writes it.
type Set struct{ Items []Value }

// Dict is a Python dict with its entries in the order they were set. A key that is set twice is there twice.
type Dict struct{ Entries []Entry }

// Entry is a key of a dict and its value.
type Entry struct{ Key, Value Value }

// Global is an imported name: a class, a function or a constant of a module.
type Global struct{ Module, Name string }

// String returns the dotted name, such as "collections.OrderedDict".
func (g Global) String() string { return g.Module + "." + g.Name }

// Object is what a call in the pickle would have made: an instance of Class, or the result of the function Class, from
// Args; then given State and filled with Items (as a list or set is) and Entries (as a dict is).
type Object struct {
	Class   Global
	Args    []Value
	State   Value // nil where none was set
	Items   []Value
	Entries []Entry
}
