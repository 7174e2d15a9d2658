//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func extremesAVX2(x *float32, n int) (lo, hi float32)
//
// Registers:
//	SI x   CX left   Y0 Y1 Y2 Y3 smallest   Y4 Y5 Y6 Y7 largest   Y8 … Y11 the values
TEXT ·extremesAVX2(SB), NOSPLIT, $0-24
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	SUBQ   $32, CX
	JLT    eights

whole: // for CX = n - 32; CX >= 0; CX -= 32
	VMOVUPS (SI), Y8
	VMOVUPS 32(SI), Y9
	VMOVUPS 64(SI), Y10
	VMOVUPS 96(SI), Y11
	VMINPS  Y0, Y8, Y0   // x if x < …, a NaN is no less
	VMINPS  Y1, Y9, Y1
	VMINPS  Y2, Y10, Y2
	VMINPS  Y3, Y11, Y3
	VMAXPS  Y4, Y8, Y4   // x if x > …
	VMAXPS  Y5, Y9, Y5
	VMAXPS  Y6, Y10, Y6
	VMAXPS  Y7, Y11, Y7
	ADDQ    $128, SI
	SUBQ    $32, CX
	JGE     whole

eights:
	ADDQ $24, CX
	JLT  fold

eight: // for CX = left - 8; CX >= 0; CX -= 8
	VMOVUPS (SI), Y8
	VMINPS  Y0, Y8, Y0
	VMAXPS  Y4, Y8, Y4
	ADDQ    $32, SI
	SUBQ    $8, CX
	JGE     eight

fold: // no NaN is left, and no -0
	VMINPS       Y1, Y0, Y0
	VMINPS       Y3, Y2, Y2
	VMINPS       Y2, Y0, Y0
	VMAXPS       Y5, Y4, Y4
	VMAXPS       Y7, Y6, Y6
	VMAXPS       Y6, Y4, Y4
	VEXTRACTF128 $1, Y0, X1
	VEXTRACTF128 $1, Y4, X5
	VMINPS       X1, X0, X0
	VMAXPS       X5, X4, X4
	VPERMILPS    $0x4e, X0, X1
	VPERMILPS    $0x4e, X4, X5
	VMINPS       X1, X0, X0
	VMAXPS       X5, X4, X4
	VPERMILPS    $0xb1, X0, X1
	VPERMILPS    $0xb1, X4, X5
	VMINPS       X1, X0, X0
	VMAXPS       X5, X4, X4
	VMOVSS       X0, lo+16(FP)
	VMOVSS       X4, hi+20(FP)
	VZEROUPPER
	RET

// func scaledAVX2(dst *float32, sums *int32, scale, bias *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI sums   DX scale   R8 bias   CX left   Y0 the values   Y3 lo   Y4 hi
TEXT ·scaledAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         sums+8(FP), SI
	MOVQ         scale+16(FP), DX
	MOVQ         bias+24(FP), R8
	MOVQ         n+32(FP), CX
	VBROADCASTSS lo+40(FP), Y3
	VBROADCASTSS hi+44(FP), Y4
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VCVTDQ2PS (SI), Y0     // float32(sum)
	VMULPS    (DX), Y0, Y0 // … · scale
	VADDPS    (R8), Y0, Y0 // … + bias
	VMAXPS    Y0, Y3, Y0   // lo if … < lo, NaN stays
	VMINPS    Y0, Y4, Y0   // hi if … > hi, NaN stays
	VMOVUPS   Y0, (DI)
	ADDQ      $32, SI
	ADDQ      $32, DX
	ADDQ      $32, R8
	ADDQ      $32, DI
	SUBQ      $8, CX
	JGE       whole

rest:
	VZEROUPPER
	RET

// func scaledZeroAVX2(dst *float32, sums *int32, scale, bias *float32, zero *int32, row int32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI sums   DX scale   R8 bias   R9 zero   CX left   AX Y2 row   Y0 Y1 the values   Y3 lo   Y4 hi
TEXT ·scaledZeroAVX2(SB), NOSPLIT, $0-64
	MOVQ         dst+0(FP), DI
	MOVQ         sums+8(FP), SI
	MOVQ         scale+16(FP), DX
	MOVQ         bias+24(FP), R8
	MOVQ         zero+32(FP), R9
	MOVL         row+40(FP), AX
	VMOVD        AX, X2
	VPBROADCASTD X2, Y2
	MOVQ         n+48(FP), CX
	VBROADCASTSS lo+56(FP), Y3
	VBROADCASTSS hi+60(FP), Y4
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VPMULLD   (R9), Y2, Y1 // zero · row
	VMOVDQU   (SI), Y0
	VPSUBD    Y1, Y0, Y0   // sum − …
	VCVTDQ2PS Y0, Y0
	VMULPS    (DX), Y0, Y0 // … · scale
	VADDPS    (R8), Y0, Y0 // … + bias
	VMAXPS    Y0, Y3, Y0   // lo if … < lo, NaN stays
	VMINPS    Y0, Y4, Y0   // hi if … > hi, NaN stays
	VMOVUPS   Y0, (DI)
	ADDQ      $32, SI
	ADDQ      $32, DX
	ADDQ      $32, R8
	ADDQ      $32, R9
	ADDQ      $32, DI
	SUBQ      $8, CX
	JGE       whole

rest:
	VZEROUPPER
	RET

DATA magic<>+0(SB)/4, $0x4b400000 // 1.5 × 2^23
GLOBL magic<>(SB), RODATA|NOPTR, $4

// func centredAVX2(dst, src *float32, n int, q *Quantizer)
//
// Registers:
//	DI dst   SI src   CX left   Y0 Y1 the values   Y2 scale   Y3 lo   Y4 hi   Y5 magic
TEXT ·centredAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         q+24(FP), AX
	VBROADCASTSS Quantizer_Scale(AX), Y2
	VBROADCASTSS Quantizer_Lo(AX), Y3
	VBROADCASTSS Quantizer_Hi(AX), Y4
	VBROADCASTSS magic<>(SB), Y5
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VMOVUPS (SI), Y0
	VDIVPS  Y2, Y0, Y0       // x / scale
	VCMPPS  $7, Y0, Y0, Y1   // all bits where it is no NaN
	VANDPS  Y1, Y0, Y0       // 0 where it is
	VMAXPS  Y0, Y3, Y0
	VMINPS  Y0, Y4, Y0
	VADDPS  Y5, Y0, Y0       // rounds to an integer, ties to even
	VSUBPS  Y5, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     whole

rest:
	VZEROUPPER
	RET
