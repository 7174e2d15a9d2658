package onnx

import "fmt"

// Format is the form in which a network is written.
type Format uint8

// The forms of a file. A float network can only be Float, a quantized one QDQ or QOperator.
const (
	Auto      Format = iota // Float or, for a quantized network, QDQ
	Float                   // no quantization
	QDQ                     // float operators between QuantizeLinear and DequantizeLinear, which runtimes fuse
	QOperator               // operators that compute with codes: QLinearConv, QLinearMatMul
)

// String returns "auto", "float", "qdq" or "qoperator".
func (f Format) String() string {
	switch f {
	case Auto:
		return "auto"
	case Float:
		return "float"
	case QDQ:
		return "qdq"
	case QOperator:
		return "qoperator"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat is the inverse of String.
func ParseFormat(s string) (Format, error) {
	for f := Auto; f <= QOperator; f++ {
		if f.String() == s {
			return f, nil
		}
	}
	return Auto, fmt.Errorf("the format %q is unknown: use auto, float, qdq or qoperator", s)
}
