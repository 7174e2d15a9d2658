//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// CONSTANT fills a register with 32 bits.
#define CONSTANT(bits, x, z) \
	MOVL         $bits, AX \
	VMOVD        AX, x     \
	VPBROADCASTD x, z

// REALS makes what byte i of each of 16 groups of four codes stands for, less the zero point: a byte in the low bits of
// 2^23 is 2^23 more than it.
#define REALS(codes, i, zero, x) \
	VPSRLD     $(8*i), codes, x    \
	VPTERNLOGD $0xea, Z12, Z14, x  \ // x&0xff | 2^23
	VSUBPS     zero, x, x

// NEAR makes the low byte of code of a' and b', and keeps the greatest distance of a sum from an integer.
#define NEAR(a, b, code) \
	VMULPS      Z7, b, code       \ // b'·factorB
	VFMADD231PS Z6, a, code       \ // … + a'·factorA
	VMAXPS      Z9, code, code    \
	VMINPS      Z10, code, code   \ // clamp(…, Lo, Hi)
	VREDUCEPS   $0, code, Z29     \
	VRANGEPS    $11, Z29, Z28, Z28 \
	VADDPS      Z13, code, code     // RNE(…) + magic + Offset

// DIVIDE is NEAR as it is defined.
#define DIVIDE(a, b, code) \
	VMULPS    Z2, a, a       \
	VMULPS    Z3, b, b       \
	VADDPS    b, a, a        \ // a' + b'
	VDIVPS    Z8, a, a       \ // … / Scale
	VMAXPS    Z9, a, a       \
	VMINPS    Z10, a, a      \ // clamp(…, Lo, Hi)
	VCVTPS2DQ a, a           \ // RNE(…)
	VPADDD    Z11, a, code     // … + Offset

// func addNearAVX512(dst, a, b *byte, n int, p *Pair, k *near)
//
// Registers:
//	DI dst   SI a   DX b          Z4,Z5 2^23 + ZeroA, ZeroB   Z9,Z10  Lo, Hi
//	CX left  BX p   R8 k          Z2,Z3 ScaleA, ScaleB        Z11     Offset
//	Z0,Z1   64 codes              Z6,Z7 factorA, factorB      Z12,Z13 2^23, magic + Offset
//	Z16-Z23 a', b'                Z8    Scale                 Z14,Z30,Z31 the low 8, 16 and 24 bits
//	Z24-Z27 codes                 Z28   farthest              Z15     most
TEXT ·addNearAVX512(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), BX
	MOVQ         k+40(FP), R8
	CONSTANT(0x4b000000, X12, Z12)
	CONSTANT(0xff, X14, Z14)
	CONSTANT(0xffff, X30, Z30)
	CONSTANT(0xffffff, X31, Z31)
	VBROADCASTSS near_most(R8), Z15
	VPBROADCASTD near_magic(R8), Z13
	VBROADCASTSS near_factorA(R8), Z6
	VBROADCASTSS near_factorB(R8), Z7
	VPBROADCASTD Pair_ZeroA(BX), Z4
	VPBROADCASTD Pair_ZeroB(BX), Z5
	VPORD        Z12, Z4, Z4
	VPORD        Z12, Z5, Z5
	VBROADCASTSS Pair_ScaleA(BX), Z2
	VBROADCASTSS Pair_ScaleB(BX), Z3
	VBROADCASTSS Pair_Scale(BX), Z8
	VBROADCASTSS Pair_Lo(BX), Z9
	VBROADCASTSS Pair_Hi(BX), Z10
	VPBROADCASTD Pair_Offset(BX), Z11

block: // for CX = n; CX > 0; CX -= 64
	VMOVDQU32  (SI), Z0
	VMOVDQU32  (DX), Z1
	VPXORD     Z28, Z28, Z28
	REALS(Z0, 0, Z4, Z16)
	REALS(Z1, 0, Z5, Z20)
	REALS(Z0, 1, Z4, Z17)
	REALS(Z1, 1, Z5, Z21)
	REALS(Z0, 2, Z4, Z18)
	REALS(Z1, 2, Z5, Z22)
	REALS(Z0, 3, Z4, Z19)
	REALS(Z1, 3, Z5, Z23)
	NEAR(Z16, Z20, Z24)
	NEAR(Z17, Z21, Z25)
	NEAR(Z18, Z22, Z26)
	NEAR(Z19, Z23, Z27)
	VCMPPS     $13, Z15, Z28, K1 // one is too near the middle
	KORTESTW   K1, K1
	JNZ        divide

store: // the four codes of a group, one byte after the other
	VPSLLD     $8, Z25, Z25
	VPSLLD     $16, Z26, Z26
	VPSLLD     $24, Z27, Z27
	VPTERNLOGD $0xb8, Z24, Z14, Z25 // the low 8 bits of Z24, the others of Z25
	VPTERNLOGD $0xb8, Z25, Z30, Z26
	VPTERNLOGD $0xb8, Z26, Z31, Z27
	VMOVDQU32  Z27, (DI)
	ADDQ       $64, SI
	ADDQ       $64, DX
	ADDQ       $64, DI
	SUBQ       $64, CX
	JNZ        block
	VZEROUPPER
	RET

divide:
	DIVIDE(Z16, Z20, Z24)
	DIVIDE(Z17, Z21, Z25)
	DIVIDE(Z18, Z22, Z26)
	DIVIDE(Z19, Z23, Z27)
	JMP        store
