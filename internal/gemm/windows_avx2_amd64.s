//go:build !purego

// As windows_avx512_amd64.s, in 256 bits: a tile of 6 or 4 rows by 16 channels, of which all exist where it is stored.
//
// Registers:
//	AX,BX,CX,DX,SI,DI  end of the rows, for this tap         Y0-Y11   accumulators, [rows][width/8]
//	R10  bytes to the end, negative; a at the start of a tap  Y12,Y13  weights; then bias
//	R11  weights, at this step; zeros at the start of a tap   Y14,Y15  activations; then lo, hi
//	R12  what is prefetched   R13  the task   R15  this tap

#include "textflag.h"
#include "go_asm.h"
#include "windows_amd64.h"

#define CLEAR4(c0, c1, c2, c3) \
	VXORPS c0, c0, c0 \
	VXORPS c1, c1, c1 \
	VXORPS c2, c2, c2 \
	VXORPS c3, c3, c3

#define LOAD4(at, c0, c1, c2, c3) \
	VMOVUPS at(DI), c0      \
	VMOVUPS (at+32)(DI), c1 \
	VMOVUPS (at+64)(DI), c2 \
	VMOVUPS (at+96)(DI), c3

#define SAVE4(at, c0, c1, c2, c3) \
	VMOVUPS c0, at(DI)      \
	VMOVUPS c1, (at+32)(DI) \
	VMOVUPS c2, (at+64)(DI) \
	VMOVUPS c3, (at+96)(DI)

#define ROW2(row, x, c0, c1) \
	VBROADCASTSS (row)(R10*1), x \
	VFMADD231PS  Y12, x, c0    \
	VFMADD231PS  Y13, x, c1

#define STAGE \
	MOVQ         windowTask_dst(R13), DI  \
	MOVQ         windowTask_outs(R13), SI \
	MOVQ         windowTask_bias(R13), DX \
	VMOVUPS      (DX), Y12                \
	VMOVUPS      32(DX), Y13              \
	VBROADCASTSS windowTask_lo(R13), Y14  \
	VBROADCASTSS windowTask_hi(R13), Y15

// STORE2 is lo if less than that, hi if greater; NaN stays.
#define STORE2(i, c0, c1) \
	MOVLQSX (4*i)(SI), AX       \
	VADDPS  c0, Y12, c0         \
	VADDPS  c1, Y13, c1         \
	VMAXPS  c0, Y14, c0         \
	VMAXPS  c1, Y14, c1         \
	VMINPS  c0, Y15, c0         \
	VMINPS  c1, Y15, c1         \
	VMOVUPS c0, (DI)(AX*1)      \
	VMOVUPS c1, 32(DI)(AX*1)

// func windowsAVX2x6x16(t *windowTask, sums *float32)
TEXT ·windowsAVX2x6x16(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD4(0, Y0, Y1, Y2, Y3)
	LOAD4(128, Y4, Y5, Y6, Y7)
	LOAD4(256, Y8, Y9, Y10, Y11)
	JMP  tap

clear:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)
	CLEAR4(Y8, Y9, Y10, Y11)

tap: // for _, tap := range taps
	ROWS4
	ROW(4, SI)
	ROW(5, DI)
	BEGIN(1)

step: // for R10 = -depth; R10 < 0; R10 += 4
	VMOVUPS    (R11), Y12           // w[k][0..7]
	VMOVUPS    32(R11), Y13         // w[k][8..15]
	PREFETCHT1 (R12)
	ROW2(AX, Y14, Y0, Y1)         // acc[0] = fma(row 0[k], w[k], acc[0])
	ROW2(BX, Y15, Y2, Y3)
	ROW2(CX, Y14, Y4, Y5)
	ROW2(DX, Y15, Y6, Y7)
	ROW2(SI, Y14, Y8, Y9)
	ROW2(DI, Y15, Y10, Y11)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $64, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE4(0, Y0, Y1, Y2, Y3)
	SAVE4(128, Y4, Y5, Y6, Y7)
	SAVE4(256, Y8, Y9, Y10, Y11)
	VZEROUPPER
	RET

stage:
	STAGE
	STORE2(0, Y0, Y1)
	STORE2(1, Y2, Y3)
	STORE2(2, Y4, Y5)
	STORE2(3, Y6, Y7)
	STORE2(4, Y8, Y9)
	STORE2(5, Y10, Y11)
	VZEROUPPER
	RET

// func windowsAVX2x4x16(t *windowTask, sums *float32)
TEXT ·windowsAVX2x4x16(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD4(0, Y0, Y1, Y2, Y3)
	LOAD4(128, Y4, Y5, Y6, Y7)
	JMP  tap

clear:
	CLEAR4(Y0, Y1, Y2, Y3)
	CLEAR4(Y4, Y5, Y6, Y7)

tap:
	ROWS4
	BEGIN(1)

step:
	VMOVUPS    (R11), Y12
	VMOVUPS    32(R11), Y13
	PREFETCHT1 (R12)
	ROW2(AX, Y14, Y0, Y1)
	ROW2(BX, Y15, Y2, Y3)
	ROW2(CX, Y14, Y4, Y5)
	ROW2(DX, Y15, Y6, Y7)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $64, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE4(0, Y0, Y1, Y2, Y3)
	SAVE4(128, Y4, Y5, Y6, Y7)
	VZEROUPPER
	RET

stage:
	STAGE
	STORE2(0, Y0, Y1)
	STORE2(1, Y2, Y3)
	STORE2(2, Y4, Y5)
	STORE2(3, Y6, Y7)
	VZEROUPPER
	RET
