//go:build !purego

// AVX2 has no exact product of bytes: VPMADDUBSW saturates its sums of two. So bytes are widened to 16 bits, of which
// VPMADDWD multiplies and adds two, exactly. A step takes 4 bytes of a row, broadcast: bytes 0 and 2 are the even half
// of each 16 bits, left by a mask, and 1 and 3 the odd half, left by a shift. Weights are packed to match, as 16 bits:
// [2 halves][16 channels][2].
//
// Registers:
//	AX   row 0 of the tile, at this step      Y0-Y7   accumulators, [rows][2]
//	BX   steps left                           Y8,Y9   weights of the even half
//	CX   tiles left                           Y10,Y11 weights of the odd half
//	DX   lda      R8  3·lda                   Y12     16 times 0x00ff
//	SI   the tile                  R10 steps  Y13,Y14 activations, even and odd
//	DI   acc                       R11 tail   Y15     products
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
	VPCMPEQW Y12, Y12, Y12     \
	VPSRLW $8, Y12, Y12

// START points at the first step of a tile.
#define START \
	MOVQ  w+32(FP), R12 \
	MOVQ  SI, AX        \
	MOVQ  R10, BX       \
	TESTQ BX, BX

#define WEIGHTS \
	VMOVDQU (R12), Y8    \
	VMOVDQU 32(R12), Y9  \
	VMOVDQU 64(R12), Y10 \
	VMOVDQU 96(R12), Y11

// ROW adds a row's products with 16 channels.
#define ROW(address, c0, c1) \
	VPBROADCASTD address, Y14 \
	VPAND    Y12, Y14, Y13 \
	VPSRLW   $8, Y14, Y14  \
	VPMADDWD Y8, Y13, Y15  \
	VPADDD   Y15, c0, c0   \
	VPMADDWD Y9, Y13, Y15  \
	VPADDD   Y15, c1, c1   \
	VPMADDWD Y10, Y14, Y15 \
	VPADDD   Y15, c0, c0   \
	VPMADDWD Y11, Y14, Y15 \
	VPADDD   Y15, c1, c1

// func int8AVX2x4x16(acc *int32, a *byte, lda, tiles int, w *int16, steps int, tail *uint32)
TEXT ·int8AVX2x4x16(SB), NOSPLIT, $0-56
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
	WEIGHTS
	ROW((AX), Y0, Y1)          // acc[0] += a[0][k..k+3]·w
	ROW((AX)(DX*1), Y2, Y3)
	ROW((AX)(DX*2), Y4, Y5)
	ROW((AX)(R8*1), Y6, Y7)
	ADDQ $4, AX
	ADDQ $128, R12
	DECQ BX
	JNZ  step

rest: // the last K%4 bytes of each row
	TESTQ R11, R11
	JZ    store
	WEIGHTS
	ROW((R11), Y0, Y1)
	ROW(4(R11), Y2, Y3)
	ROW(8(R11), Y4, Y5)
	ROW(12(R11), Y6, Y7)
	ADDQ  $16, R11

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

// func int8AVX2x1x16(acc *int32, a *byte, lda, tiles int, w *int16, steps int, tail *uint32)
TEXT ·int8AVX2x1x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	START
	JZ    rest

step:
	WEIGHTS
	ROW((AX), Y0, Y1)
	ADDQ $4, AX
	ADDQ $128, R12
	DECQ BX
	JNZ  step

rest:
	TESTQ R11, R11
	JZ    store
	WEIGHTS
	ROW((R11), Y0, Y1)
	ADDQ  $4, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    $64, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET
