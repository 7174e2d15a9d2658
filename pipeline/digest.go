package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"linquant/dataset"
)

// digest finds the SHA-256 of the examples that are read through it, in whatever order and however often: that of the SHA-256 of
// each, as bytes, in the order of their indices. An example is its values in float32, little-endian.
type digest struct {
	mu   sync.Mutex
	sums map[int][sha256.Size]byte
}

// watch makes d see the examples of a set that Prepare returned, before they are prepared. A nil d sees nothing.
func (d *digest) watch(s dataset.Set) { d.watchFrom(s, 0) }

// watchFrom is watch for a set whose first example has that index among all.
func (d *digest) watchFrom(s dataset.Set, index int) {
	if p, ok := s.(*prepared); ok && d != nil {
		p.Set = digested{p.Set, d, index}
	}
}

// add notes example i, unless it was seen.
func (d *digest) add(i int, x []float32) {
	d.mu.Lock()
	_, seen := d.sums[i]
	d.mu.Unlock()
	if seen {
		return
	}
	h := sha256.New()
	var b [4096]byte
	for part := range slices.Chunk(x, len(b)/4) {
		for k, v := range part {
			binary.LittleEndian.PutUint32(b[4*k:], math.Float32bits(v))
		}
		h.Write(b[:4*len(part)])
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sums == nil {
		d.sums = map[int][sha256.Size]byte{}
	}
	d.sums[i] = [sha256.Size]byte(h.Sum(nil))
}

// sum returns the hash in hexadecimal; "" unless the first examples were read without a gap.
func (d *digest) sum() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := sha256.New()
	for i := range len(d.sums) {
		sum, ok := d.sums[i]
		if !ok {
			return ""
		}
		h.Write(sum[:])
	}
	if len(d.sums) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// digested is a set whose examples a digest sees.
type digested struct {
	dataset.Set
	d     *digest
	index int // of its first example
}

func (s digested) Unwrap() dataset.Set { return s.Set }

func (s digested) Read(ctx context.Context, i int, dst []float32) (int, error) {
	label, err := s.Set.Read(ctx, i, dst)
	if err == nil {
		s.d.add(s.index+i, dst)
	}
	return label, err
}
