//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// SUM makes T of 8 pairs of words, and keeps the least of what near has of it.
#define SUM(pairs, t) \
	VPMADDWD Y8, pairs, t     \
	VPADDD   Y12, t, t        \ // a·lowA + b·lowB + rest
	VPSRAD   $15, t, t        \
	VPMADDWD Y9, pairs, pairs \
	VPADDD   pairs, t, t      \ // … + a·highA + b·highB
	VPADDD   Y13, t, t        \ // … + start
	VPMAXSD  Y14, t, t        \
	VPAND    Y10, t, pairs    \
	VPMINUD  pairs, Y7, Y7    \
	VPSRAD   X11, t, t

// func sumCodesAVX2(dst, a, b *byte, n int, s *sum) (done int)
//
// Registers:
//	DI dst   SI a   DX b   CX n   BX s   AX done
//	Y0,Y1 32 codes   Y2-Y5 pairs of words, sums   Y6 0   Y7 least
//	Y8,Y9 low, high   Y10 near   X11 shift   Y12,Y13 rest, start   Y14,Y15 least, hi
TEXT ·sumCodesAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         a+8(FP), SI
	MOVQ         b+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         s+32(FP), BX
	VPBROADCASTD sum_low(BX), Y8
	VPBROADCASTD sum_high(BX), Y9
	VPBROADCASTD sum_near(BX), Y10
	VMOVD        sum_shift(BX), X11
	VPBROADCASTD sum_rest(BX), Y12
	VPBROADCASTD sum_start(BX), Y13
	VPBROADCASTD sum_least(BX), Y14
	VPBROADCASTD sum_hi(BX), Y15
	XORL         AX, AX

block: // for AX = 0; AX < n; AX += 32
	VMOVDQU    (SI)(AX*1), Y0
	VMOVDQU    (DX)(AX*1), Y1
	VPXOR      Y6, Y6, Y6
	VPCMPEQD   Y7, Y7, Y7
	VPUNPCKLBW Y1, Y0, Y2          // in each 128 bits, pairs 0 to 7
	VPUNPCKHBW Y1, Y0, Y4          // 8 to 15
	VPUNPCKHBW Y6, Y2, Y3
	VPUNPCKLBW Y6, Y2, Y2
	VPUNPCKHBW Y6, Y4, Y5
	VPUNPCKLBW Y6, Y4, Y4
	SUM(Y2, Y0)
	SUM(Y3, Y1)
	SUM(Y4, Y2)
	SUM(Y5, Y3)
	VPCMPEQD   Y6, Y7, Y7
	VPTEST     Y7, Y7
	JNZ        done
	VPACKSSDW  Y1, Y0, Y0          // in order again, and saturated
	VPACKSSDW  Y3, Y2, Y2
	VPACKUSWB  Y2, Y0, Y0
	VPMINUB    Y15, Y0, Y0
	VMOVDQU    Y0, (DI)(AX*1)
	ADDQ       $32, AX
	CMPQ       AX, CX
	JLT        block

done:
	MOVQ AX, done+40(FP)
	VZEROUPPER
	RET
