//go:build !purego

// Without SDOT the widest exact product is of 8 bytes, to 16 bits. Two neighbouring k of each channel lie side by side,
// so that SADALP adds both to one accumulator; and before that SMLAL adds the products of the next two k in 16 bits:
// 16 products in 3 instructions, where widening the bytes and SMLAL to 32 bits would take 4. Activations are signed,
// less 128, so that their products leave 16 bits only as -128·-128 added to itself. Where weights of -128 meet in that
// sum, every product is added by itself: int8NEONWide.
//
// As with SDOT, 128·Σ_k w[j,k] are missing in the sums, and the accumulators begin with that.
//
// A step takes 16 bytes of a row, a whole register, in four groups of 4 k, of which DUP broadcasts 2 k at a time. Of
// the 32 registers 16 are accumulators of the 4×16 tile, 4 the rows' activations, 4 the weights of a group, 4
// activations broadcast, for this row and the next, and 4 products. Rows do not wait for each other, and in a row four
// chains run side by side; processors that execute in order also need the next row's activations and the next group's
// weights to be on their way early: 64 bytes beyond the end of the panel at the last. Each group costs 4 loads of
// weights and 8 DUP for 48 multiplications and sums, or 64.
//
// Registers:
//	R0  acc                                  V0-V15  accumulators, [rows][4]
//	R1  the tile                             V16-V19 activations, 16 k of each row
//	R2  lda                                  V20,V21 weights of k, k+1 by 16 channels
//	R3  tiles left                           V22,V23 weights of k+2, k+3
//	R5  weights, at this step                V24,V25 activations k, k+1 and k+2, k+3 of rows 0 and 2
//	R6-R9 rows of the tile, at this step     V26-V29 products
//	R12 steps left, then groups of the rest  V30,V31 as V24,V25, of rows 1 and 3; one is first 16 times 0x80
//	R13 tail       R14 start

#include "textflag.h"
#include "neon_arm64.h"

#define ARGUMENTS \
	MOVD  acc+0(FP), R0     \
	MOVD  a+8(FP), R1       \
	MOVD  lda+16(FP), R2    \
	MOVD  tiles+24(FP), R3  \
	MOVD  start+40(FP), R14 \
	MOVD  tail+56(FP), R13

// START points at the first step of a tile.
#define START \
	MOVD w+32(FP), R5      \
	MOVD steps+48(FP), R12 \
	MOVD R1, R6            \
	ADD  R2, R6, R7        \
	ADD  R2, R7, R8        \
	ADD  R2, R8, R9

// BEGIN starts a row of accumulators.
#define BEGIN(c0, c1, c2, c3) \
	FLDPQ (R14), (c0, c1) \
	FLDPQ 32(R14), (c2, c3)

#define STORE(c0, c1, c2, c3) \
	FSTPQ.P (c0, c1), 32(R0) \
	FSTPQ.P (c2, c3), 32(R0)

// FLIP4 makes the activations signed, and broadcasts the first 4 of row 0.
#define FLIP4 \
	VMOVI $128, V30.B16             \
	VEOR  V30.B16, V16.B16, V16.B16 \
	VEOR  V30.B16, V17.B16, V17.B16 \
	VEOR  V30.B16, V18.B16, V18.B16 \
	VEOR  V30.B16, V19.B16, V19.B16 \
	VDUP  V16.H[0], V24.H8          \
	VDUP  V16.H[1], V25.H8

#define WEIGHTS(offset) \
	FLDPQ offset(R5), (F20, F21) \
	FLDPQ offset+32(R5), (F22, F23)

// FIRST makes the products of k, k+1, broadcast in register a, with 16 channels.
#define FIRST(a) \
	SMULL(20, a, 26)  \
	SMULL2(20, a, 27) \
	SMULL(21, a, 28)  \
	SMULL2(21, a, 29)

// PAIRS adds those of k+2, k+3 to them, where the sums fit 16 bits.
#define PAIRS(a, c) \
	SMLAL(22, a, 26)  \
	SMLAL2(22, a, 27) \
	SMLAL(23, a, 28)  \
	SMLAL2(23, a, 29)

#define ACCUMULATE(c) \
	SADALP(26, c)   \
	SADALP(27, c+1) \
	SADALP(28, c+2) \
	SADALP(29, c+3)

// WIDE puts them in their place, for any weights.
#define WIDE(a, c) \
	ACCUMULATE(c)     \
	SMULL(22, a, 26)  \
	SMULL2(22, a, 27) \
	SMULL(23, a, 28)  \
	SMULL2(23, a, 29)

// ROW adds the products of 4 k of a row, broadcast in a and b, to accumulators c to c+3, and broadcasts the next.
#define ROW(SECOND, a, b, c, next0, to0, next1, to1) \
	FIRST(a)          \
	VDUP   next0, to0 \
	VDUP   next1, to1 \
	SECOND(b, c)      \
	ACCUMULATE(c)

// LAST is ROW for the last of 4, and loads the weights at the offset, of the next group.
#define LAST(SECOND, a, b, c, next0, to0, next1, to1, offset) \
	FIRST(a)                         \
	FLDPQ  offset(R5), (F20, F21)    \
	VDUP   next0, to0                \
	VDUP   next1, to1                \
	SECOND(b, c)                     \
	FLDPQ  offset+32(R5), (F22, F23) \
	ACCUMULATE(c)

// GROUP adds the products of a group of 4 k, which is elements i and j of 2 k, rows by 16 channels. Those of the next
// are k and l.
#define GROUP(SECOND, i, j, k, l, offset) \
	ROW(SECOND, 24, 25, 0, V17.H[i], V30.H8, V17.H[j], V31.H8) \
	ROW(SECOND, 30, 31, 4, V18.H[i], V24.H8, V18.H[j], V25.H8) \
	ROW(SECOND, 24, 25, 8, V19.H[i], V30.H8, V19.H[j], V31.H8) \
	LAST(SECOND, 30, 31, 12, V16.H[k], V24.H8, V16.H[l], V25.H8, offset)

// ROW1 is ROW without a next.
#define ROW1(SECOND, offset, i, j) \
	WEIGHTS(offset)       \
	VDUP V16.H[i], V24.H8 \
	VDUP V16.H[j], V25.H8 \
	FIRST(24)             \
	SECOND(25, 0)         \
	ACCUMULATE(0)

// TILES4 is the body of the kernels of 4 rows.
#define TILES4(SECOND) \
tile: \
	BEGIN(F0, F1, F2, F3)          \
	BEGIN(F4, F5, F6, F7)          \
	BEGIN(F8, F9, F10, F11)        \
	BEGIN(F12, F13, F14, F15)      \
	START                          \
	WEIGHTS(0)                     \
	CBZ     R12, rest              \
step: \
	FMOVQ.P 16(R6), F16            \
	FMOVQ.P 16(R7), F17            \
	FMOVQ.P 16(R8), F18            \
	FMOVQ.P 16(R9), F19            \
	FLIP4                          \
	GROUP(SECOND, 0, 1, 2, 3, 64)  \
	GROUP(SECOND, 2, 3, 4, 5, 128) \
	GROUP(SECOND, 4, 5, 6, 7, 192) \
	GROUP(SECOND, 6, 7, 0, 1, 256) \
	ADD     $256, R5               \
	SUB     $1, R12                \
	CBNZ    R12, step              \
rest: \
	MOVD    rest+64(FP), R12       \
	CBZ     R12, store             \
	FMOVQ.P 16(R13), F16           \
	FMOVQ.P 16(R13), F17           \
	FMOVQ.P 16(R13), F18           \
	FMOVQ.P 16(R13), F19           \
	FLIP4                          \
	GROUP(SECOND, 0, 1, 2, 3, 64)  \
	SUB     $1, R12                \
	CBZ     R12, store             \
	GROUP(SECOND, 2, 3, 4, 5, 128) \
	SUB     $1, R12                \
	CBZ     R12, store             \
	GROUP(SECOND, 4, 5, 6, 7, 192) \
	SUB     $1, R12                \
	CBZ     R12, store             \
	GROUP(SECOND, 6, 7, 0, 1, 256) \
store: \
	STORE(F0, F1, F2, F3)          \
	STORE(F4, F5, F6, F7)          \
	STORE(F8, F9, F10, F11)        \
	STORE(F12, F13, F14, F15)      \
	ADD     R2<<2, R1              \
	SUB     $1, R3                 \
	CBNZ    R3, tile               \
	RET

// TILES1 is that of the kernels of 1 row.
#define TILES1(SECOND) \
	VMOVI   $128, V31.B16                 \
tile: \
	BEGIN(F0, F1, F2, F3)                 \
	START                                 \
	CBZ     R12, rest                     \
step: \
	FMOVQ.P 16(R6), F16                   \
	VEOR    V31.B16, V16.B16, V16.B16     \
	ROW1(SECOND, 0, 0, 1)                 \
	ROW1(SECOND, 64, 2, 3)                \
	ROW1(SECOND, 128, 4, 5)               \
	ROW1(SECOND, 192, 6, 7)               \
	ADD     $256, R5                      \
	SUB     $1, R12                       \
	CBNZ    R12, step                     \
rest: \
	MOVD    rest+64(FP), R12              \
	CBZ     R12, store                    \
	FMOVQ.P 16(R13), F16                  \
	VEOR    V31.B16, V16.B16, V16.B16     \
group: \
	ROW1(SECOND, 0, 0, 1)                 \
	VEXT    $4, V16.B16, V16.B16, V16.B16 \
	ADD     $64, R5                       \
	SUB     $1, R12                       \
	CBNZ    R12, group                    \
store: \
	STORE(F0, F1, F2, F3)                 \
	ADD     R2, R1                        \
	SUB     $1, R3                        \
	CBNZ    R3, tile                      \
	RET

// func int8NEON4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8NEON4x16(SB), NOSPLIT, $0-72
	ARGUMENTS
	TILES4(PAIRS)

// func int8NEON1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8NEON1x16(SB), NOSPLIT, $0-72
	ARGUMENTS
	TILES1(PAIRS)

// func int8NEONWide4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8NEONWide4x16(SB), NOSPLIT, $0-72
	ARGUMENTS
	TILES4(WIDE)

// func int8NEONWide1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)
TEXT ·int8NEONWide1x16(SB), NOSPLIT, $0-72
	ARGUMENTS
	TILES1(WIDE)
