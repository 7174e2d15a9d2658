//go:build !purego

// Where no sum of two products can leave 16 bits (see saturates), VPMADDUBSW is exact, and takes 6 operations a step and
// row instead of the 10 of int8_avx2_amd64.s. Weights are bytes, as for VPDPBUSD.
//
// Registers:
//	AX   row 0 of the tile, at this step      Y0-Y7   accumulators, [rows][2]
//	BX   steps left                           Y8,Y9   weights
//	CX   tiles left                           Y10     16 times 1
//	DX   lda      R8  3·lda                   Y14     activations
//	SI   the tile                  R10 steps  Y13,Y15 products
//	DI   acc                       R11 tail
//	R12  weights, at this step

#include "textflag.h"

#define ARGUMENTS \
	MOVQ acc+0(FP), DI         \
	MOVQ a+8(FP), SI           \
	MOVQ lda+16(FP), DX        \
	MOVQ tiles+24(FP), CX      \
	MOVQ steps+40(FP), R10     \
	MOVQ tail+48(FP), R11      \
	LEAQ (DX)(DX*2), R8        \
	VPCMPEQW Y10, Y10, Y10     \
	VPSRLW $15, Y10, Y10

// START points at the first step of a tile.
#define START \
	MOVQ  w+32(FP), R12 \
	MOVQ  SI, AX        \
	MOVQ  R10, BX       \
	TESTQ BX, BX

// PAIRS adds a row's products with 16 channels.
#define PAIRS(address, c0, c1) \
	VPBROADCASTD address, Y14  \
	VPMADDUBSW Y8, Y14, Y13    \
	VPMADDUBSW Y9, Y14, Y15    \
	VPMADDWD   Y10, Y13, Y13   \
	VPMADDWD   Y10, Y15, Y15   \
	VPADDD     Y13, c0, c0     \
	VPADDD     Y15, c1, c1

// func int8AVX2Pairs4x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8AVX2Pairs4x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	START
	JZ    rest

step: // for BX = steps; BX > 0; BX--
	VMOVDQU (R12), Y8
	VMOVDQU 32(R12), Y9
	PAIRS((AX), Y0, Y1)        // acc[0] += a[0][k..k+3]·w
	PAIRS((AX)(DX*1), Y2, Y3)
	PAIRS((AX)(DX*2), Y4, Y5)
	PAIRS((AX)(R8*1), Y6, Y7)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

rest: // the last K%4 bytes of each row
	TESTQ   R11, R11
	JZ      store
	VMOVDQU (R12), Y8
	VMOVDQU 32(R12), Y9
	PAIRS((R11), Y0, Y1)
	PAIRS(4(R11), Y2, Y3)
	PAIRS(8(R11), Y4, Y5)
	PAIRS(12(R11), Y6, Y7)
	ADDQ    $16, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VMOVDQU Y4, 128(DI)
	VMOVDQU Y5, 160(DI)
	VMOVDQU Y6, 192(DI)
	VMOVDQU Y7, 224(DI)
	ADDQ    $256, DI
	LEAQ    (SI)(DX*4), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func int8AVX2Pairs1x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8AVX2Pairs1x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	START
	JZ    rest

step:
	VMOVDQU (R12), Y8
	VMOVDQU 32(R12), Y9
	PAIRS((AX), Y0, Y1)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

rest:
	TESTQ   R11, R11
	JZ      store
	VMOVDQU (R12), Y8
	VMOVDQU 32(R12), Y9
	PAIRS((R11), Y0, Y1)
	ADDQ    $4, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    $64, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET
