//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// INTERLEAVE makes of the taps in Z8 … Z11, 64 channels each, Z16 … Z19 with four taps side by side of 16 channels
// each: in every 128 bits, channels 0 … 3, 4 … 7, 8 … 11 and 12 … 15 of its 16.
#define INTERLEAVE \
	VPUNPCKLBW Z9, Z8, Z12    \
	VPUNPCKHBW Z9, Z8, Z13    \
	VPUNPCKLBW Z11, Z10, Z14  \
	VPUNPCKHBW Z11, Z10, Z15  \
	VPUNPCKLWD Z14, Z12, Z16  \
	VPUNPCKHWD Z14, Z12, Z17  \
	VPUNPCKLWD Z15, Z13, Z18  \
	VPUNPCKHWD Z15, Z13, Z19

// ADD adds their products with the weights in Z20 … Z23 to four sums.
#define ADD(s0, s1, s2, s3) \
	VPDPBUSD Z20, Z16, s0 \
	VPDPBUSD Z21, Z17, s1 \
	VPDPBUSD Z22, Z18, s2 \
	VPDPBUSD Z23, Z19, s3

// STAGE makes codes of four sums, in s0: RNE(float32(acc)·mult + before) + after, in words and then in bytes, both of
// which saturate, and between lo and hi.
#define STAGE(s0, s1, s2, s3) \
	VCVTDQ2PS s0, s0       \
	VCVTDQ2PS s1, s1       \
	VCVTDQ2PS s2, s2       \
	VCVTDQ2PS s3, s3       \
	VMULPS    Z20, s0, s0  \
	VMULPS    Z21, s1, s1  \
	VMULPS    Z22, s2, s2  \
	VMULPS    Z23, s3, s3  \
	VADDPS    Z28, s0, s0  \
	VADDPS    Z28, s1, s1  \
	VADDPS    Z28, s2, s2  \
	VADDPS    Z28, s3, s3  \
	VCVTPS2DQ s0, s0       \
	VCVTPS2DQ s1, s1       \
	VCVTPS2DQ s2, s2       \
	VCVTPS2DQ s3, s3       \
	VPACKSSDW s1, s0, s0   \
	VPACKSSDW s3, s2, s2   \
	VPADDSW   Z29, s0, s0  \
	VPADDSW   Z29, s2, s2  \
	VPACKUSWB s2, s0, s0   \
	VPMAXUB   Z30, s0, s0  \
	VPMINUB   Z31, s0, s0

// func depthwiseQuadsAVX512(p *quadParams)
//
// Registers:
//	BX p            AX  c and the offset of the first pixel   Z0 … Z3  sums of the first pixel    Z20 … Z23 weights, mult
//	SI channels left R10 c and that of the second             Z4 … Z7  of the second              Z24 … Z27 the bias
//	DI dst at c     R11 weights of the block, and the step    Z8 … Z11 four taps                  Z28 before   Z29 after
//	R8 dst stride   R12 groups left   DX the group's taps     Z12 … Z19 INTERLEAVE                Z30 lo       Z31 hi
//	R9 pairs left   CX R13 R14 R15 where four taps are        K1 the channels that exist
TEXT ·depthwiseQuadsAVX512(SB), NOSPLIT, $0-8
	MOVQ         p+0(FP), BX
	MOVQ         quadParams_channels(BX), SI
	MOVQ         quadParams_dst(BX), DI
	MOVQ         quadParams_stride(BX), R8
	MOVQ         quadParams_block(BX), R11
	VBROADCASTSS quadParams_before(BX), Z28
	VPBROADCASTW quadParams_after(BX), Z29
	VPBROADCASTB quadParams_lo(BX), Z30
	VPBROADCASTB quadParams_hi(BX), Z31
	XORQ         AX, AX

block: // for SI = channels; SI > 0; SI -= 64
	MOVQ      $-1, R13
	CMPQ      SI, $64
	JGE       masked
	MOVQ      SI, CX
	MOVQ      $1, R13
	SHLQ      CX, R13
	DECQ      R13

masked:
	KMOVQ     R13, K1                   // 1<<min(64, SI) - 1
	MOVQ      quadParams_pairs(BX), R9
	MOVQ      quadParams_step(BX), R10
	ADDQ      AX, R10
	VMOVDQU32 0(R11), Z24               // bias
	VMOVDQU32 64(R11), Z25
	VMOVDQU32 128(R11), Z26
	VMOVDQU32 192(R11), Z27

pair: // for R9 = pairs; R9 > 0; R9--
	VMOVDQA32 Z24, Z0                   // the sums begin with the bias
	VMOVDQA32 Z25, Z1
	VMOVDQA32 Z26, Z2
	VMOVDQA32 Z27, Z3
	VMOVDQA32 Z24, Z4
	VMOVDQA32 Z25, Z5
	VMOVDQA32 Z26, Z6
	VMOVDQA32 Z27, Z7
	MOVQ      quadParams_taps(BX), DX
	MOVQ      quadParams_groups(BX), R12
	ADDQ      $512, R11                 // behind bias and multipliers
	TESTQ     R12, R12
	JZ        single

group: // for R12 = groups; R12 > 0; R12--
	MOVQ        0(DX), R13
	MOVQ        8(DX), R14
	MOVQ        16(DX), R15
	MOVQ        24(DX), CX
	VMOVDQU8.Z  (R13)(AX*1), K1, Z8       // the first pixel's taps
	VMOVDQU8.Z  (R14)(AX*1), K1, Z9
	VMOVDQU8.Z  (R15)(AX*1), K1, Z10
	VMOVDQU8.Z  (CX)(AX*1), K1, Z11
	VMOVDQU32   0(R11), Z20               // their weights
	VMOVDQU32   64(R11), Z21
	VMOVDQU32   128(R11), Z22
	VMOVDQU32   192(R11), Z23
	INTERLEAVE
	ADD(Z0, Z1, Z2, Z3)
	VMOVDQU8.Z  (R13)(R10*1), K1, Z8      // the second pixel's taps
	VMOVDQU8.Z  (R14)(R10*1), K1, Z9
	VMOVDQU8.Z  (R15)(R10*1), K1, Z10
	VMOVDQU8.Z  (CX)(R10*1), K1, Z11
	INTERLEAVE
	ADD(Z4, Z5, Z6, Z7)
	ADDQ        $32, DX
	ADDQ        $256, R11
	DECQ        R12
	JNZ         group

single:
	CMPQ        quadParams_single(BX), $0
	JEQ         stage
	MOVQ        0(DX), R13                // the last tap; it is there four times, and the other weights are 0
	VMOVDQU8.Z  (R13)(AX*1), K1, Z8
	VMOVDQU8.Z  (R13)(R10*1), K1, Z10
	VMOVDQU32   0(R11), Z20
	VMOVDQU32   64(R11), Z21
	VMOVDQU32   128(R11), Z22
	VMOVDQU32   192(R11), Z23
	VPUNPCKLBW  Z8, Z8, Z12
	VPUNPCKHBW  Z8, Z8, Z13
	VPUNPCKLBW  Z10, Z10, Z14
	VPUNPCKHBW  Z10, Z10, Z15
	VPUNPCKLWD  Z12, Z12, Z16
	VPUNPCKHWD  Z12, Z12, Z17
	VPUNPCKLWD  Z13, Z13, Z18
	VPUNPCKHWD  Z13, Z13, Z19
	ADD(Z0, Z1, Z2, Z3)
	VPUNPCKLWD  Z14, Z14, Z16
	VPUNPCKHWD  Z14, Z14, Z17
	VPUNPCKLWD  Z15, Z15, Z18
	VPUNPCKHWD  Z15, Z15, Z19
	ADD(Z4, Z5, Z6, Z7)
	ADDQ        $256, R11

stage:
	SUBQ      quadParams_size(BX), R11    // back to where the block begins
	VMOVUPS   256(R11), Z20               // mult
	VMOVUPS   320(R11), Z21
	VMOVUPS   384(R11), Z22
	VMOVUPS   448(R11), Z23
	STAGE(Z0, Z1, Z2, Z3)
	STAGE(Z4, Z5, Z6, Z7)
	VMOVDQU8  Z0, K1, (DI)
	VMOVDQU8  Z4, K1, (DI)(R8*1)
	LEAQ      (DI)(R8*2), DI
	MOVQ      quadParams_step(BX), R13
	LEAQ      (AX)(R13*2), AX
	LEAQ      (R10)(R13*2), R10
	DECQ      R9
	JNZ       pair
	MOVQ      quadParams_channels(BX), AX
	SUBQ      $64, SI
	SUBQ      SI, AX                      // c of the next block
	MOVQ      quadParams_dst(BX), DI
	ADDQ      AX, DI
	ADDQ      quadParams_size(BX), R11
	TESTQ     SI, SI
	JG        block
	VZEROUPPER
	RET
