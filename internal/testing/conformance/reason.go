package conformance

import (
	"errors"
	"strings"
)

// reasons are the kinds of errors, by what is in their text. The first one counts.
var reasons = []struct{ text, reason string }{
	{"operators that linquant does not have", "operator"},
	{"is of opset", "opset"},
	{"came with opset", "opset"},
	{"type: ", "type"},
	{"sequence, a map or an optional", "type"},
	{"elements of string", "type"},
	{"training mode", "training"},
	{"are not constant", "dynamic"},
	{"must be constant", "dynamic"},
	{"not a constant", "dynamic"},
	{"only of constants", "dynamic"},
	{"is the batch", "batch"},
	{"dimension", "shape"},
	{"opset 1", "opset"},
	{"second output", "outputs"},
	{"network of its own", "operator"},
}

// Reason sorts an error of a test that did not pass: operator, opset, type, training, dynamic, batch, shape, outputs,
// wrong (a result that is not right), or other.
func Reason(err error) string {
	if errors.Is(err, ErrWrong) {
		return "wrong"
	}
	for _, r := range reasons {
		if strings.Contains(err.Error(), r.text) {
			return r.reason
		}
	}
	return "other"
}
