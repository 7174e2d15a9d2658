//go:build !purego

package quant

// The yardsticks of the benchmarks: memory read and written as quantizeRun and dequantizeRun do, past the caches, and
// nothing computed. No program has them, since nothing but a test calls them.

// stream4to1 reads 4·n bytes from src on and writes n to dst, for a dst aligned to 64 bytes and n a multiple of 64.
//
//go:noescape
func stream4to1(dst *byte, src *float32, n int)

// stream1to4 reads n bytes from src on and writes 4·n to dst, for a dst aligned to 64 bytes and n a multiple of 64.
//
//go:noescape
func stream1to4(dst *float32, src *byte, n int)
