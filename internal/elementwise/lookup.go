package elementwise

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Lookup fills dst[i] = table[src[i]]: any function of one code. dst may be src, and is as long.
func Lookup(dst, src []byte, table *[256]byte, tier cpu.Tier) {
	src = src[:len(dst)]
	if k := kernelsOf(tier); k.lookup.Has() && len(dst) > 0 {
		k.lookup.Get()(&dst[0], &src[0], len(dst), kernel.NoEscape(table))
		return
	}
	for i := range dst {
		dst[i] = table[src[i]]
	}
}
