//go:build !purego

#include "textflag.h"

// func extremesAVX512(e *extent, x *float32, n int)
//
//	*e = extent{lo: Inf, hi: -Inf}
//	for i := range n {
//		e.lo = min(e.lo, x[i])
//		e.hi = max(e.hi, x[i])
//		e.top = max(e.top, bits(x[i])&(1<<31-1))
//	}
//
// Registers:
//	DI  e             Z0-Z3 the elements     Z8-Z11  e.hi of four parts
//	SI  x             Z4-Z7 e.lo of          Z12-Z15 e.top of four parts
//	CX  elements left four parts             Z16     1<<31 - 1
//	K5  the elements that exist
TEXT ·extremesAVX512(SB), NOSPLIT, $0-24
	MOVQ         e+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVL         $0x7f800000, AX
	VPBROADCASTD AX, Z4         // Inf
	VMOVAPS      Z4, Z5
	VMOVAPS      Z4, Z6
	VMOVAPS      Z4, Z7
	MOVL         $0xff800000, AX
	VPBROADCASTD AX, Z8         // -Inf
	VMOVAPS      Z8, Z9
	VMOVAPS      Z8, Z10
	VMOVAPS      Z8, Z11
	MOVL         $0x7fffffff, AX
	VPBROADCASTD AX, Z16
	VPXORD       Z12, Z12, Z12
	VPXORD       Z13, Z13, Z13
	VPXORD       Z14, Z14, Z14
	VPXORD       Z15, Z15, Z15
	SUBQ         $64, CX
	JL           rest

four: // for CX = n - 64; CX >= 0; CX -= 64
	VMOVUPS 0(SI), Z0           // x[i..i+15]
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	VMINPS  Z0, Z4, Z4          // lo
	VMINPS  Z1, Z5, Z5
	VMINPS  Z2, Z6, Z6
	VMINPS  Z3, Z7, Z7
	VMAXPS  Z0, Z8, Z8          // hi
	VMAXPS  Z1, Z9, Z9
	VMAXPS  Z2, Z10, Z10
	VMAXPS  Z3, Z11, Z11
	VPANDD  Z16, Z0, Z0         // bits & (1<<31 - 1)
	VPANDD  Z16, Z1, Z1
	VPANDD  Z16, Z2, Z2
	VPANDD  Z16, Z3, Z3
	VPMAXUD Z0, Z12, Z12        // top
	VPMAXUD Z1, Z13, Z13
	VPMAXUD Z2, Z14, Z14
	VPMAXUD Z3, Z15, Z15
	ADDQ    $256, SI
	SUBQ    $64, CX
	JGE     four

rest:
	ADDQ $64, CX
	JE   fold

vector: // for ; CX > 0; CX -= 16
	MOVL      $0xffff, AX
	CMPQ      CX, $16
	JGE       whole
	MOVL      $1, AX
	SHLL      CX, AX
	DECL      AX                // 1<<CX - 1

whole:
	KMOVW     AX, K5
	VMOVUPS.Z (SI), K5, Z0      // x[i..i+15]
	VMINPS    Z0, Z4, K5, Z4    // lo
	VMAXPS    Z0, Z8, K5, Z8    // hi
	VPANDD    Z16, Z0, Z0       // bits & (1<<31 - 1)
	VPMAXUD   Z0, Z12, Z12      // top
	ADDQ      $64, SI
	SUBQ      $16, CX
	JG        vector

fold: // 64 parts into 16, 8, 4, 2 and 1
	VMINPS        Z5, Z4, Z4
	VMINPS        Z7, Z6, Z6
	VMINPS        Z6, Z4, Z4
	VMAXPS        Z9, Z8, Z8
	VMAXPS        Z11, Z10, Z10
	VMAXPS        Z10, Z8, Z8
	VPMAXUD       Z13, Z12, Z12
	VPMAXUD       Z15, Z14, Z14
	VPMAXUD       Z14, Z12, Z12
	VEXTRACTF64X4 $1, Z4, Y5
	VEXTRACTF64X4 $1, Z8, Y9
	VEXTRACTI64X4 $1, Z12, Y13
	VMINPS        Y5, Y4, Y4
	VMAXPS        Y9, Y8, Y8
	VPMAXUD       Y13, Y12, Y12
	VEXTRACTF128  $1, Y4, X5
	VEXTRACTF128  $1, Y8, X9
	VEXTRACTI128  $1, Y12, X13
	VMINPS        X5, X4, X4
	VMAXPS        X9, X8, X8
	VPMAXUD       X13, X12, X12
	VPERMILPS     $0x4e, X4, X5
	VPERMILPS     $0x4e, X8, X9
	VPSHUFD       $0x4e, X12, X13
	VMINPS        X5, X4, X4
	VMAXPS        X9, X8, X8
	VPMAXUD       X13, X12, X12
	VPERMILPS     $0xb1, X4, X5
	VPERMILPS     $0xb1, X8, X9
	VPSHUFD       $0xb1, X12, X13
	VMINPS        X5, X4, X4
	VMAXPS        X9, X8, X8
	VPMAXUD       X13, X12, X12
	VMOVSS        X4, 0(DI)     // e.lo
	VMOVSS        X8, 4(DI)     // e.hi
	VMOVD         X12, 8(DI)    // e.top
	VZEROUPPER
	RET
