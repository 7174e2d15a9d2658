//go:build !purego

#include "textflag.h"

// func subtractZerosAVX2(acc *int32, width, rows int, sums, zero *int32)
//
// Registers:
//	DI acc   R8 columns left   CX rows left   SI sums   DX zero   AX column
//	R9 width                                  Y0 a row's sum      Y1 products
TEXT ·subtractZerosAVX2(SB), NOSPLIT, $0-40
	MOVQ acc+0(FP), DI
	MOVQ width+8(FP), R9
	MOVQ rows+16(FP), CX
	MOVQ sums+24(FP), SI
	MOVQ zero+32(FP), DX

row: // for rows > 0; rows--
	VPBROADCASTD (SI), Y0
	XORQ         AX, AX

column: // for c := 0; c < width; c += 8
	VPMULLD (DX)(AX*4), Y0, Y1 // zero[c..] · sums[r]
	VMOVDQU (DI)(AX*4), Y2
	VPSUBD  Y1, Y2, Y2
	VMOVDQU Y2, (DI)(AX*4)     // acc[r·width+c..] -= …
	ADDQ    $8, AX
	CMPQ    AX, R9
	JLT     column
	LEAQ    (DI)(R9*4), DI
	ADDQ    $4, SI
	DECQ    CX
	JNZ     row
	VZEROUPPER
	RET
