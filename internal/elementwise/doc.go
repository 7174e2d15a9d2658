// Package elementwise has the kernels of what is not a matrix product: sums and products of two values, clamps, tables
// of 256 codes, quantization, the windows of poolings and of depthwise convolutions, and the copying of windows into
// panels. It knows slices of codes and reals, and nothing of networks.
//
// A code is a byte as it is stored: uint8 codes as they are, int8 codes plus 128, as in package gemm. Pictures lie
// channels last.
//
// Each operation is a plain loop in Go, which defines the result, and loops in AVX2 and AVX-512 with the same bits: the
// same roundings in the same order for every element, no fused multiply-add, true divisions. Which one runs is said
// with every call, by the tier that the program was compiled for:
//
//	avx2, avxvnni     256 bits; what is left of a row is done in Go
//	avx512vnni, amx   512 bits; what is left of a row is masked
//	others            Go
//
// Nothing here allocates. Slices that are too short for the sizes given are programmer errors, and panic.
package elementwise
