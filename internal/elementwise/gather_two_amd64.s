//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func gatherTwo16(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this line   R8  p.DstStep   AX at this pixel of dst   CX pixels left
//	SI src of this line   R9  lines left  DX at this pixel of src   X0,X1 the line's first and last 16 bytes
//	BX p                  R10 p.SrcStep   R12 p.Length-16
TEXT ·gatherTwo16(SB), NOSPLIT, $0-24
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    p+16(FP), BX
	MOVQ    Gather_Length(BX), R12
	SUBQ    $16, R12
	MOVQ    Gather_Lines(BX), R9
	MOVQ    Gather_DstStep(BX), R8
	MOVQ    Gather_SrcStep(BX), R10

line: // for R9 = lines; R9 > 0; R9--
	MOVQ    Gather_Pixels(BX), CX
	MOVQ    DI, AX
	MOVQ    SI, DX

pixel: // for CX = pixels; CX > 0; CX--
	VMOVDQU (DX), X0
	VMOVDQU (DX)(R12*1), X1
	VMOVDQU X0, (AX)
	VMOVDQU X1, (AX)(R12*1)
	ADDQ    R8, AX
	ADDQ    R10, DX
	DECQ    CX
	JNZ     pixel
	ADDQ    Gather_DstLine(BX), DI
	ADDQ    Gather_SrcLine(BX), SI
	DECQ    R9
	JNZ     line
	VZEROUPPER
	RET

// func gatherTwo32(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this line   R8  p.DstStep   AX at this pixel of dst   CX pixels left
//	SI src of this line   R9  lines left  DX at this pixel of src   Y0,Y1 the line's first and last 32 bytes
//	BX p                  R10 p.SrcStep   R12 p.Length-32
TEXT ·gatherTwo32(SB), NOSPLIT, $0-24
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    p+16(FP), BX
	MOVQ    Gather_Length(BX), R12
	SUBQ    $32, R12
	MOVQ    Gather_Lines(BX), R9
	MOVQ    Gather_DstStep(BX), R8
	MOVQ    Gather_SrcStep(BX), R10

line: // for R9 = lines; R9 > 0; R9--
	MOVQ    Gather_Pixels(BX), CX
	MOVQ    DI, AX
	MOVQ    SI, DX

pixel: // for CX = pixels; CX > 0; CX--
	VMOVDQU (DX), Y0
	VMOVDQU (DX)(R12*1), Y1
	VMOVDQU Y0, (AX)
	VMOVDQU Y1, (AX)(R12*1)
	ADDQ    R8, AX
	ADDQ    R10, DX
	DECQ    CX
	JNZ     pixel
	ADDQ    Gather_DstLine(BX), DI
	ADDQ    Gather_SrcLine(BX), SI
	DECQ    R9
	JNZ     line
	VZEROUPPER
	RET

// func gatherTwo64(dst, src *byte, p *Gather)
//
// Registers:
//	DI dst of this line   R8  p.DstStep   AX at this pixel of dst   CX pixels left
//	SI src of this line   R9  lines left  DX at this pixel of src   Z0,Z1 the line's first and last 64 bytes
//	BX p                  R10 p.SrcStep   R12 p.Length-64
TEXT ·gatherTwo64(SB), NOSPLIT, $0-24
	MOVQ      dst+0(FP), DI
	MOVQ      src+8(FP), SI
	MOVQ      p+16(FP), BX
	MOVQ      Gather_Length(BX), R12
	SUBQ      $64, R12
	MOVQ      Gather_Lines(BX), R9
	MOVQ      Gather_DstStep(BX), R8
	MOVQ      Gather_SrcStep(BX), R10

line: // for R9 = lines; R9 > 0; R9--
	MOVQ      Gather_Pixels(BX), CX
	MOVQ      DI, AX
	MOVQ      SI, DX

pixel: // for CX = pixels; CX > 0; CX--
	VMOVDQU64 (DX), Z0
	VMOVDQU64 (DX)(R12*1), Z1
	VMOVDQU64 Z0, (AX)
	VMOVDQU64 Z1, (AX)(R12*1)
	ADDQ      R8, AX
	ADDQ      R10, DX
	DECQ      CX
	JNZ       pixel
	ADDQ      Gather_DstLine(BX), DI
	ADDQ      Gather_SrcLine(BX), SI
	DECQ      R9
	JNZ       line
	VZEROUPPER
	RET
