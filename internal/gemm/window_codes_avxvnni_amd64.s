//go:build !purego

// As windows of codes with AVX-512 (tools/asmgen, gemm_window_codes.go) with 256 bits: 6 or 4 rows of a tile at a time, with 16 channels.
//
// Registers:
//	AX,BX,CX,DX,DI,R8  end of the rows, for this tap             Y0-Y11  accumulators, [rows][2]
//	R9   4 times the first of the rows of the tile               Y12,Y13 weights
//	R10  bytes to the end, negative; a at the start of a tap     Y14,Y15 activations
//	R11  weights, at this step; padding at the start of a tap
//	R12  the tile      R13  the task
//	R15  this tap      SI   height of the tile
//
// In the output stage the rows are where they are stored, R10 points at multipliers, Y12 is before, Y13,Y14 lo, hi.

#include "textflag.h"
#include "go_asm.h"
#include "avxvnni_amd64.h"

// ROW points at the end of row i of the four, for this tap.
#define ROW(i, row) \
	MOVLQSX (codeTap_rows+4*i)(R15)(R9*1), row \
	TESTQ   row, row                           \
	LEAQ    (R10)(row*1), row                  \
	CMOVQLT R11, row

// PRODUCTS adds a row's products with 16 channels to the accumulators of these numbers.
#define PRODUCTS(row, y, x, c0, c1) \
	VPBROADCASTD (row)(R10*1), y \
	DPBUSD(12, x, c0)            \
	DPBUSD(13, x, c1)

// OUT points at row i of the four in the output.
#define OUT(i, row) \
	MOVLQSX (codePattern_outs+4*i)(R15)(R9*1), row \
	ADDQ    R11, row

#define CODE(c, mult) \
	VCVTDQ2PS c, c                        \
	VMULPS    mult, c, c                  \
	VADDPS    Y12, c, c                   \
	VMAXPS    Y13, c, c                   \
	VMINPS    Y14, c, c                   \
	VCVTPS2DQ c, c                        \
	VPADDD    codeTask_after(R13), c, c   \
	VPAND     codeTask_lowByte(R13), c, c

// CODES makes 16 codes of two accumulators.
#define CODES(c0, c1, x0, x1) \
	CODE(c0, (R10))             \
	CODE(c1, 32(R10))           \
	VPACKUSDW    c1, c0, c0     \
	VPERMQ       $0xd8, c0, c0  \
	VEXTRACTI128 $1, c0, x1     \
	VPACKUSWB    x1, x0, x0

// FEW stores the channels that exist, byte by byte.
#define FEW(x, row, next) \
	VMOVDQU x, codes-40(SP)          \
	XORL    R11, R11                 \
next: \
	MOVBLZX codes-40(SP)(R11*1), R10 \
	MOVB    R10, (row)(R11*1)        \
	INCQ    R11                      \
	CMPQ    R11, codeTask_n(R13)     \
	JLT     next

// LINE points at six rows that begin R11 bytes apart, from base on.
#define LINE(base) \
	MOVQ  R9, AX           \
	SHRQ  $2, AX           \
	IMULQ R11, AX          \
	ADDQ  base, AX         \
	LEAQ  (AX)(R11*1), BX  \
	LEAQ  (AX)(R11*2), CX  \
	LEAQ  (BX)(R11*2), DX  \
	LEAQ  (AX)(R11*4), DI  \
	LEAQ  (BX)(R11*4), R8

#define STEP4 \
	VMOVDQU (R11), Y12            \ // 8 channels by 4 k
	VMOVDQU 32(R11), Y13          \ // the next 8
	PRODUCTS(AX, Y14, 14, 0, 1)   \ // acc[0] += row 0[k..k+3]·w
	PRODUCTS(BX, Y15, 15, 2, 3)   \
	PRODUCTS(CX, Y14, 14, 4, 5)   \
	PRODUCTS(DX, Y15, 15, 6, 7)

// func codeWindowsAVXVNNI(t *codeTask)
TEXT ·codeWindowsAVXVNNI(SB), NOSPLIT, $40-8
	MOVQ t+0(FP), R13
	MOVQ codeTask_tiles(R13), R12
	MOVQ codeTask_count(R13), R10
	MOVQ R10, tiles-16(SP)

tile: // for _, tile := range tiles
	XORL R9, R9

rows: // for R9 = 0; R9 < 4*height; R9 += 4*step
	MOVQ       codeTask_exist(R13), R10
	VMOVDQU    (R10), Y14
	VMOVDQU    32(R10), Y15
	MOVQ       codeTile_pattern(R12), R15
	MOVQ       codeTask_bias(R13), R11
	ADDQ       codePattern_bias(R15), R11
	VPMASKMOVD (R11), Y14, Y0          // sums begin with the bias
	VPMASKMOVD 32(R11), Y15, Y1
	VMOVDQA    Y0, Y2
	VMOVDQA    Y1, Y3
	VMOVDQA    Y0, Y4
	VMOVDQA    Y1, Y5
	VMOVDQA    Y0, Y6
	VMOVDQA    Y1, Y7
	VMOVDQA    Y0, Y8
	VMOVDQA    Y1, Y9
	VMOVDQA    Y0, Y10
	VMOVDQA    Y1, Y11
	MOVQ       codePattern_height(R15), SI
	MOVQ       $24, R10                // 4*step, of six rows if there are so many left
	LEAQ       24(R9), R11
	LEAQ       (SI*4), AX
	CMPQ       R11, AX
	JLE        six
	MOVQ       $16, R10

six:
	MOVQ  R10, step4-24(SP)
	MOVQ  codePattern_count(R15), R10
	MOVQ  R10, taps-8(SP)
	MOVQ  codePattern_first(R15), R15
	TESTQ R10, R10
	JZ    stage

tap: // for _, tap := range taps
	MOVQ codeTap_depth(R15), R11
	MOVQ codeTask_a(R13), R10
	ADDQ codeTile_in(R12), R10
	CMPQ SI, $const_lineRows
	JEQ  line
	ADDQ R11, R10
	ADDQ codeTask_padding(R13), R11
	ROW(0, AX)
	ROW(1, BX)
	ROW(2, CX)
	ROW(3, DX)
	ROW(4, DI)
	ROW(5, R8)
	MOVQ codeTap_depth(R15), R10
	JMP  begin

line: // three taps side by side are one, and rows begin a pixel apart
	MOVLQSX codeTap_rows(R15), DX
	ADDQ    R10, DX
	LEAQ    (R11)(R11*2), R10
	ADDQ    R10, DX
	LINE(DX)

begin:
	NEGQ R10
	MOVQ codeTask_w(R13), R11
	ADDQ codeTap_weight(R15), R11
	CMPQ step4-24(SP), $16
	JEQ  four

step: // for R10 = -depth; R10 < 0; R10 += 4
	STEP4
	PRODUCTS(DI, Y14, 14, 8, 9)
	PRODUCTS(R8, Y15, 15, 10, 11)
	ADDQ $64, R11
	ADDQ $4, R10
	JNZ  step

nextTap:
	ADDQ $codeTap__size, R15
	DECQ taps-8(SP)
	JNZ  tap

stage:
	MOVQ         codeTask_mult(R13), R10
	VBROADCASTSS (codeTask_params+stageParams_before)(R13), Y12
	VBROADCASTSS (codeTask_params+stageParams_lo)(R13), Y13
	VBROADCASTSS (codeTask_params+stageParams_hi)(R13), Y14
	CODES(Y0, Y1, X0, X1)
	CODES(Y2, Y3, X2, X3)
	CODES(Y4, Y5, X4, X5)
	CODES(Y6, Y7, X6, X7)
	CODES(Y8, Y9, X8, X9)
	CODES(Y10, Y11, X10, X11)
	MOVQ         codeTask_dst(R13), R10
	ADDQ         codeTile_out(R12), R10
	MOVQ         codeTile_pattern(R12), R15
	CMPQ         SI, $const_lineRows
	JEQ          lineOut
	MOVQ         R10, R11
	OUT(0, AX)
	OUT(1, BX)
	OUT(2, CX)
	OUT(3, DX)
	OUT(4, DI)
	OUT(5, R8)
	JMP          store

lineOut: // rows lie evenly
	MOVLQSX (codePattern_outs+4)(R15), R11
	LINE(R10)

store:
	CMPQ    codeTask_n(R13), $16
	JNE     few
	VMOVDQU X0, (AX)
	VMOVDQU X2, (BX)
	VMOVDQU X4, (CX)
	VMOVDQU X6, (DX)
	CMPQ    step4-24(SP), $16
	JEQ     next
	VMOVDQU X8, (DI)
	VMOVDQU X10, (R8)

next:
	ADDQ step4-24(SP), R9
	LEAQ (SI*4), R10
	CMPQ R9, R10
	JLT  rows
	ADDQ $codeTile__size, R12
	DECQ tiles-16(SP)
	JNZ  tile
	VZEROUPPER
	RET

four: // step, of four rows
	STEP4
	ADDQ $64, R11
	ADDQ $4, R10
	JNZ  four
	JMP  nextTap

few:
	FEW(X0, AX, few0)
	FEW(X2, BX, few1)
	FEW(X4, CX, few2)
	FEW(X6, DX, few3)
	CMPQ step4-24(SP), $16
	JEQ  next
	FEW(X8, DI, few4)
	FEW(X10, R8, few5)
	JMP  next
