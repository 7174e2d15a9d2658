package checkpoint

import (
	"fmt"
	"math/bits"
	"slices"

	"linquant/tensor"
)

const (
	maxDims = 64 // PyTorch's own limit

	// A view may repeat elements of its storage, so that a small file can describe tensors of any size. What repeats
	// may have viewFloor bytes, or viewFactor times the file's where that is more, as floats of four bytes included.
	viewFloor  = 40 << 20
	viewFactor = 4

	// All tensors together may have totalFloor bytes, and totalFactor times the file's: many may be of one storage.
	totalFloor  = 64 << 20
	totalFactor = 4
)

// place returns the tensor of the given shape and strides, in elements, that starts offset elements into the storage.
func (f *torchFile) place(s *storage, dtype tensor.DType, offset int64, size, stride []int64) (*Tensor, error) {
	if len(size) != len(stride) || len(size) > maxDims {
		return nil, fmt.Errorf("shape %s with strides %s: the file is damaged", dimensions(size), dimensions(stride))
	}
	dims := make([]uint64, len(size))
	for i := range size {
		if size[i] < 0 || stride[i] < 0 {
			return nil, fmt.Errorf("shape %v with strides %v has a negative number: the file is damaged", size, stride)
		}
		dims[i] = uint64(size[i])
	}
	if offset < 0 {
		return nil, fmt.Errorf("it starts at element %d of its storage: the file is damaged", offset)
	}
	shape, total, err := extent(dims, dtype)
	if err != nil {
		return nil, err
	}
	t := &Tensor{DType: dtype, Shape: shape}
	if total == 0 {
		t.data = section{}
		return t, nil
	}
	start, length, err := s.where()
	if err != nil {
		return nil, err
	}
	item := int64(dtype.Size())
	last := uint64(offset)
	for i := range size {
		hi, reach := bits.Mul64(uint64(size[i]-1), uint64(stride[i]))
		sum, carry := bits.Add64(last, reach, 0)
		if hi|carry != 0 {
			return nil, outside(size, stride, offset, length/item)
		}
		last = sum
	}
	if last >= uint64(length/item) {
		return nil, outside(size, stride, offset, length/item)
	}
	if rowMajor(size, stride) {
		t.data = section{s.r, start + offset*item}
		return t, nil
	}
	takes := int64(total)
	if dtype != tensor.Float32 {
		takes += 4 * int64(total/dtype.Size())
	}
	if takes > f.viewLimit && int64(total) > length {
		return nil, unsupported("shape %v of %d bytes is a view that repeats a storage of %d; save the tensor before expand() or unfold()",
			shape, total, length)
	}
	view := newStrided(s.r, start+offset*item, item, size, stride)
	if span := view.span(view.dims); view.overlaps() && span > viewFloor && span > int64(total) {
		return nil, unsupported("shape %v with strides %v is a view whose rows interleave over %d bytes; save the tensor before "+
			"unfold() or as_strided()", size, stride, span)
	}
	t.data = view
	return t, nil
}

func outside(size, stride []int64, offset, elements int64) error {
	return fmt.Errorf("shape %v with strides %v from element %d on reaches outside its storage of %d elements: the file is truncated or damaged",
		size, stride, offset, elements)
}

// dimensions formats numbers of a file, which may be many.
func dimensions(n []int64) string {
	if len(n) > maxDims {
		return fmt.Sprintf("%v… (%d)", n[:maxDims], len(n))
	}
	return fmt.Sprint(n)
}

// rowMajor reports whether elements stand in the file as they do in a Tensor. The stride of a dimension of 1 is of no
// matter.
func rowMajor(size, stride []int64) bool {
	want := int64(1)
	for i := range slices.Backward(size) {
		if size[i] != 1 && stride[i] != want {
			return false
		}
		want *= size[i]
	}
	return true
}
