//go:build !purego

#include "textflag.h"

// func stageAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)
//
// Registers:
//	DI   dst, of 8 channels        Y0  the values
//	SI   acc, of 8 channels        Y1  bias
//	R8   ldd     R9  4·width       Y2  mult
//	R10  bias    R11 mult          Y3  p.lo     Y4  p.hi
//	R12  channels left             Y5  p.before Y6  p.after
//	AX,BX at this row   CX rows    Y7  8 times 0x000000ff
TEXT ·stageAVX2(SB), NOSPLIT, $0-80
	MOVQ         dst+0(FP), DI
	MOVQ         ldd+8(FP), R8
	MOVQ         acc+16(FP), SI
	MOVQ         width+24(FP), R9
	MOVQ         n+40(FP), R12
	MOVQ         bias+48(FP), R10
	MOVQ         mult+56(FP), R11
	MOVQ         p+72(FP), DX
	SHLQ         $2, R9
	VBROADCASTSS 0(DX), Y3
	VBROADCASTSS 4(DX), Y4
	VBROADCASTSS 8(DX), Y5
	VPBROADCASTD 12(DX), Y6
	VPCMPEQD     Y7, Y7, Y7
	VPSRLD       $24, Y7, Y7
	VBROADCASTSS (R11), Y2 // the one multiplier, or replaced below

channels: // for R12 = n; R12 > 0; R12 -= 8
	VMOVDQU (R10), Y1             // bias[c..c+7]
	CMPB    single+64(FP), $0
	JNE     begin
	VMOVUPS (R11), Y2             // mult[c..c+7]

begin:
	MOVQ    DI, AX
	MOVQ    SI, BX
	MOVQ    rows+32(FP), CX

row: // for CX = rows; CX > 0; CX--
	VPADDD       (BX), Y1, Y0     // acc + bias
	VCVTDQ2PS    Y0, Y0           // float32(…)
	VMULPS       Y2, Y0, Y0       // … · mult
	VADDPS       Y5, Y0, Y0       // … + before
	VMAXPS       Y3, Y0, Y0
	VMINPS       Y4, Y0, Y0       // clamp(…, lo, hi)
	VCVTPS2DQ    Y0, Y0           // RNE(…)
	VPADDD       Y6, Y0, Y0       // … + after
	VPAND        Y7, Y0, Y0       // byte(…)
	VEXTRACTI128 $1, Y0, X8
	VPACKUSDW    X8, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, (AX)         // dst[r·ldd+c..] = …
	ADDQ         R8, AX
	ADDQ         R9, BX
	DECQ         CX
	JNZ          row
	ADDQ         $8, DI
	ADDQ         $32, SI
	ADDQ         $32, R10
	ADDQ         $32, R11
	SUBQ         $8, R12
	JG           channels
	VZEROUPPER
	RET

// func floatStageAVX2(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32)
//
// Registers:
//	DI   dst, of 8 channels        Y0  the values
//	SI   acc, of 8 channels        Y1  bias
//	R8   4·ldd   R9  4·width       Y3  lo
//	R10  bias    R12 channels left Y4  hi
//	AX,BX at this row   CX rows
TEXT ·floatStageAVX2(SB), NOSPLIT, $0-64
	MOVQ         dst+0(FP), DI
	MOVQ         ldd+8(FP), R8
	MOVQ         acc+16(FP), SI
	MOVQ         width+24(FP), R9
	MOVQ         n+40(FP), R12
	MOVQ         bias+48(FP), R10
	SHLQ         $2, R8
	SHLQ         $2, R9
	VBROADCASTSS lo+56(FP), Y3
	VBROADCASTSS hi+60(FP), Y4

channels: // for R12 = n; R12 > 0; R12 -= 8
	VMOVUPS (R10), Y1             // bias[c..c+7]
	MOVQ    DI, AX
	MOVQ    SI, BX
	MOVQ    rows+32(FP), CX

row: // for CX = rows; CX > 0; CX--
	VADDPS  (BX), Y1, Y0          // acc + bias
	VMAXPS  Y0, Y3, Y0            // lo if … < lo, NaN stays
	VMINPS  Y0, Y4, Y0            // hi if … > hi, NaN stays
	VMOVUPS Y0, (AX)              // dst[r·ldd+c..] = …
	ADDQ    R8, AX
	ADDQ    R9, BX
	DECQ    CX
	JNZ     row
	ADDQ    $32, DI
	ADDQ    $32, SI
	ADDQ    $32, R10
	SUBQ    $8, R12
	JG      channels
	VZEROUPPER
	RET
