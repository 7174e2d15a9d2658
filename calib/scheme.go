package calib

import (
	"fmt"
	"strconv"
	"strings"

	"linquant/quant"
)

// Scheme says what a value will be quantized to: the codes of a type, with a zero point where they are not symmetric. The
// zero value stands for a scheme that nobody named.
type Scheme struct {
	Type quant.Type // of 2 to 8 bits

	// Symmetric maps 0 to the code in the middle. A symmetric range is [-m, m]; but for unsigned codes it is [0, m], with
	// zero point 0, where nothing negative was seen, and else the zero point is taken to be in the middle of the codes.
	Symmetric bool
}

// Point is a value of a network whose range is wanted, and what it will be quantized to.
type Point struct {
	Value  string
	Scheme Scheme
}

// Values returns the values of points, which the network is to show.
func Values(points []Point) []string {
	values := make([]string, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	return values
}

const symmetric = " symmetric"

// String returns "uint8", "int4 symmetric" and the like.
func (s Scheme) String() string {
	if s.Symmetric {
		return s.Type.String() + symmetric
	}
	return s.Type.String()
}

// parseScheme is the inverse of String.
func parseScheme(text string) (Scheme, error) {
	name, isSymmetric := strings.CutSuffix(text, symmetric)
	name, unsigned := strings.CutPrefix(name, "u")
	bits, err := strconv.Atoi(strings.TrimPrefix(name, "int"))
	s := Scheme{Type: quant.Type{Bits: bits, Unsigned: unsigned}, Symmetric: isSymmetric}
	if err != nil || s.String() != text || s.check() != nil {
		return Scheme{}, fmt.Errorf("%q are no codes: write uint8, int4 symmetric and the like, of 2 to 8 bits", text)
	}
	return s, nil
}

func (s Scheme) check() error {
	if s.Type.Bits < 2 || s.Type.Bits > 8 {
		return fmt.Errorf("calibration for %d bits: use 2 to 8", s.Type.Bits)
	}
	return nil
}

// withoutBits returns the scheme with no number of bits.
func (s Scheme) withoutBits() Scheme {
	s.Type.Bits = 0
	return s
}
