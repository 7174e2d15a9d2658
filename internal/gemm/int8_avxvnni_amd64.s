//go:build !purego

// As int8_vnni_amd64.s with half the width and half the registers: 12 accumulators, tiles of 16 channels.
//
// Registers:
//	AX   row 0 of the tile, at this step      Y0-Y11  accumulators, [rows][2]
//	BX   steps left                           Y12,Y13 weights
//	CX   tiles left                           Y14,Y15 activations
//	DX   lda      R8  3·lda
//	SI   the tile                  R9  row 5, at this step
//	DI   acc                       R10 steps
//	R11  tail or 0                 R12 weights, at this step
//	R13  4·ldacc                   R15 12·ldacc

#include "textflag.h"
#include "avxvnni_amd64.h"

#define ARGUMENTS \
	MOVQ acc+0(FP), DI     \
	MOVQ ldacc+8(FP), R13  \
	MOVQ a+16(FP), SI      \
	MOVQ lda+24(FP), DX    \
	MOVQ tiles+32(FP), CX  \
	MOVQ steps+48(FP), R10 \
	MOVQ tail+56(FP), R11  \
	LEAQ (DX)(DX*2), R8    \
	SHLQ $2, R13           \
	LEAQ (R13)(R13*2), R15

// START points at the first step of a tile.
#define START \
	MOVQ  w+40(FP), R12  \
	MOVQ  SI, AX         \
	LEAQ  (SI)(DX*4), R9 \
	ADDQ  DX, R9         \
	MOVQ  R10, BX        \
	TESTQ BX, BX

#define CLEAR4(c0, c1, c2, c3) \
	VPXOR c0, c0, c0 \
	VPXOR c1, c1, c1 \
	VPXOR c2, c2, c2 \
	VPXOR c3, c3, c3

// ROW_EVEN and ROW_ODD add a row's products with 16 channels to the accumulators of these numbers.
#define ROW_EVEN(address, c0, c1) \
	VPBROADCASTD address, Y14 \
	DPBUSD(12, 14, c0)        \
	DPBUSD(13, 14, c1)

#define ROW_ODD(address, c0, c1) \
	VPBROADCASTD address, Y15 \
	DPBUSD(12, 15, c0)        \
	DPBUSD(13, 15, c1)

// func int8AVXVNNI6x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8AVXVNNI6x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)
	CLEAR4(Y8, Y9, Y10, Y11)
	START
	JZ rest

step: // for BX = steps; BX > 0; BX--
	VMOVDQU (R12), Y12               // 8 channels by 4 k
	VMOVDQU 32(R12), Y13             // the next 8
	ROW_EVEN((AX), 0, 1)             // acc[0] += a[0][k..k+3]·w
	ROW_ODD((AX)(DX*1), 2, 3)
	ROW_EVEN((AX)(DX*2), 4, 5)
	ROW_ODD((AX)(R8*1), 6, 7)
	ROW_EVEN((AX)(DX*4), 8, 9)
	ROW_ODD((R9), 10, 11)
	ADDQ    $4, AX
	ADDQ    $4, R9
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

rest: // the last K%4 bytes of each row
	TESTQ   R11, R11
	JZ      store
	VMOVDQU (R12), Y12
	VMOVDQU 32(R12), Y13
	ROW_EVEN((R11), 0, 1)
	ROW_ODD(4(R11), 2, 3)
	ROW_EVEN(8(R11), 4, 5)
	ROW_ODD(12(R11), 6, 7)
	ROW_EVEN(16(R11), 8, 9)
	ROW_ODD(20(R11), 10, 11)
	ADDQ    $24, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, (DI)(R13*1)
	VMOVDQU Y3, 32(DI)(R13*1)
	VMOVDQU Y4, (DI)(R13*2)
	VMOVDQU Y5, 32(DI)(R13*2)
	VMOVDQU Y6, (DI)(R15*1)
	VMOVDQU Y7, 32(DI)(R15*1)
	LEAQ    (DI)(R13*4), DI
	VMOVDQU Y8, (DI)
	VMOVDQU Y9, 32(DI)
	VMOVDQU Y10, (DI)(R13*1)
	VMOVDQU Y11, 32(DI)(R13*1)
	LEAQ    (DI)(R13*2), DI
	LEAQ    (SI)(DX*4), SI
	LEAQ    (SI)(DX*2), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func int8AVXVNNI4x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8AVXVNNI4x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)
	START
	JZ rest

step:
	VMOVDQU (R12), Y12
	VMOVDQU 32(R12), Y13
	ROW_EVEN((AX), 0, 1)
	ROW_ODD((AX)(DX*1), 2, 3)
	ROW_EVEN((AX)(DX*2), 4, 5)
	ROW_ODD((AX)(R8*1), 6, 7)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

rest:
	TESTQ   R11, R11
	JZ      store
	VMOVDQU (R12), Y12
	VMOVDQU 32(R12), Y13
	ROW_EVEN((R11), 0, 1)
	ROW_ODD(4(R11), 2, 3)
	ROW_EVEN(8(R11), 4, 5)
	ROW_ODD(12(R11), 6, 7)
	ADDQ    $16, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, (DI)(R13*1)
	VMOVDQU Y3, 32(DI)(R13*1)
	VMOVDQU Y4, (DI)(R13*2)
	VMOVDQU Y5, 32(DI)(R13*2)
	VMOVDQU Y6, (DI)(R15*1)
	VMOVDQU Y7, 32(DI)(R15*1)
	LEAQ    (DI)(R13*4), DI
	LEAQ    (SI)(DX*4), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func int8AVXVNNI1x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8AVXVNNI1x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	START
	JZ    rest

step:
	VMOVDQU (R12), Y12
	VMOVDQU 32(R12), Y13
	ROW_EVEN((AX), 0, 1)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

rest:
	TESTQ   R11, R11
	JZ      store
	VMOVDQU (R12), Y12
	VMOVDQU 32(R12), Y13
	ROW_EVEN((R11), 0, 1)
	ADDQ    $4, R11

store:
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    R13, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func avxvnniCode() *byte
TEXT ·avxvnniCode(SB), NOSPLIT, $0-8
	LEAQ ·int8AVXVNNI6x16(SB), AX
	MOVQ AX, ret+0(FP)
	RET
