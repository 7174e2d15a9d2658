//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// func depthwiseCodesAVX2(dst *byte, src *byte, p *codeParams)
//
// Registers:
//	DI dst     AX c of this pixel   R8  channels      R12 len(taps)   Y0 the sums    Y4,Y5 lo, hi
//	SI src     CX t                 R9  pixels left   R14 weights     Y1 a tap       Y6,Y7 before, after
//	BX p       DX src at c          R10 step          R15 weight at c Y2 its weights Y8    mult
//	R13 …                           R11 taps          Y3 zero   Y15 8 times 0x000000ff
//
// Four vectors at once have their sums in Y0, Y9, Y10, Y11 and their taps in Y1, Y2, Y12, Y13.
TEXT ·depthwiseCodesAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         p+16(FP), BX
	MOVQ         codeParams_channels(BX), R8
	MOVQ         codeParams_pixels(BX), R9
	MOVQ         codeParams_step(BX), R10
	MOVQ         codeParams_taps(BX), R11
	MOVQ         codeParams_count(BX), R12
	MOVQ         codeParams_weights(BX), R14
	VBROADCASTSS codeParams_lo(BX), Y4
	VBROADCASTSS codeParams_hi(BX), Y5
	VPBROADCASTD codeParams_zero(BX), Y3
	VBROADCASTSS codeParams_before(BX), Y6
	VPBROADCASTD codeParams_after(BX), Y7
	MOVQ         codeParams_mult(BX), R13
	VBROADCASTSS (R13), Y8           // the one multiplier, or replaced below
	VPCMPEQD     Y15, Y15, Y15
	VPSRLD       $24, Y15, Y15

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ         AX, AX
	LEAQ         -32(R8), R13
	CMPQ         AX, R13
	JGT          few

four: // for c = 0; c <= channels-32; c += 32, as below for four vectors at once
	LEAQ         (SI)(AX*1), DX        // &src[p·step+c]
	MOVQ         codeParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	MOVQ         codeParams_bias(BX), R13
	VMOVDQU      0(R13)(AX*4), Y0
	VMOVDQU      32(R13)(AX*4), Y9
	VMOVDQU      64(R13)(AX*4), Y10
	VMOVDQU      96(R13)(AX*4), Y11
	XORQ         CX, CX

fourTap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VPMOVZXBD    0(DX)(R13*1), Y1
	VPMOVZXBD    8(DX)(R13*1), Y2
	VPMOVZXBD    16(DX)(R13*1), Y12
	VPMOVZXBD    24(DX)(R13*1), Y13
	MOVQ         (R14)(CX*8), R13
	VPSUBD       Y3, Y1, Y1
	VPSUBD       Y3, Y2, Y2
	VPSUBD       Y3, Y12, Y12
	VPSUBD       Y3, Y13, Y13
	VPMADDWD     0(R15)(R13*4), Y1, Y1
	VPMADDWD     32(R15)(R13*4), Y2, Y2
	VPMADDWD     64(R15)(R13*4), Y12, Y12
	VPMADDWD     96(R15)(R13*4), Y13, Y13
	VPADDD       Y1, Y0, Y0
	VPADDD       Y2, Y9, Y9
	VPADDD       Y12, Y10, Y10
	VPADDD       Y13, Y11, Y11
	INCQ         CX
	CMPQ         CX, R12
	JLT          fourTap
	MOVQ         codeParams_mult(BX), R13
	CMPB         codeParams_single(BX), $0
	JNE          fourSingle
	VCVTDQ2PS    Y0, Y0
	VCVTDQ2PS    Y9, Y9
	VCVTDQ2PS    Y10, Y10
	VCVTDQ2PS    Y11, Y11
	VMULPS       0(R13)(AX*4), Y0, Y0 // float32(acc) · mult[c..]
	VMULPS       32(R13)(AX*4), Y9, Y9 // float32(acc) · mult[c..]
	VMULPS       64(R13)(AX*4), Y10, Y10 // float32(acc) · mult[c..]
	VMULPS       96(R13)(AX*4), Y11, Y11 // float32(acc) · mult[c..]
	JMP          fourStage

fourSingle:
	VCVTDQ2PS    Y0, Y0
	VCVTDQ2PS    Y9, Y9
	VCVTDQ2PS    Y10, Y10
	VCVTDQ2PS    Y11, Y11
	VMULPS       Y8, Y0, Y0
	VMULPS       Y8, Y9, Y9
	VMULPS       Y8, Y10, Y10
	VMULPS       Y8, Y11, Y11

fourStage:
	VADDPS       Y6, Y0, Y0
	VADDPS       Y6, Y9, Y9
	VADDPS       Y6, Y10, Y10
	VADDPS       Y6, Y11, Y11
	VMAXPS       Y4, Y0, Y0
	VMAXPS       Y4, Y9, Y9
	VMAXPS       Y4, Y10, Y10
	VMAXPS       Y4, Y11, Y11
	VMINPS       Y5, Y0, Y0
	VMINPS       Y5, Y9, Y9
	VMINPS       Y5, Y10, Y10
	VMINPS       Y5, Y11, Y11
	VCVTPS2DQ    Y0, Y0
	VCVTPS2DQ    Y9, Y9
	VCVTPS2DQ    Y10, Y10
	VCVTPS2DQ    Y11, Y11
	VPADDD       Y7, Y0, Y0
	VPADDD       Y7, Y9, Y9
	VPADDD       Y7, Y10, Y10
	VPADDD       Y7, Y11, Y11
	VPAND        Y15, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW    X1, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, 0(DI)(AX*1)
	VPAND        Y15, Y9, Y9
	VEXTRACTI128 $1, Y9, X1
	VPACKUSDW    X1, X9, X9
	VPACKUSWB    X9, X9, X9
	VMOVQ        X9, 8(DI)(AX*1)
	VPAND        Y15, Y10, Y10
	VEXTRACTI128 $1, Y10, X1
	VPACKUSDW    X1, X10, X10
	VPACKUSWB    X10, X10, X10
	VMOVQ        X10, 16(DI)(AX*1)
	VPAND        Y15, Y11, Y11
	VEXTRACTI128 $1, Y11, X1
	VPACKUSDW    X1, X11, X11
	VPACKUSWB    X11, X11, X11
	VMOVQ        X11, 24(DI)(AX*1)
	ADDQ         $32, AX
	LEAQ         -32(R8), R13
	CMPQ         AX, R13
	JLE          four

few:
	CMPQ         AX, R8
	JGE          next

whole: // for ; c < channels; c += 8
	LEAQ         (SI)(AX*1), DX        // &src[p·step+c]
	MOVQ         codeParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	MOVQ         codeParams_bias(BX), R13
	VMOVDQU      (R13)(AX*4), Y0     // bias[c..]
	XORQ         CX, CX

tap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VPMOVZXBD    (DX)(R13*1), Y1
	VPSUBD       Y3, Y1, Y1            // src[p·step+taps[t]+c..] - zero
	MOVQ         (R14)(CX*8), R13
	VPMADDWD     (R15)(R13*4), Y1, Y1 // … · weight[weights[t]+c..]
	VPADDD       Y1, Y0, Y0            // += their product
	INCQ         CX
	CMPQ         CX, R12
	JLT          tap
	VCVTDQ2PS    Y0, Y0                // float32(acc)
	MOVQ         codeParams_mult(BX), R13
	CMPB         codeParams_single(BX), $0
	JNE          tapSingle
	VMOVUPS      (R13)(AX*4), Y8     // mult[c..]

tapSingle:
	VMULPS       Y8, Y0, Y0            // … · mult
	VADDPS       Y6, Y0, Y0            // … + before
	VMAXPS       Y4, Y0, Y0
	VMINPS       Y5, Y0, Y0            // clamp(…, lo, hi)
	VCVTPS2DQ    Y0, Y0                // RNE(…)
	VPADDD       Y7, Y0, Y0            // … + after
	VPAND        Y15, Y0, Y0           // byte(…)
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW    X1, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, (DI)(AX*1)
	ADDQ         $8, AX
	CMPQ         AX, R8
	JLT          whole

next:
	MOVQ         codeParams_stride(BX), R13
	LEAQ         (DI)(R13*1), DI
	LEAQ         (SI)(R10*1), SI
	DECQ         R9
	JNZ          pixel
	VZEROUPPER
	RET

// func depthwiseRealsAVX2(dst *float32, src *float32, p *realParams)
//
// Registers:
//	DI dst     AX c of this pixel   R8  channels      R12 len(taps)   Y0 the sums    Y4,Y5 lo, hi
//	SI src     CX t                 R9  pixels left   R14 weights     Y1 a tap
//	BX p       DX src at c          R10 step          R15 weight at c 
//	R13 …                           R11 taps          
TEXT ·depthwiseRealsAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         p+16(FP), BX
	MOVQ         realParams_channels(BX), R8
	MOVQ         realParams_pixels(BX), R9
	MOVQ         realParams_step(BX), R10
	MOVQ         realParams_taps(BX), R11
	MOVQ         realParams_count(BX), R12
	MOVQ         realParams_weights(BX), R14
	VBROADCASTSS realParams_lo(BX), Y4
	VBROADCASTSS realParams_hi(BX), Y5

pixel: // for R9 = pixels; R9 > 0; R9--
	XORQ         AX, AX

whole: // for c = 0; c < channels; c += 8
	LEAQ         (SI)(AX*4), DX        // &src[p·step+c]
	MOVQ         realParams_weight(BX), R15
	LEAQ         (R15)(AX*4), R15      // &weight[c]
	VXORPS       Y0, Y0, Y0
	XORQ         CX, CX

tap: // for t := range taps
	MOVQ         (R11)(CX*8), R13
	VMOVUPS      (DX)(R13*4), Y1  // src[p·step+taps[t]+c..]
	MOVQ         (R14)(CX*8), R13
	VMULPS       (R15)(R13*4), Y1, Y1
	VADDPS       Y1, Y0, Y0            // += … · weight[weights[t]+c..]
	INCQ         CX
	CMPQ         CX, R12
	JLT          tap
	MOVQ         realParams_bias(BX), R13
	TESTQ        R13, R13
	JZ           tapClamp
	VMOVUPS      (R13)(AX*4), Y1
	VADDPS       Y1, Y0, Y0            // … + bias[c..]

tapClamp:
	VMAXPS       Y0, Y4, Y0            // lo if … < lo, NaN stays
	VMINPS       Y0, Y5, Y0            // hi if … > hi, NaN stays
	VMOVUPS      Y0, (DI)(AX*4)
	ADDQ         $8, AX
	CMPQ         AX, R8
	JLT          whole
	MOVQ         realParams_stride(BX), R13
	LEAQ         (DI)(R13*4), DI
	LEAQ         (SI)(R10*4), SI
	DECQ         R9
	JNZ          pixel
	VZEROUPPER
	RET
