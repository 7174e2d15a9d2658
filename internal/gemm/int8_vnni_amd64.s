//go:build !purego

// VPDPBUSD adds the products of four unsigned by four signed bytes to each of 16 int32. A step takes 4 bytes of a row,
// broadcast, by 4 bytes of each channel. 16 accumulators hide its latency of 4 or 5 cycles at two a cycle.
//
// Registers:
//	AX   row 0 of the tile, at this step      Z0-Z15  accumulators, [rows][width/16]
//	BX   steps left                           Z16,Z17 weights
//	CX   tiles left                           Z18-Z25 activations
//	DX   lda      R8  3·lda
//	SI   the tile                  R9  row 5, at this step
//	DI   acc                       R10 steps
//	R11  tail or 0                 R12 weights, at this step

#include "textflag.h"

#define ARGUMENTS \
	MOVQ acc+0(FP), DI     \
	MOVQ a+8(FP), SI       \
	MOVQ lda+16(FP), DX    \
	MOVQ tiles+24(FP), CX  \
	MOVQ steps+40(FP), R10 \
	MOVQ tail+48(FP), R11  \
	LEAQ (DX)(DX*2), R8

// START points at the first step of a tile.
#define START \
	MOVQ  w+32(FP), R12  \
	MOVQ  SI, AX         \
	LEAQ  (SI)(DX*4), R9 \
	ADDQ  DX, R9         \
	MOVQ  R10, BX        \
	TESTQ BX, BX

#define CLEAR4(c0, c1, c2, c3) \
	VPXORD c0, c0, c0 \
	VPXORD c1, c1, c1 \
	VPXORD c2, c2, c2 \
	VPXORD c3, c3, c3

// ROW2 adds a row's products with 32 channels, ROW1 with 16.
#define ROW2(address, x, c0, c1) \
	VPBROADCASTD address, x \
	VPDPBUSD     Z16, x, c0 \
	VPDPBUSD     Z17, x, c1

#define ROW1(address, x, c0) \
	VPBROADCASTD address, x \
	VPDPBUSD     Z16, x, c0

// func int8VNNI8x32(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8VNNI8x32(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	CLEAR4(Z8, Z9, Z10, Z11)
	CLEAR4(Z12, Z13, Z14, Z15)
	START
	JZ rest

step: // for BX = steps; BX > 0; BX--
	VMOVDQU32 (R12), Z16               // 16 channels by 4 k
	VMOVDQU32 64(R12), Z17             // the next 16
	ROW2((AX), Z18, Z0, Z1)            // acc[0] += a[0][k..k+3]·w
	ROW2((AX)(DX*1), Z19, Z2, Z3)
	ROW2((AX)(DX*2), Z20, Z4, Z5)
	ROW2((AX)(R8*1), Z21, Z6, Z7)
	ROW2((AX)(DX*4), Z22, Z8, Z9)
	ROW2((R9), Z23, Z10, Z11)
	ROW2((R9)(DX*1), Z24, Z12, Z13)
	ROW2((R9)(DX*2), Z25, Z14, Z15)
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest: // the last K%4 bytes of each row
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ROW2(4(R11), Z19, Z2, Z3)
	ROW2(8(R11), Z20, Z4, Z5)
	ROW2(12(R11), Z21, Z6, Z7)
	ROW2(16(R11), Z22, Z8, Z9)
	ROW2(20(R11), Z23, Z10, Z11)
	ROW2(24(R11), Z24, Z12, Z13)
	ROW2(28(R11), Z25, Z14, Z15)
	ADDQ      $32, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VMOVDQU32 Z2, 128(DI)
	VMOVDQU32 Z3, 192(DI)
	VMOVDQU32 Z4, 256(DI)
	VMOVDQU32 Z5, 320(DI)
	VMOVDQU32 Z6, 384(DI)
	VMOVDQU32 Z7, 448(DI)
	VMOVDQU32 Z8, 512(DI)
	VMOVDQU32 Z9, 576(DI)
	VMOVDQU32 Z10, 640(DI)
	VMOVDQU32 Z11, 704(DI)
	VMOVDQU32 Z12, 768(DI)
	VMOVDQU32 Z13, 832(DI)
	VMOVDQU32 Z14, 896(DI)
	VMOVDQU32 Z15, 960(DI)
	ADDQ      $1024, DI
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI4x32(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8VNNI4x32(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	START
	JZ rest

step:
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ROW2((AX)(DX*1), Z19, Z2, Z3)
	ROW2((AX)(DX*2), Z20, Z4, Z5)
	ROW2((AX)(R8*1), Z21, Z6, Z7)
	ADDQ      $4, AX
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ROW2(4(R11), Z19, Z2, Z3)
	ROW2(8(R11), Z20, Z4, Z5)
	ROW2(12(R11), Z21, Z6, Z7)
	ADDQ      $16, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VMOVDQU32 Z2, 128(DI)
	VMOVDQU32 Z3, 192(DI)
	VMOVDQU32 Z4, 256(DI)
	VMOVDQU32 Z5, 320(DI)
	VMOVDQU32 Z6, 384(DI)
	VMOVDQU32 Z7, 448(DI)
	ADDQ      $512, DI
	LEAQ      (SI)(DX*4), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI1x32(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8VNNI1x32(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	START
	JZ     rest

step:
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ADDQ      $4, AX
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ADDQ      $4, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	ADDQ      $128, DI
	ADDQ      DX, SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI16x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
//
// R13 is row 2 and R9 row 7 here.
TEXT ·int8VNNI16x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	CLEAR4(Z8, Z9, Z10, Z11)
	CLEAR4(Z12, Z13, Z14, Z15)
	START
	LEAQ (SI)(DX*2), R13
	LEAQ (SI)(R8*2), R9
	ADDQ DX, R9
	TESTQ BX, BX
	JZ rest

step:
	VMOVDQU32 (R12), Z16
	ROW1((AX), Z18, Z0)
	ROW1((AX)(DX*1), Z19, Z1)
	ROW1((AX)(DX*2), Z20, Z2)
	ROW1((AX)(R8*1), Z21, Z3)
	ROW1((AX)(DX*4), Z22, Z4)
	ROW1((R13)(R8*1), Z23, Z5)
	ROW1((AX)(R8*2), Z24, Z6)
	ROW1((R9), Z25, Z7)
	ROW1((AX)(DX*8), Z18, Z8)
	ROW1((R9)(DX*2), Z19, Z9)
	ROW1((R9)(R8*1), Z20, Z10)
	ROW1((R9)(DX*4), Z21, Z11)
	ROW1((AX)(R8*4), Z22, Z12)
	ROW1((R9)(R8*2), Z23, Z13)
	ROW1((R13)(R8*4), Z24, Z14)
	ROW1((R9)(DX*8), Z25, Z15)
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $4, R13
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ROW1(4(R11), Z19, Z1)
	ROW1(8(R11), Z20, Z2)
	ROW1(12(R11), Z21, Z3)
	ROW1(16(R11), Z22, Z4)
	ROW1(20(R11), Z23, Z5)
	ROW1(24(R11), Z24, Z6)
	ROW1(28(R11), Z25, Z7)
	ROW1(32(R11), Z18, Z8)
	ROW1(36(R11), Z19, Z9)
	ROW1(40(R11), Z20, Z10)
	ROW1(44(R11), Z21, Z11)
	ROW1(48(R11), Z22, Z12)
	ROW1(52(R11), Z23, Z13)
	ROW1(56(R11), Z24, Z14)
	ROW1(60(R11), Z25, Z15)
	ADDQ      $64, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VMOVDQU32 Z2, 128(DI)
	VMOVDQU32 Z3, 192(DI)
	VMOVDQU32 Z4, 256(DI)
	VMOVDQU32 Z5, 320(DI)
	VMOVDQU32 Z6, 384(DI)
	VMOVDQU32 Z7, 448(DI)
	VMOVDQU32 Z8, 512(DI)
	VMOVDQU32 Z9, 576(DI)
	VMOVDQU32 Z10, 640(DI)
	VMOVDQU32 Z11, 704(DI)
	VMOVDQU32 Z12, 768(DI)
	VMOVDQU32 Z13, 832(DI)
	VMOVDQU32 Z14, 896(DI)
	VMOVDQU32 Z15, 960(DI)
	ADDQ      $1024, DI
	LEAQ      (SI)(DX*8), SI
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI8x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8VNNI8x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	START
	JZ rest

step:
	VMOVDQU32 (R12), Z16
	ROW1((AX), Z18, Z0)
	ROW1((AX)(DX*1), Z19, Z1)
	ROW1((AX)(DX*2), Z20, Z2)
	ROW1((AX)(R8*1), Z21, Z3)
	ROW1((AX)(DX*4), Z22, Z4)
	ROW1((R9), Z23, Z5)
	ROW1((R9)(DX*1), Z24, Z6)
	ROW1((R9)(DX*2), Z25, Z7)
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ROW1(4(R11), Z19, Z1)
	ROW1(8(R11), Z20, Z2)
	ROW1(12(R11), Z21, Z3)
	ROW1(16(R11), Z22, Z4)
	ROW1(20(R11), Z23, Z5)
	ROW1(24(R11), Z24, Z6)
	ROW1(28(R11), Z25, Z7)
	ADDQ      $32, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VMOVDQU32 Z2, 128(DI)
	VMOVDQU32 Z3, 192(DI)
	VMOVDQU32 Z4, 256(DI)
	VMOVDQU32 Z5, 320(DI)
	VMOVDQU32 Z6, 384(DI)
	VMOVDQU32 Z7, 448(DI)
	ADDQ      $512, DI
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI1x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)
TEXT ·int8VNNI1x16(SB), NOSPLIT, $0-56
	ARGUMENTS

tile:
	VPXORD Z0, Z0, Z0
	START
	JZ     rest

step:
	VMOVDQU32 (R12), Z16
	ROW1((AX), Z18, Z0)
	ADDQ      $4, AX
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ADDQ      $4, R11

store:
	VMOVDQU32 Z0, (DI)
	ADDQ      $64, DI
	ADDQ      DX, SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET
