package elementwise

import "linquant/internal/cpu"

// Lookup fills dst[i] = table[src[i]]: any function of one code. dst may be src, and is as long.
func Lookup(dst, src []byte, table *[256]byte, tier cpu.Tier) {
	src = src[:len(dst)]
	for i := lookupVector(dst, src, table, tier); i < len(dst); i++ {
		dst[i] = table[src[i]]
	}
}
