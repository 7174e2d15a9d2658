package checkpoint

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"linquant/internal/pickle"
	"linquant/tensor"
)

// array is how a pickle has a NumPy array: numpy.ndarray.__reduce__ and, in protocol 5, __reduce_ex__.
type array struct {
	descr   string // as in an npy header, such as "<f4"
	shape   []int64
	fortran bool
	raw     pickle.Value // the elements as bytes, or a list where they are objects
}

// arrayOf returns the array that o makes, if it does make one.
func arrayOf(o *pickle.Object) (array, bool) {
	var a array
	var dtype, shape, fortran pickle.Value
	numpy := strings.HasPrefix(o.Class.Module, "numpy.")
	switch state, _ := sequence(o.State); {
	case numpy && o.Class.Name == "_reconstruct" && len(state) >= 4: // ([version,] shape, dtype, is Fortran, elements)
		state = state[len(state)-4:]
		shape, dtype, fortran, a.raw = state[0], state[1], state[2], state[3]
	case numpy && o.Class.Name == "_frombuffer" && len(o.Args) == 4: // (elements, dtype, shape, "C" or "F")
		a.raw, dtype, shape, fortran = o.Args[0], o.Args[1], o.Args[2], o.Args[3] == "F"
	default:
		return a, false
	}
	a.fortran, _ = fortran.(bool)
	a.descr = typeOf(dtype)
	var ok bool
	a.shape, ok = numbers(shape)
	return a, ok && a.descr != ""
}

// typeOf returns the type that a call of numpy.dtype names, with its byte order as its state has it.
func typeOf(v pickle.Value) string {
	o, ok := v.(*pickle.Object)
	if !ok || o.Class.Name != "dtype" || len(o.Args) == 0 {
		return ""
	}
	order, kind := "|", text(o.Args[0])
	if state, _ := sequence(o.State); len(state) > 1 {
		order = text(state[1])
	}
	if order == "=" || order == "|" && npyDTypes[kind].Size() > 1 {
		order = "<" // that of the machine, on which PyTorch insists too
	}
	return order + kind
}

// isArray reports whether o makes an array of something like numbers; one of objects is a list, and one of strings or
// dates no tensor.
func isArray(o *pickle.Object) bool {
	if o.Class.Name != "_reconstruct" && o.Class.Name != "_frombuffer" {
		return false
	}
	a, ok := arrayOf(o)
	return ok && !strings.ContainsAny(a.descr[1:2], "OUSaMm")
}

// size returns about how many bytes of the pickle have the elements.
func (a array) size() int64 {
	switch v := a.raw.(type) {
	case []byte:
		return int64(len(v))
	case string:
		return int64(len(v))
	case *pickle.Object:
		if len(v.Args) > 0 {
			return int64(len(text(v.Args[0])))
		}
	}
	return 0
}

// elements returns the elements and how many bytes they have.
func (a array) elements() (stored data, size int, ok bool) {
	switch v := a.raw.(type) {
	case []byte:
		return plainBytes(v), len(v), true
	case string: // of Python 2
		return plainBytes(v), len(v), true
	case *pickle.Object: // protocol 2 has no bytes
		if v.Class.Name == "encode" && len(v.Args) > 0 {
			latin := text(v.Args[0])
			return latinBytes(latin), utf8.RuneCountInString(latin), true
		}
		if v.Class.Name == "bytes" && len(v.Args) == 0 { // nor their absence
			return plainBytes(nil), 0, true
		}
	}
	return nil, 0, false
}

// tensor describes the array, whose elements are in the pickle itself.
func (a array) tensor() (*Tensor, error) {
	dtype, bigEndian, err := parseDescr(a.descr)
	if err != nil {
		return nil, err
	}
	size := make([]uint64, len(a.shape))
	for i, d := range a.shape {
		size[i] = uint64(d) // below 0 is more than any machine can address
	}
	h := npyHeader{dtype: dtype, bigEndian: bigEndian, fortran: a.fortran}
	if h.shape, h.bytes, err = extent(size, dtype); err != nil {
		return nil, err
	}
	stored, have, ok := a.elements()
	if !ok {
		return nil, errors.New("the elements of a NumPy array are no bytes: the file is damaged")
	}
	if have != h.bytes {
		return nil, fmt.Errorf("a NumPy array of shape %v and %v has %d bytes instead of %d: the file is damaged", h.shape, dtype, have, h.bytes)
	}
	return h.tensor("", stored), nil
}

// plainBytes is the elements of a tensor as a pickle has them.
type plainBytes []byte

func (p plainBytes) readAll(dst []byte) error {
	copy(dst, p)
	return nil
}

// latinBytes is the elements of a tensor as text, of which each character is a byte.
type latinBytes string

func (l latinBytes) readAll(dst []byte) error {
	i := 0
	for _, c := range l {
		if c > 0xff {
			return errors.New("the elements of a NumPy array are no bytes: the file is damaged")
		}
		dst[i] = byte(c)
		i++
	}
	return nil
}

// shapeOf returns the dimensions of t.
func shapeOf(s tensor.Shape) []int64 {
	d := make([]int64, len(s))
	for i, n := range s {
		d[i] = int64(n)
	}
	return d
}
