//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func addCodesAVX2(dst, a, b *byte, n int, p *Pair)
//
// Registers:
//	DI dst   SI a   DX b          Y4,Y5 ZeroA, ZeroB      Y9,Y10 Lo, Hi
//	CX left  BX p                 Y6,Y7 ScaleA, ScaleB    Y11    Offset
//	Y0,Y1 a', b'   Y2 result    Y8    Scale             Y15    8 times 0x000000ff
TEXT ·addCodesAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), BX
	VPBROADCASTD Pair_ZeroA(BX), Y4
	VPBROADCASTD Pair_ZeroB(BX), Y5
	VBROADCASTSS Pair_ScaleA(BX), Y6
	VBROADCASTSS Pair_ScaleB(BX), Y7
	VBROADCASTSS Pair_Scale(BX), Y8
	VBROADCASTSS Pair_Lo(BX), Y9
	VBROADCASTSS Pair_Hi(BX), Y10
	VPBROADCASTD Pair_Offset(BX), Y11
	VPCMPEQD     Y15, Y15, Y15
	VPSRLD       $24, Y15, Y15
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VPMOVZXBD   (SI), Y0          // a
	VPMOVZXBD   (DX), Y1          // b
	VPSUBD      Y4, Y0, Y0
	VPSUBD      Y5, Y1, Y1
	VCVTDQ2PS   Y0, Y0
	VCVTDQ2PS   Y1, Y1
	VMULPS      Y6, Y0, Y0        // float32(a - ZeroA) · ScaleA
	VMULPS      Y7, Y1, Y1        // float32(b - ZeroB) · ScaleB
	VADDPS      Y1, Y0, Y2        // a' + b'
	VDIVPS      Y8, Y2, Y2        // … / Scale
	VCMPPS      $7, Y2, Y2, Y3
	VANDPS      Y3, Y2, Y2        // 0 for NaN
	VMAXPS      Y9, Y2, Y2
	VMINPS      Y10, Y2, Y2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Y2, Y2            // RNE(…)
	VPADDD      Y11, Y2, Y2       // … + Offset
	VPAND       Y15, Y2, Y2       // byte(…)
	VEXTRACTI128 $1, Y2, X3
	VPACKUSDW   X3, X2, X2
	VPACKUSWB   X2, X2, X2
	VMOVQ       X2, (DI)
	ADDQ        $8, SI
	ADDQ        $8, DX
	ADDQ        $8, DI
	SUBQ        $8, CX
	JGE         whole

rest:
	VZEROUPPER
	RET

// func mulCodesAVX2(dst, a, b *byte, n int, p *Pair)
//
// Registers:
//	DI dst   SI a   DX b          Y4,Y5 ZeroA, ZeroB      Y9,Y10 Lo, Hi
//	CX left  BX p                 Y6,Y7 ScaleA, ScaleB    Y11    Offset
//	Y0,Y1 a', b'   Y2 result    Y8    Scale             Y15    8 times 0x000000ff
TEXT ·mulCodesAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), BX
	VPBROADCASTD Pair_ZeroA(BX), Y4
	VPBROADCASTD Pair_ZeroB(BX), Y5
	VBROADCASTSS Pair_ScaleA(BX), Y6
	VBROADCASTSS Pair_ScaleB(BX), Y7
	VBROADCASTSS Pair_Scale(BX), Y8
	VBROADCASTSS Pair_Lo(BX), Y9
	VBROADCASTSS Pair_Hi(BX), Y10
	VPBROADCASTD Pair_Offset(BX), Y11
	VPCMPEQD     Y15, Y15, Y15
	VPSRLD       $24, Y15, Y15
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VPMOVZXBD   (SI), Y0          // a
	VPMOVZXBD   (DX), Y1          // b
	VPSUBD      Y4, Y0, Y0
	VPSUBD      Y5, Y1, Y1
	VCVTDQ2PS   Y0, Y0
	VCVTDQ2PS   Y1, Y1
	VMULPS      Y6, Y0, Y0        // float32(a - ZeroA) · ScaleA
	VMULPS      Y7, Y1, Y1        // float32(b - ZeroB) · ScaleB
	VMULPS      Y1, Y0, Y2        // a' · b'
	VDIVPS      Y8, Y2, Y2        // … / Scale
	VCMPPS      $7, Y2, Y2, Y3
	VANDPS      Y3, Y2, Y2        // 0 for NaN
	VMAXPS      Y9, Y2, Y2
	VMINPS      Y10, Y2, Y2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Y2, Y2            // RNE(…)
	VPADDD      Y11, Y2, Y2       // … + Offset
	VPAND       Y15, Y2, Y2       // byte(…)
	VEXTRACTI128 $1, Y2, X3
	VPACKUSDW   X3, X2, X2
	VPACKUSWB   X2, X2, X2
	VMOVQ       X2, (DI)
	ADDQ        $8, SI
	ADDQ        $8, DX
	ADDQ        $8, DI
	SUBQ        $8, CX
	JGE         whole

rest:
	VZEROUPPER
	RET

// func quantizeAVX2(dst *byte, src *float32, n int, q *Quantizer)
//
// Registers:
//	DI dst   SI src               Y8 Scale    Y9,Y10 Lo, Hi    Y11 Offset
//	CX left  BX q   Y2 result     Y15 8 times 0x000000ff
TEXT ·quantizeAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         q+24(FP), BX
	VBROADCASTSS Quantizer_Scale(BX), Y8
	VBROADCASTSS Quantizer_Lo(BX), Y9
	VBROADCASTSS Quantizer_Hi(BX), Y10
	VPBROADCASTD Quantizer_Offset(BX), Y11
	VPCMPEQD     Y15, Y15, Y15
	VPSRLD       $24, Y15, Y15
	SUBQ         $8, CX
	JLT          rest

whole: // for CX = n - 8; CX >= 0; CX -= 8
	VMOVUPS     (SI), Y2          // x
	VDIVPS      Y8, Y2, Y2        // … / Scale
	VCMPPS      $7, Y2, Y2, Y3
	VANDPS      Y3, Y2, Y2        // 0 for NaN
	VMAXPS      Y9, Y2, Y2
	VMINPS      Y10, Y2, Y2       // clamp(…, Lo, Hi)
	VCVTPS2DQ   Y2, Y2            // RNE(…)
	VPADDD      Y11, Y2, Y2       // … + Offset
	VPAND       Y15, Y2, Y2       // byte(…)
	VEXTRACTI128 $1, Y2, X3
	VPACKUSDW   X3, X2, X2
	VPACKUSWB   X2, X2, X2
	VMOVQ       X2, (DI)
	ADDQ        $32, SI
	ADDQ        $8, DI
	SUBQ        $8, CX
	JGE         whole

rest:
	VZEROUPPER
	RET
