package checkpoint

import (
	"encoding/binary"
	"math"
	"strconv"

	"linquant/internal/pickle"
	"linquant/tensor"
)

// plain formats a number, a boolean or a string, NumPy's scalars among them.
func plain(v pickle.Value) (string, bool) {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case string:
		return v, true
	case []byte:
		// A copy for each mention, of which a pickle can make many: not of what is long.
		if len(v) <= maxKey {
			return string(v), true
		}
	case *pickle.Object:
		return numpyScalar(v)
	}
	return "", false
}

// numpyTypes are the NumPy types that accuracies and counters have.
var numpyTypes = map[string]tensor.DType{
	"f8": tensor.Float64, "f4": tensor.Float32, "f2": tensor.Float16,
	"i8": tensor.Int64, "i4": tensor.Int32, "i2": tensor.Int16, "i1": tensor.Int8, "u1": tensor.Uint8, "b1": tensor.Bool,
}

// numpyScalar formats a call of numpy.core.multiarray.scalar(dtype, bytes).
func numpyScalar(o *pickle.Object) (string, bool) {
	if o.Class.Name != "scalar" || len(o.Args) != 2 {
		return "", false
	}
	t, ok := o.Args[0].(*pickle.Object)
	if !ok || t.Class.Name != "dtype" || len(t.Args) == 0 {
		return "", false
	}
	dtype, ok := numpyTypes[text(t.Args[0])]
	raw, ok2 := rawBytes(o.Args[1])
	if !ok || !ok2 || len(raw) != dtype.Size() {
		return "", false
	}
	var wide [8]byte
	copy(wide[:], raw)
	bits := binary.LittleEndian.Uint64(wide[:])
	switch dtype {
	case tensor.Float64:
		return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64), true
	case tensor.Float32:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(bits))), 'g', -1, 32), true
	case tensor.Float16:
		return strconv.FormatFloat(float64(tensor.Float16ToFloat32(uint16(bits))), 'g', -1, 32), true
	case tensor.Bool:
		return strconv.FormatBool(bits != 0), true
	case tensor.Uint8:
		return strconv.FormatUint(bits, 10), true
	}
	shift := 64 - 8*len(raw)
	return strconv.FormatInt(int64(bits)<<shift>>shift, 10), true
}

// rawBytes returns bytes, which protocol 2 has as _codecs.encode(text, "latin1") and Python 2 as a string.
func rawBytes(v pickle.Value) ([]byte, bool) {
	const longest = 32 // bytes of a scalar as text, two to a byte at most
	switch v := v.(type) {
	case []byte:
		return v, true
	case string:
		return []byte(v[:min(len(v), longest)]), true
	case *pickle.Object:
		if v.Class.Name != "encode" || len(v.Args) == 0 {
			return nil, false
		}
		s := text(v.Args[0])
		if len(s) > longest {
			return nil, false
		}
		var out []byte
		for _, c := range s {
			if c > 0xff {
				return nil, false
			}
			out = append(out, byte(c))
		}
		return out, true
	}
	return nil, false
}
