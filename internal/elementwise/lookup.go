package elementwise

import (
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Rows are rows of Length elements each, of two pictures, which begin DstStep and SrcStep apart.
type Rows struct{ Rows, Length, DstStep, SrcStep int }

// check divides instead of multiplying, so that no size can overflow an int.
func (r *Rows) check(dst, src int) {
	fits := r.Rows >= 1 && r.Length >= 1 && r.Length <= min(dst, src) && r.DstStep >= 0 && r.SrcStep >= 0
	if fits && r.Rows > 1 {
		fits = r.DstStep <= (dst-r.Length)/(r.Rows-1) && r.SrcStep <= (src-r.Length)/(r.Rows-1)
	}
	if !fits {
		panic(fmt.Sprintf("elementwise: %+v does not fit slices of %d and %d elements", *r, dst, src))
	}
}

// Lookup fills dst[i] = table[src[i]]: any function of one code. dst may be src, and is as long.
func Lookup(dst, src []byte, table *[256]byte, tier cpu.Tier) {
	if len(dst) > 0 {
		r := Rows{Rows: 1, Length: len(dst)}
		r.Lookup(dst, src[:len(dst)], table, tier)
	}
}

// Lookup fills dst[i·DstStep+j] = table[src[i·SrcStep+j]]. The rows of dst do not overlap, and dst may be src where they
// begin as far apart.
func (r *Rows) Lookup(dst, src []byte, table *[256]byte, tier cpu.Tier) {
	r.check(len(dst), len(src))
	if k := kernelsOf(tier); k.lookup.run.Has() && r.Length >= k.lookup.least {
		k.lookup.run.Get()(&dst[0], &src[0], r.Rows, r.Length, r.DstStep, r.SrcStep, kernel.NoEscape(table))
		return
	}
	for i := range r.Rows {
		out, in := dst[i*r.DstStep:][:r.Length], src[i*r.SrcStep:][:r.Length]
		for j, u := range in {
			out[j] = table[u]
		}
	}
}

// lookupKernel takes rows of at least so many codes.
type lookupKernel struct {
	least int
	run   kernel.Func[func(dst, src *byte, rows, n, dstStep, srcStep int, table *[256]byte)]
}
