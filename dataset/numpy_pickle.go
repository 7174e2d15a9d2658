package dataset

import (
	"errors"
	"fmt"
	"strings"

	"linquant/internal/pickle"
)

// The names that NumPy's pickles of arrays import. numpy.core became numpy._core in NumPy 2; protocol 5 has _frombuffer
// in the place of _reconstruct; Python 3 writes bytes in protocol 2 as a text to be encoded.
const (
	numpyReconstruct = "multiarray._reconstruct"
	numpyFromBuffer  = "numeric._frombuffer"
	numpyArray       = "numpy.ndarray"
	numpyDType       = "numpy.dtype"
	codecsEncode     = "_codecs.encode"
)

// numpyName returns the name without the module numpy.core or numpy._core, which differ by version.
func numpyName(g pickle.Global) string {
	name := g.String()
	for _, core := range []string{"numpy.core.", "numpy._core."} {
		if rest, found := strings.CutPrefix(name, core); found {
			return rest
		}
	}
	return name
}

// allowNumpy refuses every name that a pickle of arrays does not need.
func allowNumpy(g pickle.Global) error {
	switch numpyName(g) {
	case numpyReconstruct, numpyFromBuffer, numpyArray, numpyDType, codecsEncode:
		return nil
	}
	return fmt.Errorf("the pickle imports %.80q, which a batch of images does not need; use the original file", g.String())
}

// array is a NumPy array in row-major order.
type array struct {
	dtype string // kind and bytes of an element: "u1", "i8"
	shape []int64
	data  []byte
}

var errNoArray = errors.New("not a NumPy array as NumPy pickles it")

// pickledArray returns the array that v stands for.
func pickledArray(v pickle.Value) (array, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return array{}, errNoArray
	}
	var shape, dtype, data pickle.Value
	rowMajor := false
	switch numpyName(o.Class) {
	case numpyReconstruct: // its state is (version, shape, dtype, is column-major, data)
		state, ok := o.State.(*pickle.Tuple)
		if !ok || len(state.Items) != 5 {
			return array{}, errNoArray
		}
		shape, dtype, data = state.Items[1], state.Items[2], state.Items[4]
		columnMajor, ok := boolean(state.Items[3])
		rowMajor = ok && !columnMajor
	case numpyFromBuffer: // (data, dtype, shape, order)
		if len(o.Args) != 4 {
			return array{}, errNoArray
		}
		data, dtype, shape = o.Args[0], o.Args[1], o.Args[2]
		rowMajor = o.Args[3] == "C"
	default:
		return array{}, errNoArray
	}
	a := array{}
	if a.dtype, ok = pickledDType(dtype); !ok {
		return array{}, errors.New("an array of another type than NumPy's little-endian integers")
	}
	if !rowMajor {
		return array{}, errors.New("an array in column-major order; save it after numpy.ascontiguousarray")
	}
	dims, ok := shape.(*pickle.Tuple)
	if !ok || len(dims.Items) > 8 {
		return array{}, errNoArray
	}
	for _, item := range dims.Items {
		n, ok := item.(int64)
		if !ok || n < 0 {
			return array{}, errNoArray
		}
		a.shape = append(a.shape, n)
	}
	if a.data, ok = pickledBytes(data); !ok {
		return array{}, errNoArray
	}
	return a, nil
}

// boolean reads a bool, which protocol 0 and 1 write as a number.
func boolean(v pickle.Value) (value, ok bool) {
	if n, isInt := v.(int64); isInt {
		return n != 0, true
	}
	value, ok = v.(bool)
	return value, ok
}

// pickledDType returns the type of an array's elements, such as "u1".
func pickledDType(v pickle.Value) (string, bool) {
	o, ok := v.(*pickle.Object)
	if !ok || numpyName(o.Class) != numpyDType || len(o.Args) == 0 {
		return "", false
	}
	if state, ok := o.State.(*pickle.Tuple); ok && len(state.Items) > 1 {
		if order, _ := text(state.Items[1]); order == ">" { // big-endian
			return "", false
		}
	}
	name, ok := text(o.Args[0])
	return name, ok
}

// maxText bounds a name or a type in bytes. A pickle can mention one that is long any number of times, each a copy.
const maxText = 256

// text reads a short string, or the bytes that a pickle of Python 2 becomes when it is saved again by Python 3.
func text(v pickle.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, len(v) <= maxText
	case []byte:
		if len(v) <= maxText {
			return string(v), true
		}
	}
	return "", false
}

// is reports whether v is that text.
func is(v pickle.Value, want string) bool {
	s, ok := text(v)
	return ok && s == want
}

// pickledBytes reads bytes in any of the ways that they are pickled.
func pickledBytes(v pickle.Value) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case string: // of Python 2
		return []byte(v), true
	case *pickle.Object:
		if numpyName(v.Class) != codecsEncode || len(v.Args) != 2 || v.Args[1] != "latin1" {
			return nil, false
		}
		s, ok := v.Args[0].(string)
		if !ok {
			return nil, false
		}
		out := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 0xff {
				return nil, false
			}
			out = append(out, byte(r))
		}
		return out, true
	}
	return nil, false
}
