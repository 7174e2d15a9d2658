//go:build !purego

// FMLA multiplies weights of 4 channels by one element of a register and adds, with one rounding: an outer product,
// where each output is one chain of fused multiply-adds over k.
//
// A step takes 4 floats of a row, a whole register. 24 accumulators of a 6×16 tile hide the latency of 4 cycles at four
// FMLA a cycle, the most that any core has, and with 6 registers of activations leave 2 for weights, which take turns:
// while one is multiplied the other is loaded, at the end of a k the first of the next: 16 bytes beyond the end of the
// panel at the last. Each k costs 4 loads of weights for 24 FMLA.
//
// Registers:
//	R0  acc                                V0-V23  accumulators, [rows][4]
//	R1  the tile                           V24-V29 activations, 4 k of each row
//	R2  4·lda                              V30,V31 weights
//	R3  tiles left
//	R5  weights, at this step
//	R6-R11 rows of the tile, at this step
//	R12 steps of 4 left, then of 1

#include "textflag.h"
#include "neon_arm64.h"

#define ARGUMENTS \
	MOVD acc+0(FP), R0    \
	MOVD a+8(FP), R1      \
	MOVD lda+16(FP), R2   \
	MOVD tiles+24(FP), R3 \
	LSL  $2, R2

// START points at the first step of a tile.
#define START \
	MOVD w+32(FP), R5  \
	MOVD k+40(FP), R12 \
	LSR  $2, R12

#define ROWS4 \
	MOVD R1, R6     \
	ADD  R2, R6, R7 \
	ADD  R2, R7, R8 \
	ADD  R2, R8, R9

#define ROWS6 \
	ROWS4            \
	ADD  R2, R9, R10 \
	ADD  R2, R10, R11

#define CLEAR4(c0, c1, c2, c3) \
	VEOR c0, c0, c0 \
	VEOR c1, c1, c1 \
	VEOR c2, c2, c2 \
	VEOR c3, c3, c3

#define STORE(c0, c1, c2, c3) \
	FSTPQ.P (c0, c1), 32(R0) \
	FSTPQ.P (c2, c3), 32(R0)

#define FMLA1(x, w, c) \
	FMLA(24, x, w, c)

#define FMLA4(x, w, c) \
	FMLA(24, x, w, c)   \
	FMLA(25, x, w, c+4) \
	FMLA(26, x, w, c+8) \
	FMLA(27, x, w, c+12)

#define FMLA6(x, w, c) \
	FMLA4(x, w, c)       \
	FMLA(28, x, w, c+16) \
	FMLA(29, x, w, c+20)

// OUTER adds the products of element x of the rows with the weights of 16 channels.
#define OUTER(MUL, x) \
	FMOVQ x*64+16(R5), F31 \
	MUL(x, 30, 0)          \
	FMOVQ x*64+32(R5), F30 \
	MUL(x, 31, 1)          \
	FMOVQ x*64+48(R5), F31 \
	MUL(x, 30, 2)          \
	FMOVQ x*64+64(R5), F30 \
	MUL(x, 31, 3)

// func float32NEON6x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32NEON6x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(V0.B16, V1.B16, V2.B16, V3.B16)
	CLEAR4(V4.B16, V5.B16, V6.B16, V7.B16)
	CLEAR4(V8.B16, V9.B16, V10.B16, V11.B16)
	CLEAR4(V12.B16, V13.B16, V14.B16, V15.B16)
	CLEAR4(V16.B16, V17.B16, V18.B16, V19.B16)
	CLEAR4(V20.B16, V21.B16, V22.B16, V23.B16)
	START
	ROWS6
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = k/4; R12 > 0; R12--
	FMOVQ.P 16(R6), F24  // a[0][k..k+3]
	FMOVQ.P 16(R7), F25
	FMOVQ.P 16(R8), F26
	FMOVQ.P 16(R9), F27
	FMOVQ.P 16(R10), F28
	FMOVQ.P 16(R11), F29
	OUTER(FMLA6, 0)      // acc[..] = fma(a[..][k], w[k], acc[..])
	OUTER(FMLA6, 1)
	OUTER(FMLA6, 2)
	OUTER(FMLA6, 3)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest: // the last k%4
	MOVD k+40(FP), R12
	AND  $3, R12
	CBZ  R12, store

one:
	FMOVS.P 4(R6), F24
	FMOVS.P 4(R7), F25
	FMOVS.P 4(R8), F26
	FMOVS.P 4(R9), F27
	FMOVS.P 4(R10), F28
	FMOVS.P 4(R11), F29
	OUTER(FMLA6, 0)
	ADD     $64, R5
	SUB     $1, R12
	CBNZ    R12, one

store:
	STORE(F0, F1, F2, F3)
	STORE(F4, F5, F6, F7)
	STORE(F8, F9, F10, F11)
	STORE(F12, F13, F14, F15)
	STORE(F16, F17, F18, F19)
	STORE(F20, F21, F22, F23)
	ADD  R2, R1           // 6 rows on
	ADD  R2<<2, R1
	ADD  R2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// func float32NEON4x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32NEON4x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(V0.B16, V1.B16, V2.B16, V3.B16)
	CLEAR4(V4.B16, V5.B16, V6.B16, V7.B16)
	CLEAR4(V8.B16, V9.B16, V10.B16, V11.B16)
	CLEAR4(V12.B16, V13.B16, V14.B16, V15.B16)
	START
	ROWS4
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = k/4; R12 > 0; R12--
	FMOVQ.P 16(R6), F24
	FMOVQ.P 16(R7), F25
	FMOVQ.P 16(R8), F26
	FMOVQ.P 16(R9), F27
	OUTER(FMLA4, 0)
	OUTER(FMLA4, 1)
	OUTER(FMLA4, 2)
	OUTER(FMLA4, 3)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD k+40(FP), R12
	AND  $3, R12
	CBZ  R12, store

one:
	FMOVS.P 4(R6), F24
	FMOVS.P 4(R7), F25
	FMOVS.P 4(R8), F26
	FMOVS.P 4(R9), F27
	OUTER(FMLA4, 0)
	ADD     $64, R5
	SUB     $1, R12
	CBNZ    R12, one

store:
	STORE(F0, F1, F2, F3)
	STORE(F4, F5, F6, F7)
	STORE(F8, F9, F10, F11)
	STORE(F12, F13, F14, F15)
	ADD  R2<<2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// func float32NEON1x16(acc, a *float32, lda, tiles int, w *float32, k int)
//
// The chains of a row are 4 registers, and must not be split: a row alone takes the latency of FMLA for each k, in
// which time 64 bytes of weights arrive that nothing else needs.
TEXT ·float32NEON1x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(V0.B16, V1.B16, V2.B16, V3.B16)
	START
	MOVD  R1, R6
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = k/4; R12 > 0; R12--
	FMOVQ.P 16(R6), F24
	OUTER(FMLA1, 0)
	OUTER(FMLA1, 1)
	OUTER(FMLA1, 2)
	OUTER(FMLA1, 3)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD k+40(FP), R12
	AND  $3, R12
	CBZ  R12, store

one:
	FMOVS.P 4(R6), F24
	OUTER(FMLA1, 0)
	ADD     $64, R5
	SUB     $1, R12
	CBNZ    R12, one

store:
	STORE(F0, F1, F2, F3)
	ADD  R2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET
