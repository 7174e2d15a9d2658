//go:build !purego

// A step takes one float of a row, broadcast, by one of each channel: an outer product. Each output is one chain of
// fused multiply-adds over k; 16 accumulators hide their latency of 4 cycles at two a cycle.
//
// Registers:
//	AX  row 0 of the tile, at this step      Z0-Z15  accumulators, [rows][width/16]
//	BX  steps left                           Z16,Z17 weights
//	CX  tiles left                           Z18-Z25 activations
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
	VPXORD c0, c0, c0 \
	VPXORD c1, c1, c1 \
	VPXORD c2, c2, c2 \
	VPXORD c3, c3, c3

// ROW2 adds a row's products with 32 channels, ROW1 with 16.
#define ROW2(address, x, c0, c1) \
	VBROADCASTSS address, x   \
	VFMADD231PS  Z16, x, c0 \
	VFMADD231PS  Z17, x, c1

#define ROW1(address, x, c0) \
	VBROADCASTSS address, x   \
	VFMADD231PS  Z16, x, c0

// func float32AVX512x8x32(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX512x8x32(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	CLEAR4(Z8, Z9, Z10, Z11)
	CLEAR4(Z12, Z13, Z14, Z15)
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Z16                   // w[k][0..15]
	VMOVUPS 64(R12), Z17                 // w[k][16..31]
	ROW2((AX), Z18, Z0, Z1)            // acc[0] = fma(a[0][k], w[k], acc[0])
	ROW2((AX)(DX*1), Z19, Z2, Z3)
	ROW2((AX)(DX*2), Z20, Z4, Z5)
	ROW2((AX)(R8*1), Z21, Z6, Z7)
	ROW2((AX)(DX*4), Z22, Z8, Z9)
	ROW2((R9), Z23, Z10, Z11)
	ROW2((R9)(DX*1), Z24, Z12, Z13)
	ROW2((R9)(DX*2), Z25, Z14, Z15)
	ADDQ    $4, AX
	ADDQ    $4, R9
	ADDQ    $128, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	VMOVUPS Z4, 256(DI)
	VMOVUPS Z5, 320(DI)
	VMOVUPS Z6, 384(DI)
	VMOVUPS Z7, 448(DI)
	VMOVUPS Z8, 512(DI)
	VMOVUPS Z9, 576(DI)
	VMOVUPS Z10, 640(DI)
	VMOVUPS Z11, 704(DI)
	VMOVUPS Z12, 768(DI)
	VMOVUPS Z13, 832(DI)
	VMOVUPS Z14, 896(DI)
	VMOVUPS Z15, 960(DI)
	ADDQ    $1024, DI
	LEAQ    (SI)(DX*8), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX512x4x32(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX512x4x32(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Z16
	VMOVUPS 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ROW2((AX)(DX*1), Z19, Z2, Z3)
	ROW2((AX)(DX*2), Z20, Z4, Z5)
	ROW2((AX)(R8*1), Z21, Z6, Z7)
	ADDQ    $4, AX
	ADDQ    $128, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	VMOVUPS Z4, 256(DI)
	VMOVUPS Z5, 320(DI)
	VMOVUPS Z6, 384(DI)
	VMOVUPS Z7, 448(DI)
	ADDQ    $512, DI
	LEAQ    (SI)(DX*4), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX512x1x32(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX512x1x32(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Z16
	VMOVUPS 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ADDQ    $4, AX
	ADDQ    $128, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	ADDQ    $128, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX512x16x16(acc, a *float32, lda, tiles int, w *float32, k int)
//
// R13 is row 2 and R9 row 7 here.
TEXT ·float32AVX512x16x16(SB), NOSPLIT, $0-48
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

step:
	VMOVUPS (R12), Z16
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
	ADDQ    $4, AX
	ADDQ    $4, R9
	ADDQ    $4, R13
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	VMOVUPS Z4, 256(DI)
	VMOVUPS Z5, 320(DI)
	VMOVUPS Z6, 384(DI)
	VMOVUPS Z7, 448(DI)
	VMOVUPS Z8, 512(DI)
	VMOVUPS Z9, 576(DI)
	VMOVUPS Z10, 640(DI)
	VMOVUPS Z11, 704(DI)
	VMOVUPS Z12, 768(DI)
	VMOVUPS Z13, 832(DI)
	VMOVUPS Z14, 896(DI)
	VMOVUPS Z15, 960(DI)
	ADDQ    $1024, DI
	LEAQ    (SI)(DX*8), SI
	LEAQ    (SI)(DX*8), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX512x8x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX512x8x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Z16
	ROW1((AX), Z18, Z0)
	ROW1((AX)(DX*1), Z19, Z1)
	ROW1((AX)(DX*2), Z20, Z2)
	ROW1((AX)(R8*1), Z21, Z3)
	ROW1((AX)(DX*4), Z22, Z4)
	ROW1((R9), Z23, Z5)
	ROW1((R9)(DX*1), Z24, Z6)
	ROW1((R9)(DX*2), Z25, Z7)
	ADDQ    $4, AX
	ADDQ    $4, R9
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	VMOVUPS Z4, 256(DI)
	VMOVUPS Z5, 320(DI)
	VMOVUPS Z6, 384(DI)
	VMOVUPS Z7, 448(DI)
	ADDQ    $512, DI
	LEAQ    (SI)(DX*8), SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET

// func float32AVX512x1x16(acc, a *float32, lda, tiles int, w *float32, k int)
TEXT ·float32AVX512x1x16(SB), NOSPLIT, $0-48
	ARGUMENTS

tile:
	VPXORD Z0, Z0, Z0
	START

step: // for BX = k; BX > 0; BX--
	VMOVUPS (R12), Z16
	ROW1((AX), Z18, Z0)
	ADDQ    $4, AX
	ADDQ    $64, R12
	DECQ    BX
	JNZ     step

	VMOVUPS Z0, (DI)
	ADDQ    $64, DI
	ADDQ    DX, SI
	DECQ    CX
	JNZ     tile
	VZEROUPPER
	RET
