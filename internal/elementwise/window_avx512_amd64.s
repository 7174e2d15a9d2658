//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func maxCodesAVX512(dst, src *byte, channels, pixels, step int, taps *int, count int)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Z0 the result   K1 the channels that exist
TEXT ·maxCodesAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	MOVQ R8, BX
	SUBQ $64, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-64; c += 64
	LEAQ      (SI)(AX*1), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVDQU8 (DX)(R13*1), Z0
	MOVQ      $1, CX
	JMP       tapTest

tap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VPMAXUB   (DX)(R13*1), Z0, Z0 // max(…, src[p·step+taps[t]+c..])
	INCQ      CX

tapTest:
	CMPQ      CX, R12
	JLT       tap
	VMOVDQU8 Z0, (DI)(AX*1)
	ADDQ      $64, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	CMPQ      AX, R8
	JGE       next
	MOVQ      R8, CX
	SUBQ      AX, CX
	MOVQ      $-1, R13
	BZHIQ     CX, R13, R13        // 1<<(channels-c) - 1
	KMOVQ     R13, K1
	LEAQ      (SI)(AX*1), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVDQU8.Z (DX)(R13*1), K1, Z0
	MOVQ      $1, CX
	JMP       maskedTapTest

maskedTap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VMOVDQU8.Z (DX)(R13*1), K1, Z1
	VPMAXUB   Z1, Z0, Z0
	INCQ      CX

maskedTapTest:
	CMPQ      CX, R12
	JLT       maskedTap
	VMOVDQU8 Z0, K1, (DI)(AX*1)

next:
	LEAQ (DI)(R8*1), DI
	LEAQ (SI)(R10*1), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET

// func maxRealsAVX512(dst, src *float32, channels, pixels, step int, taps *int, count int)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Z0 the result   K1 the channels that exist
TEXT ·maxRealsAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	MOVQ R8, BX
	SUBQ $16, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-16; c += 16
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVUPS (DX)(R13*4), Z0
	MOVQ      $1, CX
	JMP       tapTest

tap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VMOVUPS (DX)(R13*4), Z1
	VMAXPS    Z0, Z1, Z0          // src[p·step+taps[t]+c..] where that is greater
	INCQ      CX

tapTest:
	CMPQ      CX, R12
	JLT       tap
	VMOVUPS Z0, (DI)(AX*4)
	ADDQ      $16, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	CMPQ      AX, R8
	JGE       next
	MOVQ      R8, CX
	SUBQ      AX, CX
	MOVL      $1, R13
	SHLL      CX, R13
	DECL      R13                 // 1<<(channels-c) - 1
	KMOVW     R13, K1
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	MOVQ      (R11), R13
	VMOVUPS.Z (DX)(R13*4), K1, Z0
	MOVQ      $1, CX
	JMP       maskedTapTest

maskedTap: // for t := 1; t < len(taps); t++
	MOVQ      (R11)(CX*8), R13
	VMOVUPS.Z (DX)(R13*4), K1, Z1
	VMAXPS    Z0, Z1, Z0          // src[p·step+taps[t]+c..] where that is greater
	INCQ      CX

maskedTapTest:
	CMPQ      CX, R12
	JLT       maskedTap
	VMOVUPS Z0, K1, (DI)(AX*4)

next:
	LEAQ (DI)(R8*4), DI
	LEAQ (SI)(R10*4), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET

// func meanRealsAVX512(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32)
//
// Registers:
//	DI dst        R8  channels    R11 taps        AX c of this pixel   DX src at c
//	SI src        R9  pixels left R12 count       CX t                 R13 taps[t]
//	BX last whole R10 step        Z0 the result   K1 the channels that exist
TEXT ·meanRealsAVX512(SB), NOSPLIT, $0-60
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ channels+16(FP), R8
	MOVQ pixels+24(FP), R9
	MOVQ step+32(FP), R10
	MOVQ taps+40(FP), R11
	MOVQ count+48(FP), R12
	VBROADCASTSS n+56(FP), Z2
	MOVQ R8, BX
	SUBQ $16, BX

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ AX, AX
	CMPQ AX, BX
	JGT  rest

whole: // for c = 0; c <= channels-16; c += 16
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	VXORPS    Z0, Z0, Z0
	XORQ      CX, CX

tap: // for t := range taps
	MOVQ      (R11)(CX*8), R13
	VADDPS    (DX)(R13*4), Z0, Z0 // += src[p·step+taps[t]+c..]
	INCQ      CX
	CMPQ      CX, R12
	JLT       tap
	VDIVPS    Z2, Z0, Z0          // … / n
	VMOVUPS   Z0, (DI)(AX*4)
	ADDQ      $16, AX
	CMPQ      AX, BX
	JLE       whole

rest:
	CMPQ      AX, R8
	JGE       next
	MOVQ      R8, CX
	SUBQ      AX, CX
	MOVL      $1, R13
	SHLL      CX, R13
	DECL      R13                 // 1<<(channels-c) - 1
	KMOVW     R13, K1
	LEAQ      (SI)(AX*4), DX      // &src[p·step+c]
	VXORPS    Z0, Z0, Z0
	XORQ      CX, CX

maskedTap: // for t := range taps
	MOVQ      (R11)(CX*8), R13
	VMOVUPS.Z (DX)(R13*4), K1, Z1
	VADDPS    Z1, Z0, Z0          // += src[p·step+taps[t]+c..]
	INCQ      CX
	CMPQ      CX, R12
	JLT       maskedTap
	VDIVPS    Z2, Z0, Z0          // … / n
	VMOVUPS   Z0, K1, (DI)(AX*4)

next:
	LEAQ (DI)(R8*4), DI
	LEAQ (SI)(R10*4), SI
	DECQ R9
	JNZ  pixel
	VZEROUPPER
	RET
