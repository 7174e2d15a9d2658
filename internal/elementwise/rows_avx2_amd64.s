//go:build !purego

#include "textflag.h"

// laneMasks<>[8-r:] has all bits of the first r of 4 numbers of 64 bits.
DATA laneMasks<>+0(SB)/8, $-1
DATA laneMasks<>+8(SB)/8, $-1
DATA laneMasks<>+16(SB)/8, $-1
DATA laneMasks<>+24(SB)/8, $-1
DATA laneMasks<>+32(SB)/8, $0
DATA laneMasks<>+40(SB)/8, $0
DATA laneMasks<>+48(SB)/8, $0
DATA laneMasks<>+56(SB)/8, $0
GLOBL laneMasks<>(SB), RODATA|NOPTR, $64

// laneMasks32<> is that for numbers of 32 bits.
DATA laneMasks32<>+0(SB)/8, $-1
DATA laneMasks32<>+8(SB)/8, $-1
DATA laneMasks32<>+16(SB)/8, $0
DATA laneMasks32<>+24(SB)/8, $0
GLOBL laneMasks32<>(SB), RODATA|NOPTR, $32

// func sumLookupAVX2(e *float64, row *byte, n int, table *float64, s *[4]float64)
//
// Registers:
//	DI e   SI row   CX n   BX table   DX s   Y0 sums   Y1 a step   X2 its codes   Y3 what the gather is to do
TEXT ·sumLookupAVX2(SB), NOSPLIT, $0-40
	MOVQ     e+0(FP), DI
	MOVQ     row+8(FP), SI
	MOVQ     n+16(FP), CX
	MOVQ     table+24(FP), BX
	MOVQ     s+32(FP), DX
	VMOVUPD  (DX), Y0

lookup: // for n > 0; n -= 4
	VPMOVZXBD  (SI), X2
	VPCMPEQD   Y3, Y3, Y3
	VXORPD     Y1, Y1, Y1
	VGATHERDPD Y3, (BX)(X2*8), Y1 // table[row[i..]]
	VMOVUPD    Y1, (DI)           // e[i..]
	VADDPD     Y1, Y0, Y0         // s += …
	ADDQ       $4, SI
	ADDQ       $32, DI
	SUBQ       $4, CX
	JNZ        lookup
	VMOVUPD    Y0, (DX)
	VZEROUPPER
	RET

// func divideAVX2(dst *float32, e *float64, n int, by float64)
//
// Registers:
//	DI dst   SI e   CX n   Y0 by   Y1 a step
TEXT ·divideAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         e+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSD by+24(FP), Y0

divide: // for n > 0; n -= 4
	VMOVUPD    (SI), Y1
	VDIVPD     Y0, Y1, Y1 // e[i..] / by
	VCVTPD2PSY Y1, X1
	VMOVUPS    X1, (DI)
	ADDQ       $32, SI
	ADDQ       $16, DI
	SUBQ       $4, CX
	JNZ        divide
	VZEROUPPER
	RET

// func sumAVX2(x *float32, n int, s *[4]float64)
//
// Registers:
//	SI x   CX n   DX s   Y0 sums   Y1 a step   X2 the elements that are left
TEXT ·sumAVX2(SB), NOSPLIT, $0-24
	MOVQ     x+0(FP), SI
	MOVQ     n+8(FP), CX
	MOVQ     s+16(FP), DX
	VMOVUPD  (DX), Y0
	SUBQ     $4, CX
	JLT      sumRest

sum: // for n >= 4; n -= 4
	VCVTPS2PD (SI), Y1
	VADDPD    Y1, Y0, Y0
	ADDQ      $16, SI
	SUBQ      $4, CX
	JGE       sum

sumRest:
	ADDQ       $4, CX
	JEQ        sumDone
	NEGQ       CX
	LEAQ       laneMasks32<>+16(SB), BX
	VMOVUPS    (BX)(CX*4), X2
	VMASKMOVPS (SI), X2, X1       // 0 behind the end, which changes no sum
	VCVTPS2PD  X1, Y1
	VADDPD     Y1, Y0, Y0

sumDone:
	VMOVUPD Y0, (DX)
	VZEROUPPER
	RET

// func squaresAVX2(x *float32, n int, mean float64, s *[4]float64)
//
// Registers:
//	SI x   CX n   DX s   Y0 sums   Y1 a step   Y2 the elements that are left   Y3 mean
TEXT ·squaresAVX2(SB), NOSPLIT, $0-32
	MOVQ         x+0(FP), SI
	MOVQ         n+8(FP), CX
	VBROADCASTSD mean+16(FP), Y3
	MOVQ         s+24(FP), DX
	VMOVUPD      (DX), Y0
	SUBQ         $4, CX
	JLT          squaresRest

squares: // for n >= 4; n -= 4
	VCVTPS2PD (SI), Y1
	VSUBPD    Y3, Y1, Y1 // x[i..] - mean
	VMULPD    Y1, Y1, Y1
	VADDPD    Y1, Y0, Y0
	ADDQ      $16, SI
	SUBQ      $4, CX
	JGE       squares

squaresRest:
	ADDQ       $4, CX
	JEQ        squaresDone
	NEGQ       CX
	LEAQ       laneMasks32<>+16(SB), BX
	VMOVUPS    (BX)(CX*4), X2
	VMASKMOVPS (SI), X2, X1
	LEAQ       laneMasks<>+32(SB), BX
	VMOVUPD    (BX)(CX*8), Y2
	VCVTPS2PD  X1, Y1
	VSUBPD     Y3, Y1, Y1
	VMULPD     Y1, Y1, Y1
	VANDPD     Y2, Y1, Y1             // 0 behind the end
	VADDPD     Y1, Y0, Y0

squaresDone:
	VMOVUPD Y0, (DX)
	VZEROUPPER
	RET

// func scaleAVX2(dst, x, scale, shift *float32, n int, mean, factor float64)
//
// Registers:
//	DI dst   SI x   R8 scale   R9 shift   CX n
//	Y1 a step   Y2 others   X3 the elements that are left   Y4 mean   Y5 factor
TEXT ·scaleAVX2(SB), NOSPLIT, $0-56
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         scale+16(FP), R8
	MOVQ         shift+24(FP), R9
	MOVQ         n+32(FP), CX
	VBROADCASTSD mean+40(FP), Y4
	VBROADCASTSD factor+48(FP), Y5
	SUBQ         $4, CX
	JLT          scaleRest

scale: // for n >= 4; n -= 4
	VCVTPS2PD  (SI), Y1
	VSUBPD     Y4, Y1, Y1 // x[i..] - mean
	VMULPD     Y5, Y1, Y1 // … · factor
	VCVTPS2PD  (R8), Y2
	VMULPD     Y2, Y1, Y1 // … · scale[i..]
	VCVTPS2PD  (R9), Y2
	VADDPD     Y2, Y1, Y1 // … + shift[i..]
	VCVTPD2PSY Y1, X1
	VMOVUPS    X1, (DI)
	ADDQ       $16, SI
	ADDQ       $16, DI
	ADDQ       $16, R8
	ADDQ       $16, R9
	SUBQ       $4, CX
	JGE        scale

scaleRest:
	ADDQ       $4, CX
	JEQ        scaleDone
	NEGQ       CX
	LEAQ       laneMasks32<>+16(SB), BX
	VMOVUPS    (BX)(CX*4), X3
	VMASKMOVPS (SI), X3, X1
	VCVTPS2PD  X1, Y1
	VSUBPD     Y4, Y1, Y1
	VMULPD     Y5, Y1, Y1
	VMASKMOVPS (R8), X3, X2
	VCVTPS2PD  X2, Y2
	VMULPD     Y2, Y1, Y1
	VMASKMOVPS (R9), X3, X2
	VCVTPS2PD  X2, Y2
	VADDPD     Y2, Y1, Y1
	VCVTPD2PSY Y1, X1
	VMASKMOVPS X1, X3, (DI)

scaleDone:
	VZEROUPPER
	RET
