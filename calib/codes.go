package calib

import (
	"fmt"
	"strconv"
	"strings"

	"linquant/quant"
)

// Codes are the integers that a value will be quantized to: the codes of a type, with a zero point where they are not
// symmetric. The zero value stands for codes that nobody named.
type Codes struct {
	Type quant.Type // of 2 to 8 bits

	// Symmetric maps 0 to the code in the middle. A symmetric range is [-m, m]; but for unsigned codes it is [0, m], with
	// zero point 0, where nothing negative was seen, and else the zero point is taken to be in the middle of the codes.
	Symmetric bool
}

// Point is a value of a network whose range is wanted, and what it will be quantized to.
type Point struct {
	Value string
	Codes Codes
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
func (c Codes) String() string {
	if c.Symmetric {
		return c.Type.String() + symmetric
	}
	return c.Type.String()
}

// ParseCodes is the inverse of String.
func ParseCodes(s string) (Codes, error) {
	name, isSymmetric := strings.CutSuffix(s, symmetric)
	name, unsigned := strings.CutPrefix(name, "u")
	bits, err := strconv.Atoi(strings.TrimPrefix(name, "int"))
	c := Codes{Type: quant.Type{Bits: bits, Unsigned: unsigned}, Symmetric: isSymmetric}
	if err != nil || c.String() != s || c.check() != nil {
		return Codes{}, fmt.Errorf("%q are no codes: write uint8, int4 symmetric and the like, of 2 to 8 bits", s)
	}
	return c, nil
}

func (c Codes) check() error {
	if c.Type.Bits < 2 || c.Type.Bits > 8 {
		return fmt.Errorf("calibration for %d bits: use 2 to 8", c.Type.Bits)
	}
	return nil
}

// withoutBits returns the codes but for how many there are.
func (c Codes) withoutBits() Codes {
	c.Type.Bits = 0
	return c
}
