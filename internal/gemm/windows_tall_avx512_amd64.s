//go:build !purego

// A tile of 12 rows by 16 channels takes most registers for its rows. What the others of its kind keep in registers lies
// on the stack here.
//
// Registers:
//	AX,BX,CX,DX,SI,DI,R8,R9,R12-R15  end of the rows, for this tap  Z0-Z11   accumulators
//	R10  bytes to the end, negative; a at the start of a tap        Z16      weights; then bias
//	R11  weights, at this step; zeros at the start of a tap         Z18-Z25  activations
//	R13  the task, R15 this tap, where they are no rows             Z26,Z27  lo, hi
//	                                                                K1       the channels that exist

#include "textflag.h"
#include "go_asm.h"
#include "windows_avx512_amd64.h"

// func windowsAVX512x12x16(t *windowTask, sums *float32)
TEXT ·windowsAVX512x12x16(SB), NOSPLIT, $32-16
	MOVQ t+0(FP), R13
	MOVQ windowTask_taps(R13), R15
	MOVQ windowTask_count(R13), R10
	MOVQ R10, taps-8(SP)
	BEGINS
	JNE  clear
	LOAD8
	LOAD4(512, Z8, Z9, Z10, Z11)
	JMP  tap

clear:
	CLEAR8
	CLEAR4(Z8, Z9, Z10, Z11)

tap: // for _, tap := range taps
	MOVQ R15, tap-16(SP)
	BEGIN(1)
	MOVQ R11, weights-24(SP)
	MOVQ R10, depth-32(SP)
	ROWS8
	ROW(8, R12)
	ROW(9, R13)
	ROW(10, R14)
	ROW(11, R15)
	MOVQ weights-24(SP), R11
	MOVQ depth-32(SP), R10

step: // for R10 = -depth; R10 < 0; R10 += 4
	VMOVUPS (R11), Z16             // w[k][0..15]
	ROW1(AX, Z18, Z0)            // acc[0] = fma(row 0[k], w[k], acc[0])
	ROW1(BX, Z19, Z1)
	ROW1(CX, Z20, Z2)
	ROW1(DX, Z21, Z3)
	ROW1(SI, Z22, Z4)
	ROW1(DI, Z23, Z5)
	ROW1(R8, Z24, Z6)
	ROW1(R9, Z25, Z7)
	ROW1(R12, Z18, Z8)
	ROW1(R13, Z19, Z9)
	ROW1(R14, Z20, Z10)
	ROW1(R15, Z21, Z11)
	ADDQ    $64, R11
	ADDQ    $4, R10
	JNZ     step
	MOVQ    t+0(FP), R13
	MOVQ    tap-16(SP), R15
	NEXT
	JNZ     tap
	ENDS
	JNE     stage
	SAVE8
	SAVE4(512, Z8, Z9, Z10, Z11)
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
	STORE1(8, Z8)
	STORE1(9, Z9)
	STORE1(10, Z10)
	STORE1(11, Z11)
	VZEROUPPER
	RET
