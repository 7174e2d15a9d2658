//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// QUOTIENTS makes v, dwords, of eight codes: RNE(float32(a − ZeroA)·ScaleA·y / Scale).
#define QUOTIENTS(from, y, v) \
	VPMOVZXBD from, v      \
	VPSUBD    Y8, v, v     \
	VCVTDQ2PS v, v         \
	VMULPS    Y9, v, v     \
	VMULPS    y, v, v      \
	VDIVPS    Y10, v, v    \
	VCVTPS2DQ v, v

// func mulRowsAVX2(dst, a *byte, y *float32, n, rows int, p *rowParams)
//
// Registers:
//	DI dst at c   DX y at c         R10 channels left   Y0 … Y3 products    Y8 ZeroA   Y9 ScaleA   Y10 Scale
//	SI a at c     R8, R9 n, rows    AX  of this row     Y4 … Y7 y           Y11 Offset Y12 lo      Y13 hi
//	BX p          CX rows left                                              Y14 the order of dwords
TEXT ·mulRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         y+16(FP), DX
	MOVQ         n+24(FP), R8
	MOVQ         rows+32(FP), R9
	MOVQ         p+40(FP), BX
	VPBROADCASTD rowParams_zero(BX), Y8
	VBROADCASTSS rowParams_by(BX), Y9
	VBROADCASTSS rowParams_scale(BX), Y10
	VPBROADCASTW rowParams_offset(BX), Y11
	VPBROADCASTB rowParams_lo(BX), Y12
	VPBROADCASTB rowParams_hi(BX), Y13
	VMOVDQU      packedOrder<>(SB), Y14
	MOVQ         R8, R10

block: // for R10 = n; R10 > 0; R10 -= 32
	VMOVUPS 0(DX), Y4
	VMOVUPS 32(DX), Y5
	VMOVUPS 64(DX), Y6
	VMOVUPS 96(DX), Y7
	MOVQ    R9, CX
	XORQ    AX, AX

row: // for CX = rows; CX > 0; CX--
	QUOTIENTS(0(SI)(AX*1), Y4, Y0)
	QUOTIENTS(8(SI)(AX*1), Y5, Y1)
	QUOTIENTS(16(SI)(AX*1), Y6, Y2)
	QUOTIENTS(24(SI)(AX*1), Y7, Y3)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPADDSW   Y11, Y0, Y0
	VPADDSW   Y11, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, Y14, Y0
	VPMAXUB   Y12, Y0, Y0
	VPMINUB   Y13, Y0, Y0
	VMOVDQU   Y0, (DI)(AX*1)
	ADDQ      R8, AX
	DECQ      CX
	JNZ       row
	ADDQ      $-32, R10
	JLE       done
	MOVQ      $32, CX                      // the last 32 channels may be some that are there already
	CMPQ      R10, CX
	CMOVQLT   R10, CX
	ADDQ      CX, DI
	ADDQ      CX, SI
	LEAQ      (DX)(CX*4), DX
	JMP       block

done:
	VZEROUPPER
	RET

// Packing leaves four bytes of each eight in each half.
DATA packedOrder<>+0(SB)/8, $0x0000000400000000
DATA packedOrder<>+8(SB)/8, $0x0000000500000001
DATA packedOrder<>+16(SB)/8, $0x0000000600000002
DATA packedOrder<>+24(SB)/8, $0x0000000700000003
GLOBL packedOrder<>(SB), RODATA|NOPTR, $32
