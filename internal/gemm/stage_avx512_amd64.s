//go:build !purego

#include "textflag.h"

// func stageAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)
//
// Registers:
//	DI   dst, of 16 channels       Z0  the values
//	SI   acc, of 16 channels       Z1  bias
//	R8   ldd     R9  4·width       Z2  mult
//	R10  bias    R11 mult          Z3  p.lo     Z4  p.hi
//	R12  channels left             Z5  p.before Z6  p.after
//	AX,BX at this row   CX rows    K1  the channels that exist
TEXT ·stageAVX512(SB), NOSPLIT, $0-80
	MOVQ         dst+0(FP), DI
	MOVQ         ldd+8(FP), R8
	MOVQ         acc+16(FP), SI
	MOVQ         width+24(FP), R9
	MOVQ         n+40(FP), R12
	MOVQ         bias+48(FP), R10
	MOVQ         mult+56(FP), R11
	MOVQ         p+72(FP), DX
	SHLQ         $2, R9
	VBROADCASTSS 0(DX), Z3
	VBROADCASTSS 4(DX), Z4
	VBROADCASTSS 8(DX), Z5
	VPBROADCASTD 12(DX), Z6
	VBROADCASTSS (R11), Z2 // the one multiplier, or replaced below

channels: // for R12 = n; R12 > 0; R12 -= 16
	MOVL      $0xffff, AX
	CMPQ      R12, $16
	JGE       whole
	MOVQ      R12, CX
	MOVL      $1, AX
	SHLL      CX, AX
	DECL      AX                 // 1<<R12 - 1

whole:
	KMOVW     AX, K1
	VMOVDQU32.Z (R10), K1, Z1    // bias[c..c+15]
	CMPB      single+64(FP), $0
	JNE       begin
	VMOVUPS.Z (R11), K1, Z2      // mult[c..c+15]

begin:
	MOVQ      DI, AX
	MOVQ      SI, BX
	MOVQ      rows+32(FP), CX

row: // for CX = rows; CX > 0; CX--
	VPADDD    (BX), Z1, Z0       // acc + bias
	VCVTDQ2PS Z0, Z0             // float32(…)
	VMULPS    Z2, Z0, Z0         // … · mult
	VADDPS    Z5, Z0, Z0         // … + before
	VMAXPS    Z3, Z0, Z0
	VMINPS    Z4, Z0, Z0         // clamp(…, lo, hi)
	VCVTPS2DQ Z0, Z0             // RNE(…)
	VPADDD    Z6, Z0, Z0         // … + after
	VPMOVDB   Z0, X0             // byte(…)
	VMOVDQU8  X0, K1, (AX)       // dst[r·ldd+c..] = …
	ADDQ      R8, AX
	ADDQ      R9, BX
	DECQ      CX
	JNZ       row
	ADDQ      $16, DI
	ADDQ      $64, SI
	ADDQ      $64, R10
	ADDQ      $64, R11
	SUBQ      $16, R12
	JG        channels
	VZEROUPPER
	RET

// func floatStageAVX512(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32)
//
// Registers:
//	DI   dst, of 16 channels       Z0  the values
//	SI   acc, of 16 channels       Z1  bias
//	R8   4·ldd   R9  4·width       Z3  lo
//	R10  bias    R12 channels left Z4  hi
//	AX,BX at this row   CX rows    K1  the channels that exist
TEXT ·floatStageAVX512(SB), NOSPLIT, $0-64
	MOVQ         dst+0(FP), DI
	MOVQ         ldd+8(FP), R8
	MOVQ         acc+16(FP), SI
	MOVQ         width+24(FP), R9
	MOVQ         n+40(FP), R12
	MOVQ         bias+48(FP), R10
	SHLQ         $2, R8
	SHLQ         $2, R9
	VBROADCASTSS lo+56(FP), Z3
	VBROADCASTSS hi+60(FP), Z4

channels: // for R12 = n; R12 > 0; R12 -= 16
	MOVL      $0xffff, AX
	CMPQ      R12, $16
	JGE       whole
	MOVQ      R12, CX
	MOVL      $1, AX
	SHLL      CX, AX
	DECL      AX                 // 1<<R12 - 1

whole:
	KMOVW     AX, K1
	VMOVUPS.Z (R10), K1, Z1      // bias[c..c+15]
	MOVQ      DI, AX
	MOVQ      SI, BX
	MOVQ      rows+32(FP), CX

row: // for CX = rows; CX > 0; CX--
	VADDPS    (BX), Z1, Z0       // acc + bias
	VMAXPS    Z0, Z3, Z0         // lo if … < lo, NaN stays
	VMINPS    Z0, Z4, Z0         // hi if … > hi, NaN stays
	VMOVUPS   Z0, K1, (AX)       // dst[r·ldd+c..] = …
	ADDQ      R8, AX
	ADDQ      R9, BX
	DECQ      CX
	JNZ       row
	ADDQ      $64, DI
	ADDQ      $64, SI
	ADDQ      $64, R10
	SUBQ      $16, R12
	JG        channels
	VZEROUPPER
	RET
