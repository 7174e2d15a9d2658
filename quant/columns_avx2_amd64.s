//go:build !purego

#include "textflag.h"

// func quantizeRowAVX2(dst *byte, src *float32, n int, scale *float32, zeroPoint *int32, p *quantizer)
//
//	for c := range n &^ 7 {
//		z := zeroPoint[c] // or 0
//		dst[c] = byte(RNE(clamp(src[c]/scale[c], p.lo-float32(z), p.hi-float32(z))) + z) // z for a NaN
//	}
//
// Registers:
//	DI  dst            Y0  the values       Y4  p.lo     Y5  p.hi
//	SI  src            Y1  z                Y6  not NaN
//	R8  scale          Y2  p.lo - z         Y7  0x000000ff
//	R9  zeroPoint      Y3  p.hi - z
//	CX  elements left
TEXT ·quantizeRowAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         scale+24(FP), R8
	MOVQ         zeroPoint+32(FP), R9
	MOVQ         p+40(FP), DX
	VBROADCASTSS 8(DX), Y4
	VBROADCASTSS 12(DX), Y5
	VPXOR        Y1, Y1, Y1
	VMOVAPS      Y4, Y2
	VMOVAPS      Y5, Y3
	VPCMPEQD     Y7, Y7, Y7
	VPSRLD       $24, Y7, Y7
	SUBQ         $8, CX
	JL           done

vector: // for CX = n - 8; CX >= 0; CX -= 8
	TESTQ     R9, R9
	JE        symmetric
	VMOVDQU   (R9), Y1          // z
	VCVTDQ2PS Y1, Y3
	VSUBPS    Y3, Y4, Y2        // p.lo - z
	VSUBPS    Y3, Y5, Y3        // p.hi - z
	ADDQ      $32, R9

symmetric:
	VMOVUPS      (SI), Y0       // src[c..c+7]
	VDIVPS       (R8), Y0, Y0   // … / scale[c..c+7]
	VCMPPS       $7, Y0, Y0, Y6
	VMAXPS       Y2, Y0, Y0
	VMINPS       Y3, Y0, Y0     // clamp(…)
	VANDPS       Y6, Y0, Y0     // 0 for a NaN
	VCVTPS2DQ    Y0, Y0         // RNE(…)
	VPADDD       Y1, Y0, Y0     // … + z
	VPAND        Y7, Y0, Y0     // in bytes
	VEXTRACTI128 $1, Y0, X6
	VPACKUSDW    X6, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, (DI)       // dst[c..c+7] = …
	ADDQ         $32, SI
	ADDQ         $32, R8
	ADDQ         $8, DI
	SUBQ         $8, CX
	JGE          vector

done:
	VZEROUPPER
	RET

// func dequantizeRowAVX2(dst *float32, src *byte, n int, scale *float32, zeroPoint *int32, p *dequantizer)
//
//	for c := range n &^ 7 {
//		dst[c] = float32(int32(src[c]^byte(p.flip)) - p.before - zeroPoint[c]) * scale[c]
//	}
//
// Registers:
//	DI  dst            Y0  the values
//	SI  src            Y1  p.before
//	R8  scale          Y2  p.flip, of one code a dword
//	R9  zeroPoint
//	CX  elements left
TEXT ·dequantizeRowAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         scale+24(FP), R8
	MOVQ         zeroPoint+32(FP), R9
	MOVQ         p+40(FP), DX
	VPBROADCASTD 4(DX), Y1
	VPBROADCASTD 8(DX), Y2
	VPSRLD       $24, Y2, Y2
	SUBQ         $8, CX
	JL           done

vector: // for CX = n - 8; CX >= 0; CX -= 8
	VPMOVZXBD (SI), Y0          // src[c..c+7]
	VPXOR     Y2, Y0, Y0        // … ^ flip
	VPSUBD    Y1, Y0, Y0        // … - before
	TESTQ     R9, R9
	JE        symmetric
	VPSUBD    (R9), Y0, Y0      // … - zeroPoint[c..c+7]
	ADDQ      $32, R9

symmetric:
	VCVTDQ2PS Y0, Y0
	VMULPS    (R8), Y0, Y0      // … · scale[c..c+7]
	VMOVUPS   Y0, (DI)          // dst[c..c+7] = …
	ADDQ      $8, SI
	ADDQ      $32, R8
	ADDQ      $32, DI
	SUBQ      $8, CX
	JGE       vector

done:
	VZEROUPPER
	RET
