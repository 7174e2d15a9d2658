package checkpoint

import (
	"io"
	"slices"
)

// strided is the elements of a view that is not in row-major order, or has gaps.
type strided struct {
	r      io.ReaderAt
	offset int64 // of the first element
	item   int64 // bytes of an element
	dims   []dim // longest file stride first
}

// dim is one dimension of a view: n steps of so many bytes in the file and in the destination.
type dim struct{ n, from, to int64 }

func newStrided(r io.ReaderAt, offset, item int64, size, stride []int64) strided {
	s := strided{r: r, offset: offset, item: item}
	to := item
	for i := range slices.Backward(size) {
		if size[i] > 1 {
			s.dims = append(s.dims, dim{size[i], stride[i] * item, to})
		}
		to *= size[i]
	}
	// In the order of the file, whatever part of the view is looked at lies close together.
	slices.SortStableFunc(s.dims, func(a, b dim) int {
		switch {
		case a.from > b.from:
			return -1
		case a.from < b.from:
			return 1
		}
		return 0
	})
	return s
}

const (
	window      = 1 << 20  // the most that is read at once
	smallWindow = 64 << 10 // read whole, however few of its bytes are wanted
	sparse      = 8        // a larger window is read whole if one byte in so many is wanted
)

func (s strided) readAll(dst []byte) error {
	span := s.span(s.dims)
	if s.overlaps() {
		buf := make([]byte, span)
		if err := readFull(s.r, buf, s.offset); err != nil {
			return err
		}
		s.scatter(dst, buf, s.dims)
		return nil
	}
	buf := make([]byte, min(window, span))
	return s.read(dst, buf, s.dims, s.offset)
}

// overlaps reports whether the parts of the view interleave in the file, as those of unfold() do. Halves of such a view
// lie no closer together than the whole, and what one part reads the others read again. An element that merely repeats,
// as in expand(), does not count.
func (s strided) overlaps() bool {
	reach := s.item
	for _, d := range slices.Backward(s.dims) { // shortest stride first
		if d.from > 0 && d.from < reach {
			return true
		}
		reach += (d.n - 1) * d.from
	}
	return false
}

// span is the bytes of the file from the first element to the end of the last.
func (s strided) span(dims []dim) int64 {
	span := s.item
	for _, d := range dims {
		span += (d.n - 1) * d.from
	}
	return span
}

// read copies the view of the file at offset to dst. It halves the dimension with the longest stride until a part fits
// the window buf.
func (s strided) read(dst, buf []byte, dims []dim, offset int64) error {
	span := s.span(dims)
	wanted := s.item
	for _, d := range dims {
		if d.from > 0 {
			wanted *= d.n // an element that repeats is wanted once
		}
	}
	if span <= smallWindow || span <= window && span/sparse <= wanted {
		if err := readFull(s.r, buf[:span], offset); err != nil {
			return err
		}
		s.scatter(dst, buf[:span], dims)
		return nil
	}
	first := dims[0]
	if first.n == 1 {
		return s.read(dst, buf, dims[1:], offset)
	}
	half := first.n / 2
	part := slices.Clone(dims)
	part[0].n = half
	if err := s.read(dst, buf, part, offset); err != nil {
		return err
	}
	part[0].n = first.n - half
	return s.read(dst[half*first.to:], buf, part, offset+half*first.from)
}

// scatter copies the elements of a view from src to their places in dst.
func (s strided) scatter(dst, src []byte, dims []dim) {
	if len(dims) == 0 {
		copy(dst[:s.item], src)
		return
	}
	d := dims[0]
	if len(dims) > 1 {
		for i := range d.n {
			s.scatter(dst[i*d.to:], src[i*d.from:], dims[1:])
		}
		return
	}
	if d.from == s.item && d.to == s.item {
		copy(dst[:d.n*s.item], src)
		return
	}
	for i := range d.n {
		copy(dst[i*d.to:i*d.to+s.item], src[i*d.from:])
	}
}
