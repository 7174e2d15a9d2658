package checkpoint

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"linquant/tensor"
)

// maxNumPyRank is the most dimensions that a NumPy array has (NPY_MAXDIMS since NumPy 2; 32 before).
const maxNumPyRank = 64

// WriteNPY writes t as an npy file, version 1.0. npy has no name for bfloat16 and float8: an error.
func WriteNPY(w io.Writer, t tensor.Tensor) error {
	o := FromTensor(arrayName, t)
	header, size, err := buildNPYHeader(&o)
	if err != nil {
		return err
	}
	return writeNPY(w, &o, header, size)
}

// WriteNPZ writes the arrays as an npz file, uncompressed, in the order given; numpy.load returns each under its name.
// Equal arguments give equal bytes. Names must differ and must not be empty. npy has no name for bfloat16 and float8:
// an error, before anything is written.
func WriteNPZ(w io.Writer, arrays []Output) error {
	if err := checkNames(arrays); err != nil {
		return err
	}
	headers := make([]string, len(arrays))
	sizes := make([]int64, len(arrays))
	for i := range arrays {
		var err error
		if headers[i], sizes[i], err = buildNPYHeader(&arrays[i]); err != nil {
			return err
		}
	}
	z := zip.NewWriter(w)
	if err := z.SetComment(npzComment); err != nil {
		return err
	}
	for i := range arrays {
		o := &arrays[i]
		member, err := z.CreateHeader(&zip.FileHeader{Name: o.Name + npySuffix, Method: zip.Store})
		if err != nil {
			return o.errorf("%w", err)
		}
		if err := writeNPY(member, o, headers[i], sizes[i]); err != nil {
			return err
		}
	}
	return z.Close()
}

func writeNPY(w io.Writer, o *Output, header string, size int64) error {
	if _, err := io.WriteString(w, header); err != nil {
		return err
	}
	return o.writeExactly(w, size)
}

// buildNPYHeader returns everything that stands before the elements, and the size of these.
func buildNPYHeader(o *Output) (header string, size int64, err error) {
	descr, err := descrOf(o)
	if err != nil {
		return "", 0, err
	}
	if len(o.Shape) > maxNumPyRank {
		return "", 0, o.errorf("it has %d dimensions, and a NumPy array at most %d", len(o.Shape), maxNumPyRank)
	}
	if size, err = o.bytes(); err != nil {
		return "", 0, err
	}
	tuple := strings.Trim(o.Shape.String(), "[]")
	if len(o.Shape) == 1 {
		tuple += "," // or it would be a number in parentheses
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, tuple)
	const before = len(npyMagic) + 2 + 2 // the version and the header's length
	const alignment = 64                 // of the elements, as NumPy pads, so that they can be mapped
	padding := (alignment - (before+len(dict)+1)%alignment) % alignment
	dict += strings.Repeat(" ", padding+npyBlanks) + "\n"
	length := binary.LittleEndian.AppendUint16(nil, uint16(len(dict))) // fits: the rank is bounded
	return npyMagic + "\x01\x00" + string(length) + dict, size, nil
}

// descrOf returns NumPy's type string: "|" where there is no byte order, "<" otherwise.
func descrOf(o *Output) (string, error) {
	for name, dtype := range npyDTypes {
		if dtype != o.DType {
			continue
		}
		if dtype.Size() == 1 {
			return "|" + name, nil
		}
		return "<" + name, nil
	}
	return "", o.errorf("NumPy has no type for %v; convert it to float32, or write safetensors", o.DType)
}
