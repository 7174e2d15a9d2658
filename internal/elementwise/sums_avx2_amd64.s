//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func depthwiseSumsAVX2(dst *int32, src *byte, p *codeParams)
//
//	for i := range pixels {
//		for c := range 16 {
//			acc := bias[c]
//			for t := range count {
//				acc += (int32(src[i*step+taps[t]+c]) - zero) * int32(weight[weights[t]+c])
//			}
//			dst[i*16+c] = acc
//		}
//	}
//
// Registers:
//
//	DI dst   R9  pixels left   R11 taps   R14 weights   Y0,Y1 sums   Y4 zero
//	SI src   R10 step          R12 count  R15 weight    Y2,Y3 a tap  Y5,Y6 bias
//	CX t     R13 places of a tap
TEXT ·depthwiseSumsAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         p+16(FP), BX
	MOVQ         codeParams_pixels(BX), R9
	MOVQ         codeParams_step(BX), R10
	MOVQ         codeParams_taps(BX), R11
	MOVQ         codeParams_count(BX), R12
	MOVQ         codeParams_weights(BX), R14
	MOVQ         codeParams_weight(BX), R15
	MOVQ         codeParams_bias(BX), R13
	VPBROADCASTD codeParams_zero(BX), Y4
	VMOVDQU      (R13), Y5
	VMOVDQU      32(R13), Y6

pixel: // for R9 = pixels; R9 > 0; R9--
	VMOVDQA Y5, Y0
	VMOVDQA Y6, Y1
	XORQ    CX, CX

tap: // for t < count
	MOVQ      (R11)(CX*8), R13
	VPMOVZXBD (SI)(R13*1), Y2
	VPMOVZXBD 8(SI)(R13*1), Y3
	MOVQ      (R14)(CX*8), R13
	VPSUBD    Y4, Y2, Y2
	VPSUBD    Y4, Y3, Y3
	VPMADDWD  (R15)(R13*4), Y2, Y2
	VPMADDWD  32(R15)(R13*4), Y3, Y3
	VPADDD    Y2, Y0, Y0
	VPADDD    Y3, Y1, Y1
	INCQ      CX
	CMPQ      CX, R12
	JLT       tap
	VMOVDQU   Y0, (DI)
	VMOVDQU   Y1, 32(DI)
	ADDQ      $64, DI
	ADDQ      R10, SI
	DECQ      R9
	JNZ       pixel
	VZEROUPPER
	RET
