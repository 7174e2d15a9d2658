//go:build !purego

// A step takes one float of a row, broadcast, by one of each channel: an outer product. Each output is one chain of
// fused multiply-adds over k; 12 accumulators hide their latency of 4 or 5 cycles at two a cycle.
//
// Registers:
//	AX  row 0 of the tile, at this step      Y0-Y11  accumulators, [rows][width/8]
//	BX  steps left                           Y12,Y13 weights
//	CX  tiles left                           Y14,Y15 activations
//	DX  4·lda     R8  12·lda
//	SI  the tile                   R9  row 5, at this step
//	DI  acc                        R12 weights, at this step

#include "textflag.h"

#define ARGUMENTS \
	MOVQ acc+0(FP), DI    \
	MOVQ a+8(FP), SI      \
	MOVQ lda+16(FP), DX   \
	MOVQ tiles+24(FP), CX \
	SHLQ $2, DX           \
	LEAQ (DX)(DX*2), R8

// START points at the first step of a tile.
#define START \
	MOVQ w+32(FP), R12  \
	MOVQ SI, AX         \
	LEAQ (SI)(DX*4), R9 \
	ADDQ DX, R9         \
	MOVQ k+40(FP), BX

#define CLEAR4(c0, c1, c2, c3) \
	VXORPS c0, c0, c0 \
	VXORPS c1, c1, c1 \
	VXORPS c2, c2, c2 \
	VXORPS c3, c3, c3

// ROW2 adds a row's products with 16 channels.
#define ROW2(address, x, c0, c1) \
	VBROADCASTSS address, x   \
	VFMADD231PS  Y12, x, c0 \
	VFMADD231PS  Y13, x, c1

// func float32AVX2x6x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX2x6x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)
	CLEAR4(Y8, Y9, Y10, Y11)
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Y12                   // w[k][0..7]
	VMOVUPS 32(R12), Y13                 // w[k][8..15]
	ROW2((AX), Y14, Y0, Y1)            // acc[0] = fma(a[0][k], w[k], acc[0])
	ROW2((AX)(DX*1), Y15, Y2, Y3)
	ROW2((AX)(DX*2), Y14, Y4, Y5)
	ROW2((AX)(R8*1), Y15, Y6, Y7)
	ROW2((AX)(DX*4), Y14, Y8, Y9)
	ROW2((R9), Y15, Y10, Y11)
	ADDQ    $4, AX
	ADDQ    $4, R9
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	VMOVUPS Y8, 256(DI)
	VMOVUPS Y9, 288(DI)
	VMOVUPS Y10, 320(DI)
	VMOVUPS Y11, 352(DI)
	ADDQ    $384, DI
	LEAQ    (SI)(DX*4), SI
	LEAQ    (SI)(DX*2), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX2x4x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX2x4x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Y12
	VMOVUPS 32(R12), Y13
	ROW2((AX), Y14, Y0, Y1)
	ROW2((AX)(DX*1), Y15, Y2, Y3)
	ROW2((AX)(DX*2), Y14, Y4, Y5)
	ROW2((AX)(R8*1), Y15, Y6, Y7)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	ADDQ    $256, DI
	LEAQ    (SI)(DX*4), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX2x1x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX2x1x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Y12
	VMOVUPS 32(R12), Y13
	ROW2((AX), Y14, Y0, Y1)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ    $64, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET
