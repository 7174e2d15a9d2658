//go:build !purego

#include "textflag.h"

// func quantizeRowAVX512(dst *byte, src *float32, n int, scale *float32, zeroPoint *int32, p *quantizer)
//
//	for c := range n {
//		z := zeroPoint[c] // or 0
//		dst[c] = byte(RNE(clamp(src[c]/scale[c], p.lo-float32(z), p.hi-float32(z))) + z) // z for a NaN
//	}
//
// Registers:
//	DI  dst            Z0  the values       Z4  p.lo     Z5  p.hi
//	SI  src            Z1  z                K5  the elements that exist
//	R8  scale          Z2  p.lo - z         K1  not NaN
//	R9  zeroPoint      Z3  p.hi - z
//	CX  elements left
TEXT ·quantizeRowAVX512(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         scale+24(FP), R8
	MOVQ         zeroPoint+32(FP), R9
	MOVQ         p+40(FP), DX
	VBROADCASTSS 8(DX), Z4
	VBROADCASTSS 12(DX), Z5
	VPXORD       Z1, Z1, Z1
	VMOVAPS      Z4, Z2
	VMOVAPS      Z5, Z3
	MOVL         $0xffff, AX

vector: // for CX = n; CX > 0; CX -= 16
	CMPQ CX, $16
	JGE  whole
	MOVL $1, AX
	SHLL CX, AX
	DECL AX                     // 1<<CX - 1

whole:
	KMOVW AX, K5
	TESTQ R9, R9
	JE    symmetric
	VMOVDQU32.Z (R9), K5, Z1    // z
	VCVTDQ2PS   Z1, Z3
	VSUBPS      Z3, Z4, Z2      // p.lo - z
	VSUBPS      Z3, Z5, Z3      // p.hi - z
	ADDQ        $64, R9

symmetric:
	VMOVUPS.Z (SI), K5, Z0      // src[c..c+15]
	VMOVUPS.Z (R8), K5, Z6      // scale[c..c+15]
	VDIVPS    Z6, Z0, Z0        // … / scale
	VCMPPS    $7, Z0, Z0, K1
	VMAXPS    Z2, Z0, Z0
	VMINPS.Z  Z3, Z0, K1, Z0    // clamp(…), 0 for a NaN
	VCVTPS2DQ Z0, Z0            // RNE(…)
	VPADDD    Z1, Z0, Z0        // … + z
	VPMOVDB   Z0, X0            // in bytes
	VMOVDQU8  X0, K5, (DI)      // dst[c..c+15] = …
	ADDQ      $64, SI
	ADDQ      $64, R8
	ADDQ      $16, DI
	SUBQ      $16, CX
	JG        vector
	VZEROUPPER
	RET

// func dequantizeRowAVX512(dst *float32, src *byte, n int, scale *float32, zeroPoint *int32, p *dequantizer)
//
//	for c := range n {
//		dst[c] = float32(int32(src[c]^byte(p.flip)) - p.before - zeroPoint[c]) * scale[c]
//	}
//
// Registers:
//	DI  dst            Z0  the values
//	SI  src            Z1  p.before
//	R8  scale          Z2  p.flip, of one code a dword
//	R9  zeroPoint      K5  the elements that exist
//	CX  elements left
TEXT ·dequantizeRowAVX512(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         scale+24(FP), R8
	MOVQ         zeroPoint+32(FP), R9
	MOVQ         p+40(FP), DX
	VPBROADCASTD 4(DX), Z1
	VPBROADCASTD 8(DX), Z2
	VPSRLD       $24, Z2, Z2
	MOVL         $0xffff, AX

vector: // for CX = n; CX > 0; CX -= 16
	CMPQ CX, $16
	JGE  whole
	MOVL $1, AX
	SHLL CX, AX
	DECL AX                     // 1<<CX - 1

whole:
	KMOVW      AX, K5
	VMOVDQU8.Z (SI), K5, X0     // src[c..c+15]
	VPMOVZXBD  X0, Z0           // in dwords
	VPXORD     Z2, Z0, Z0       // … ^ flip
	VPSUBD     Z1, Z0, Z0       // … - before
	TESTQ      R9, R9
	JE         symmetric
	VMOVDQU32.Z (R9), K5, Z3    // zeroPoint[c..c+15]
	VPSUBD     Z3, Z0, Z0       // … - zeroPoint
	ADDQ       $64, R9

symmetric:
	VCVTDQ2PS Z0, Z0
	VMOVUPS.Z (R8), K5, Z3      // scale[c..c+15]
	VMULPS    Z3, Z0, Z0        // … · scale
	VMOVUPS   Z0, K5, (DI)      // dst[c..c+15] = …
	ADDQ      $16, SI
	ADDQ      $64, R8
	ADDQ      $64, DI
	SUBQ      $16, CX
	JG        vector
	VZEROUPPER
	RET
