package checkpoint

import (
	"errors"
	"fmt"
	"io"

	"linquant/internal/foreign"
)

// ErrDamaged is wrapped by errors about a file that is not what its format demands: truncated, contradicting itself, or
// made to harm its reader.
var ErrDamaged = errors.New("the file is damaged")

// ErrUnsupported is wrapped by errors about a file, or a tensor in it, that is nothing this package reads: of another
// format, compressed, a program, of an element type that there is no room for here.
var ErrUnsupported = errors.New("not supported")

// Error is why a file does not open or a tensor does not read, for errors.As. It wraps ErrDamaged, ErrUnsupported, or
// only what the disk or the network said.
type Error struct {
	File   string // as given to Open or New
	Tensor string // the tensor that it is about; "" where it is the whole file
	Offset int64  // the byte of the file where a damage was found; -1 where that is not known
	Err    error  // what is wrong and what to do, with the tensor's name
	kind   error
}

// Error is one line: the file, the tensor, what is wrong, what to do.
func (e *Error) Error() string { return e.File + ": " + e.Err.Error() }

// Unwrap returns Err and the kind of the error.
func (e *Error) Unwrap() []error {
	if e.kind == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.kind}
}

// What readers say of an error, for fail to find: that it is no damage, at which tensor, and where. Errors that say
// nothing are damage.
type (
	unsupportedError struct{ error }
	callerError      struct{ error } // of what the caller gave: an io.ReaderAt, an io.Writer, a buffer
	tensorError      struct {
		error
		name string
	}
	offsetError struct {
		error
		offset int64
	}
)

func (e unsupportedError) Unwrap() error { return e.error }
func (e callerError) Unwrap() error      { return e.error }
func (e tensorError) Unwrap() error      { return e.error }
func (e offsetError) Unwrap() error      { return e.error }

// unsupported is fmt.Errorf for what is no damage.
func unsupported(format string, args ...any) error {
	return unsupportedError{fmt.Errorf(format, args...)}
}

// inTensor makes an error about a tensor, and calls it that or an array.
func inTensor(what, name string, err error) error {
	return tensorError{fmt.Errorf("%s %s: %w", what, quote(name), err), name}
}

// fail returns the error that a caller gets about a file.
func fail(file string, err error) error {
	at, offset := tensorError{}, offsetError{offset: -1}
	errors.As(err, &at)
	errors.As(err, &offset)
	foreign.Named(err, file)
	e := &Error{File: file, Tensor: at.name, Offset: offset.offset, Err: err, kind: ErrDamaged}
	switch {
	case errors.As(err, new(callerError)):
		e.kind = nil
	case errors.As(err, new(unsupportedError)):
		e.kind = ErrUnsupported
	}
	return e
}

// source marks the errors of a reader, so that they are not taken for damage of the file.
type source struct{ io.ReaderAt }

func (s source) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 { // which a damaged directory asks for
		return 0, fmt.Errorf("it begins at the offset %d", offset)
	}
	n, err := s.ReaderAt.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		err = callerError{err}
	}
	return n, err
}
