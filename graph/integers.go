package graph

import "math"

// The functions here are of integers, where those of reals are others.

// quotient is a division that leaves out what is behind the point.
func quotient(a, b float32) float32 { return float32(math.Trunc(float64(a) / float64(b))) }

// power is exact where CheckIntegers takes the result.
func power(a, b float32) float32 { return float32(math.Trunc(math.Pow(float64(a), float64(b)))) }
