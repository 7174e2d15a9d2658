//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func addRealsAVX2(dst, a, b *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI a   DX b   CX left   Y0 the values   Y3 lo   Y4 hi
TEXT ·addRealsAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS lo+32(FP), Y3
	VBROADCASTSS hi+36(FP), Y4
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VMOVUPS (SI), Y0             // a
	VADDPS  (DX), Y0, Y0       // a + b
	VMAXPS  Y0, Y3, Y0          // lo if … < lo, NaN stays
	VMINPS  Y0, Y4, Y0          // hi if … > hi, NaN stays
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     whole

rest:
	VZEROUPPER
	RET

// func mulRealsAVX2(dst, a, b *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI a   DX b   CX left   Y0 the values   Y3 lo   Y4 hi
TEXT ·mulRealsAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS lo+32(FP), Y3
	VBROADCASTSS hi+36(FP), Y4
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VMOVUPS (SI), Y0             // a
	VMULPS  (DX), Y0, Y0       // a · b
	VMAXPS  Y0, Y3, Y0          // lo if … < lo, NaN stays
	VMINPS  Y0, Y4, Y0          // hi if … > hi, NaN stays
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     whole

rest:
	VZEROUPPER
	RET

// func clampRealsAVX2(dst, src *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI src   CX left   Y0 the values   Y3 lo   Y4 hi
TEXT ·clampRealsAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS lo+24(FP), Y3
	VBROADCASTSS hi+28(FP), Y4
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VMOVUPS (SI), Y0             // x
	VMAXPS  Y0, Y3, Y0          // lo if … < lo, NaN stays
	VMINPS  Y0, Y4, Y0          // hi if … > hi, NaN stays
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     whole

rest:
	VZEROUPPER
	RET
