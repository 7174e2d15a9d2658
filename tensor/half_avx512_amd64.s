//go:build !purego

#include "textflag.h"

// func widenFloat16AVX512(dst *float32, src *byte, n int)
//
//	for i := range n {
//		dst[i] = Float16ToFloat32(src[i])
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Z0  the values
TEXT ·widenFloat16AVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 16
	VCVTPH2PS (SI), Z0 // src[i..i+15]
	VMOVUPS   Z0, (DI) // dst[i..i+15] = …
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JG   loop
	VZEROUPPER
	RET

// func narrowFloat16AVX512(dst *byte, src *float32, n int)
//
//	for i := range n {
//		dst[i] = Float32ToFloat16(src[i])
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Z0  the values
TEXT ·narrowFloat16AVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 16
	VMOVUPS   (SI), Z0   // src[i..i+15]
	VCVTPS2PH $0, Z0, Y0 // to nearest, ties to even
	VMOVDQU   Y0, (DI)   // dst[i..i+15] = …
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JG   loop
	VZEROUPPER
	RET

// func widenBFloat16AVX512(dst *float32, src *byte, n int)
//
//	for i := range n {
//		dst[i] = frombits(src[i] << 16)
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Z0  the values
TEXT ·widenBFloat16AVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 16
	VPMOVZXWD (SI), Z0    // src[i..i+15]
	VPSLLD    $16, Z0, Z0 // … << 16
	VMOVUPS   Z0, (DI)    // dst[i..i+15] = …
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JG   loop
	VZEROUPPER
	RET

// func narrowBFloat16AVX512(dst *byte, src *float32, n int)
//
//	for i := range n {
//		b := bits(src[i])
//		dst[i] = (b + 0x7fff + b>>16&1) >> 16
//		if isNaN(src[i]) {
//			dst[i] = b>>16 | 0x40
//		}
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left
//	Z0  b, and then the result        Z4  1
//	Z1  b>>16      K1  is NaN         Z5  0x7fff
//	Z2  b>>16&1                       Z6  0x40
TEXT ·narrowBFloat16AVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL         $1, AX
	VPBROADCASTD AX, Z4
	MOVL         $0x7fff, AX
	VPBROADCASTD AX, Z5
	MOVL         $0x40, AX
	VPBROADCASTD AX, Z6

loop: // for CX = n; CX > 0; CX -= 16
	VMOVUPS (SI), Z0       // b
	VPSRLD  $16, Z0, Z1    // b>>16
	VPANDD  Z4, Z1, Z2     // b>>16 & 1
	VCMPPS  $3, Z0, Z0, K1 // is NaN
	VPADDD  Z5, Z0, Z0     // b + 0x7fff
	VPADDD  Z2, Z0, Z0     // … + b>>16&1
	VPSRLD  $16, Z0, Z0    // … >> 16
	VPORD   Z6, Z1, K1, Z0 // b>>16 | 0x40, of a NaN
	VPMOVDW Z0, Y0         // in words
	VMOVDQU Y0, (DI)       // dst[i..i+15] = …
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JG   loop
	VZEROUPPER
	RET
