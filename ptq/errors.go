package ptq

import (
	"errors"
	"fmt"

	"linquant/graph"
)

// ErrQuantized is the error about a network that is quantized already.
var ErrQuantized = errors.New("the network is quantized already: quantize the float network that it was made from")

// ConfigError is a field of a Config that has a value that cannot be.
type ConfigError struct {
	Field string // such as "WeightBits"
	Err   error
}

func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// OverrideError is what is wrong with one of Config.Overrides. Errors about a node or a value are *graph.NodeError and
// *graph.ValueError.
type OverrideError struct {
	Pattern string
	Err     error
}

func (e *OverrideError) Error() string { return fmt.Sprintf("override of %q: %v", e.Pattern, e.Err) }

// Unwrap returns the cause.
func (e *OverrideError) Unwrap() error { return e.Err }

// nodeError puts the node in front of an error about it.
func nodeError(n *graph.Node, err error) error {
	return &graph.NodeError{Node: n.Label(), Op: n.Op, Err: fmt.Errorf("%v: %w", n, err)}
}

// valueError puts the value in front of an error about it.
func valueError(value string, err error) error {
	return &graph.ValueError{Value: value, Err: fmt.Errorf("value %q: %w", value, err)}
}
