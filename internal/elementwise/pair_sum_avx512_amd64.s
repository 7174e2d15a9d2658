//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// SUM makes T of 16 pairs of words, and marks those that are too near a tie.
#define SUM(pairs, t, k) \
	VMOVDQA64 Z20, t        \
	VPDPWSSD  Z16, pairs, t \ // a·lowA + b·lowB + rest
	VPSRAD    $15, t, t     \
	VPDPWSSD  Z17, pairs, t \ // … + a·highA + b·highB
	VPADDD    Z21, t, t     \ // … + start
	VPMAXSD   Z22, t, t     \
	VPTESTNMD Z18, t, k     \
	VPSRAD    X19, t, t

// DIVIDE is SUM as it is defined.
#define DIVIDE(pairs, t) \
	VPSLLD      $16, pairs, t             \
	VPSRLD      $16, t, t                 \
	VPSRLD      $16, pairs, Z12           \
	VPSUBD.BCST Pair_ZeroA(R8), t, t      \
	VPSUBD.BCST Pair_ZeroB(R8), Z12, Z12  \
	VCVTDQ2PS   t, t                      \
	VCVTDQ2PS   Z12, Z12                  \
	VMULPS.BCST Pair_ScaleA(R8), t, t     \ // float32(a - ZeroA) · ScaleA
	VMULPS.BCST Pair_ScaleB(R8), Z12, Z12 \ // float32(b - ZeroB) · ScaleB
	VADDPS      Z12, t, t                 \ // a' + b'
	VDIVPS.BCST Pair_Scale(R8), t, t      \ // … / Scale
	VMAXPS.BCST Pair_Lo(R8), t, t         \
	VMINPS.BCST Pair_Hi(R8), t, t         \ // clamp(…, Lo, Hi)
	VCVTPS2DQ   t, t                      \ // RNE(…)
	VPADDD.BCST Pair_Offset(R8), t, t       // … + Offset

// func sumCodesAVX512(dst, a, b *byte, n int, p *Pair, s *sum)
//
// Registers:
//	DI dst   SI a   DX b   CX left   R8 p   BX s
//	Z0,Z1 64 codes   Z2,Z3 them in pairs   Z4-Z7 pairs of words   Z8-Z11 sums   Z12 b'
//	Z16,Z17 low, high   Z18 near   X19 shift   Z20,Z21 rest, start   Z22,Z23 least, hi   Z24 0   K1-K4 near a tie
TEXT ·sumCodesAVX512(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), R8
	MOVQ         s+40(FP), BX
	VPBROADCASTD sum_low(BX), Z16
	VPBROADCASTD sum_high(BX), Z17
	VPBROADCASTD sum_near(BX), Z18
	VMOVD        sum_shift(BX), X19
	VPBROADCASTD sum_rest(BX), Z20
	VPBROADCASTD sum_start(BX), Z21
	VPBROADCASTD sum_least(BX), Z22
	VPBROADCASTD sum_hi(BX), Z23
	VPXORD       Z24, Z24, Z24

block: // for CX = n; CX > 0; CX -= 64
	VMOVDQU64  (SI), Z0
	VMOVDQU64  (DX), Z1
	VPUNPCKLBW Z1, Z0, Z2          // in each 128 bits, pairs 0 to 7
	VPUNPCKHBW Z1, Z0, Z3          // 8 to 15
	VPUNPCKLBW Z24, Z2, Z4
	VPUNPCKHBW Z24, Z2, Z5
	VPUNPCKLBW Z24, Z3, Z6
	VPUNPCKHBW Z24, Z3, Z7
	SUM(Z4, Z8, K1)
	SUM(Z5, Z9, K2)
	SUM(Z6, Z10, K3)
	SUM(Z7, Z11, K4)
	KORW       K2, K1, K1
	KORW       K4, K3, K3
	KORTESTW   K3, K1
	JNZ        divide

store:
	VPACKSSDW  Z9, Z8, Z8          // in order again, and saturated
	VPACKSSDW  Z11, Z10, Z10
	VPACKUSWB  Z10, Z8, Z8
	VPMINUB    Z23, Z8, Z8
	VMOVDQU64  Z8, (DI)
	ADDQ       $64, SI
	ADDQ       $64, DX
	ADDQ       $64, DI
	SUBQ       $64, CX
	JNZ        block
	VZEROUPPER
	RET

divide:
	DIVIDE(Z4, Z8)
	DIVIDE(Z5, Z9)
	DIVIDE(Z6, Z10)
	DIVIDE(Z7, Z11)
	JMP        store
