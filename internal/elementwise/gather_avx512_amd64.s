//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func gatherAVX512(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this pixel   R8  p.Length      AX at this line of dst   CX lines left
//	SI src of this pixel   R9  pixels left   DX at this line of src   R13 bytes of the line copied
//	BX p                   R10 p.DstLine     R11 p.SrcLine            R12 last whole vector of a line
//	Z0 a vector            K1  the bytes of the last one
TEXT ·gatherAVX512(SB), NOSPLIT, $0-24
	MOVQ     dst+0(FP), DI
	MOVQ     src+8(FP), SI
	MOVQ     p+16(FP), BX
	MOVQ     Gather_Length(BX), R8
	MOVQ     Gather_Pixels(BX), R9
	MOVQ     Gather_DstLine(BX), R10
	MOVQ     Gather_SrcLine(BX), R11
	MOVQ     R8, CX
	DECQ     CX
	ANDQ     $63, CX
	INCQ     CX               // 1 to 64 bytes are left for the last vector
	MOVQ     R8, R12
	SUBQ     CX, R12
	MOVQ     $-1, R13
	BZHIQ    CX, R13, R13
	KMOVQ    R13, K1

pixel: // for R9 = pixels; R9 > 0; R9--
	MOVQ     Gather_Lines(BX), CX
	MOVQ     DI, AX
	MOVQ     SI, DX

line: // for CX = lines; CX > 0; CX--
	XORQ     R13, R13
	TESTQ    R12, R12
	JZ       last

whole: // for R13 = 0; R13 < R12; R13 += 64
	VMOVDQU8 (DX)(R13*1), Z0
	VMOVDQU8 Z0, (AX)(R13*1)
	ADDQ     $64, R13
	CMPQ     R13, R12
	JLT      whole

last:
	VMOVDQU8.Z (DX)(R13*1), K1, Z0
	VMOVDQU8 Z0, K1, (AX)(R13*1)
	ADDQ     R10, AX
	ADDQ     R11, DX
	DECQ     CX
	JNZ      line
	ADDQ     Gather_DstStep(BX), DI
	ADDQ     Gather_SrcStep(BX), SI
	DECQ     R9
	JNZ      pixel
	VZEROUPPER
	RET
