//go:build !purego

#include "textflag.h"

// func extremesAVX2(e *extent, x *float32, n int)
//
//	*e = extent{lo: Inf, hi: -Inf}
//	for i := range n &^ 7 {
//		e.lo = min(e.lo, x[i])
//		e.hi = max(e.hi, x[i])
//		e.top = max(e.top, bits(x[i])&(1<<31-1))
//	}
//
// Registers:
//	DI  e             Y0-Y3 the elements           Y8-Y11  e.hi of four parts
//	SI  x             Y4-Y7 e.lo of four parts     Y12-Y14 e.top of three parts
//	CX  elements left                              Y15     1<<31 - 1
TEXT ·extremesAVX2(SB), NOSPLIT, $0-24
	MOVQ         e+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VPCMPEQD     Y15, Y15, Y15
	VPSRLD       $24, Y15, Y4
	VPSLLD       $23, Y4, Y4    // Inf
	VPSLLD       $23, Y15, Y8   // -Inf
	VPSRLD       $1, Y15, Y15   // 1<<31 - 1
	VMOVAPS      Y4, Y5
	VMOVAPS      Y4, Y6
	VMOVAPS      Y4, Y7
	VMOVAPS      Y8, Y9
	VMOVAPS      Y8, Y10
	VMOVAPS      Y8, Y11
	VPXOR        Y12, Y12, Y12
	VPXOR        Y13, Y13, Y13
	VPXOR        Y14, Y14, Y14
	SUBQ         $32, CX
	JL           rest

four: // for CX = n - 32; CX >= 0; CX -= 32
	VMOVUPS 0(SI), Y0           // x[i..i+7]
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VMINPS  Y0, Y4, Y4          // lo
	VMINPS  Y1, Y5, Y5
	VMINPS  Y2, Y6, Y6
	VMINPS  Y3, Y7, Y7
	VMAXPS  Y0, Y8, Y8          // hi
	VMAXPS  Y1, Y9, Y9
	VMAXPS  Y2, Y10, Y10
	VMAXPS  Y3, Y11, Y11
	VPAND   Y15, Y0, Y0         // bits & (1<<31 - 1)
	VPAND   Y15, Y1, Y1
	VPAND   Y15, Y2, Y2
	VPAND   Y15, Y3, Y3
	VPMAXUD Y0, Y12, Y12        // top
	VPMAXUD Y1, Y13, Y13
	VPMAXUD Y2, Y14, Y14
	VPMAXUD Y3, Y12, Y12
	ADDQ    $128, SI
	SUBQ    $32, CX
	JGE     four

rest:
	ADDQ $24, CX                // for CX = what is left - 8; CX >= 0; CX -= 8
	JL   fold

vector:
	VMOVUPS (SI), Y0            // x[i..i+7]
	VMINPS  Y0, Y4, Y4          // lo
	VMAXPS  Y0, Y8, Y8          // hi
	VPAND   Y15, Y0, Y0         // bits & (1<<31 - 1)
	VPMAXUD Y0, Y12, Y12        // top
	ADDQ    $32, SI
	SUBQ    $8, CX
	JGE     vector

fold: // 32 parts into 8, 4, 2 and 1
	VMINPS       Y5, Y4, Y4
	VMINPS       Y7, Y6, Y6
	VMINPS       Y6, Y4, Y4
	VMAXPS       Y9, Y8, Y8
	VMAXPS       Y11, Y10, Y10
	VMAXPS       Y10, Y8, Y8
	VPMAXUD      Y13, Y12, Y12
	VPMAXUD      Y14, Y12, Y12
	VEXTRACTF128 $1, Y4, X5
	VEXTRACTF128 $1, Y8, X9
	VEXTRACTI128 $1, Y12, X13
	VMINPS       X5, X4, X4
	VMAXPS       X9, X8, X8
	VPMAXUD      X13, X12, X12
	VPERMILPS    $0x4e, X4, X5
	VPERMILPS    $0x4e, X8, X9
	VPSHUFD      $0x4e, X12, X13
	VMINPS       X5, X4, X4
	VMAXPS       X9, X8, X8
	VPMAXUD      X13, X12, X12
	VPERMILPS    $0xb1, X4, X5
	VPERMILPS    $0xb1, X8, X9
	VPSHUFD      $0xb1, X12, X13
	VMINPS       X5, X4, X4
	VMAXPS       X9, X8, X8
	VPMAXUD      X13, X12, X12
	VMOVSS       X4, 0(DI)      // e.lo
	VMOVSS       X8, 4(DI)      // e.hi
	VMOVD        X12, 8(DI)     // e.top
	VZEROUPPER
	RET
