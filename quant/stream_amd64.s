//go:build !purego

#include "textflag.h"

// func stream4to1(dst *byte, src *float32, n int)
//
// Registers:
//	DI  dst    SI  src    CX  bytes to write    Y0-Y7  what was read
TEXT ·stream4to1(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 64
	VMOVUPS  0(SI), Y0
	VMOVUPS  32(SI), Y1
	VORPS    64(SI), Y0, Y0
	VORPS    96(SI), Y1, Y1
	VORPS    128(SI), Y0, Y0
	VORPS    160(SI), Y1, Y1
	VORPS    192(SI), Y0, Y0
	VORPS    224(SI), Y1, Y1
	VMOVNTPS Y0, 0(DI)
	VMOVNTPS Y1, 32(DI)
	ADDQ     $256, SI
	ADDQ     $64, DI
	SUBQ     $64, CX
	JG       loop
	SFENCE
	VZEROUPPER
	RET

// func stream1to4(dst *float32, src *byte, n int)
//
// Registers:
//	DI  dst    SI  src    CX  bytes to read    Y0,Y1  what was read
TEXT ·stream1to4(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop: // for CX = n; CX > 0; CX -= 64
	VMOVUPS  0(SI), Y0
	VMOVUPS  32(SI), Y1
	VMOVNTPS Y0, 0(DI)
	VMOVNTPS Y1, 32(DI)
	VMOVNTPS Y0, 64(DI)
	VMOVNTPS Y1, 96(DI)
	VMOVNTPS Y0, 128(DI)
	VMOVNTPS Y1, 160(DI)
	VMOVNTPS Y0, 192(DI)
	VMOVNTPS Y1, 224(DI)
	ADDQ     $64, SI
	ADDQ     $256, DI
	SUBQ     $64, CX
	JG       loop
	SFENCE
	VZEROUPPER
	RET
