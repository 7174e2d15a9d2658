package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"linquant/tensor"
)

// Output is a tensor to be written to a file. Its elements come from a function, so that a file larger than memory can
// be written one tensor after the other.
type Output struct {
	Name  string
	DType tensor.DType
	Shape tensor.Shape

	// Write writes the elements to w, row-major and little-endian: exactly as many as Shape says, which is checked. It
	// is called once, when the file is written up to them.
	Write func(w io.Writer) error

	unknown string // the name of a type that cannot be read
	stored  int64  // bytes of those elements
}

// FromTensor returns t as an Output. The data is not copied and must not change before it is written.
func FromTensor(name string, t tensor.Tensor) Output {
	return Output{Name: name, DType: t.DType, Shape: t.Shape, Write: func(w io.Writer) error {
		_, err := w.Write(t.Data)
		return err
	}}
}

// Output returns the tensor to be copied to another file as it is stored; of a quantized one, the codes. Data that is
// stored in one piece is copied in chunks; the whole tensor is in memory only where it has to be inflated or its layout
// to change on the way.
func (t *Tensor) Output() Output {
	return Output{Name: t.Name, DType: t.DType, Shape: t.Shape, unknown: t.unknown, stored: t.packed, Write: func(w io.Writer) error {
		if s, ok := t.data.(section); ok {
			if err := s.writeTo(w, t.Bytes()); err != nil {
				return t.fail(err)
			}
			return nil
		}
		raw, err := t.Read()
		if err != nil {
			return err
		}
		_, err = w.Write(raw.Data)
		return err
	}}
}

// writeTo copies the first size bytes to w.
func (s section) writeTo(w io.Writer, size int64) error {
	const chunk = 1 << 20
	buf := make([]byte, min(size, chunk))
	for at := int64(0); at < size; {
		b := buf[:min(size-at, chunk)]
		if err := readFull(s.r, b, s.offset+at); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return callerError{err}
		}
		at += int64(len(b))
	}
	return nil
}

// bytes returns the size of the elements.
func (o *Output) bytes() (int64, error) {
	n, err := o.Shape.Elements()
	if err != nil {
		return 0, o.errorf("%w", err)
	}
	if o.unknown != "" {
		return o.stored, nil
	}
	if o.DType.Size() == 0 {
		return 0, o.errorf("%v is not an element type", o.DType)
	}
	if int64(n) > math.MaxInt64/int64(o.DType.Size()) {
		return 0, o.errorf("shape %v has too many bytes for a file", o.Shape)
	}
	return int64(n) * int64(o.DType.Size()), nil
}

// writeExactly writes the elements and checks that there are size bytes of them. A file's directory, which states the
// size, is written before, so that any other number would shift what follows.
func (o *Output) writeExactly(w io.Writer, size int64) error {
	if o.Write == nil {
		return o.errorf("there is nothing to write it with: Output.Write is nil")
	}
	e := &exactWriter{w: w, left: size}
	if err := o.Write(e); err != nil {
		return o.errorf("%w", err)
	}
	if e.left != 0 {
		return o.errorf("%d bytes were written, but %v of shape %v has %d", size-e.left, o.DType, o.Shape, size)
	}
	return nil
}

// errorf makes an error that names the tensor.
func (o *Output) errorf(format string, args ...any) error {
	return fmt.Errorf("writing tensor %s: %w", quote(o.Name), fmt.Errorf(format, args...))
}

// exactWriter passes left bytes on and refuses more.
type exactWriter struct {
	w    io.Writer
	left int64
}

func (e *exactWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > e.left {
		return 0, errors.New("more bytes were written than its shape and type have")
	}
	n, err := e.w.Write(p)
	e.left -= int64(n)
	return n, err
}

// checkNames refuses names that a reader of the file could not tell apart or would mistake.
func checkNames(tensors []Output) error {
	seen := make(map[string]bool, len(tensors))
	for i := range tensors {
		o := &tensors[i]
		switch {
		case o.Name == metadataKey:
			return o.errorf("that name is reserved in safetensors files; rename the tensor")
		case o.Name == "":
			return fmt.Errorf("writing tensor %d: it has no name", i)
		case !utf8.ValidString(o.Name):
			return o.errorf("the name is not UTF-8 text; rename the tensor")
		case seen[o.Name]:
			return o.errorf("two tensors have that name; rename one")
		}
		seen[o.Name] = true
	}
	return nil
}
