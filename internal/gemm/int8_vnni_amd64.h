// VPDPBUSD adds the products of four unsigned by four signed bytes to each of 16 int32. A step takes 4 bytes of a row,
// broadcast, by 4 bytes of each channel. 16 accumulators hide its latency of 4 or 5 cycles at two a cycle.
//
// Registers:
//	AX   row 0 of the tile, at this step      Z0-Z15  accumulators, [rows][width/16]
//	BX   steps left                           Z16,Z17 weights
//	CX   tiles left                           Z18-Z25 activations
//	DX   lda      R8  3·lda
//	SI   the tile                  R9  row 5, at this step
//	DI   acc      R15 4·ldacc
//	R11  tail or 0                 R12 weights, at this step
//	R13  scratch, or row 2

#define ARGUMENTS \
	MOVQ acc+0(FP), DI     \
	MOVQ ldacc+8(FP), R15  \
	MOVQ a+16(FP), SI      \
	MOVQ lda+24(FP), DX    \
	MOVQ tiles+32(FP), CX  \
	MOVQ tail+56(FP), R11  \
	LEAQ (DX)(DX*2), R8    \
	SHLQ $2, R15

// BEGIN points at what the sums of a tile begin with, END at that of the next.
#define BEGIN \
	MOVQ from+64(FP), AX    \
	MOVQ ldfrom+72(FP), BX  \
	SHLQ $2, BX             \
	LEAQ (BX)(BX*2), R13

#define END \
	MOVQ AX, from+64(FP)

// START points at the first step of a tile.
#define START \
	MOVQ  w+40(FP), R12  \
	MOVQ  SI, AX         \
	LEAQ  (SI)(DX*4), R9 \
	ADDQ  DX, R9         \
	MOVQ  steps+48(FP), BX \
	TESTQ BX, BX

// LOAD4 and LOAD8 load 4 rows of sums of 16 and 32 channels, and STORE4 and STORE8 store them.
#define LOAD4(c0, c1, c2, c3) \
	VMOVDQU32 (AX), c0         \
	VMOVDQU32 (AX)(BX*1), c1   \
	VMOVDQU32 (AX)(BX*2), c2   \
	VMOVDQU32 (AX)(R13*1), c3  \
	LEAQ      (AX)(BX*4), AX

#define LOAD8(c0, d0, c1, d1, c2, d2, c3, d3) \
	VMOVDQU32 64(AX), d0         \
	VMOVDQU32 64(AX)(BX*1), d1   \
	VMOVDQU32 64(AX)(BX*2), d2   \
	VMOVDQU32 64(AX)(R13*1), d3  \
	LOAD4(c0, c1, c2, c3)

#define STORE4(c0, c1, c2, c3) \
	VMOVDQU32 c0, (DI)         \
	VMOVDQU32 c1, (DI)(R15*1)  \
	VMOVDQU32 c2, (DI)(R15*2)  \
	VMOVDQU32 c3, (DI)(R13*1)  \
	LEAQ      (DI)(R15*4), DI

#define STORE8(c0, d0, c1, d1, c2, d2, c3, d3) \
	VMOVDQU32 d0, 64(DI)         \
	VMOVDQU32 d1, 64(DI)(R15*1)  \
	VMOVDQU32 d2, 64(DI)(R15*2)  \
	VMOVDQU32 d3, 64(DI)(R13*1)  \
	STORE4(c0, c1, c2, c3)

// ROW2 adds a row's products with 32 channels, ROW1 with 16.
#define ROW2(address, x, c0, c1) \
	VPBROADCASTD address, x \
	VPDPBUSD     Z16, x, c0 \
	VPDPBUSD     Z17, x, c1

#define ROW1(address, x, c0) \
	VPBROADCASTD address, x \
	VPDPBUSD     Z16, x, c0
