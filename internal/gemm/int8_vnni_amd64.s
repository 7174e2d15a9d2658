//go:build !purego

// Registers: see int8_vnni_amd64.h.

#include "textflag.h"
#include "int8_vnni_amd64.h"

// STEP8 adds step k/4 of the next ones to 8 rows, acc[0] += a[0][k..k+3]·w and so on. Its weights, 16 channels by 4 k and
// the next 16, are w bytes on.
#define STEP8(k, w) \
	VMOVDQU32 w(R12), Z16 \
	VMOVDQU32 w+64(R12), Z17 \
	ROW2(k(AX), Z18, Z0, Z1) \
	ROW2(k(AX)(DX*1), Z19, Z2, Z3) \
	ROW2(k(AX)(DX*2), Z20, Z4, Z5) \
	ROW2(k(AX)(R8*1), Z21, Z6, Z7) \
	ROW2(k(AX)(DX*4), Z22, Z8, Z9) \
	ROW2(k(R9), Z23, Z10, Z11) \
	ROW2(k(R9)(DX*1), Z24, Z12, Z13) \
	ROW2(k(R9)(DX*2), Z25, Z14, Z15)

// func int8VNNI8x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
TEXT ·int8VNNI8x32(SB), NOSPLIT, $0-80
	ARGUMENTS
	MOVQ w+40(FP), R14 // the weights that come next: tiles fetch a line each few steps
	MOVQ steps+48(FP), AX
	SHLQ $7, AX
	ADDQ AX, R14

tile:
	BEGIN
	LOAD8(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	LOAD8(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	END
	START
	JZ    rest

	SHRQ  $2, BX
	JZ    few

four: // for BX = steps/4; BX > 0; BX--
	STEP8(0, 0)
	STEP8(4, 128)
	STEP8(8, 256)
	STEP8(12, 384)
	PREFETCHT1 (R14) // the weights that come next, all tiles together
	ADDQ      $64, R14
	ADDQ      $16, AX
	ADDQ      $16, R9
	ADDQ      $512, R12
	DECQ      BX
	JNZ       four

few: // steps%4
	MOVQ      steps+48(FP), BX
	ANDQ      $3, BX
	JZ        rest

step: // for ; BX > 0; BX--
	STEP8(0, 0)
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest: // the last K%4 bytes of each row
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ROW2(4(R11), Z19, Z2, Z3)
	ROW2(8(R11), Z20, Z4, Z5)
	ROW2(12(R11), Z21, Z6, Z7)
	ROW2(16(R11), Z22, Z8, Z9)
	ROW2(20(R11), Z23, Z10, Z11)
	ROW2(24(R11), Z24, Z12, Z13)
	ROW2(28(R11), Z25, Z14, Z15)
	ADDQ      $32, R11

store:
	LEAQ      (R15)(R15*2), R13
	STORE8(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	STORE8(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI4x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
TEXT ·int8VNNI4x32(SB), NOSPLIT, $0-80
	ARGUMENTS

tile:
	BEGIN
	LOAD8(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	END
	START
	JZ    rest

step:
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ROW2((AX)(DX*1), Z19, Z2, Z3)
	ROW2((AX)(DX*2), Z20, Z4, Z5)
	ROW2((AX)(R8*1), Z21, Z6, Z7)
	ADDQ      $4, AX
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ROW2(4(R11), Z19, Z2, Z3)
	ROW2(8(R11), Z20, Z4, Z5)
	ROW2(12(R11), Z21, Z6, Z7)
	ADDQ      $16, R11

store:
	LEAQ      (R15)(R15*2), R13
	STORE8(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	LEAQ      (SI)(DX*4), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI1x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
TEXT ·int8VNNI1x32(SB), NOSPLIT, $0-80
	ARGUMENTS

tile:
	BEGIN
	VMOVDQU32 (AX), Z0
	VMOVDQU32 64(AX), Z1
	ADDQ      BX, AX
	END
	START
	JZ    rest

step:
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((AX), Z18, Z0, Z1)
	ADDQ      $4, AX
	ADDQ      $128, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	VMOVDQU32 64(R12), Z17
	ROW2((R11), Z18, Z0, Z1)
	ADDQ      $4, R11

store:
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	ADDQ      R15, DI
	ADDQ      DX, SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET
