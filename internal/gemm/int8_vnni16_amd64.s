//go:build !purego

// Registers: see int8_vnni_amd64.h.

#include "textflag.h"
#include "int8_vnni_amd64.h"

// func int8VNNI16x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
//
// R13 is row 2 and R9 row 7 here.
TEXT ·int8VNNI16x16(SB), NOSPLIT, $0-80
	ARGUMENTS

tile:
	BEGIN
	LOAD4(Z0, Z1, Z2, Z3)
	LOAD4(Z4, Z5, Z6, Z7)
	LOAD4(Z8, Z9, Z10, Z11)
	LOAD4(Z12, Z13, Z14, Z15)
	END
	START
	LEAQ  (SI)(DX*2), R13
	LEAQ  (SI)(R8*2), R9
	ADDQ  DX, R9
	TESTQ BX, BX
	JZ    rest

step:
	VMOVDQU32 (R12), Z16
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
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $4, R13
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ROW1(4(R11), Z19, Z1)
	ROW1(8(R11), Z20, Z2)
	ROW1(12(R11), Z21, Z3)
	ROW1(16(R11), Z22, Z4)
	ROW1(20(R11), Z23, Z5)
	ROW1(24(R11), Z24, Z6)
	ROW1(28(R11), Z25, Z7)
	ROW1(32(R11), Z18, Z8)
	ROW1(36(R11), Z19, Z9)
	ROW1(40(R11), Z20, Z10)
	ROW1(44(R11), Z21, Z11)
	ROW1(48(R11), Z22, Z12)
	ROW1(52(R11), Z23, Z13)
	ROW1(56(R11), Z24, Z14)
	ROW1(60(R11), Z25, Z15)
	ADDQ      $64, R11

store:
	LEAQ      (R15)(R15*2), R13
	STORE4(Z0, Z1, Z2, Z3)
	STORE4(Z4, Z5, Z6, Z7)
	STORE4(Z8, Z9, Z10, Z11)
	STORE4(Z12, Z13, Z14, Z15)
	LEAQ      (SI)(DX*8), SI
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI8x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
TEXT ·int8VNNI8x16(SB), NOSPLIT, $0-80
	ARGUMENTS

tile:
	BEGIN
	LOAD4(Z0, Z1, Z2, Z3)
	LOAD4(Z4, Z5, Z6, Z7)
	END
	START
	JZ    rest

step:
	VMOVDQU32 (R12), Z16
	ROW1((AX), Z18, Z0)
	ROW1((AX)(DX*1), Z19, Z1)
	ROW1((AX)(DX*2), Z20, Z2)
	ROW1((AX)(R8*1), Z21, Z3)
	ROW1((AX)(DX*4), Z22, Z4)
	ROW1((R9), Z23, Z5)
	ROW1((R9)(DX*1), Z24, Z6)
	ROW1((R9)(DX*2), Z25, Z7)
	ADDQ      $4, AX
	ADDQ      $4, R9
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ROW1(4(R11), Z19, Z1)
	ROW1(8(R11), Z20, Z2)
	ROW1(12(R11), Z21, Z3)
	ROW1(16(R11), Z22, Z4)
	ROW1(20(R11), Z23, Z5)
	ROW1(24(R11), Z24, Z6)
	ROW1(28(R11), Z25, Z7)
	ADDQ      $32, R11

store:
	LEAQ      (R15)(R15*2), R13
	STORE4(Z0, Z1, Z2, Z3)
	STORE4(Z4, Z5, Z6, Z7)
	LEAQ      (SI)(DX*8), SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET

// func int8VNNI1x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)
TEXT ·int8VNNI1x16(SB), NOSPLIT, $0-80
	ARGUMENTS

tile:
	BEGIN
	VMOVDQU32 (AX), Z0
	ADDQ      BX, AX
	END
	START
	JZ    rest

step:
	VMOVDQU32 (R12), Z16
	ROW1((AX), Z18, Z0)
	ADDQ      $4, AX
	ADDQ      $64, R12
	DECQ      BX
	JNZ       step

rest:
	TESTQ     R11, R11
	JZ        store
	VMOVDQU32 (R12), Z16
	ROW1((R11), Z18, Z0)
	ADDQ      $4, R11

store:
	VMOVDQU32 Z0, (DI)
	ADDQ      R15, DI
	ADDQ      DX, SI
	DECQ      CX
	JNZ       tile
	VZEROUPPER
	RET
