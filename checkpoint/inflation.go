package checkpoint

import (
	"sync"

	"linquant/internal/inflation"
)

// What the compressed arrays of a file may take that are read whole, as floats where they become such: so many bytes and so
// many more for each of the file.
const (
	maxWhole     = 40 << 20
	wholePerByte = 7
)

// inflated is what the compressed arrays of a file took that were read. It is spent by what is asked for, and once by each
// array, so that naming the arrays of any file is free and reading one again is too.
type inflated struct {
	mu              sync.Mutex
	size            int64 // of the file
	whole, streamed int64 // bytes of the arrays that were read whole, and of those that were read as streams
}

// inMemory is asked before so many bytes are made of t at once.
func (s *inflated) inMemory(t *Tensor, bytes int64) error {
	most := maxWhole + wholePerByte*s.size
	if s.spend(&s.whole, &t.whole, bytes, most) {
		return nil
	}
	return unsupported("it takes %d bytes in memory, and the arrays read up to here would inflate to more than the %d that those of a "+
		"compressed file of %d bytes may have; save them uncompressed, with numpy.savez", bytes, most, s.size)
}

// inOrder is asked before t is read as a stream.
func (s *inflated) inOrder(t *Tensor) error {
	most := inflation.Streamed(s.size)
	if s.spend(&s.streamed, &t.streamed, t.Bytes(), most) {
		return nil
	}
	return unsupported("it has %d bytes, and the arrays read up to here would inflate to more than the %d that a compressed file of %d "+
		"bytes may have; save them uncompressed, with numpy.savez", t.Bytes(), most, s.size)
}

// spend counts bytes, as far as they are more than what was counted of the same array, if that leaves no more than most.
func (s *inflated) spend(sum, counted *int64, bytes, most int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := max(bytes-*counted, 0)
	if more > most-*sum {
		return false
	}
	*sum += more
	*counted += more
	return true
}
