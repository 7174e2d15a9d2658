package checkpoint

import (
	"fmt"
	"io"

	"linquant/tensor"
)

// NPY is one NumPy array.
const NPY Format = "npy"

var npyFormat = format{NPY, func(s *sample) (bool, error) { return s.begins(npyMagic), nil }, readNPY}

// arrayName is the name of the one tensor of an npy file, which stores none.
const arrayName = "array"

// readNPY reads the header of an npy file.
func readNPY(r io.ReaderAt, size int64) (*contents, error) {
	h, err := parseNPYHeader(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	if err := h.checkLength(size); err != nil {
		return nil, err
	}
	return &contents{tensors: []*Tensor{h.tensor(arrayName, section{r, h.offset})}}, nil
}

// checkLength checks that header and elements make up exactly size bytes.
func (h *npyHeader) checkLength(size int64) error {
	switch after := size - h.offset; {
	case int64(h.bytes) > after:
		return fmt.Errorf("the array of shape %v needs %d bytes, but only %d follow its header: it is truncated; copy "+
			"or download it again", h.shape, h.bytes, max(after, 0))
	case int64(h.bytes) < after:
		return fmt.Errorf("%d bytes follow the array of shape %v; a file of several arrays must be an npz "+
			"(numpy.savez)", after-int64(h.bytes), h.shape)
	}
	return nil
}

// tensor describes the array whose stored elements stored yields.
func (h *npyHeader) tensor(name string, stored data) *Tensor {
	t := &Tensor{Name: name, DType: h.dtype, Shape: h.shape, data: stored}
	if h.bigEndian {
		word := h.dtype.Size()
		if h.dtype == tensor.Complex64 || h.dtype == tensor.Complex128 {
			word /= 2 // two floats
		}
		t.data = swapped{t.data, word}
	}
	// With fewer than two dimensions both orders are the same.
	if h.fortran && len(h.shape) > 1 {
		t.data = columnMajor{t.data, h.shape, h.dtype.Size()}
	}
	return t
}

// swapped is data stored big-endian in words of some bytes.
type swapped struct {
	data
	word int
}

func (s swapped) readAll(dst []byte) error {
	if err := s.data.readAll(dst); err != nil {
		return err
	}
	swap(dst, s.word)
	return nil
}

// swap turns the bytes of each word around.
func swap(b []byte, word int) {
	for ; len(b) >= word; b = b[word:] {
		for i, j := 0, word-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// columnMajor is data stored with the first dimension varying fastest, as Fortran does.
type columnMajor struct {
	data
	shape tensor.Shape
	size  int // bytes of an element
}

// readAll transposes while copying, so it needs a second buffer as large as dst.
func (c columnMajor) readAll(dst []byte) error {
	stored := make([]byte, len(dst))
	if err := c.data.readAll(stored); err != nil {
		return err
	}
	strides := make([]int, len(c.shape)) // in bytes of stored
	stride := c.size
	for i, d := range c.shape {
		strides[i] = stride
		stride *= d
	}
	c.copy(dst, stored, 0, strides)
	return nil
}

// copy fills dst, the row-major elements of the dimensions from axis on, from stored, whose first byte is their first
// element's. It returns what is left of dst. The recursion is as deep as the shape is long, which the header bounds.
func (c columnMajor) copy(dst, stored []byte, axis int, strides []int) []byte {
	n, stride := c.shape[axis], strides[axis]
	if axis == len(c.shape)-1 {
		for i := range n {
			copy(dst[:c.size], stored[i*stride:])
			dst = dst[c.size:]
		}
		return dst
	}
	for i := range n {
		dst = c.copy(dst, stored[i*stride:], axis+1, strides)
	}
	return dst
}
