//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func addCodesAVX512(dst, a, b *byte, n int, p *Pair)
//
// Registers:
//	DI dst   SI a   DX b          Z4,Z5 ZeroA, ZeroB      Z9,Z10 Lo, Hi
//	CX left  BX p                 Z6,Z7 ScaleA, ScaleB    Z11    Offset
//	Z0,Z1 a', b'   Z2 result    Z8    Scale             K2     the elements that exist
TEXT ·addCodesAVX512(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), BX
	VPBROADCASTD Pair_ZeroA(BX), Z4
	VPBROADCASTD Pair_ZeroB(BX), Z5
	VBROADCASTSS Pair_ScaleA(BX), Z6
	VBROADCASTSS Pair_ScaleB(BX), Z7
	VBROADCASTSS Pair_Scale(BX), Z8
	VBROADCASTSS Pair_Lo(BX), Z9
	VBROADCASTSS Pair_Hi(BX), Z10
	VPBROADCASTD Pair_Offset(BX), Z11
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VPMOVZXBD   (SI), Z0          // a
	VPMOVZXBD   (DX), Z1          // b
	VPSUBD      Z4, Z0, Z0
	VPSUBD      Z5, Z1, Z1
	VCVTDQ2PS   Z0, Z0
	VCVTDQ2PS   Z1, Z1
	VMULPS      Z6, Z0, Z0        // float32(a - ZeroA) · ScaleA
	VMULPS      Z7, Z1, Z1        // float32(b - ZeroB) · ScaleB
	VADDPS      Z1, Z0, Z2        // a' + b'
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU     X2, (DI)
	ADDQ        $16, SI
	ADDQ        $16, DX
	ADDQ        $16, DI
	SUBQ        $16, CX
	JGE         whole

rest:
	ADDQ        $16, CX
	JLE         done
	MOVL        $1, AX
	SHLL        CX, AX
	DECL        AX                // 1<<left - 1
	KMOVW       AX, K2
	VPMOVZXBD.Z (SI), K2, Z0
	VPMOVZXBD.Z (DX), K2, Z1
	VPSUBD      Z4, Z0, Z0
	VPSUBD      Z5, Z1, Z1
	VCVTDQ2PS   Z0, Z0
	VCVTDQ2PS   Z1, Z1
	VMULPS      Z6, Z0, Z0        // float32(a - ZeroA) · ScaleA
	VMULPS      Z7, Z1, Z1        // float32(b - ZeroB) · ScaleB
	VADDPS      Z1, Z0, Z2        // a' + b'
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU8    X2, K2, (DI)

done:
	VZEROUPPER
	RET

// func mulCodesAVX512(dst, a, b *byte, n int, p *Pair)
//
// Registers:
//	DI dst   SI a   DX b          Z4,Z5 ZeroA, ZeroB      Z9,Z10 Lo, Hi
//	CX left  BX p                 Z6,Z7 ScaleA, ScaleB    Z11    Offset
//	Z0,Z1 a', b'   Z2 result    Z8    Scale             K2     the elements that exist
TEXT ·mulCodesAVX512(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), BX
	VPBROADCASTD Pair_ZeroA(BX), Z4
	VPBROADCASTD Pair_ZeroB(BX), Z5
	VBROADCASTSS Pair_ScaleA(BX), Z6
	VBROADCASTSS Pair_ScaleB(BX), Z7
	VBROADCASTSS Pair_Scale(BX), Z8
	VBROADCASTSS Pair_Lo(BX), Z9
	VBROADCASTSS Pair_Hi(BX), Z10
	VPBROADCASTD Pair_Offset(BX), Z11
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VPMOVZXBD   (SI), Z0          // a
	VPMOVZXBD   (DX), Z1          // b
	VPSUBD      Z4, Z0, Z0
	VPSUBD      Z5, Z1, Z1
	VCVTDQ2PS   Z0, Z0
	VCVTDQ2PS   Z1, Z1
	VMULPS      Z6, Z0, Z0        // float32(a - ZeroA) · ScaleA
	VMULPS      Z7, Z1, Z1        // float32(b - ZeroB) · ScaleB
	VMULPS      Z1, Z0, Z2        // a' · b'
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU     X2, (DI)
	ADDQ        $16, SI
	ADDQ        $16, DX
	ADDQ        $16, DI
	SUBQ        $16, CX
	JGE         whole

rest:
	ADDQ        $16, CX
	JLE         done
	MOVL        $1, AX
	SHLL        CX, AX
	DECL        AX                // 1<<left - 1
	KMOVW       AX, K2
	VPMOVZXBD.Z (SI), K2, Z0
	VPMOVZXBD.Z (DX), K2, Z1
	VPSUBD      Z4, Z0, Z0
	VPSUBD      Z5, Z1, Z1
	VCVTDQ2PS   Z0, Z0
	VCVTDQ2PS   Z1, Z1
	VMULPS      Z6, Z0, Z0        // float32(a - ZeroA) · ScaleA
	VMULPS      Z7, Z1, Z1        // float32(b - ZeroB) · ScaleB
	VMULPS      Z1, Z0, Z2        // a' · b'
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU8    X2, K2, (DI)

done:
	VZEROUPPER
	RET

// func quantizeAVX512(dst *byte, src *float32, n int, q *Quantizer)
//
// Registers:
//	DI dst   SI src               Z8 Scale    Z9,Z10 Lo, Hi    Z11 Offset
//	CX left  BX q   Z2 result     K2 the elements that exist
TEXT ·quantizeAVX512(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         q+24(FP), BX
	VBROADCASTSS Quantizer_Scale(BX), Z8
	VBROADCASTSS Quantizer_Lo(BX), Z9
	VBROADCASTSS Quantizer_Hi(BX), Z10
	VPBROADCASTD Quantizer_Offset(BX), Z11
	SUBQ         $16, CX
	JLT          rest

whole: // for CX = n - 16; CX >= 0; CX -= 16
	VMOVUPS     (SI), Z2          // x
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU     X2, (DI)
	ADDQ        $64, SI
	ADDQ        $16, DI
	SUBQ        $16, CX
	JGE         whole

rest:
	ADDQ        $16, CX
	JLE         done
	MOVL        $1, AX
	SHLL        CX, AX
	DECL        AX                // 1<<left - 1
	KMOVW       AX, K2
	VMOVUPS.Z   (SI), K2, Z2
	VDIVPS      Z8, Z2, Z2        // … / Scale
	VCMPPS      $7, Z2, Z2, K1
	VMOVAPS.Z   Z2, K1, Z2        // 0 for NaN
	VMAXPS      Z9, Z2, Z2
	VMINPS      Z10, Z2, Z2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Z2, Z2            // RNE(…)
	VPADDD      Z11, Z2, Z2       // … + Offset
	VPMOVDB     Z2, X2            // byte(…)
	VMOVDQU8    X2, K2, (DI)

done:
	VZEROUPPER
	RET
