package graph

import (
	"math"

	"linquant/tensor"
)

// truth is a boolean as a value has it.
func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// pair is the shape of an operator on pairs of elements.
func (s site) pair() (tensor.Shape, error) { return s.broadcast(s.shape(0), s.shape(1)) }

// evalMod: the result has the sign of the divisor, or with fmod that of the dividend.
func (s site) evalMod(c call) (array, error) {
	if s.n.Int("fmod") == 0 && !counted(c.out) {
		return array{}, s.errorf("its operands are reals, which it has with fmod alone: set the attribute fmod to 1")
	}
	fmod := s.n.Int("fmod") != 0
	return s.evalPair(c, func(a, b float32) float32 {
		r := math.Mod(float64(a), float64(b))
		if !fmod && r != 0 && (r < 0) != (b < 0) {
			r += float64(b)
		}
		return float32(r)
	})
}

// castTypes are the numbers that ONNX has for the types of elements that a Cast can make here.
var castTypes = map[int]tensor.DType{
	1: tensor.Float32, 2: tensor.Uint8, 3: tensor.Int8, 4: tensor.Uint16, 5: tensor.Int16, 6: tensor.Int32, 7: tensor.Int64, 9: tensor.Bool, 10: tensor.Float32,
	11: tensor.Float32, 12: tensor.Uint32, 13: tensor.Uint64, 16: tensor.Float32,
}

func (s site) castType() (tensor.DType, error) {
	d, ok := castTypes[s.n.Int("to")]
	if !ok {
		return d, s.errorf("it casts to type %d of ONNX: only casts to floats, to integers of 8 bits and more and to booleans are supported", s.n.Int("to"))
	}
	return d, nil
}

// evalCast leaves out what is behind the point, and of integers of 8 and 16 bits the bits that they do not have. What is no number has
// no integer. −Inf becomes the least, of the signed types that have more integers than are exact here: processors do so, and networks count on
// it (the buckets of T5's positions are the logarithm of 0 where another number is taken afterwards).
func (s site) evalCast(c call) (array, error) {
	d, err := s.castType()
	switch {
	case err != nil:
		return array{}, err
	case d == tensor.Bool:
		return s.evalUnary(c, func(x float32) float32 { return truth(x != 0) })
	case !Counts(d):
		return s.evalUnary(c, same)
	}
	return s.evalUnary(c, func(x float32) float32 {
		v := math.Trunc(float64(x))
		switch {
		case math.IsInf(v, -1) && (d == tensor.Int32 || d == tensor.Int64):
			v = -MostInteger
		case !(math.Abs(v) <= MostInteger): // which CheckIntegers refuses
		case d == tensor.Uint8:
			v = float64(uint8(int64(v)))
		case d == tensor.Int8:
			v = float64(int8(int64(v)))
		case d == tensor.Uint16:
			v = float64(uint16(int64(v)))
		case d == tensor.Int16:
			v = float64(int16(int64(v)))
		case v < 0 && (d == tensor.Uint32 || d == tensor.Uint64):
			v += math.Ldexp(1, 8*d.Size()) // which CheckIntegers refuses too
		}
		return float32(v)
	})
}
