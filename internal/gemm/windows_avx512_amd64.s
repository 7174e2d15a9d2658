//go:build !purego

// As in float32_avx512_amd64.s a step takes one float of a row, broadcast, by one of each channel. Here each row of the
// tile has a pointer of its own, which is set anew for every tap of the window. What is stored is the output.
//
// Registers:
//	AX,BX,CX,DX,SI,DI,R8,R9  end of the rows, for this tap    Z0-Z15  accumulators, [rows][width/16]
//	R10  bytes to the end, negative; a at the start of a tap  Z16,Z17 weights; then bias
//	R11  weights, at this step; zeros at the start of a tap   Z18-Z25 activations
//	R12  what is prefetched                                   Z26,Z27 lo, hi
//	R13  the task                                             K1,K2   the channels that exist
//	R15  this tap

#include "textflag.h"
#include "go_asm.h"
#include "windows_avx512_amd64.h"

// func windowsAVX512x8x32(t *windowTask, sums *float32)
TEXT ·windowsAVX512x8x32(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD16
	JMP  tap

clear:
	CLEAR16

tap: // for _, tap := range taps
	ROWS8
	BEGIN(2)

step: // for R10 = -depth; R10 < 0; R10 += 4
	VMOVUPS    (R11), Z16           // w[k][0..15]
	VMOVUPS    64(R11), Z17         // w[k][16..31]
	PREFETCHT1 (R12)
	ROW2(AX, Z18, Z0, Z1)         // acc[0] = fma(row 0[k], w[k], acc[0])
	ROW2(BX, Z19, Z2, Z3)
	ROW2(CX, Z20, Z4, Z5)
	ROW2(DX, Z21, Z6, Z7)
	ROW2(SI, Z22, Z8, Z9)
	ROW2(DI, Z23, Z10, Z11)
	ROW2(R8, Z24, Z12, Z13)
	ROW2(R9, Z25, Z14, Z15)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $128, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE16
	VZEROUPPER
	RET

stage:
	STAGE
	VMOVUPS.Z 64(DX), K2, Z17
	STORE2(0, Z0, Z1)
	STORE2(1, Z2, Z3)
	STORE2(2, Z4, Z5)
	STORE2(3, Z6, Z7)
	STORE2(4, Z8, Z9)
	STORE2(5, Z10, Z11)
	STORE2(6, Z12, Z13)
	STORE2(7, Z14, Z15)
	VZEROUPPER
	RET

// func windowsAVX512x4x32(t *windowTask, sums *float32)
TEXT ·windowsAVX512x4x32(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD8
	JMP  tap

clear:
	CLEAR8

tap:
	ROWS4
	BEGIN(2)

step:
	VMOVUPS    (R11), Z16
	VMOVUPS    64(R11), Z17
	PREFETCHT1 (R12)
	ROW2(AX, Z18, Z0, Z1)
	ROW2(BX, Z19, Z2, Z3)
	ROW2(CX, Z20, Z4, Z5)
	ROW2(DX, Z21, Z6, Z7)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $128, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE8
	VZEROUPPER
	RET

stage:
	STAGE
	VMOVUPS.Z 64(DX), K2, Z17
	STORE2(0, Z0, Z1)
	STORE2(1, Z2, Z3)
	STORE2(2, Z4, Z5)
	STORE2(3, Z6, Z7)
	VZEROUPPER
	RET

// func windowsAVX512x8x16(t *windowTask, sums *float32)
TEXT ·windowsAVX512x8x16(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD8
	JMP  tap

clear:
	CLEAR8

tap:
	ROWS8
	BEGIN(1)

step:
	VMOVUPS    (R11), Z16
	PREFETCHT1 (R12)
	ROW1(AX, Z18, Z0)
	ROW1(BX, Z19, Z1)
	ROW1(CX, Z20, Z2)
	ROW1(DX, Z21, Z3)
	ROW1(SI, Z22, Z4)
	ROW1(DI, Z23, Z5)
	ROW1(R8, Z24, Z6)
	ROW1(R9, Z25, Z7)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $64, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE8
	VZEROUPPER
	RET

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
	VZEROUPPER
	RET

// func windowsAVX512x4x16(t *windowTask, sums *float32)
TEXT ·windowsAVX512x4x16(SB), NOSPLIT, $8-16
	ARGUMENTS
	BEGINS
	JNE  clear
	LOAD4(0, Z0, Z1, Z2, Z3)
	JMP  tap

clear:
	CLEAR4(Z0, Z1, Z2, Z3)

tap:
	ROWS4
	BEGIN(1)

step:
	VMOVUPS    (R11), Z16
	PREFETCHT1 (R12)
	ROW1(AX, Z18, Z0)
	ROW1(BX, Z19, Z1)
	ROW1(CX, Z20, Z2)
	ROW1(DX, Z21, Z3)
	ADDQ       windowTask_ahead(R13), R12
	ADDQ       $64, R11
	ADDQ       $4, R10
	JNZ        step
	NEXT
	JNZ        tap
	ENDS
	JNE        stage
	SAVE4(0, Z0, Z1, Z2, Z3)
	VZEROUPPER
	RET

stage:
	STAGE
	STORE1(0, Z0)
	STORE1(1, Z1)
	STORE1(2, Z2)
	STORE1(3, Z3)
	VZEROUPPER
	RET
