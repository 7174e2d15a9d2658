//go:build !purego

// USMMLA multiplies 2 rows of 8 unsigned bytes by 2 channels of 8 signed ones and adds the 4 sums to 4 int32: twice the
// products of SDOT, and with activations as they are stored.
//
// A step takes 16 bytes of each row; two rows are zipped into registers of 8 k of both, one for each half of the step.
// Weights are packed in the same way: 8 k of two channels in a register. The 24 accumulators of a 6×16 tile, 3 pairs
// of rows by 8 pairs of channels, and the 6 registers of activations leave 2 for weights, which take turns: while one
// is multiplied the other is loaded, at the end of a half the first of the next: 16 bytes beyond the end of the panel
// at the last. Each half costs 8 loads of weights for 24 USMMLA.
//
// Registers:
//	R0  acc                                V0-V23  accumulators, [pairs of rows][8 pairs of channels], each [2][2]
//	R1  the tile                           V24-V26 activations of pairs of rows, k to k+7
//	R2  lda                                V27-V29 activations of pairs of rows, k+8 to k+15
//	R3  tiles left                         V30,V31 weights; V31 first activations
//	R5  weights, at this step              V24-V31 at the end: sums of two rows
//	R6-R11 rows of the tile, at this step
//	R12 steps left, then halves of the rest
//	R13 tail

#include "textflag.h"
#include "neon_arm64.h"

#define ARGUMENTS \
	MOVD acc+0(FP), R0    \
	MOVD a+8(FP), R1      \
	MOVD lda+16(FP), R2   \
	MOVD tiles+24(FP), R3 \
	MOVD tail+48(FP), R13

// START points at the first step of a tile.
#define START \
	MOVD w+32(FP), R5 \
	MOVD steps+40(FP), R12

#define ROWS4 \
	MOVD R1, R6     \
	ADD  R2, R6, R7 \
	ADD  R2, R7, R8 \
	ADD  R2, R8, R9

#define ROWS6 \
	ROWS4            \
	ADD  R2, R9, R10 \
	ADD  R2, R10, R11

#define CLEAR8(c0, c1, c2, c3, c4, c5, c6, c7) \
	VEOR c0, c0, c0 \
	VEOR c1, c1, c1 \
	VEOR c2, c2, c2 \
	VEOR c3, c3, c3 \
	VEOR c4, c4, c4 \
	VEOR c5, c5, c5 \
	VEOR c6, c6, c6 \
	VEOR c7, c7, c7

// ZIP loads 16 bytes of two rows, and leaves 8 k of both in low and the next 8 in high, which is register f.
#define ZIP(row0, row1, f, low, high) \
	FMOVQ.P 16(row0), f       \
	FMOVQ.P 16(row1), F31     \
	VZIP1   V31.D2, high, low \
	VZIP2   V31.D2, high, high

// MUL6 and MUL4 add the products of pairs of rows a to a+2 or a+1 with a pair of channels.
#define MUL4(a, w, c) \
	USMMLA(w, a, c) \
	USMMLA(w, a+1, c+8)

#define MUL6(a, w, c) \
	MUL4(a, w, c) \
	USMMLA(w, a+2, c+16)

// HALF adds the products of half x of a step, rows by 16 channels.
#define HALF(MUL, x, a) \
	FMOVQ x*128+16(R5), F31  \
	MUL(a, 30, 0)            \
	FMOVQ x*128+32(R5), F30  \
	MUL(a, 31, 1)            \
	FMOVQ x*128+48(R5), F31  \
	MUL(a, 30, 2)            \
	FMOVQ x*128+64(R5), F30  \
	MUL(a, 31, 3)            \
	FMOVQ x*128+80(R5), F31  \
	MUL(a, 30, 4)            \
	FMOVQ x*128+96(R5), F30  \
	MUL(a, 31, 5)            \
	FMOVQ x*128+112(R5), F31 \
	MUL(a, 30, 6)            \
	FMOVQ x*128+128(R5), F30 \
	MUL(a, 31, 7)

// STORE2 stores the sums of two rows by 16 channels.
#define STORE2(c0, c1, c2, c3, c4, c5, c6, c7) \
	VZIP1   c1, c0, V24.D2     \
	VZIP1   c3, c2, V25.D2     \
	VZIP1   c5, c4, V26.D2     \
	VZIP1   c7, c6, V27.D2     \
	VZIP2   c1, c0, V28.D2     \
	VZIP2   c3, c2, V29.D2     \
	VZIP2   c5, c4, V30.D2     \
	VZIP2   c7, c6, V31.D2     \
	FSTPQ.P (F24, F25), 32(R0) \
	FSTPQ.P (F26, F27), 32(R0) \
	FSTPQ.P (F28, F29), 32(R0) \
	FSTPQ.P (F30, F31), 32(R0)

// func int8I8MM6x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)
TEXT ·int8I8MM6x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	CLEAR8(V0.B16, V1.B16, V2.B16, V3.B16, V4.B16, V5.B16, V6.B16, V7.B16)
	CLEAR8(V8.B16, V9.B16, V10.B16, V11.B16, V12.B16, V13.B16, V14.B16, V15.B16)
	CLEAR8(V16.B16, V17.B16, V18.B16, V19.B16, V20.B16, V21.B16, V22.B16, V23.B16)
	START
	ROWS6
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = steps; R12 > 0; R12--
	ZIP(R6, R7, F27, V24.D2, V27.D2)   // a[0..1][k..k+7], a[0..1][k+8..k+15]
	ZIP(R8, R9, F28, V25.D2, V28.D2)
	ZIP(R10, R11, F29, V26.D2, V29.D2)
	HALF(MUL6, 0, 24)             // acc += a[..][k..k+7]·w
	HALF(MUL6, 1, 27)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest: // the last K%16 bytes of each row, in halves
	MOVD rest+56(FP), R12
	CBZ  R12, store
	ZIP(R13, R13, F27, V24.D2, V27.D2)
	ZIP(R13, R13, F28, V25.D2, V28.D2)
	ZIP(R13, R13, F29, V26.D2, V29.D2)
	HALF(MUL6, 0, 24)
	SUB  $1, R12
	CBZ  R12, store
	HALF(MUL6, 1, 27)

store:
	STORE2(V0.D2, V1.D2, V2.D2, V3.D2, V4.D2, V5.D2, V6.D2, V7.D2)
	STORE2(V8.D2, V9.D2, V10.D2, V11.D2, V12.D2, V13.D2, V14.D2, V15.D2)
	STORE2(V16.D2, V17.D2, V18.D2, V19.D2, V20.D2, V21.D2, V22.D2, V23.D2)
	ADD  R2, R1         // 6 rows on
	ADD  R2<<2, R1
	ADD  R2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// func int8I8MM4x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)
TEXT ·int8I8MM4x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	CLEAR8(V0.B16, V1.B16, V2.B16, V3.B16, V4.B16, V5.B16, V6.B16, V7.B16)
	CLEAR8(V8.B16, V9.B16, V10.B16, V11.B16, V12.B16, V13.B16, V14.B16, V15.B16)
	START
	ROWS4
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = steps; R12 > 0; R12--
	ZIP(R6, R7, F27, V24.D2, V27.D2)
	ZIP(R8, R9, F28, V25.D2, V28.D2)
	HALF(MUL4, 0, 24)
	HALF(MUL4, 1, 27)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD rest+56(FP), R12
	CBZ  R12, store
	ZIP(R13, R13, F27, V24.D2, V27.D2)
	ZIP(R13, R13, F28, V25.D2, V28.D2)
	HALF(MUL4, 0, 24)
	SUB  $1, R12
	CBZ  R12, store
	HALF(MUL4, 1, 27)

store:
	STORE2(V0.D2, V1.D2, V2.D2, V3.D2, V4.D2, V5.D2, V6.D2, V7.D2)
	STORE2(V8.D2, V9.D2, V10.D2, V11.D2, V12.D2, V13.D2, V14.D2, V15.D2)
	ADD  R2<<2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// MUL1 adds the products of a row, in both halves of a, with 8 pairs of channels of half x.
#define MUL1(x, a) \
	FLDPQ x*128(R5), (F16, F17)    \
	FLDPQ x*128+32(R5), (F18, F19) \
	FLDPQ x*128+64(R5), (F20, F21) \
	FLDPQ x*128+96(R5), (F22, F23) \
	USMMLA(16, a, 0)               \
	USMMLA(17, a, 1)               \
	USMMLA(18, a, 2)               \
	USMMLA(19, a, 3)               \
	USMMLA(20, a, 4)               \
	USMMLA(21, a, 5)               \
	USMMLA(22, a, 6)               \
	USMMLA(23, a, 7)

// func int8I8MM1x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)
//
// The row is both rows of a pair. Its 8 accumulators then hold every sum twice.
TEXT ·int8I8MM1x16(SB), NOSPLIT, $0-64
	ARGUMENTS

tile:
	CLEAR8(V0.B16, V1.B16, V2.B16, V3.B16, V4.B16, V5.B16, V6.B16, V7.B16)
	START
	MOVD R1, R6
	CBZ  R12, rest

step: // for R12 = steps; R12 > 0; R12--
	FMOVQ.P 16(R6), F30
	VDUP    V30.D[0], V24.D2
	VDUP    V30.D[1], V27.D2
	MUL1(0, 24)
	MUL1(1, 27)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD    rest+56(FP), R12
	CBZ     R12, store
	FMOVQ.P 16(R13), F30
	VDUP    V30.D[0], V24.D2
	VDUP    V30.D[1], V27.D2
	MUL1(0, 24)
	SUB     $1, R12
	CBZ     R12, store
	MUL1(1, 27)

store:
	VZIP1   V1.D2, V0.D2, V0.D2
	VZIP1   V3.D2, V2.D2, V1.D2
	VZIP1   V5.D2, V4.D2, V2.D2
	VZIP1   V7.D2, V6.D2, V3.D2
	FSTPQ.P (F0, F1), 32(R0)
	FSTPQ.P (F2, F3), 32(R0)
	ADD     R2, R1
	SUB     $1, R3
	CBNZ    R3, tile
	RET
