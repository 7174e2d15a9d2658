package dataset

import (
	"context"
	"io"
	"math"

	"linquant/internal/ended"
	"linquant/internal/inflation"
)

// mostOfExample returns how many elements one example in a compressed file of size bytes may have; they become floats of
// four bytes.
func mostOfExample(size int64) int64 { return inflation.Base/2 + size }

// inflated is compressed data, inflated as far as it is asked for. The last bytes of that stay in memory; what lies before
// them is inflated anew, from the start.
type inflated struct {
	open   func() (io.ReadCloser, error) // the data from its first byte; at its end the checksum is compared
	size   int64                         // bytes of the data
	length func(have int64) error        // what is wrong with data that has another length

	turn chan struct{} // has room for the one who reads
	z    io.ReadCloser // nil where it is to be opened
	data []byte        // a ring: byte i of the data, from low to have, lies at i modulo its length
	low  int64
	have int64
	err  error // what stands in the way behind have
}

// newInflated makes a window of a file of size bytes on compressed data of n bytes, whose examples have so many elements.
func newInflated(size, n, elements int64, open func() (io.ReadCloser, error), length func(have int64) error) *inflated {
	// A long example takes its floats beside it.
	window := inflation.InMemory(size) - max(0, 4*elements-2*inflation.Base)
	window = min(window, n, math.MaxInt32)
	return &inflated{open: open, size: n, length: length, turn: make(chan struct{}, 1), data: make([]byte, window)}
}

// read fills p with the data from offset on, all of which the data has.
func (in *inflated) read(ctx context.Context, p []byte, offset int64) error {
	select {
	case in.turn <- struct{}{}:
	default:
		select {
		case in.turn <- struct{}{}:
		case <-ctx.Done():
			return ended.Err(ctx)
		}
	}
	defer func() { <-in.turn }()
	if offset < in.low {
		if err := in.rewind(); err != nil {
			return err
		}
	}
	for len(p) > 0 {
		if offset >= in.have {
			if err := in.step(ctx); err != nil {
				return err
			}
			continue
		}
		at := offset % int64(len(in.data))
		n := copy(p, in.data[at:min(at+in.have-offset, int64(len(in.data)))])
		p, offset = p[n:], offset+int64(n)
	}
	return nil
}

// step inflates some more, or nothing where that is damaged.
func (in *inflated) step(ctx context.Context) error {
	const step = 1 << 20
	if in.err != nil {
		return in.err
	}
	if ctx.Err() != nil {
		return ended.Err(ctx)
	}
	if in.z == nil {
		z, err := in.open()
		if err != nil {
			return err
		}
		in.z = z
	}
	window := int64(len(in.data))
	at := in.have % window
	part := in.data[at:min(at+step, window, at+in.size-in.have)]
	end := in.have + int64(len(part))
	in.low = max(in.low, end-window)
	n, err := io.ReadFull(in.z, part)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF: // whole, and too short
		err = in.length(in.have + int64(n))
	case err == nil && end == in.size:
		err = in.end()
	}
	if in.err = err; err == nil {
		in.have = end
	}
	return err
}

// end checks that nothing follows, for which the checksum is compared.
func (in *inflated) end() error {
	n, err := io.ReadFull(in.z, make([]byte, 1))
	switch {
	case n > 0:
		return in.length(in.size + 1)
	case err == io.EOF:
		return nil
	}
	return err
}

// rewind goes back to the start.
func (in *inflated) rewind() error {
	in.low, in.have, in.err = 0, 0, nil
	return in.Close()
}

// Close ends inflating.
func (in *inflated) Close() error {
	if in.z == nil {
		return nil
	}
	z := in.z
	in.z = nil
	return z.Close()
}
