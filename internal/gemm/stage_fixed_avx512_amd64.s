//go:build !purego

// Registers:
//	DI   dst, of 16 channels       Z0  even values, then all
//	SI   acc, of 16 channels       Z1  odd values
//	R8   ldd     R9  4·width       Z2  bias
//	R10  bias    R11 t.m0          Z3  t.m0, even    Z4 t.m0, odd
//	R12  channels left             Z5-Z10 more of t
//	R13  t.round[0], of 16 channels
//	AX,BX at this row   CX rows    Z12 t.lo  Z13 t.hi  Z14 t.after  Z15 16 times -1
//	K1   the channels that exist   K2  odd dwords      K3  where to round up

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
	MOVQ         dst+0(FP), DI      \
	MOVQ         ldd+8(FP), R8      \
	MOVQ         acc+16(FP), SI     \
	MOVQ         width+24(FP), R9   \
	MOVQ         n+40(FP), R12      \
	MOVQ         bias+48(FP), R10   \
	MOVQ         t+56(FP), R11      \
	MOVQ         R11, R13           \
	SHLQ         $2, R9             \
	VPBROADCASTD lo(R11), Z12       \
	VPBROADCASTD hi(R11), Z13       \
	VPBROADCASTD after(R11), Z14    \
	VPTERNLOGD   $0xff, Z15, Z15, Z15 \
	MOVL         $0xaaaa, AX        \
	KMOVW        AX, K2

// EXISTING sets K1 to min(1<<R12, 1<<16) - 1.
#define EXISTING \
	MOVL    $16, CX  \
	CMPQ    R12, CX  \
	CMOVQLT R12, CX  \
	MOVL    $1, AX   \
	SHLL    CX, AX   \
	DECL    AX       \
	KMOVW   AX, K1

#define FIRST_ROW \
	MOVQ DI, AX \
	MOVQ SI, BX \
	MOVQ rows+32(FP), CX

// PRODUCTS makes the 64-bit products of the accumulators with their multipliers.
#define PRODUCTS \
	VPADDD  (BX), Z2, Z0 \
	VPSRLQ  $32, Z0, Z1  \
	VPMULDQ Z3, Z0, Z0   \
	VPMULDQ Z4, Z1, Z1

#define STORE \
	VPMAXSD  Z12, Z0, Z0  \
	VPMINSD  Z13, Z0, Z0  \
	VPADDD   Z14, Z0, Z0  \
	VPMOVDB  Z0, X0       \
	VMOVDQU8 X0, K1, (AX) \
	ADDQ     R8, AX       \
	ADDQ     R9, BX       \
	DECQ     CX

#define NEXT_CHANNELS \
	ADDQ $16, DI  \
	ADDQ $64, SI  \
	ADDQ $64, R10 \
	ADDQ $64, R11 \
	ADDQ $64, R13 \
	SUBQ $16, R12

// func stageFixedAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)
TEXT ·stageFixedAVX512(SB), NOSPLIT, $0-64
	ARGUMENTS

channels: // for R12 = n; R12 > 0; R12 -= 16
	EXISTING
	VMOVDQU32.Z (R10), K1, Z2
	VMOVDQU32   m0(R11), Z3
	VPSRLQ      $32, Z3, Z4
	VMOVDQU64   roundEven(R13), Z5
	VMOVDQU64   roundOdd(R13), Z6
	VMOVDQU64   shiftEven(R13), Z7
	VMOVDQU64   shiftOdd(R13), Z8
	VMOVDQU32   unbias(R11), Z9
	FIRST_ROW

row: // for CX = rows; CX > 0; CX--
	PRODUCTS
	VPADDQ    Z5, Z0, Z0
	VPADDQ    Z6, Z1, Z1
	VPSRLVQ   Z7, Z0, Z0     // (acc·m0 + round) >> shift, in the low dwords
	VPSRLVQ   Z8, Z1, Z1
	VPSLLQ    $32, Z1, Z1
	VMOVDQA32 Z1, K2, Z0     // even and odd together
	VPSUBD    Z9, Z0, Z0     // … - unbias
	STORE
	JNZ       row
	NEXT_CHANNELS
	JG        channels
	VZEROUPPER
	RET

// func stageFixedDoubleAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)
TEXT ·stageFixedDoubleAVX512(SB), NOSPLIT, $0-64
	ARGUMENTS
	MOVQ         $0x40000000, AX
	VPBROADCASTQ AX, Z5          // 2^30

channels: // for R12 = n; R12 > 0; R12 -= 16
	EXISTING
	VMOVDQU32.Z (R10), K1, Z2
	VMOVDQU32   m0(R11), Z3
	VPSRLQ      $32, Z3, Z4
	VMOVDQU32   second(R11), Z6
	VMOVDQU32   mask(R11), Z7
	VMOVDQU32   half(R11), Z8
	FIRST_ROW

row: // for CX = rows; CX > 0; CX--
	PRODUCTS
	VPADDQ    Z5, Z0, Z0
	VPADDQ    Z5, Z1, Z1
	VPSRLQ    $31, Z0, Z0    // (acc·m0 + 2^30) >> 31, in the low dwords
	VPADDQ    Z1, Z1, Z1     // in the high dwords
	VMOVDQA32 Z1, K2, Z0     // high: even and odd together
	VPSRAD    $31, Z0, Z1
	VPSUBD    Z1, Z8, Z1     // threshold = half, + 1 if high < 0
	VPANDD    Z7, Z0, Z9     // high & mask
	VPCMPGTD  Z1, Z9, K3     // … > threshold
	VPSRAVD   Z6, Z0, Z0     // high >> second
	VPSUBD    Z15, Z0, K3, Z0 // … + 1, where it is
	STORE
	JNZ       row
	NEXT_CHANNELS
	JG        channels
	VZEROUPPER
	RET
