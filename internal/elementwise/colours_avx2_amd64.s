//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// Of four bytes each, the first three.
DATA threeOfFour<>+0(SB)/8, $0x0908060504020100
DATA threeOfFour<>+8(SB)/8, $0x808080800e0d0c0a
GLOBL threeOfFour<>(SB), RODATA|NOPTR, $16

// CODES makes codes of eight reals in v, in dwords.
#define CODES(from, v) \
	VMOVUPS   (from), v    \
	VDIVPS    Y8, v, v     \
	VCMPPS    $7, v, v, Y3 \
	VANDPS    Y3, v, v     \
	VMAXPS    Y9, v, v     \
	VMINPS    Y10, v, v    \
	VCVTPS2DQ v, v         \
	VPADDD    Y11, v, v    \
	VPAND     Y15, v, v

// func coloursAVX2(dst *byte, red, green, blue *float32, n, pixel int, q *Quantizer)
//
// Registers:
//	DI dst     SI red    R9 bytes of a pixel    Y0, Y1, Y2 codes      Y8 Scale   Y9, Y10 Lo, Hi   Y11 Offset
//	CX left    DX green                         Y3 what is no NaN     Y14 threeOfFour             Y15 0x000000ff
//	BX q       R8 blue
TEXT ·coloursAVX2(SB), NOSPLIT, $0-56
	MOVQ           dst+0(FP), DI
	MOVQ           red+8(FP), SI
	MOVQ           green+16(FP), DX
	MOVQ           blue+24(FP), R8
	MOVQ           n+32(FP), CX
	MOVQ           pixel+40(FP), R9
	MOVQ           q+48(FP), BX
	VBROADCASTSS   Quantizer_Scale(BX), Y8
	VBROADCASTSS   Quantizer_Lo(BX), Y9
	VBROADCASTSS   Quantizer_Hi(BX), Y10
	VPBROADCASTD   Quantizer_Offset(BX), Y11
	VPCMPEQD       Y15, Y15, Y15
	VPSRLD         $24, Y15, Y15
	VBROADCASTI128 threeOfFour<>(SB), Y14

pixels: // for CX = n; CX > 0; CX -= 8
	CODES(SI, Y0)
	CODES(DX, Y1)
	CODES(R8, Y2)
	VPSLLD       $8, Y1, Y1
	VPSLLD       $16, Y2, Y2
	VPOR         Y1, Y0, Y0
	VPOR         Y2, Y0, Y0
	CMPQ         R9, $4
	JEQ          four
	VPSHUFB      Y14, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVQ        X0, (DI)
	VPEXTRD      $2, X0, 8(DI)
	VMOVQ        X1, 12(DI)
	VPEXTRD      $2, X1, 20(DI)
	JMP          next

four:
	VMOVDQU Y0, (DI)

next:
	LEAQ (DI)(R9*8), DI
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, R8
	SUBQ $8, CX
	JG   pixels
	VZEROUPPER
	RET
