//go:build !purego

#include "textflag.h"

// func requantizeAVX512(dst *byte, acc *int32, n int, multiplier *float32, single bool, p *rounding)
//
//	for c := range n {
//		m := multiplier[c] // or multiplier[0] if single
//		dst[c] = byte(RNE(clamp(float32(float32(acc[c])*m)+p.before, p.lo, p.hi)) + p.after)
//	}
//
// Registers:
//	DI  dst            Z0  the values        Z3  p.lo
//	SI  acc            Z1  multipliers       Z4  p.hi
//	R8  multiplier     Z5  p.before          Z6  p.after
//	CX  elements left  K5  the elements that exist
TEXT ·requantizeAVX512(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         acc+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         multiplier+24(FP), R8
	MOVBLZX      single+32(FP), R9
	MOVQ         p+40(FP), DX
	VBROADCASTSS 0(DX), Z3
	VBROADCASTSS 4(DX), Z4
	VBROADCASTSS 8(DX), Z5
	VPBROADCASTD 12(DX), Z6
	VBROADCASTSS (R8), Z1       // the one multiplier, or replaced below
	MOVL         $0xffff, AX

vector: // for CX = n; CX > 0; CX -= 16
	CMPQ CX, $16
	JGE  whole
	MOVL $1, AX
	SHLL CX, AX
	DECL AX                     // 1<<CX - 1

whole:
	KMOVW     AX, K5
	CMPL      R9, $0
	JNE       single
	VMOVUPS.Z (R8), K5, Z1      // multiplier[c..c+15]
	ADDQ      $64, R8

single:
	VMOVDQU32.Z (SI), K5, Z0    // acc[c..c+15]
	VCVTDQ2PS   Z0, Z0          // float32(…)
	VMULPS      Z1, Z0, Z0      // … · m
	VADDPS      Z5, Z0, Z0      // … + before
	VMAXPS      Z3, Z0, Z0
	VMINPS      Z4, Z0, Z0      // clamp(…, lo, hi)
	VCVTPS2DQ   Z0, Z0          // RNE(…)
	VPADDD      Z6, Z0, Z0      // … + after
	VPMOVDB     Z0, X0          // in bytes
	VMOVDQU8    X0, K5, (DI)    // dst[c..c+15] = …
	ADDQ        $64, SI
	ADDQ        $16, DI
	SUBQ        $16, CX
	JG          vector
	VZEROUPPER
	RET
