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

// Rows of every length, apart and together, in place too; what lies between them stays.
func TestLookupRows(t *testing.T) {
	s := newSource(2)
	table := [256]byte(s.codes(256))
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for n := 1; n < 300; n++ {
			for _, r := range []elementwise.Rows{{1, n, 0, 0}, {3, n, n, n}, {4, n, n + 7, n}, {2, n, n, n + 3}, {3, n, n + 1, n + 1}} {
				to, from := (r.Rows-1)*r.DstStep+n, (r.Rows-1)*r.SrcStep+n
				src, dst := s.codes(from), newGuarded[byte](to, 0x5a)
				copy(dst.x, s.codes(to))
				want := bytes.Clone(dst.x)
				for i := range r.Rows {
					for j := range n {
						want[i*r.DstStep+j] = table[src[i*r.SrcStep+j]]
					}
				}
				r.Lookup(dst.x, src, &table, tier)
				if !bytes.Equal(dst.x, want) {
					t.Fatalf("%+v: % x, want % x", r, dst.x, want)
				}
				dst.check(t)
				if r.DstStep != r.SrcStep {
					continue
				}
				want = bytes.Clone(src)
				for i := range r.Rows {
					for j := range n {
						want[i*r.DstStep+j] = table[src[i*r.SrcStep+j]]
					}
				}
				if r.Lookup(src, src, &table, tier); !bytes.Equal(src, want) {
					t.Fatalf("%+v in place: % x, want % x", r, src, want)
				}
			}
		}
	})
}

// Rows that do not fit are refused.
func TestLookupRowsThatDoNotFit(t *testing.T) {
	for _, r := range []elementwise.Rows{{0, 1, 0, 0}, {1, 0, 0, 0}, {1, 101, 0, 0}, {2, 50, 51, 50}, {2, 50, 50, 51}, {3, 1, -1, 0}, {3, 1, 0, -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v in 100 codes was not refused", r)
				}
			}()
			x := make([]byte, 100)
			r.Lookup(x, x, new([256]byte), cpu.Generic)
		}()
	}
}

func BenchmarkLookup(b *testing.B) {
	var table [256]byte
	x := newSource(1).codes(16384)
	dst := make([]byte, len(x))
	each(b, 2*16384, func(tier cpu.Tier) { elementwise.Lookup(dst, x, &table, tier) })
}
