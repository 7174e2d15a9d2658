package fault

import "errors"

// At is an error at a node: how far the reading came.
type At struct {
	Node  int    // of those that came before it, in the order in which nodes are read
	Value string // the first output of the node of the file's own graph that it is, or stands within
	Err   error
}

// Error is Err's.
func (a *At) Error() string { return a.Err.Error() }

// Unwrap returns Err.
func (a *At) Unwrap() error { return a.Err }

// Reached returns at how many nodes the reading was that an error ended.
func Reached(err error) int {
	var at *At
	if errors.As(err, &at) {
		return at.Node
	}
	return 0
}
