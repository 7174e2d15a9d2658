//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// BEGIN is what both kernels begin with.
#define BEGIN \
	MOVQ         p+0(FP), BX                \
	MOVQ         quadParams_block(BX), DX   \
	VPCMPEQW     Y15, Y15, Y15              \
	VPSRLW       $15, Y15, Y15              \
	VPXOR        X14, X14, X14              \
	VBROADCASTSS quadParams_before(BX), Y13 \
	VPBROADCASTW quadParams_after(BX), Y12  \
	VPBROADCASTB quadParams_lo(BX), Y11     \
	VPBROADCASTB quadParams_hi(BX), Y10     \
	XORQ         AX, AX

// BIAS begins the sums.
#define BIAS \
	VMOVDQU 0(DX), Y0  \
	VMOVDQU 32(DX), Y1 \
	VMOVDQU 64(DX), Y2 \
	VMOVDQU 96(DX), Y3

// INTERLEAVE makes of the taps in Y4 … Y7, 32 channels each, Y5, Y8, Y7 and Y4 with four taps side by side of 8 channels
// each: in both 128 bits, channels 0 … 3, 4 … 7, 8 … 11 and 12 … 15 of its 16.
#define INTERLEAVE \
	VPUNPCKLBW Y5, Y4, Y8 \
	VPUNPCKHBW Y5, Y4, Y4 \
	VPUNPCKLBW Y7, Y6, Y9 \
	VPUNPCKHBW Y7, Y6, Y6 \
	VPUNPCKLWD Y9, Y8, Y5 \
	VPUNPCKHWD Y9, Y8, Y8 \
	VPUNPCKLWD Y6, Y4, Y7 \
	VPUNPCKHWD Y6, Y4, Y4

// ADD adds their products with the weights at w to the sums.
#define ADD(w, block) \
	VPMADDUBSW (w+0)(block), Y5, Y5  \
	VPMADDUBSW (w+32)(block), Y8, Y8 \
	VPMADDUBSW (w+64)(block), Y7, Y7 \
	VPMADDUBSW (w+96)(block), Y4, Y4 \
	VPMADDWD   Y15, Y5, Y5           \
	VPMADDWD   Y15, Y8, Y8           \
	VPMADDWD   Y15, Y7, Y7           \
	VPMADDWD   Y15, Y4, Y4           \
	VPADDD     Y5, Y0, Y0            \
	VPADDD     Y8, Y1, Y1            \
	VPADDD     Y7, Y2, Y2            \
	VPADDD     Y4, Y3, Y3

// FOUR adds the products of four taps; of the first and the third some channels are complemented.
#define FOUR(a, b, c, d, group, block) \
	VMOVDQU (group+0)(block), Y4  \
	VMOVDQU (group+64)(block), Y6 \
	VMOVDQU (b)(AX*1), Y5         \
	VMOVDQU (d)(AX*1), Y7         \
	VPXOR   (a)(AX*1), Y4, Y4     \
	VPXOR   (c)(AX*1), Y6, Y6     \
	INTERLEAVE                    \
	ADD(group+128, block)

// ONE adds the products of one tap, which are of words.
#define ONE(a, w, block) \
	VMOVDQU    (a)(AX*1), Y4           \
	VPUNPCKLBW Y14, Y4, Y8             \
	VPUNPCKHBW Y14, Y4, Y9             \
	VPUNPCKLWD Y14, Y8, Y4             \
	VPUNPCKHWD Y14, Y8, Y5             \
	VPUNPCKLWD Y14, Y9, Y6             \
	VPUNPCKHWD Y14, Y9, Y7             \
	VPMADDWD   (w+0)(block), Y4, Y4    \
	VPMADDWD   (w+32)(block), Y5, Y5   \
	VPMADDWD   (w+64)(block), Y6, Y6   \
	VPMADDWD   (w+96)(block), Y7, Y7   \
	VPADDD     Y4, Y0, Y0              \
	VPADDD     Y5, Y1, Y1              \
	VPADDD     Y6, Y2, Y2              \
	VPADDD     Y7, Y3, Y3

// PLAIN is after, lo and hi as one number where codes are those from 0 to 255 with nothing to add.
#define PLAIN 0xff000000

// STAGE makes codes of the sums: RNE(float32(acc)·mult + before) + after, in words and then in bytes, both of which saturate,
// and between lo and hi. Where there is nothing to add, and all codes will do, that is left out.
#define STAGE                                       \
	VCVTDQ2PS Y0, Y0                            \
	VCVTDQ2PS Y1, Y1                            \
	VCVTDQ2PS Y2, Y2                            \
	VCVTDQ2PS Y3, Y3                            \
	VMULPS    128(DX), Y0, Y0                   \
	VMULPS    160(DX), Y1, Y1                   \
	VMULPS    192(DX), Y2, Y2                   \
	VMULPS    224(DX), Y3, Y3                   \
	CMPL      quadParams_before(BX), $0         \
	JEQ       round                             \
	VADDPS    Y13, Y0, Y0                       \
	VADDPS    Y13, Y1, Y1                       \
	VADDPS    Y13, Y2, Y2                       \
	VADDPS    Y13, Y3, Y3                       \
                                                    \
round:                                              \
	VCVTPS2DQ Y0, Y0                            \
	VCVTPS2DQ Y1, Y1                            \
	VCVTPS2DQ Y2, Y2                            \
	VCVTPS2DQ Y3, Y3                            \
	VPACKSSDW Y1, Y0, Y0                        \
	VPACKSSDW Y3, Y2, Y2                        \
	CMPL      quadParams_after(BX), $PLAIN      \
	JEQ       plain                             \
	VPADDSW   Y12, Y0, Y0                       \
	VPADDSW   Y12, Y2, Y2                       \
	VPACKUSWB Y2, Y0, Y0                        \
	VPMAXUB   Y11, Y0, Y0                       \
	VPMINUB   Y10, Y0, Y0                       \
	VMOVDQU   Y0, (DI)                          \
	JMP       next                              \
                                                    \
plain:                                              \
	VPACKUSWB Y2, Y0, Y0                        \
	VMOVDQU   Y0, (DI)                          \
                                                    \
next:

// RUN has the pointers to the taps at CX, and leaves the pixels of the run there.
#define RUN \
	MOVQ 0(CX), SI                  \
	MOVQ 8(CX), R8                  \
	MOVQ 16(CX), R9                 \
	MOVQ 24(CX), R10                \
	MOVQ 32(CX), R11                \
	MOVQ 40(CX), R12                \
	MOVQ 48(CX), R13                \
	MOVQ 56(CX), R14                \
	MOVQ 64(CX), R15                \
	MOVQ run-144(SP), CX            \
	SHLQ $3, CX                     \
	ADDQ quadParams_pixels(BX), CX  \
	MOVQ (CX), CX

// PIXEL makes sums of a pixel in Y0 … Y3, and codes of those that were there, of the pixel before it. Either alone waits
// for its own results. Mixed, and in this order, which is the best that was measured of some hundreds, they take 21 cycles
// of Zen 3 instead of 25.
#define PIXEL \
	VMOVDQU    256(DX), Y13                    \
	VPXOR      (SI)(AX*1), Y13, Y13            \
	VMOVDQU    (R8)(AX*1), Y12                 \
	VPUNPCKLBW Y12, Y13, Y11                   \
	VPUNPCKHBW Y12, Y13, Y13                   \
	VMOVDQU    320(DX), Y12                    \
	VPXOR      (R9)(AX*1), Y12, Y12            \
	VMOVDQU    (R10)(AX*1), Y10                \
	VPUNPCKLBW Y10, Y12, Y9                    \
	VPUNPCKHBW Y10, Y12, Y12                   \
	VPUNPCKLWD Y9, Y11, Y10                    \
	VMOVDQU    512(DX), Y8                     \
	VPMADDUBSW 384(DX), Y10, Y10               \
	VPMADDWD   Y15, Y10, Y10                   \
	VCVTDQ2PS  Y0, Y7                          \
	VPXOR      (R11)(AX*1), Y8, Y8             \
	VMULPS     128(DX), Y7, Y7                 \
	SHIFT(Y7)                                  \
	VMOVDQU    (R12)(AX*1), Y6                 \
	VPUNPCKLBW Y6, Y8, Y5                      \
	VPUNPCKHBW Y6, Y8, Y8                      \
	VMOVDQU    576(DX), Y6                     \
	VPADDD     0(DX), Y10, Y10                 \
	VPUNPCKHWD Y9, Y11, Y11                    \
	VPXOR      (R13)(AX*1), Y6, Y6             \
	VMOVDQU    (R14)(AX*1), Y9                 \
	VCVTPS2DQ  Y7, Y7                          \
	VPMADDUBSW 416(DX), Y11, Y11               \
	VPMADDWD   Y15, Y11, Y11                   \
	VPUNPCKLBW Y9, Y6, Y4                      \
	VPUNPCKHBW Y9, Y6, Y9                      \
	VCVTDQ2PS  Y1, Y6                          \
	VPADDD     32(DX), Y11, Y11                \
	VMULPS     160(DX), Y6, Y6                 \
	SHIFT(Y6)                                  \
	VPUNPCKLWD Y4, Y5, Y1                      \
	VPUNPCKLWD Y12, Y13, Y0                    \
	VPMADDUBSW 640(DX), Y1, Y1                 \
	VPMADDWD   Y15, Y1, Y1                     \
	VPADDD     Y10, Y1, Y10                    \
	VPUNPCKHWD Y4, Y5, Y5                      \
	VPMADDUBSW 672(DX), Y5, Y5                 \
	VPMADDUBSW 448(DX), Y0, Y4                 \
	VPMADDWD   Y15, Y5, Y5                     \
	VPADDD     Y11, Y5, Y5                     \
	VCVTPS2DQ  Y6, Y6                          \
	VPUNPCKLWD Y9, Y8, Y11                     \
	VPMADDWD   Y15, Y4, Y4                     \
	VPADDD     64(DX), Y4, Y4                  \
	VPMADDUBSW 704(DX), Y11, Y11               \
	VPUNPCKHWD Y12, Y13, Y12                   \
	VCVTDQ2PS  Y2, Y13                         \
	VPMADDWD   Y15, Y11, Y11                   \
	VPADDD     Y4, Y11, Y11                    \
	VMULPS     192(DX), Y13, Y13               \
	SHIFT(Y13)                                 \
	VPMADDUBSW 480(DX), Y12, Y12               \
	VPUNPCKHWD Y9, Y8, Y8                      \
	VPMADDWD   Y15, Y12, Y12                   \
	VPMADDUBSW 736(DX), Y8, Y8                 \
	VCVTPS2DQ  Y13, Y13                        \
	VPADDD     96(DX), Y12, Y12                \
	VPMADDWD   Y15, Y8, Y8                     \
	VPADDD     Y12, Y8, Y12                    \
	VMOVDQU    (R15)(AX*1), Y8                 \
	VPUNPCKLBW Y14, Y8, Y9                     \
	VCVTDQ2PS  Y3, Y4                          \
	VPUNPCKHBW Y14, Y8, Y8                     \
	VMULPS     224(DX), Y4, Y4                 \
	SHIFT(Y4)                                  \
	VCVTPS2DQ  Y4, Y4                          \
	VPUNPCKLWD Y14, Y9, Y3                     \
	VPMADDWD   768(DX), Y3, Y3                 \
	VPADDD     Y10, Y3, Y0                     \
	VPACKSSDW  Y6, Y7, Y7                      \
	AFTER(Y7)                                  \
	VPUNPCKHWD Y14, Y9, Y9                     \
	VPMADDWD   800(DX), Y9, Y9                 \
	VPADDD     Y5, Y9, Y1                      \
	VPUNPCKLWD Y14, Y8, Y9                     \
	VPMADDWD   832(DX), Y9, Y9                 \
	VPADDD     Y11, Y9, Y2                     \
	VPACKSSDW  Y4, Y13, Y13                    \
	AFTER(Y13)                                 \
	VPACKUSWB  Y13, Y7, Y13                    \
	BOUNDS(Y13)                                \
	VPUNPCKHWD Y14, Y8, Y8                     \
	VPMADDWD   864(DX), Y8, Y8                 \
	VPADDD     Y12, Y8, Y3                     \
	VMOVDQU    Y13, (DI)

// func depthwiseNineAVX2(p *quadParams)
//
// Registers:
//	BX p      AX  c and the offset of the pixel      Y0 … Y3  sums         Y10 hi   Y11 lo   Y12 after   Y13 before
//	DI dst    CX  pixels left of the run             Y4 … Y9  taps         Y14 0
//	DX block  SI, R8 … R15 where the nine taps are   Y4 … Y13 in PIXEL     Y15 1 in every word
TEXT ·depthwiseNineAVX2(SB), NOSPLIT, $152-8
	BEGIN
	VMOVDQU Y10, hi-40(SP)
	VMOVDQU Y11, lo-72(SP)
	VMOVDQU Y12, after-104(SP)
	VMOVDQU Y13, before-136(SP)
	MOVQ    AX, c-8(SP)

block: // for c = 0; c < channels; c = min(c + 32, channels - 32)
	MOVQ quadParams_dst(BX), DI
	ADDQ AX, DI
	MOVQ $0, run-144(SP)
	MOVQ quadParams_taps(BX), CX
	MOVQ CX, taps-152(SP)
	RUN
	BIAS
	FOUR(SI, R8, R9, R10, 256, DX)
	FOUR(R11, R12, R13, R14, 512, DX)
	ONE(R15, 768, DX)
	ADDQ quadParams_step(BX), AX
	DECQ CX
	JZ   ended

pixels: // the sums of a pixel are there, and pixels of the run are left
	CMPL quadParams_before(BX), $0
	JNE  shifted
	CMPL quadParams_after(BX), $PLAIN
	JNE  bounded

#define SHIFT(r)
#define AFTER(r)
#define BOUNDS(r)

plainly: // for ; CX > 0; CX--
	PIXEL
	ADDQ quadParams_step(BX), AX
	ADDQ quadParams_stride(BX), DI
	DECQ CX
	JNZ  plainly
	JMP  ended

#undef AFTER
#undef BOUNDS
#define AFTER(r) VPADDSW after-104(SP), r, r
#define BOUNDS(r) \
	VPMAXUB lo-72(SP), r, r \
	VPMINUB hi-40(SP), r, r

bounded: // the same
	PIXEL
	ADDQ quadParams_step(BX), AX
	ADDQ quadParams_stride(BX), DI
	DECQ CX
	JNZ  bounded
	JMP  ended

#undef SHIFT
#define SHIFT(r) VADDPS before-136(SP), r, r

shifted: // the same
	PIXEL
	ADDQ quadParams_step(BX), AX
	ADDQ quadParams_stride(BX), DI
	DECQ CX
	JNZ  shifted

ended: // for run = 0; run < runs; run++
	MOVQ run-144(SP), CX
	INCQ CX
	CMPQ CX, quadParams_runs(BX)
	JEQ  last
	MOVQ CX, run-144(SP)
	MOVQ taps-152(SP), CX
	ADDQ quadParams_next(BX), CX
	MOVQ CX, taps-152(SP)
	MOVQ c-8(SP), AX
	RUN
	JMP  pixels

last: // pixel
	VMOVDQU hi-40(SP), Y10
	VMOVDQU lo-72(SP), Y11
	VMOVDQU after-104(SP), Y12
	VMOVDQU before-136(SP), Y13
	STAGE
	MOVQ    c-8(SP), AX
	ADDQ    $32, AX
	MOVQ    quadParams_channels(BX), CX
	CMPQ    AX, CX
	JGE     done
	ADDQ    $-32, CX
	CMPQ    AX, CX
	CMOVQGT CX, AX
	MOVQ    AX, c-8(SP)
	ADDQ    quadParams_size(BX), DX
	JMP     block

done:
	VZEROUPPER
	RET

// func depthwisePairsAVX2(p *quadParams)
//
// Registers, where they are others than depthwiseNineAVX2's:
//	SI c                  R8  groups left         R12, R13, R14, R15 where four taps are
//	R11 the next group    R10 the group's taps    R9 the run's taps
TEXT ·depthwisePairsAVX2(SB), NOSPLIT, $8-8
	BEGIN
	XORQ SI, SI

block: // for c = 0; c < channels; c = min(c + 32, channels - 32)
	MOVQ quadParams_dst(BX), DI
	ADDQ SI, DI
	MOVQ quadParams_taps(BX), R9
	MOVQ $0, run-8(SP)

run: // for run = 0; run < runs; run++
	MOVQ SI, AX
	MOVQ run-8(SP), CX
	SHLQ $3, CX
	ADDQ quadParams_pixels(BX), CX
	MOVQ (CX), CX

pixel: // for CX = pixels; CX > 0; CX--
	BIAS
	LEAQ    256(DX), R11
	MOVQ    R9, R10
	MOVQ    quadParams_groups(BX), R8
	TESTQ   R8, R8
	JZ      single

group: // for R8 = groups; R8 > 0; R8--
	MOVQ    0(R10), R12
	MOVQ    8(R10), R13
	MOVQ    16(R10), R14
	MOVQ    24(R10), R15
	CMPQ    quadParams_second(BX), $0
	JNE     second
	FOUR(R12, R13, R14, R15, 0, R11)
	JMP     following

second: // taps are complemented too
	VMOVDQU 0(R11), Y4
	VMOVDQU 32(R11), Y5
	VMOVDQU 64(R11), Y6
	VMOVDQU 96(R11), Y7
	VPXOR   (R12)(AX*1), Y4, Y4
	VPXOR   (R13)(AX*1), Y5, Y5
	VPXOR   (R14)(AX*1), Y6, Y6
	VPXOR   (R15)(AX*1), Y7, Y7
	INTERLEAVE
	ADD(128, R11)

following:
	ADDQ    $256, R11
	ADDQ    $32, R10
	DECQ    R8
	JNZ     group

single:
	CMPQ    quadParams_single(BX), $0
	JEQ     stage
	MOVQ    0(R10), R12
	ONE(R12, 0, R11)

stage:
	STAGE
	ADDQ    quadParams_step(BX), AX
	ADDQ    quadParams_stride(BX), DI
	DECQ    CX
	JNZ     pixel
	ADDQ    quadParams_next(BX), R9
	MOVQ    run-8(SP), CX
	INCQ    CX
	MOVQ    CX, run-8(SP)
	CMPQ    CX, quadParams_runs(BX)
	JNE     run
	ADDQ    $32, SI
	MOVQ    quadParams_channels(BX), CX
	CMPQ    SI, CX
	JGE     done
	ADDQ    $-32, CX
	CMPQ    SI, CX
	CMOVQGT CX, SI
	ADDQ    quadParams_size(BX), DX
	JMP     block

done:
	VZEROUPPER
	RET
