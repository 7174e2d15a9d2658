package calib

import "fmt"

// ValueError is what is wrong about one value of a network.
type ValueError struct {
	Value string
	Err   error
}

func (e *ValueError) Error() string { return fmt.Sprintf("value %q: %v", e.Value, e.Err) }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// NotFiniteError is a NaN or an infinity where a statistic needs numbers.
type NotFiniteError struct {
	Example int // from 0 on; -1 where only the batch is known
	Element int // of the example, or of the batch
	X       float32
}

func (e *NotFiniteError) Error() string {
	if e.Example < 0 {
		return fmt.Sprintf("element %d is %v; calibration needs finite numbers", e.Element, e.X)
	}
	return fmt.Sprintf("element %d of example %d is %v; calibration needs finite numbers", e.Element, e.Example, e.X)
}
