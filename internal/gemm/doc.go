// Package gemm multiplies activations by constant weights: the inner loops under every convolution and fully connected
// layer. It knows matrices and output stages, and nothing of networks.
//
// A product has three steps, each with a name of its own:
//
//	pack     PackInt8, PackFloat32: once, when a layer is compiled, weights are laid out as panels of a few output
//	         channels in the order in which the kernel of a tier reads them
//	kernel   the sums Σ_k a[i,k]·w[j,k] of a block of rows by one panel, kept in a block of accumulators in L1
//	stage    what becomes of the accumulators: codes (Stage), int32 (MulInt32), or floats with bias and clamp
//
// A convolution's rows need not be made first: Windows says where each of them lies, tap by tap.
//
// Activations are the rows of a, channels last, one byte a code. A byte is the code as stored: uint8 codes as they are,
// int8 codes plus 128 (code ^ 0x80), so that every kernel multiplies unsigned by signed bytes. Whoever makes the bias
// folds the zero point in that representation: bias[j] − (zeroPoint+128)·Σ_k w[j,k] for int8 activations.
//
// What a tier multiplies with, and what its kernels take, stands in its table (kernels.go, tables_*.go). Which
// instructions they are made of, and the tile of rows by channels that they keep in registers:
//
//	            int8                                  float32
//	generic     2 products a 64-bit multiply    4×4   multiply, add                2×4
//	avx2        VPMADDUBSW, where it is exact   8×8   fused multiply-add, 256 bits 6×16
//	            VPMADDWD on widened bytes       8×8
//	avxvnni     VPDPBUSD, 256 bits              6×16  as avx2
//	avx512vnni  VPDPBUSD, 512 bits              8×32  fused multiply-add, 512 bits 8×32
//	                                                  windows                     8×32, 12×16
//	amx         TDPBUSD                         32×32 as avx512vnni
//	                                            64×16, in the last panel
//	neon        SMULL, SADALP                   4×16  fused multiply-add, 128 bits 6×16
//	            SMULL, SMLAL, SADALP, if exact  4×16
//	dotprod     SDOT on bytes less 128          6×16  as neon
//	i8mm        USMMLA                          6×16  as neon
//
// Integers: int32 accumulators wrap, which is harmless in between and must not happen at the end (the engine checks
// when it compiles a layer). Every tier gives the same bits.
//
// Floats: an output is one chain over k in index order that starts at 0, and the bias is added to the finished chain.
// In tiers with fused multiply-add (AVX2 and NEON, and above) the chain is of fused multiply-adds, and these tiers agree
// bit for bit. The plain Go kernel rounds each product and each sum, on every processor: it may differ from them in the
// last bits, by at most about K roundings.
//
// Nothing here allocates but packing. Packed weights are immutable and safe for concurrent use. Slices that are too
// short for the sizes given are programmer errors, and panic.
package gemm
