package ptq

import "fmt"

// WeightRange is how the scale of a weight is chosen.
type WeightRange uint8

// The choices of WeightRange.
const (
	// AbsMax gives the largest magnitude the largest code (quant.SymmetricParams).
	AbsMax WeightRange = iota

	// LeastSquares searches for the scale with the least squared error of the weights, which may clip large ones: a
	// hundred fractions of the largest magnitude, then steps of Lloyd's algorithm from the best. The error is never
	// more than AbsMax's, that of the network's outputs may be.
	LeastSquares
)

// String returns the word the command line uses: "absmax" or "mse".
func (r WeightRange) String() string {
	switch r {
	case AbsMax:
		return "absmax"
	case LeastSquares:
		return "mse"
	}
	return fmt.Sprintf("WeightRange(%d)", uint8(r))
}

// ParseWeightRange is the inverse of String.
func ParseWeightRange(s string) (WeightRange, error) {
	for _, r := range []WeightRange{AbsMax, LeastSquares} {
		if s == r.String() {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q is no way to choose a weight's range: use absmax or mse", s)
}
