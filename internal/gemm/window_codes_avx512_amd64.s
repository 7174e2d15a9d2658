//go:build !purego

// As in int8_vnni_amd64.s a step takes 4 bytes of a row, broadcast, by 4 bytes of each channel. Here each row of the
// tile has a pointer of its own, which is set anew for every tap of the window, and what is stored is codes.
//
// Registers:
//	AX,BX,CX,DX,SI,DI,R8,R9  end of the rows, for this tap    Z0-Z15  accumulators, [rows][width/16]
//	R10  bytes to the end, negative; a at the start of a tap  Z16,Z17 weights
//	R11  weights, at this step; padding at the start of a tap Z18-Z25 activations
//	R12  the tile                                             Z26,Z27 lo, hi    Z28,Z29 before, after
//	R13  the task                                             Z30,Z31 multipliers
//	R15  this tap                                             K1,K2   the channels that exist

#include "textflag.h"
#include "go_asm.h"

#define ARGUMENTS \
	MOVQ         t+0(FP), R13                                     \
	MOVQ         codeTask_tiles(R13), R12                         \
	MOVQ         codeTask_count(R13), R10                         \
	MOVQ         R10, tiles-16(SP)                                \
	MOVL         codeTask_mask(R13), AX                           \
	KMOVW        AX, K1                                           \
	SHRL         $16, AX                                          \
	KMOVW        AX, K2                                           \
	MOVQ         codeTask_mult(R13), AX                           \
	VMOVUPS      (AX), Z30                                        \
	VMOVUPS      64(AX), Z31                                      \
	VBROADCASTSS (codeTask_params+stageParams_lo)(R13), Z26       \
	VBROADCASTSS (codeTask_params+stageParams_hi)(R13), Z27       \
	VBROADCASTSS (codeTask_params+stageParams_before)(R13), Z28   \
	VPBROADCASTD (codeTask_params+stageParams_after)(R13), Z29

// TILE points at the first tap of a tile and at its bias.
#define TILE \
	MOVQ codeTile_pattern(R12), R15     \
	MOVQ codeTask_bias(R13), R11        \
	ADDQ codePattern_bias(R15), R11     \
	MOVQ codePattern_count(R15), R10    \
	MOVQ R10, taps-8(SP)                \
	MOVQ codePattern_first(R15), R15    \
	TESTQ R10, R10

// TAP loads what ROW needs: the ends of the first row and of a row of padding.
#define TAP \
	MOVQ codeTap_depth(R15), R11        \
	MOVQ codeTask_a(R13), R10           \
	ADDQ codeTile_in(R12), R10          \
	ADDQ R11, R10                       \
	ADDQ codeTask_padding(R13), R11

// ROW points at the end of row i of the tile, for this tap.
#define ROW(i, row) \
	MOVLQSX (codeTap_rows+4*i)(R15), row \
	TESTQ   row, row                     \
	LEAQ    (R10)(row*1), row            \
	CMOVQLT R11, row

// BEGIN points at the weights of this tap, of panels of 16·scale channels.
#define BEGIN(scale) \
	MOVQ codeTask_w(R13), R11           \
	MOVQ codeTap_weight(R15), R10       \
	LEAQ (R11)(R10*scale), R11          \
	MOVQ codeTap_depth(R15), R10        \
	NEGQ R10

#define NEXTTAP \
	ADDQ $codeTap__size, R15 \
	DECQ taps-8(SP)

#define NEXTTILE \
	ADDQ $codeTile__size, R12 \
	DECQ tiles-16(SP)

#define ROW2(row, x, c0, c1) \
	VPBROADCASTD (row)(R10*1), x \
	VPDPBUSD     Z16, x, c0      \
	VPDPBUSD     Z17, x, c1

#define ROW1(row, x, c0) \
	VPBROADCASTD (row)(R10*1), x \
	VPDPBUSD     Z16, x, c0

// STAGE points at where the tile is stored.
#define STAGE \
	MOVQ codeTask_dst(R13), DI     \
	ADDQ codeTile_out(R12), DI     \
	MOVQ codeTile_pattern(R12), SI

#define CODES(c, mult, x) \
	VCVTDQ2PS c, c         \
	VMULPS    mult, c, c   \
	VADDPS    Z28, c, c    \
	VMAXPS    Z26, c, c    \
	VMINPS    Z27, c, c    \
	VCVTPS2DQ c, c         \
	VPADDD    Z29, c, c    \
	VPMOVDB   c, x

#define STORE1(i, c0) \
	MOVLQSX  (codePattern_outs+4*i)(SI), AX \
	CODES(c0, Z30, X18)                     \
	VMOVDQU8 X18, K1, (DI)(AX*1)

#define STORE2(i, c0, c1) \
	STORE1(i, c0)                  \
	CODES(c1, Z31, X19)            \
	VMOVDQU8 X19, K2, 16(DI)(AX*1)

#define COPY3(c, c1, c2, c3) \
	VMOVDQA64 c, c1 \
	VMOVDQA64 c, c2 \
	VMOVDQA64 c, c3

// func codeWindows8x32(t *codeTask)
TEXT ·codeWindows8x32(SB), NOSPLIT, $16-8
	ARGUMENTS

tile: // for _, tile := range tiles
	TILE
	VMOVDQU32.Z (R11), K1, Z0     // sums begin with the bias
	VMOVDQU32.Z 64(R11), K2, Z1
	COPY3(Z0, Z2, Z4, Z6)
	COPY3(Z1, Z3, Z5, Z7)
	VMOVDQA64 Z0, Z8
	VMOVDQA64 Z1, Z9
	COPY3(Z0, Z10, Z12, Z14)
	COPY3(Z1, Z11, Z13, Z15)
	JZ stage

tap: // for _, tap := range taps
	TAP
	ROW(0, AX)
	ROW(1, BX)
	ROW(2, CX)
	ROW(3, DX)
	ROW(4, SI)
	ROW(5, DI)
	ROW(6, R8)
	ROW(7, R9)
	BEGIN(2)

step: // for R10 = -depth; R10 < 0; R10 += 4
	VMOVDQU32 (R11), Z16            // 16 channels by 4 k
	VMOVDQU32 64(R11), Z17          // the next 16
	ROW2(AX, Z18, Z0, Z1)           // acc[0] += row 0[k..k+3]·w
	ROW2(BX, Z19, Z2, Z3)
	ROW2(CX, Z20, Z4, Z5)
	ROW2(DX, Z21, Z6, Z7)
	ROW2(SI, Z22, Z8, Z9)
	ROW2(DI, Z23, Z10, Z11)
	ROW2(R8, Z24, Z12, Z13)
	ROW2(R9, Z25, Z14, Z15)
	ADDQ      $128, R11
	ADDQ      $4, R10
	JNZ       step
	NEXTTAP
	JNZ       tap

stage:
	STAGE
	STORE2(0, Z0, Z1)
	STORE2(1, Z2, Z3)
	STORE2(2, Z4, Z5)
	STORE2(3, Z6, Z7)
	STORE2(4, Z8, Z9)
	STORE2(5, Z10, Z11)
	STORE2(6, Z12, Z13)
	STORE2(7, Z14, Z15)
	NEXTTILE
	JNZ       tile
	VZEROUPPER
	RET

// func codeWindows4x32(t *codeTask)
TEXT ·codeWindows4x32(SB), NOSPLIT, $16-8
	ARGUMENTS

tile:
	TILE
	VMOVDQU32.Z (R11), K1, Z0
	VMOVDQU32.Z 64(R11), K2, Z1
	COPY3(Z0, Z2, Z4, Z6)
	COPY3(Z1, Z3, Z5, Z7)
	JZ stage

tap:
	TAP
	ROW(0, AX)
	ROW(1, BX)
	ROW(2, CX)
	ROW(3, DX)
	BEGIN(2)

step:
	VMOVDQU32 (R11), Z16
	VMOVDQU32 64(R11), Z17
	ROW2(AX, Z18, Z0, Z1)
	ROW2(BX, Z19, Z2, Z3)
	ROW2(CX, Z20, Z4, Z5)
	ROW2(DX, Z21, Z6, Z7)
	ADDQ      $128, R11
	ADDQ      $4, R10
	JNZ       step
	NEXTTAP
	JNZ       tap

stage:
	STAGE
	STORE2(0, Z0, Z1)
	STORE2(1, Z2, Z3)
	STORE2(2, Z4, Z5)
	STORE2(3, Z6, Z7)
	NEXTTILE
	JNZ       tile
	VZEROUPPER
	RET

// func codeWindows8x16(t *codeTask)
TEXT ·codeWindows8x16(SB), NOSPLIT, $16-8
	ARGUMENTS

tile:
	TILE
	VMOVDQU32.Z (R11), K1, Z0
	COPY3(Z0, Z1, Z2, Z3)
	VMOVDQA64 Z0, Z4
	COPY3(Z0, Z5, Z6, Z7)
	JZ stage

tap:
	TAP
	ROW(0, AX)
	ROW(1, BX)
	ROW(2, CX)
	ROW(3, DX)
	ROW(4, SI)
	ROW(5, DI)
	ROW(6, R8)
	ROW(7, R9)
	BEGIN(1)

step:
	VMOVDQU32 (R11), Z16
	ROW1(AX, Z18, Z0)
	ROW1(BX, Z19, Z1)
	ROW1(CX, Z20, Z2)
	ROW1(DX, Z21, Z3)
	ROW1(SI, Z22, Z4)
	ROW1(DI, Z23, Z5)
	ROW1(R8, Z24, Z6)
	ROW1(R9, Z25, Z7)
	ADDQ      $64, R11
	ADDQ      $4, R10
	JNZ       step
	NEXTTAP
	JNZ       tap

stage:
	STAGE
	STORE1(0, Z0)
	STORE1(1, Z1)
	STORE1(2, Z2)
	STORE1(3, Z3)
	STORE1(4, Z4)
	STORE1(5, Z5)
	STORE1(6, Z6)
	STORE1(7, Z7)
	NEXTTILE
	JNZ       tile
	VZEROUPPER
	RET

// func codeWindows4x16(t *codeTask)
TEXT ·codeWindows4x16(SB), NOSPLIT, $16-8
	ARGUMENTS

tile:
	TILE
	VMOVDQU32.Z (R11), K1, Z0
	COPY3(Z0, Z1, Z2, Z3)
	JZ stage

tap:
	TAP
	ROW(0, AX)
	ROW(1, BX)
	ROW(2, CX)
	ROW(3, DX)
	BEGIN(1)

step:
	VMOVDQU32 (R11), Z16
	ROW1(AX, Z18, Z0)
	ROW1(BX, Z19, Z1)
	ROW1(CX, Z20, Z2)
	ROW1(DX, Z21, Z3)
	ADDQ      $64, R11
	ADDQ      $4, R10
	JNZ       step
	NEXTTAP
	JNZ       tap

stage:
	STAGE
	STORE1(0, Z0)
	STORE1(1, Z1)
	STORE1(2, Z2)
	STORE1(3, Z3)
	NEXTTILE
	JNZ       tile
	VZEROUPPER
	RET

// PIXEL multiplies a pixel with its three columns of weights, for the three rows that see it.
#define PIXEL(address, x, c0, c1, c2) \
	VPBROADCASTD address, x \
	VPDPBUSD     Z18, x, c0 \
	VPDPBUSD     Z17, x, c1 \
	VPDPBUSD     Z16, x, c2

#define STORELINE(c) \
	CODES(c, Z30, X18)       \
	VMOVDQU8 X18, K1, (DI)   \
	ADDQ     AX, DI

// func codeLines16x16(t *codeTask)
//
// Registers:
//	AX,BX  pixels 0 and 9, at this step    DX,R8,R9,R10  1, 3, 5 and 7 pixels
//	CX     steps left                      SI            a column of weights     Z16-Z18 weights
TEXT ·codeLines16x16(SB), NOSPLIT, $16-8
	ARGUMENTS

tile:
	TILE
	VMOVDQU32.Z (R11), K1, Z0
	COPY3(Z0, Z1, Z2, Z3)
	COPY3(Z0, Z4, Z5, Z6)
	COPY3(Z0, Z7, Z8, Z9)
	COPY3(Z0, Z10, Z11, Z12)
	COPY3(Z0, Z13, Z14, Z15)
	JZ stage
	MOVQ codeTap_depth(R15), DX
	LEAQ (DX)(DX*2), R8
	LEAQ (DX)(DX*4), R9
	LEAQ (R8)(DX*4), R10
	MOVQ DX, SI
	SHLQ $4, SI

tap:
	MOVQ    codeTask_a(R13), AX
	ADDQ    codeTile_in(R12), AX
	MOVLQSX codeTap_rows(R15), R11
	ADDQ    R11, AX
	LEAQ    (AX)(DX*8), BX
	ADDQ    DX, BX
	MOVQ    codeTask_w(R13), R11
	ADDQ    codeTap_weight(R15), R11
	MOVQ    DX, CX

step: // for CX = depth; CX > 0; CX -= 4
	VMOVDQU32    (R11), Z16                 // 16 channels by 4 k of the left column
	VMOVDQU32    (R11)(SI*1), Z17           // of the middle
	VMOVDQU32    (R11)(SI*2), Z18           // of the right
	VPBROADCASTD (AX), Z19                  // pixel 0 is seen by row 0 alone
	VPDPBUSD     Z16, Z19, Z0
	VPBROADCASTD (AX)(DX*1), Z20
	VPDPBUSD     Z17, Z20, Z0
	VPDPBUSD     Z16, Z20, Z1
	PIXEL((AX)(DX*2), Z21, Z0, Z1, Z2)
	PIXEL((AX)(R8*1), Z22, Z1, Z2, Z3)
	PIXEL((AX)(DX*4), Z23, Z2, Z3, Z4)
	PIXEL((AX)(R9*1), Z24, Z3, Z4, Z5)
	PIXEL((AX)(R8*2), Z25, Z4, Z5, Z6)
	PIXEL((AX)(R10*1), Z19, Z5, Z6, Z7)
	PIXEL((AX)(DX*8), Z20, Z6, Z7, Z8)
	PIXEL((BX), Z21, Z7, Z8, Z9)
	PIXEL((AX)(R9*2), Z22, Z8, Z9, Z10)
	PIXEL((BX)(DX*2), Z23, Z9, Z10, Z11)
	PIXEL((AX)(R8*4), Z24, Z10, Z11, Z12)
	PIXEL((BX)(DX*4), Z25, Z11, Z12, Z13)
	PIXEL((AX)(R10*2), Z19, Z12, Z13, Z14)
	PIXEL((BX)(R8*2), Z20, Z13, Z14, Z15)
	VPBROADCASTD (BX)(R10*1), Z21           // pixel 16
	VPDPBUSD     Z18, Z21, Z14
	VPDPBUSD     Z17, Z21, Z15
	VPBROADCASTD (BX)(DX*8), Z22            // pixel 17
	VPDPBUSD     Z18, Z22, Z15
	ADDQ         $64, R11
	ADDQ         $4, AX
	ADDQ         $4, BX
	SUBQ         $4, CX
	JNZ          step
	NEXTTAP
	JNZ          tap

stage:
	STAGE
	MOVLQSX (codePattern_outs+4)(SI), AX
	STORELINE(Z0)
	STORELINE(Z1)
	STORELINE(Z2)
	STORELINE(Z3)
	STORELINE(Z4)
	STORELINE(Z5)
	STORELINE(Z6)
	STORELINE(Z7)
	STORELINE(Z8)
	STORELINE(Z9)
	STORELINE(Z10)
	STORELINE(Z11)
	STORELINE(Z12)
	STORELINE(Z13)
	STORELINE(Z14)
	STORELINE(Z15)
	NEXTTILE
	JNZ     tile
	VZEROUPPER
	RET
