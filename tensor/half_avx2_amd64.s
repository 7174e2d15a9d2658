//go:build !purego

#include "textflag.h"

// func widenFloat16AVX2(dst *float32, src *byte, n int)
//
//	for i := range n {
//		dst[i] = Float16ToFloat32(src[i])
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Y0  the values
TEXT ·widenFloat16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 8
	VCVTPH2PS (SI), Y0 // src[i..i+7]
	VMOVUPS   Y0, (DI) // dst[i..i+7] = …
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JG   loop
	VZEROUPPER
	RET

// func narrowFloat16AVX2(dst *byte, src *float32, n int)
//
//	for i := range n {
//		dst[i] = Float32ToFloat16(src[i])
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Y0  the values
TEXT ·narrowFloat16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 8
	VMOVUPS   (SI), Y0   // src[i..i+7]
	VCVTPS2PH $0, Y0, X0 // to nearest, ties to even
	VMOVDQU   X0, (DI)   // dst[i..i+7] = …
	ADDQ $32, SI
	ADDQ $16, DI
	SUBQ $8, CX
	JG   loop
	VZEROUPPER
	RET

// func widenBFloat16AVX2(dst *float32, src *byte, n int)
//
//	for i := range n {
//		dst[i] = frombits(src[i] << 16)
//	}
//
// Registers:
//	DI  dst    SI  src    CX  elements left    Y0  the values
TEXT ·widenBFloat16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 8
	VPMOVZXWD (SI), Y0    // src[i..i+7]
	VPSLLD    $16, Y0, Y0 // … << 16
	VMOVUPS   Y0, (DI)    // dst[i..i+7] = …
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JG   loop
	VZEROUPPER
	RET

// func narrowBFloat16AVX2(dst *byte, src *float32, n int)
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
//	Y0  b, and then the result        Y4  1
//	Y1  b>>16      Y3  is NaN         Y5  0x7fff
//	Y2  b>>16&1                       Y6  0x40
TEXT ·narrowBFloat16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VPCMPEQD Y7, Y7, Y7
	VPSRLD   $31, Y7, Y4
	VPSRLD   $17, Y7, Y5
	VPSLLD   $6, Y4, Y6

loop: // for CX = n; CX > 0; CX -= 8
	VMOVUPS      (SI), Y0       // b
	VPSRLD       $16, Y0, Y1    // b>>16
	VPAND        Y4, Y1, Y2     // b>>16 & 1
	VCMPPS       $3, Y0, Y0, Y3 // is NaN
	VPADDD       Y5, Y0, Y0     // b + 0x7fff
	VPADDD       Y2, Y0, Y0     // … + b>>16&1
	VPSRLD       $16, Y0, Y0    // … >> 16
	VPOR         Y6, Y1, Y1     // b>>16 | 0x40
	VPBLENDVB    Y3, Y1, Y0, Y0 // that of a NaN
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW    X1, X0, X0     // in words
	VMOVDQU      X0, (DI)       // dst[i..i+7] = …
	ADDQ $32, SI
	ADDQ $16, DI
	SUBQ $8, CX
	JG   loop
	VZEROUPPER
	RET
