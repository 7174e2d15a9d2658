//go:build !purego

#include "textflag.h"

// A byte of VPSHUFB's indices gives 0 where it is negative, and the entry of its low four bits else. So entry [j, x] of the
// table, j = 0 … 7, is the sum without carries of what these give for x − 16·j as an index:
//
//	table[0], table[0]^table[1], table[1]^table[2], …
//
// since the index is negative from the row after x's on. Codes from 128 on are negative themselves, and stay it; they are
// looked up in the other half of the table, with 128 taken from them, where those below are negative.

// DIFFER stores what row r of 16 entries differs in from the one before.
#define DIFFER(r) \
	VMOVDQU (16*r)(DX), X0;   \
	VPXOR   (16*r-16)(DX), X0, X0; \
	VMOVDQU X0, (16*r)(SP)

// FIRST1 begins with row r for the codes in Y0, ROW1 adds row r.
#define FIRST1(r, z) \
	VBROADCASTI128 (16*r)(SP), Y8; \
	VPSHUFB        Y0, Y8, z
#define ROW1(r) \
	VBROADCASTI128 (16*r)(SP), Y8; \
	VPSUBSB        Y9, Y0, Y0;  \
	VPSHUFB        Y0, Y8, Y10; \
	VPXOR          Y10, Y4, Y4

// LOOKUP1 replaces the codes in Y0 by their entries in Y4.
#define LOOKUP1 \
	VPXOR Y14, Y0, Y1; \
	FIRST1(0, Y4);     \
	ROW1(1);           \
	ROW1(2);           \
	ROW1(3);           \
	ROW1(4);           \
	ROW1(5);           \
	ROW1(6);           \
	ROW1(7);           \
	VMOVDQA Y1, Y0;    \
	FIRST1(8, Y10);    \
	VPXOR Y10, Y4, Y4; \
	ROW1(9);           \
	ROW1(10);          \
	ROW1(11);          \
	ROW1(12);          \
	ROW1(13);          \
	ROW1(14);          \
	ROW1(15)

// LOAD4 loads 128 codes, FIRST4 begins with row r for them, ROW4 adds row r.
#define LOAD4 \
	VMOVDQU (AX), Y0;   \
	VMOVDQU 32(AX), Y1; \
	VMOVDQU 64(AX), Y2; \
	VMOVDQU 96(AX), Y3
#define FIRST4(r) \
	VBROADCASTI128 (16*r)(SP), Y8; \
	VPSHUFB        Y0, Y8, Y10; \
	VPSHUFB        Y1, Y8, Y11; \
	VPSHUFB        Y2, Y8, Y12; \
	VPSHUFB        Y3, Y8, Y13; \
	VPXOR          Y10, Y4, Y4; \
	VPXOR          Y11, Y5, Y5; \
	VPXOR          Y12, Y6, Y6; \
	VPXOR          Y13, Y7, Y7
#define ROW4(r) \
	VPSUBSB Y9, Y0, Y0; \
	VPSUBSB Y9, Y1, Y1; \
	VPSUBSB Y9, Y2, Y2; \
	VPSUBSB Y9, Y3, Y3; \
	FIRST4(r)

// func lookupAVX2(dst, src *byte, rows, n, dstStep, srcStep int, table *[256]byte)
//
//	for r := range rows {
//		for i := range n { // n >= 16
//			dst[r*dstStep+i] = table[src[r*srcStep+i]]
//		}
//	}
//
// Registers:
//	DI, SI  row of dst, src    Y0-Y3    codes              Y9   16, 16, …
//	BX, AX  in the row         Y4-Y7    their entries      Y14  128, 128, …
//	CX      rows left          Y8       row of the table   Y15  the last 32 codes of the row
//	R8      n, DX left of it   Y10-Y13  scratch
TEXT ·lookupAVX2(SB), NOSPLIT, $256-56
	MOVQ    table+48(FP), DX
	VMOVDQU (DX), X0
	VMOVDQU X0, (SP)
	DIFFER(1)
	DIFFER(2)
	DIFFER(3)
	DIFFER(4)
	DIFFER(5)
	DIFFER(6)
	DIFFER(7)
	VMOVDQU 128(DX), X0
	VMOVDQU X0, 128(SP)
	DIFFER(9)
	DIFFER(10)
	DIFFER(11)
	DIFFER(12)
	DIFFER(13)
	DIFFER(14)
	DIFFER(15)
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         rows+16(FP), CX
	MOVQ         n+24(FP), R8
	MOVQ         dstStep+32(FP), R9
	MOVQ         srcStep+40(FP), R10
	MOVL         $16, AX
	VMOVD        AX, X9
	VPBROADCASTB X9, Y9
	MOVL         $128, AX
	VMOVD        AX, X14
	VPBROADCASTB X14, Y14
	CMPQ         R8, $32
	JL           short

row: // for ; CX > 0; CX--
	VMOVDQU -32(SI)(R8*1), Y15 // before anything is stored, as dst may be src
	MOVQ    SI, AX
	MOVQ    DI, BX
	MOVQ    R8, DX
	SUBQ    $128, DX
	JL      rest

fours: // for DX = left - 128; DX >= 0; DX -= 128
	LOAD4
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	FIRST4(0)
	ROW4(1)
	ROW4(2)
	ROW4(3)
	ROW4(4)
	ROW4(5)
	ROW4(6)
	ROW4(7)
	LOAD4
	VPXOR Y14, Y0, Y0
	VPXOR Y14, Y1, Y1
	VPXOR Y14, Y2, Y2
	VPXOR Y14, Y3, Y3
	FIRST4(8)
	ROW4(9)
	ROW4(10)
	ROW4(11)
	ROW4(12)
	ROW4(13)
	ROW4(14)
	ROW4(15)
	VMOVDQU Y4, (BX)
	VMOVDQU Y5, 32(BX)
	VMOVDQU Y6, 64(BX)
	VMOVDQU Y7, 96(BX)
	ADDQ    $128, AX
	ADDQ    $128, BX
	SUBQ    $128, DX
	JGE     fours

rest:
	ADDQ $96, DX
	JL   tail

ones: // for DX = left - 32; DX >= 0; DX -= 32
	VMOVDQU (AX), Y0
	LOOKUP1
	VMOVDQU Y4, (BX)
	ADDQ    $32, AX
	ADDQ    $32, BX
	SUBQ    $32, DX
	JGE     ones

tail:
	CMPQ    DX, $-32 // nothing is left
	JE      next
	VMOVDQA Y15, Y0
	LOOKUP1
	VMOVDQU Y4, -32(DI)(R8*1)

next:
	ADDQ R10, SI
	ADDQ R9, DI
	DECQ CX
	JG   row
	VZEROUPPER
	RET

short: // for ; CX > 0; CX--
	VMOVDQU      (SI), X0
	VINSERTI128  $1, -16(SI)(R8*1), Y0, Y0
	LOOKUP1
	VMOVDQU      X4, (DI)
	VEXTRACTI128 $1, Y4, -16(DI)(R8*1)
	ADDQ         R10, SI
	ADDQ         R9, DI
	DECQ         CX
	JG           short
	VZEROUPPER
	RET
