//go:build !purego

// Registers:
//	DI   dst, of 8 channels        Y0  even values, then all
//	SI   acc, of 8 channels        Y1  odd values, and Y10 for more
//	R8   ldd     R9  4·width       Y2  bias
//	R10  bias    R11 t.m0          Y3  t.m0, even    Y4 t.m0, odd
//	R12  channels left             Y5-Y9  more of t
//	R13  t.round[0], of 8 channels
//	AX,BX at this row   CX rows    Y12 t.lo  Y13 t.hi  Y14 t.after  Y15 8 times 0x000000ff

#include "textflag.h"

#define m0 0
#define roundEven 128
#define roundOdd 256
#define shiftEven 384
#define shiftOdd 512
#define unbias 640
#define second 768
#define mask 896
#define half 1024
#define lo 1152
#define hi 1156
#define after 1160

#define ARGUMENTS \
	MOVQ         dst+0(FP), DI    \
	MOVQ         ldd+8(FP), R8    \
	MOVQ         acc+16(FP), SI   \
	MOVQ         width+24(FP), R9 \
	MOVQ         n+40(FP), R12    \
	MOVQ         bias+48(FP), R10 \
	MOVQ         t+56(FP), R11    \
	MOVQ         R11, R13         \
	SHLQ         $2, R9           \
	VPBROADCASTD lo(R11), Y12     \
	VPBROADCASTD hi(R11), Y13     \
	VPBROADCASTD after(R11), Y14  \
	VPCMPEQD     Y15, Y15, Y15    \
	VPSRLD       $24, Y15, Y15

#define FIRST_ROW \
	MOVQ DI, AX \
	MOVQ SI, BX \
	MOVQ rows+32(FP), CX

// PRODUCTS makes the 64-bit products of the accumulators with their multipliers.
#define PRODUCTS \
	VPADDD  (BX), Y2, Y0 \
	VPSRLQ  $32, Y0, Y1  \
	VPMULDQ Y3, Y0, Y0   \
	VPMULDQ Y4, Y1, Y1

#define STORE \
	VPMAXSD      Y12, Y0, Y0 \
	VPMINSD      Y13, Y0, Y0 \
	VPADDD       Y14, Y0, Y0 \
	VPAND        Y15, Y0, Y0 \
	VEXTRACTI128 $1, Y0, X1  \
	VPACKUSDW    X1, X0, X0  \
	VPACKUSWB    X0, X0, X0  \
	VMOVQ        X0, (AX)    \
	ADDQ         R8, AX      \
	ADDQ         R9, BX      \
	DECQ         CX

#define NEXT_CHANNELS \
	ADDQ $8, DI   \
	ADDQ $32, SI  \
	ADDQ $32, R10 \
	ADDQ $32, R11 \
	ADDQ $32, R13 \
	SUBQ $8, R12

// func stageFixedAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)
TEXT ·stageFixedAVX2(SB), NOSPLIT, $0-64
	ARGUMENTS

channels: // for R12 = n; R12 > 0; R12 -= 8
	VMOVDQU (R10), Y2
	VMOVDQU m0(R11), Y3
	VPSRLQ  $32, Y3, Y4
	VMOVDQU roundEven(R13), Y5
	VMOVDQU roundOdd(R13), Y6
	VMOVDQU shiftEven(R13), Y7
	VMOVDQU shiftOdd(R13), Y8
	VMOVDQU unbias(R11), Y9
	FIRST_ROW

row: // for CX = rows; CX > 0; CX--
	PRODUCTS
	VPADDQ   Y5, Y0, Y0
	VPADDQ   Y6, Y1, Y1
	VPSRLVQ  Y7, Y0, Y0        // (acc·m0 + round) >> shift, in the low dwords
	VPSRLVQ  Y8, Y1, Y1
	VPSLLQ   $32, Y1, Y1
	VPBLENDD $0xaa, Y1, Y0, Y0 // even and odd together
	VPSUBD   Y9, Y0, Y0        // … - unbias
	STORE
	JNZ      row
	NEXT_CHANNELS
	JG       channels
	VZEROUPPER
	RET

// func stageFixedDoubleAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)
TEXT ·stageFixedDoubleAVX2(SB), NOSPLIT, $0-64
	ARGUMENTS
	MOVQ         $0x40000000, AX
	VMOVQ        AX, X5
	VPBROADCASTQ X5, Y5          // 2^30

channels: // for R12 = n; R12 > 0; R12 -= 8
	VMOVDQU (R10), Y2
	VMOVDQU m0(R11), Y3
	VPSRLQ  $32, Y3, Y4
	VMOVDQU second(R11), Y6
	VMOVDQU mask(R11), Y7
	VMOVDQU half(R11), Y8
	FIRST_ROW

row: // for CX = rows; CX > 0; CX--
	PRODUCTS
	VPADDQ   Y5, Y0, Y0
	VPADDQ   Y5, Y1, Y1
	VPSRLQ   $31, Y0, Y0       // (acc·m0 + 2^30) >> 31, in the low dwords
	VPADDQ   Y1, Y1, Y1        // in the high dwords
	VPBLENDD $0xaa, Y1, Y0, Y0 // high: even and odd together
	VPSRAD   $31, Y0, Y1
	VPSUBD   Y1, Y8, Y1        // threshold = half, + 1 if high < 0
	VPAND    Y7, Y0, Y10       // high & mask
	VPCMPGTD Y1, Y10, Y10      // -1 where … > threshold
	VPSRAVD  Y6, Y0, Y0        // high >> second
	VPSUBD   Y10, Y0, Y0       // … + 1, where it is
	STORE
	JNZ      row
	NEXT_CHANNELS
	JG       channels
	VZEROUPPER
	RET
