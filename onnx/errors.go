package onnx

import (
	"errors"

	"linquant/onnx/internal/fault"
)

// ErrDamaged is wrapped by errors about a file that is no ONNX file or not what ONNX demands: truncated, contradicting
// itself, with tensors missing or attributes of the wrong type.
var ErrDamaged = fault.ErrDamaged

// UnsupportedError is the error for operators that Import does not read, for errors.As. An operator that is read may be
// refused all the same for what a node asks of it: that is a graph.NodeError.
type UnsupportedError struct {
	Op     string // the first of them
	Domain string // of the operator, "ai.onnx" for ONNX's own
	Opset  int64  // of the domain, that the file asks for
	Node   string // the first node that has it: its name, or its first output where it has none
	Others []UnsupportedError

	// Inside are the operators of the networks that its attributes are, such as the body of a Loop, with all that stands within those.
	Inside []string

	err error
}

func (e *UnsupportedError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UnsupportedError) Unwrap() error { return e.err }

// ConditionError is the error of an If whose condition follows neither from constants nor from shapes: it names the inputs that
// decide it, which ImportConfig.Constants can bind.
type ConditionError = fault.Condition

// OpenShapeError is the error of an input whose shape the file leaves open: ImportConfig.Shapes can give it.
type OpenShapeError = fault.Open

// typed returns the error of reading with the type that it has for callers.
func typed(err error) error {
	var u *fault.Unsupported
	if !errors.As(err, &u) {
		return err
	}
	list := make([]UnsupportedError, len(u.Operators))
	for i, o := range u.Operators {
		list[i] = UnsupportedError{Op: o.Op, Domain: o.Domain, Opset: o.Opset, Node: o.Node, Inside: o.Inside, err: err}
	}
	list[0].Others = list[1:]
	return &list[0]
}
