//go:build !purego

package elementwise

import (
	xcpu "golang.org/x/sys/cpu"

	"linquant/internal/cpu"
)

// lookupVBMI fills dst[i] = table[src[i]] for i < n. It needs AVX512_VBMI, which not every processor of the tier
// AVX512VNNI has (Cascade Lake and Cooper Lake lack it).
//
//go:noescape
func lookupVBMI(dst, src *byte, n int, table *[256]byte)

// lookupVector is Lookup, and returns how many elements it did. With AVX2 alone a table of 256 is not faster than the
// loads of plain Go by much.
func lookupVector(dst, src []byte, table *[256]byte, tier cpu.Tier) int {
	if len(dst) == 0 || !has512(tier) || !xcpu.X86.HasAVX512VBMI {
		return 0
	}
	lookupVBMI(&dst[0], &src[0], len(dst), table)
	return len(dst)
}
