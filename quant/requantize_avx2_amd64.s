//go:build !purego

#include "textflag.h"

// func requantizeAVX2(dst *byte, acc *int32, n int, multiplier *float32, single bool, p *rounding)
//
//	for c := range n &^ 7 {
//		m := multiplier[c] // or multiplier[0] if single
//		dst[c] = byte(RNE(clamp(float32(float32(acc[c])*m)+p.before, p.lo, p.hi)) + p.after)
//	}
//
// Registers:
//	DI  dst            Y0  the values        Y3  p.lo
//	SI  acc            Y1  multipliers       Y4  p.hi
//	R8  multiplier     Y5  p.before          Y6  p.after
//	CX  elements left  Y7  0x000000ff
TEXT ·requantizeAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         acc+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         multiplier+24(FP), R8
	MOVBLZX      single+32(FP), R9
	MOVQ         p+40(FP), DX
	VBROADCASTSS 0(DX), Y3
	VBROADCASTSS 4(DX), Y4
	VBROADCASTSS 8(DX), Y5
	VPBROADCASTD 12(DX), Y6
	VPCMPEQD     Y7, Y7, Y7
	VPSRLD       $24, Y7, Y7
	VBROADCASTSS (R8), Y1       // the one multiplier, or replaced below
	SUBQ         $8, CX
	JL           done

vector: // for CX = n - 8; CX >= 0; CX -= 8
	CMPL    R9, $0
	JNE     single
	VMOVUPS (R8), Y1            // multiplier[c..c+7]
	ADDQ    $32, R8

single:
	VCVTDQ2PS    (SI), Y0       // float32(acc[c..c+7])
	VMULPS       Y1, Y0, Y0     // … · m
	VADDPS       Y5, Y0, Y0     // … + before
	VMAXPS       Y3, Y0, Y0
	VMINPS       Y4, Y0, Y0     // clamp(…, lo, hi)
	VCVTPS2DQ    Y0, Y0         // RNE(…)
	VPADDD       Y6, Y0, Y0     // … + after
	VPAND        Y7, Y0, Y0     // in bytes
	VEXTRACTI128 $1, Y0, X2
	VPACKUSDW    X2, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, (DI)       // dst[c..c+7] = …
	ADDQ         $32, SI
	ADDQ         $8, DI
	SUBQ         $8, CX
	JGE          vector

done:
	VZEROUPPER
	RET
