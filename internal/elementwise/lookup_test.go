package elementwise_test

import (
	"bytes"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

// Every length, with every code; in place too.
func TestLookup(t *testing.T) {
	s := newSource(1)
	table := [256]byte(s.codes(256))
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for n := range 600 {
			src := s.codes(n)
			for i := range min(n, 256) {
				src[i] = byte(i)
			}
			want := bytes.Clone(src)
			for i, u := range src {
				want[i] = table[u]
			}
			dst := newGuarded[byte](n, 0x5a)
			elementwise.Lookup(dst.x, src, &table, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%d codes: % x, want % x", n, dst.x, want)
			}
			dst.check(t)
			copy(dst.x, src)
			elementwise.Lookup(dst.x, dst.x, &table, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%d codes in place: % x, want % x", n, dst.x, want)
			}
			dst.check(t)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	var table [256]byte
	x := newSource(1).codes(16384)
	dst := make([]byte, len(x))
	each(b, 2*16384, func(tier cpu.Tier) { elementwise.Lookup(dst, x, &table, tier) })
}
