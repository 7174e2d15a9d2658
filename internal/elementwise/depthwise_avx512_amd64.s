//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func depthwiseCodesAVX512(dst *byte, src *byte, p *codeParams)
//
// Registers:
//	DI dst     AX c of this pixel   R8  channels      R12 len(taps)   Z0 the sums    Z4,Z5 lo, hi
//	SI src     CX t                 R9  pixels left   R14 weights     Z1 a tap       Z6,Z7 before, after
//	BX p       DX src at c          R10 step          R15 weight at c Z2 its weights Z8    mult
//	R13 …                           R11 taps          Z3 zero   K1 the channels that exist
//
// Four vectors at once have their sums in Z0, Z9, Z10, Z11 and their taps in Z1, Z2, Z12, Z13.
TEXT ·depthwiseCodesAVX512(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         p+16(FP), BX
	MOVQ         codeParams_channels(BX), R8
	MOVQ         codeParams_pixels(BX), R9
	MOVQ         codeParams_step(BX), R10
	MOVQ         codeParams_taps(BX), R11
	MOVQ         codeParams_count(BX), R12
	MOVQ         codeParams_weights(BX), R14
	VBROADCASTSS codeParams_lo(BX), Z4
	VBROADCASTSS codeParams_hi(BX), Z5
	VPBROADCASTD codeParams_zero(BX), Z3
	VBROADCASTSS codeParams_before(BX), Z6
	VPBROADCASTD codeParams_after(BX), Z7
	MOVQ         codeParams_mult(BX), R13
	VBROADCASTSS (R13), Z8           // the one multiplier, or replaced below

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ         AX, AX
	LEAQ         -64(R8), R13
	CMPQ         AX, R13
	JGT          few

four: // for c = 0; c <= channels-64; c += 64, as below for four vectors at once
	LEAQ         (SI)(AX*1), DX        // &src[p·step+c]
	MOVQ         codeParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	MOVQ         codeParams_bias(BX), R13
	VMOVDQU32    0(R13)(AX*4), Z0
	VMOVDQU32    64(R13)(AX*4), Z9
	VMOVDQU32    128(R13)(AX*4), Z10
	VMOVDQU32    192(R13)(AX*4), Z11
	XORQ         CX, CX

fourTap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VPMOVZXBD    0(DX)(R13*1), Z1
	VPMOVZXBD    16(DX)(R13*1), Z2
	VPMOVZXBD    32(DX)(R13*1), Z12
	VPMOVZXBD    48(DX)(R13*1), Z13
	MOVQ         (R14)(CX*8), R13
	VPSUBD       Z3, Z1, Z1
	VPSUBD       Z3, Z2, Z2
	VPSUBD       Z3, Z12, Z12
	VPSUBD       Z3, Z13, Z13
	VPMADDWD     0(R15)(R13*4), Z1, Z1
	VPMADDWD     64(R15)(R13*4), Z2, Z2
	VPMADDWD     128(R15)(R13*4), Z12, Z12
	VPMADDWD     192(R15)(R13*4), Z13, Z13
	VPADDD       Z1, Z0, Z0
	VPADDD       Z2, Z9, Z9
	VPADDD       Z12, Z10, Z10
	VPADDD       Z13, Z11, Z11
	INCQ         CX
	CMPQ         CX, R12
	JLT          fourTap
	MOVQ         codeParams_mult(BX), R13
	CMPB         codeParams_single(BX), $0
	JNE          fourSingle
	VCVTDQ2PS    Z0, Z0
	VCVTDQ2PS    Z9, Z9
	VCVTDQ2PS    Z10, Z10
	VCVTDQ2PS    Z11, Z11
	VMULPS       0(R13)(AX*4), Z0, Z0 // float32(acc) · mult[c..]
	VMULPS       64(R13)(AX*4), Z9, Z9 // float32(acc) · mult[c..]
	VMULPS       128(R13)(AX*4), Z10, Z10 // float32(acc) · mult[c..]
	VMULPS       192(R13)(AX*4), Z11, Z11 // float32(acc) · mult[c..]
	JMP          fourStage

fourSingle:
	VCVTDQ2PS    Z0, Z0
	VCVTDQ2PS    Z9, Z9
	VCVTDQ2PS    Z10, Z10
	VCVTDQ2PS    Z11, Z11
	VMULPS       Z8, Z0, Z0
	VMULPS       Z8, Z9, Z9
	VMULPS       Z8, Z10, Z10
	VMULPS       Z8, Z11, Z11

fourStage:
	VADDPS       Z6, Z0, Z0
	VADDPS       Z6, Z9, Z9
	VADDPS       Z6, Z10, Z10
	VADDPS       Z6, Z11, Z11
	VMAXPS       Z4, Z0, Z0
	VMAXPS       Z4, Z9, Z9
	VMAXPS       Z4, Z10, Z10
	VMAXPS       Z4, Z11, Z11
	VMINPS       Z5, Z0, Z0
	VMINPS       Z5, Z9, Z9
	VMINPS       Z5, Z10, Z10
	VMINPS       Z5, Z11, Z11
	VCVTPS2DQ    Z0, Z0
	VCVTPS2DQ    Z9, Z9
	VCVTPS2DQ    Z10, Z10
	VCVTPS2DQ    Z11, Z11
	VPADDD       Z7, Z0, Z0
	VPADDD       Z7, Z9, Z9
	VPADDD       Z7, Z10, Z10
	VPADDD       Z7, Z11, Z11
	VPMOVDB      Z0, 0(DI)(AX*1)
	VPMOVDB      Z9, 16(DI)(AX*1)
	VPMOVDB      Z10, 32(DI)(AX*1)
	VPMOVDB      Z11, 48(DI)(AX*1)
	ADDQ         $64, AX
	LEAQ         -64(R8), R13
	CMPQ         AX, R13
	JLE          four

few:
	LEAQ         -16(R8), R13
	CMPQ         AX, R13
	JGT          rest

whole: // for ; c <= channels-16; c += 16
	LEAQ         (SI)(AX*1), DX        // &src[p·step+c]
	MOVQ         codeParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	MOVQ         codeParams_bias(BX), R13
	VMOVDQU32    (R13)(AX*4), Z0     // bias[c..]
	XORQ         CX, CX

tap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VPMOVZXBD    (DX)(R13*1), Z1
	VPSUBD       Z3, Z1, Z1            // src[p·step+taps[t]+c..] - zero
	MOVQ         (R14)(CX*8), R13
	VPMADDWD     (R15)(R13*4), Z1, Z1 // … · weight[weights[t]+c..]
	VPADDD       Z1, Z0, Z0            // += their product
	INCQ         CX
	CMPQ         CX, R12
	JLT          tap
	VCVTDQ2PS    Z0, Z0                // float32(acc)
	MOVQ         codeParams_mult(BX), R13
	CMPB         codeParams_single(BX), $0
	JNE          tapSingle
	VMOVUPS      (R13)(AX*4), Z8     // mult[c..]

tapSingle:
	VMULPS       Z8, Z0, Z0            // … · mult
	VADDPS       Z6, Z0, Z0            // … + before
	VMAXPS       Z4, Z0, Z0
	VMINPS       Z5, Z0, Z0            // clamp(…, lo, hi)
	VCVTPS2DQ    Z0, Z0                // RNE(…)
	VPADDD       Z7, Z0, Z0            // … + after
	VPMOVDB      Z0, X0                // byte(…)
	VMOVDQU      X0, (DI)(AX*1)
	ADDQ         $16, AX
	LEAQ         -16(R8), R13
	CMPQ         AX, R13
	JLE          whole

rest:
	MOVQ         R8, CX
	SUBQ         AX, CX
	JLE          next
	MOVL         $1, R13
	SHLL         CX, R13
	DECL         R13                   // 1<<(channels-c) - 1
	KMOVW        R13, K1
	LEAQ         (SI)(AX*1), DX        // &src[p·step+c]
	MOVQ         codeParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	MOVQ         codeParams_bias(BX), R13
	VMOVDQU32.Z  (R13)(AX*4), K1, Z0     // bias[c..]
	XORQ         CX, CX

maskedTap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VPMOVZXBD.Z  (DX)(R13*1), K1, Z1
	VPSUBD       Z3, Z1, Z1            // src[p·step+taps[t]+c..] - zero
	MOVQ         (R14)(CX*8), R13
	VMOVDQU32.Z  (R15)(R13*4), K1, Z2
	VPMADDWD     Z2, Z1, Z1            // … · weight[weights[t]+c..]
	VPADDD       Z1, Z0, Z0            // += their product
	INCQ         CX
	CMPQ         CX, R12
	JLT          maskedTap
	VCVTDQ2PS    Z0, Z0                // float32(acc)
	MOVQ         codeParams_mult(BX), R13
	CMPB         codeParams_single(BX), $0
	JNE          maskedTapSingle
	VMOVUPS.Z    (R13)(AX*4), K1, Z8     // mult[c..]

maskedTapSingle:
	VMULPS       Z8, Z0, Z0            // … · mult
	VADDPS       Z6, Z0, Z0            // … + before
	VMAXPS       Z4, Z0, Z0
	VMINPS       Z5, Z0, Z0            // clamp(…, lo, hi)
	VCVTPS2DQ    Z0, Z0                // RNE(…)
	VPADDD       Z7, Z0, Z0            // … + after
	VPMOVDB      Z0, X0                // byte(…)
	VMOVDQU8     X0, K1, (DI)(AX*1)

next:
	MOVQ         codeParams_stride(BX), R13
	LEAQ         (DI)(R13*1), DI
	LEAQ         (SI)(R10*1), SI
	DECQ         R9
	JNZ          pixel
	VZEROUPPER
	RET

// func depthwiseRealsAVX512(dst *float32, src *float32, p *realParams)
//
// Registers:
//	DI dst     AX c of this pixel   R8  channels      R12 len(taps)   Z0 the sums    Z4,Z5 lo, hi
//	SI src     CX t                 R9  pixels left   R14 weights     Z1 a tap
//	BX p       DX src at c          R10 step          R15 weight at c 
//	R13 …                           R11 taps          K1 the channels that exist
TEXT ·depthwiseRealsAVX512(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         p+16(FP), BX
	MOVQ         realParams_channels(BX), R8
	MOVQ         realParams_pixels(BX), R9
	MOVQ         realParams_step(BX), R10
	MOVQ         realParams_taps(BX), R11
	MOVQ         realParams_count(BX), R12
	MOVQ         realParams_weights(BX), R14
	VBROADCASTSS realParams_lo(BX), Z4
	VBROADCASTSS realParams_hi(BX), Z5

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ         AX, AX
	LEAQ         -16(R8), R13
	CMPQ         AX, R13
	JGT          rest

whole: // for c = 0; c <= channels-16; c += 16
	LEAQ         (SI)(AX*4), DX        // &src[p·step+c]
	MOVQ         realParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	VXORPS       Z0, Z0, Z0
	XORQ         CX, CX

tap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VMOVUPS      (DX)(R13*4), Z1  // src[p·step+taps[t]+c..]
	MOVQ         (R14)(CX*8), R13
	VMULPS       (R15)(R13*4), Z1, Z1
	VADDPS       Z1, Z0, Z0            // += … · weight[weights[t]+c..]
	INCQ         CX
	CMPQ         CX, R12
	JLT          tap
	MOVQ         realParams_bias(BX), R13
	TESTQ        R13, R13
	JZ           tapClamp
	VMOVUPS      (R13)(AX*4), Z1
	VADDPS       Z1, Z0, Z0            // … + bias[c..]

tapClamp:
	VMAXPS       Z0, Z4, Z0            // lo if … < lo, NaN stays
	VMINPS       Z0, Z5, Z0            // hi if … > hi, NaN stays
	VMOVUPS      Z0, (DI)(AX*4)
	ADDQ         $16, AX
	LEAQ         -16(R8), R13
	CMPQ         AX, R13
	JLE          whole

rest:
	MOVQ         R8, CX
	SUBQ         AX, CX
	JLE          next
	MOVL         $1, R13
	SHLL         CX, R13
	DECL         R13                   // 1<<(channels-c) - 1
	KMOVW        R13, K1
	LEAQ         (SI)(AX*4), DX        // &src[p·step+c]
	MOVQ         realParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	VXORPS       Z0, Z0, Z0
	XORQ         CX, CX

maskedTap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VMOVUPS.Z    (DX)(R13*4), K1, Z1  // src[p·step+taps[t]+c..]
	MOVQ         (R14)(CX*8), R13
	VMULPS.Z     (R15)(R13*4), Z1, K1, Z1
	VADDPS       Z1, Z0, Z0            // += … · weight[weights[t]+c..]
	INCQ         CX
	CMPQ         CX, R12
	JLT          maskedTap
	MOVQ         realParams_bias(BX), R13
	TESTQ        R13, R13
	JZ           maskedTapClamp
	VMOVUPS.Z    (R13)(AX*4), K1, Z1
	VADDPS       Z1, Z0, Z0            // … + bias[c..]

maskedTapClamp:
	VMAXPS       Z0, Z4, Z0            // lo if … < lo, NaN stays
	VMINPS       Z0, Z5, Z0            // hi if … > hi, NaN stays
	VMOVUPS      Z0, K1, (DI)(AX*4)

next:
	MOVQ         realParams_stride(BX), R13
	LEAQ         (DI)(R13*4), DI
	LEAQ         (SI)(R10*4), SI
	DECQ         R9
	JNZ          pixel
	VZEROUPPER
	RET
