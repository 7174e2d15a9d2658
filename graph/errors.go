package graph

import "fmt"

// NodeError is what Check, InferShapes, Eval and the passes say about one node: for errors.As, for who wants to show
// where it is.
type NodeError struct {
	Node string // its name, or its first output where it has none
	Op   Op
	Err  error // the whole message, which names the node
}

func (e *NodeError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

// ValueError is what they say about one value: an input, a constant, an output or what a node computes.
type ValueError struct {
	Value string
	Err   error // the whole message, which names the value
}

func (e *ValueError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// errorf is fmt.Errorf with the node in front.
func (n *Node) errorf(format string, args ...any) error {
	return n.wrong(fmt.Errorf("%v: "+format, append([]any{n}, args...)...))
}

func (n *Node) wrong(err error) error { return &NodeError{n.Label(), n.Op, err} }

// valueErrorf is fmt.Errorf with what the value is, such as "input", and its name in front.
func valueErrorf(what, name, format string, args ...any) error {
	return &ValueError{name, fmt.Errorf("%s %q"+format, append([]any{what, name}, args...)...)}
}
