//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func addRealsAVX512(dst, a, b *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI a   DX b   CX left   Z0 the values   Z3 lo   Z4 hi   K1 the elements that exist
TEXT ·addRealsAVX512(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS lo+32(FP), Z3
	VBROADCASTSS hi+36(FP), Z4
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VMOVUPS (SI), Z0             // a
	VADDPS  (DX), Z0, Z0       // a + b
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     whole

rest:
	ADDQ    $16, CX
	JLE     done
	MOVL    $1, AX
	SHLL    CX, AX
	DECL    AX                    // 1<<left - 1
	KMOVW   AX, K1
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VADDPS  Z1, Z0, Z0       // a + b
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func mulRealsAVX512(dst, a, b *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI a   DX b   CX left   Z0 the values   Z3 lo   Z4 hi   K1 the elements that exist
TEXT ·mulRealsAVX512(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS lo+32(FP), Z3
	VBROADCASTSS hi+36(FP), Z4
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VMOVUPS (SI), Z0             // a
	VMULPS  (DX), Z0, Z0       // a · b
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     whole

rest:
	ADDQ    $16, CX
	JLE     done
	MOVL    $1, AX
	SHLL    CX, AX
	DECL    AX                    // 1<<left - 1
	KMOVW   AX, K1
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VMULPS  Z1, Z0, Z0       // a · b
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func clampRealsAVX512(dst, src *float32, n int, lo, hi float32)
//
// Registers:
//	DI dst   SI src   CX left   Z0 the values   Z3 lo   Z4 hi   K1 the elements that exist
TEXT ·clampRealsAVX512(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS lo+24(FP), Z3
	VBROADCASTSS hi+28(FP), Z4
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VMOVUPS (SI), Z0             // x
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     whole

rest:
	ADDQ    $16, CX
	JLE     done
	MOVL    $1, AX
	SHLL    CX, AX
	DECL    AX                    // 1<<left - 1
	KMOVW   AX, K1
	VMOVUPS.Z (SI), K1, Z0
	VMAXPS  Z0, Z3, Z0          // lo if … < lo, NaN stays
	VMINPS  Z0, Z4, Z0          // hi if … > hi, NaN stays
	VMOVUPS Z0, K1, (DI)

done:
	VZEROUPPER
	RET
