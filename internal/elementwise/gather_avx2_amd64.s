//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func gatherAVX2x32(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this pixel                     AX at this line of dst   CX lines left
//	SI src of this pixel   R9  pixels left   DX at this line of src   R13 bytes of the line copied
//	BX p                   R10 p.DstLine     R11 p.SrcLine            R12 where the last vector begins
//	Y0 a vector
//
// A line has at least 32 bytes. Its last vector begins where it ends with the line.
TEXT ·gatherAVX2x32(SB), NOSPLIT, $0-24
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    p+16(FP), BX
	MOVQ    Gather_Length(BX), R12
	SUBQ    $32, R12
	MOVQ    Gather_Pixels(BX), R9
	MOVQ    Gather_DstLine(BX), R10
	MOVQ    Gather_SrcLine(BX), R11

pixel: // for R9 = pixels; R9 > 0; R9--
	MOVQ    Gather_Lines(BX), CX
	MOVQ    DI, AX
	MOVQ    SI, DX

line: // for CX = lines; CX > 0; CX--
	XORQ    R13, R13
	CMPQ    R13, R12
	JGE     last

whole: // for R13 = 0; R13 < R12; R13 += 32
	VMOVDQU (DX)(R13*1), Y0
	VMOVDQU Y0, (AX)(R13*1)
	ADDQ    $32, R13
	CMPQ    R13, R12
	JLT     whole

last:
	VMOVDQU (DX)(R12*1), Y0
	VMOVDQU Y0, (AX)(R12*1)
	ADDQ    R10, AX
	ADDQ    R11, DX
	DECQ    CX
	JNZ     line
	ADDQ    Gather_DstStep(BX), DI
	ADDQ    Gather_SrcStep(BX), SI
	DECQ    R9
	JNZ     pixel
	VZEROUPPER
	RET

// func gatherAVX2x8(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this pixel                     AX at this line of dst   CX lines left
//	SI src of this pixel   R9  pixels left   DX at this line of src   R13 bytes of the line copied
//	BX p                   R10 p.DstLine     R11 p.SrcLine            R12 where the last vector begins
//	X0 a vector
//
// A line has at least 8 bytes. Its last vector begins where it ends with the line.
TEXT ·gatherAVX2x8(SB), NOSPLIT, $0-24
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    p+16(FP), BX
	MOVQ    Gather_Length(BX), R12
	SUBQ    $8, R12
	MOVQ    Gather_Pixels(BX), R9
	MOVQ    Gather_DstLine(BX), R10
	MOVQ    Gather_SrcLine(BX), R11

pixel: // for R9 = pixels; R9 > 0; R9--
	MOVQ    Gather_Lines(BX), CX
	MOVQ    DI, AX
	MOVQ    SI, DX

line: // for CX = lines; CX > 0; CX--
	XORQ    R13, R13
	CMPQ    R13, R12
	JGE     last

whole: // for R13 = 0; R13 < R12; R13 += 8
	VMOVQ   (DX)(R13*1), X0
	VMOVQ   X0, (AX)(R13*1)
	ADDQ    $8, R13
	CMPQ    R13, R12
	JLT     whole

last:
	VMOVQ   (DX)(R12*1), X0
	VMOVQ   X0, (AX)(R12*1)
	ADDQ    R10, AX
	ADDQ    R11, DX
	DECQ    CX
	JNZ     line
	ADDQ    Gather_DstStep(BX), DI
	ADDQ    Gather_SrcStep(BX), SI
	DECQ    R9
	JNZ     pixel
	VZEROUPPER
	RET
