//go:build !purego

#include "textflag.h"

// ROW adds the products of 4 k of a row, which Y12 holds in every 32 bits, with the weights in Y8 … Y11 to its sums: k
// = 0 and 2, then k = 1 and 3, as words.
#define ROW(lo, hi) \
	VPSRLW   $8, Y12, Y13    \
	VPAND    Y15, Y12, Y12   \
	VPMADDWD Y8, Y12, Y14    \
	VPADDD   Y14, lo, lo     \
	VPMADDWD Y9, Y12, Y14    \
	VPADDD   Y14, hi, hi     \
	VPMADDWD Y10, Y13, Y14   \
	VPADDD   Y14, lo, lo     \
	VPMADDWD Y11, Y13, Y14   \
	VPADDD   Y14, hi, hi

#define WEIGHTS \
	VMOVDQU 0(BX), Y8    \
	VMOVDQU 32(BX), Y9   \
	VMOVDQU 64(BX), Y10  \
	VMOVDQU 96(BX), Y11  \
	ADDQ    $128, BX

// func int8WordsAVX2x4x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *byte, steps int, tail *uint32)
//
// Registers:
//	DI acc   R8 ldacc in bytes   SI a   R9 lda   R10 3·lda   R11 tiles left   R12 w   DX tail
//	AX a of this step            BX w of this step           CX steps left    R13 steps
//	Y0 … Y7 sums, two for each row   Y8 … Y11 weights   Y12, Y13 a row   Y14 products   Y15 words of 255
TEXT ·int8WordsAVX2x4x16(SB), NOSPLIT, $0-64
	MOVQ     acc+0(FP), DI
	MOVQ     ldacc+8(FP), R8
	SHLQ     $2, R8
	MOVQ     a+16(FP), SI
	MOVQ     lda+24(FP), R9
	LEAQ     (R9)(R9*2), R10
	MOVQ     tiles+32(FP), R11
	MOVQ     w+40(FP), R12
	MOVQ     steps+48(FP), R13
	MOVQ     tail+56(FP), DX
	VPCMPEQD Y15, Y15, Y15
	VPSRLW   $8, Y15, Y15

tile: // for R11 = tiles; R11 > 0; R11--
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	MOVQ  SI, AX
	MOVQ  R12, BX
	MOVQ  R13, CX
	TESTQ CX, CX
	JZ    rest

step: // for CX = steps; CX > 0; CX--
	WEIGHTS
	VPBROADCASTD (AX), Y12          // a[r·lda+4·step..]
	ROW(Y0, Y1)
	VPBROADCASTD (AX)(R9*1), Y12
	ROW(Y2, Y3)
	VPBROADCASTD (AX)(R9*2), Y12
	ROW(Y4, Y5)
	VPBROADCASTD (AX)(R10*1), Y12
	ROW(Y6, Y7)
	ADDQ         $4, AX
	DECQ         CX
	JNZ          step

rest:
	TESTQ        DX, DX
	JZ           store
	WEIGHTS
	VPBROADCASTD 0(DX), Y12         // tail[r]
	ROW(Y0, Y1)
	VPBROADCASTD 4(DX), Y12
	ROW(Y2, Y3)
	VPBROADCASTD 8(DX), Y12
	ROW(Y4, Y5)
	VPBROADCASTD 12(DX), Y12
	ROW(Y6, Y7)
	ADDQ         $16, DX

store:
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    R8, DI
	VMOVDQU Y2, 0(DI)
	VMOVDQU Y3, 32(DI)
	ADDQ    R8, DI
	VMOVDQU Y4, 0(DI)
	VMOVDQU Y5, 32(DI)
	ADDQ    R8, DI
	VMOVDQU Y6, 0(DI)
	VMOVDQU Y7, 32(DI)
	ADDQ    R8, DI
	LEAQ    (SI)(R9*4), SI
	DECQ    R11
	JNZ     tile
	VZEROUPPER
	RET
