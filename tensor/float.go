package tensor

import (
	"encoding/binary"
	"fmt"
	"math"

	"linquant/internal/cpu"
)

// Float32s returns the elements of t as float32, rounding to nearest even what does not fit (float64, 32- and 64-bit
// integers). Booleans become 0 and 1. For a float32 tensor the result shares t's memory where As would. Complex tensors
// are an error.
func (t Tensor) Float32s() ([]float32, error) {
	if t.DType == Float32 {
		return As[float32](t)
	}
	out := make([]float32, t.Elements())
	return out, t.ReadFloat32s(out)
}

// ReadFloat32s converts the elements of t into dst, which must have room for exactly t.Elements(), as Float32s does.
func (t Tensor) ReadFloat32s(dst []float32) error {
	if len(dst) != t.Elements() {
		return fmt.Errorf("destination holds %d elements, the tensor %d", len(dst), t.Elements())
	}
	if len(dst) == 0 {
		return nil
	}
	b, le := t.Data, binary.LittleEndian
	switch t.DType {
	case Float32:
		copyElements(dst, b)
	case Float64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(b[8*i:])))
		}
	case Float16:
		widenFloat16(cpu.Chosen(), dst, b)
	case BFloat16:
		widenBFloat16(cpu.Chosen(), dst, b)
	case Float8E4M3FN, Float8E5M2, Float8E4M3FNUZ, Float8E5M2FNUZ:
		table := float8Tables[t.DType]
		for i := range dst {
			dst[i] = table[b[i]]
		}
	case Int64:
		for i := range dst {
			dst[i] = float32FromInt64(int64(le.Uint64(b[8*i:])))
		}
	case Int32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(b[4*i:])))
		}
	case Int16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(b[2*i:])))
		}
	case Int8:
		for i := range dst {
			dst[i] = float32(int8(b[i]))
		}
	case Uint64:
		for i := range dst {
			dst[i] = float32FromUint64(le.Uint64(b[8*i:]))
		}
	case Uint32:
		for i := range dst {
			dst[i] = float32(le.Uint32(b[4*i:]))
		}
	case Uint16:
		for i := range dst {
			dst[i] = float32(le.Uint16(b[2*i:]))
		}
	case Uint8:
		for i := range dst {
			dst[i] = float32(b[i])
		}
	case Bool:
		for i := range dst {
			dst[i] = 0
			if b[i] != 0 {
				dst[i] = 1
			}
		}
	default:
		return fmt.Errorf("a %v tensor has no float32 values", t.DType)
	}
	return nil
}

// float32FromUint64 rounds to nearest even. Go's own conversion rounds twice on 386, so that 2^47 + 2^23 + 1 goes down
// there.
func float32FromUint64(u uint64) float32 {
	if u < 1<<53 {
		return float32(float64(int64(u))) // exact, then rounded once
	}
	// What is shifted out lies far below float32's last bit: all that matters is whether it is zero.
	const shift = 11
	kept := u >> shift
	if u&(1<<shift-1) != 0 {
		kept |= 1
	}
	return float32(float64(int64(kept)) * (1 << shift))
}

func float32FromInt64(i int64) float32 {
	if i < 0 {
		return -float32FromUint64(-uint64(i))
	}
	return float32FromUint64(uint64(i))
}

// Float16ToFloat32 widens an IEEE 754 binary16 value, exactly. A NaN keeps its payload and becomes quiet.
func Float16ToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch {
	case exp == 0x1f && frac != 0:
		return math.Float32frombits(sign | 0x7fc00000 | frac<<13)
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000)
	case exp == 0: // zero or subnormal: frac × 2^-24, which float32 holds exactly
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// Float32ToFloat16 rounds to the nearest IEEE 754 binary16 value, ties to even; what is too large becomes an infinity.
func Float32ToFloat16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13&0x1ff)
	case b >= 0x477ff000: // 65520, halfway between the largest finite value and the next power of two
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: the result is subnormal, a multiple of 2^-24
		// Adding 0.5 (whose last bit is 2^-24) rounds to that multiple, ties to even.
		sum := math.Float32frombits(b) + 0.5
		return sign | uint16(math.Float32bits(sum)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1 // round half to even at bit 13; a carry moves into the exponent as it should
	return sign | uint16((b-(127-15)<<23)>>13)
}

// bfloat16ToFloat32 widens a bfloat16 value, exactly.
func bfloat16ToFloat32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// float8Tables maps each float8 type to the value of its 256 codes.
var float8Tables = map[DType]*[256]float32{
	Float8E4M3FN:   float8Table(4, 7, false),
	Float8E5M2:     float8Table(5, 15, false),
	Float8E4M3FNUZ: float8Table(4, 8, true),
	Float8E5M2FNUZ: float8Table(5, 16, true),
}

// float8Table lists the values of a float8 type with the given exponent width and bias. The IEEE-like E5M2 has
// infinities and NaNs in its top exponent; E4M3FN only the NaN with all bits set; the fnuz types only the NaN at
// negative zero's code.
func float8Table(expBits, bias int, fnuz bool) *[256]float32 {
	mantBits := 7 - expBits
	var table [256]float32
	for code := range table {
		exp := code >> mantBits & (1<<expBits - 1)
		mant := code & (1<<mantBits - 1)
		v := math.Ldexp(float64(mant), 1-bias-mantBits)
		if exp > 0 {
			v = math.Ldexp(float64(mant|1<<mantBits), exp-bias-mantBits)
		}
		top := exp == 1<<expBits-1
		switch {
		case fnuz && code == 0x80:
			v = math.NaN()
		case !fnuz && expBits == 5 && top && mant == 0:
			v = math.Inf(1)
		case !fnuz && expBits == 5 && top:
			v = math.NaN()
		case !fnuz && expBits == 4 && code&0x7f == 0x7f:
			v = math.NaN()
		}
		if code&0x80 != 0 {
			v = -v
		}
		table[code] = float32(v)
	}
	return &table
}
