//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func maxCodesAVX2(dst, src *byte, channels, pixels, step int, taps *int, count int, stride int)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Y0 the result; channels in whole vectors only
TEXT ·maxCodesAVX2(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	MOVQ R8, BX
	SUBQ $32, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-32; c += 32
	LEAQ      (SI)(AX*1), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVDQU (DX)(R13*1), Y0
	MOVQ      $1, CX
	JMP       tapTest

tap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VPMAXUB   (DX)(R13*1), Y0, Y0 // max(…, src[p·step+taps[t]+c..])
	INCQ      CX

tapTest:
	CMPQ      CX, R12
	JLT       tap
	VMOVDQU Y0, (DI)(AX*1)
	ADDQ      $32, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	MOVQ stride+56(FP), R13
	LEAQ (DI)(R13*1), DI
	LEAQ (SI)(R10*1), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET

// func maxRealsAVX2(dst, src *float32, channels, pixels, step int, taps *int, count int, stride int)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Y0 the result; channels in whole vectors only
TEXT ·maxRealsAVX2(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	MOVQ R8, BX
	SUBQ $8, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-8; c += 8
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVUPS (DX)(R13*4), Y0
	MOVQ      $1, CX
	JMP       tapTest

tap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VMOVUPS (DX)(R13*4), Y1
	VMAXPS    Y0, Y1, Y0          // src[p·step+taps[t]+c..] where that is greater
	INCQ      CX

tapTest:
	CMPQ      CX, R12
	JLT       tap
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ      $8, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	MOVQ stride+56(FP), R13
	LEAQ (DI)(R13*4), DI
	LEAQ (SI)(R10*4), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET

// func meanRealsAVX2(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32, stride int)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Y0 the result; channels in whole vectors only
TEXT ·meanRealsAVX2(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	VBROADCASTSS n+56(FP), Y2
	MOVQ R8, BX
	SUBQ $8, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-8; c += 8
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	VXORPS    Y0, Y0, Y0
	XORQ      CX, CX

tap: // for t := range taps
	MOVQ      (R11)(CX*8), R13
	VADDPS    (DX)(R13*4), Y0, Y0 // += src[p·step+taps[t]+c..]
	INCQ      CX
	CMPQ      CX, R12
	JLT       tap
	VDIVPS    Y2, Y0, Y0          // … / n
	VMOVUPS   Y0, (DI)(AX*4)
	ADDQ      $8, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	MOVQ stride+64(FP), R13
	LEAQ (DI)(R13*4), DI
	LEAQ (SI)(R10*4), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET
