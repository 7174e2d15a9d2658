//go:build !purego

// SDOT multiplies signed bytes by signed bytes, and a stored activation is unsigned. Its highest bit flipped, it is the
// activation less 128 as a signed byte, and 128·Σ_k w[j,k] are missing in the sum: the accumulators begin with that, as
// computed when weights were packed. (UDOT would need weights plus 128, and the sum of every row of activations.)
//
// A step takes 16 bytes of a row, a whole register, in four groups of 4 k; the index of SDOT broadcasts one of them to
// 4 channels. 24 accumulators of a 6×16 tile are more than the 4 SDOT a cycle times a latency of 3 or 4 that any core
// has in flight, and with 6 registers of activations leave 2 for weights, which take turns: while one is multiplied
// the other is loaded, at the end of a group the first of the next: 16 bytes beyond the end of the panel at the last.
// Each group costs 4 loads of weights for 24 SDOT.
//
// Registers:
//	R0  acc                                V0-V23  accumulators, [rows][4]
//	R1  the tile                           V24-V29 activations, 16 k of each row
//	R2  lda                                V30,V31 weights; V31 first 16 times 0x80
//	R3  tiles left
//	R5  weights, at this step
//	R6-R11 rows of the tile, at this step
//	R12 steps left, then groups of the rest
//	R13 tail       R14 start

#include "textflag.h"
#include "neon_arm64.h"

#define ARGUMENTS \
	MOVD acc+0(FP), R0     \
	MOVD a+8(FP), R1       \
	MOVD lda+16(FP), R2    \
	MOVD tiles+24(FP), R3  \
	MOVD start+40(FP), R14 \
	MOVD tail+56(FP), R13

// START points at the first step of a tile.
#define START \
	MOVD w+32(FP), R5 \
	MOVD steps+48(FP), R12

#define ROWS4 \
	MOVD R1, R6     \
	ADD  R2, R6, R7 \
	ADD  R2, R7, R8 \
	ADD  R2, R8, R9

#define ROWS6 \
	ROWS4            \
	ADD  R2, R9, R10 \
	ADD  R2, R10, R11

// BEGIN starts a row of accumulators.
#define BEGIN(c0, c1, c2, c3) \
	FLDPQ (R14), (c0, c1) \
	FLDPQ 32(R14), (c2, c3)

#define STORE(c0, c1, c2, c3) \
	FSTPQ.P (c0, c1), 32(R0) \
	FSTPQ.P (c2, c3), 32(R0)

#define FLIP4 \
	VMOVI $128, V31.B16             \
	VEOR  V31.B16, V24.B16, V24.B16 \
	VEOR  V31.B16, V25.B16, V25.B16 \
	VEOR  V31.B16, V26.B16, V26.B16 \
	VEOR  V31.B16, V27.B16, V27.B16

#define FLIP6 \
	FLIP4                           \
	VEOR  V31.B16, V28.B16, V28.B16 \
	VEOR  V31.B16, V29.B16, V29.B16

#define DOT4(x, w, c) \
	SDOT(24, x, w, c)   \
	SDOT(25, x, w, c+4) \
	SDOT(26, x, w, c+8) \
	SDOT(27, x, w, c+12)

#define DOT6(x, w, c) \
	DOT4(x, w, c)        \
	SDOT(28, x, w, c+16) \
	SDOT(29, x, w, c+20)

// GROUP4 and GROUP6 add the products of group x of 4 k, rows by 16 channels.
#define GROUP4(x) \
	FMOVQ x*64+16(R5), F31 \
	DOT4(x, 30, 0)         \
	FMOVQ x*64+32(R5), F30 \
	DOT4(x, 31, 1)         \
	FMOVQ x*64+48(R5), F31 \
	DOT4(x, 30, 2)         \
	FMOVQ x*64+64(R5), F30 \
	DOT4(x, 31, 3)

#define GROUP6(x) \
	FMOVQ x*64+16(R5), F31 \
	DOT6(x, 30, 0)         \
	FMOVQ x*64+32(R5), F30 \
	DOT6(x, 31, 1)         \
	FMOVQ x*64+48(R5), F31 \
	DOT6(x, 30, 2)         \
	FMOVQ x*64+64(R5), F30 \
	DOT6(x, 31, 3)

// func int8DotProd6x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8DotProd6x16(SB), NOSPLIT, $0-72
	ARGUMENTS

tile:
	BEGIN(F0, F1, F2, F3)
	BEGIN(F4, F5, F6, F7)
	BEGIN(F8, F9, F10, F11)
	BEGIN(F12, F13, F14, F15)
	BEGIN(F16, F17, F18, F19)
	BEGIN(F20, F21, F22, F23)
	START
	ROWS6
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = steps; R12 > 0; R12--
	FMOVQ.P 16(R6), F24 // a[0][k..k+15]
	FMOVQ.P 16(R7), F25
	FMOVQ.P 16(R8), F26
	FMOVQ.P 16(R9), F27
	FMOVQ.P 16(R10), F28
	FMOVQ.P 16(R11), F29
	FLIP6               // a - 128
	GROUP6(0)           // acc += a[..][k..k+3]·w
	GROUP6(1)
	GROUP6(2)
	GROUP6(3)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest: // the last K%16 bytes of each row, in groups of 4
	MOVD    rest+64(FP), R12
	CBZ     R12, store
	FMOVQ.P 16(R13), F24
	FMOVQ.P 16(R13), F25
	FMOVQ.P 16(R13), F26
	FMOVQ.P 16(R13), F27
	FMOVQ.P 16(R13), F28
	FMOVQ.P 16(R13), F29
	FLIP6
	GROUP6(0)
	SUB     $1, R12
	CBZ     R12, store
	GROUP6(1)
	SUB     $1, R12
	CBZ     R12, store
	GROUP6(2)
	SUB     $1, R12
	CBZ     R12, store
	GROUP6(3)

store:
	STORE(F0, F1, F2, F3)
	STORE(F4, F5, F6, F7)
	STORE(F8, F9, F10, F11)
	STORE(F12, F13, F14, F15)
	STORE(F16, F17, F18, F19)
	STORE(F20, F21, F22, F23)
	ADD  R2, R1         // 6 rows on
	ADD  R2<<2, R1
	ADD  R2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// func int8DotProd4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8DotProd4x16(SB), NOSPLIT, $0-72
	ARGUMENTS

tile:
	BEGIN(F0, F1, F2, F3)
	BEGIN(F4, F5, F6, F7)
	BEGIN(F8, F9, F10, F11)
	BEGIN(F12, F13, F14, F15)
	START
	ROWS4
	FMOVQ (R5), F30
	CBZ   R12, rest

step: // for R12 = steps; R12 > 0; R12--
	FMOVQ.P 16(R6), F24
	FMOVQ.P 16(R7), F25
	FMOVQ.P 16(R8), F26
	FMOVQ.P 16(R9), F27
	FLIP4
	GROUP4(0)
	GROUP4(1)
	GROUP4(2)
	GROUP4(3)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD    rest+64(FP), R12
	CBZ     R12, store
	FMOVQ.P 16(R13), F24
	FMOVQ.P 16(R13), F25
	FMOVQ.P 16(R13), F26
	FMOVQ.P 16(R13), F27
	FLIP4
	GROUP4(0)
	SUB     $1, R12
	CBZ     R12, store
	GROUP4(1)
	SUB     $1, R12
	CBZ     R12, store
	GROUP4(2)
	SUB     $1, R12
	CBZ     R12, store
	GROUP4(3)

store:
	STORE(F0, F1, F2, F3)
	STORE(F4, F5, F6, F7)
	STORE(F8, F9, F10, F11)
	STORE(F12, F13, F14, F15)
	ADD  R2<<2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET

// GROUP1 adds the products of group x of 4 k of one row to accumulators c to c+3.
#define GROUP1(x, c) \
	FLDPQ x*64(R5), (F28, F29)    \
	FLDPQ x*64+32(R5), (F30, F31) \
	SDOT(24, x, 28, c)            \
	SDOT(24, x, 29, c+1)          \
	SDOT(24, x, 30, c+2)          \
	SDOT(24, x, 31, c+3)

#define CLEAR4(c0, c1, c2, c3) \
	VEOR c0, c0, c0 \
	VEOR c1, c1, c1 \
	VEOR c2, c2, c2 \
	VEOR c3, c3, c3

#define ADD4(a0, a1, a2, a3, c0, c1, c2, c3) \
	VADD a0, c0, c0 \
	VADD a1, c1, c1 \
	VADD a2, c2, c2 \
	VADD a3, c3, c3

// func int8DotProd1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
//
// A row has only 4 accumulators, and would wait for each of them: every group of 4 k has 4 of its own.
TEXT ·int8DotProd1x16(SB), NOSPLIT, $0-72
	ARGUMENTS

tile:
	BEGIN(F0, F1, F2, F3)
	CLEAR4(V4.B16, V5.B16, V6.B16, V7.B16)
	CLEAR4(V16.B16, V17.B16, V18.B16, V19.B16)
	CLEAR4(V20.B16, V21.B16, V22.B16, V23.B16)
	START
	MOVD R1, R6
	CBZ  R12, rest

step: // for R12 = steps; R12 > 0; R12--
	FMOVQ.P 16(R6), F24
	VMOVI   $128, V30.B16
	VEOR    V30.B16, V24.B16, V24.B16
	GROUP1(0, 0)
	GROUP1(1, 4)
	GROUP1(2, 16)
	GROUP1(3, 20)
	ADD     $256, R5
	SUB     $1, R12
	CBNZ    R12, step

rest:
	MOVD    rest+64(FP), R12
	CBZ     R12, store
	FMOVQ.P 16(R13), F24
	VMOVI   $128, V30.B16
	VEOR    V30.B16, V24.B16, V24.B16
	GROUP1(0, 0)
	SUB     $1, R12
	CBZ     R12, store
	GROUP1(1, 4)
	SUB     $1, R12
	CBZ     R12, store
	GROUP1(2, 16)
	SUB     $1, R12
	CBZ     R12, store
	GROUP1(3, 20)

store:
	ADD4(V4.S4, V5.S4, V6.S4, V7.S4, V0.S4, V1.S4, V2.S4, V3.S4)
	ADD4(V16.S4, V17.S4, V18.S4, V19.S4, V20.S4, V21.S4, V22.S4, V23.S4)
	ADD4(V20.S4, V21.S4, V22.S4, V23.S4, V0.S4, V1.S4, V2.S4, V3.S4)
	STORE(F0, F1, F2, F3)
	ADD  R2, R1
	SUB  $1, R3
	CBNZ R3, tile
	RET
