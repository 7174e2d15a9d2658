//go:build !purego

#include "textflag.h"

// The places of zeros: 2048, 2049, ...
DATA  ·zeroBins+0(SB)/8, $0x0000080100000800
DATA  ·zeroBins+8(SB)/8, $0x0000080300000802
DATA  ·zeroBins+16(SB)/8, $0x0000080500000804
DATA  ·zeroBins+24(SB)/8, $0x0000080700000806
DATA  ·zeroBins+32(SB)/8, $0x0000080900000808
DATA  ·zeroBins+40(SB)/8, $0x0000080b0000080a
DATA  ·zeroBins+48(SB)/8, $0x0000080d0000080c
DATA  ·zeroBins+56(SB)/8, $0x0000080f0000080e
GLOBL ·zeroBins(SB), RODATA|NOPTR, $64

// func findBinsAVX512(found *uint16, x *float32, n int, perWidth float32, base int32) (zeros int)
//
//	for i := range n {
//		found[i] = uint16(int32(x[i]*perWidth) + int32(bits(x[i]))>>31 - base)
//		if x[i] == 0 {
//			found[i] = 2048 + i%16
//			zeros++
//		}
//	}
//
// Registers:
//	DI  found          Z0  x, and then its bin    Z16 perWidth
//	SI  x              Z1  int32(bits(x))>>31     Z17 base
//	CX  elements left  K1  x == 0                 Z18 0
//	AX  zeros          BX  scratch                Z19 zeroBins
TEXT ·findBinsAVX512(SB), NOSPLIT, $0-40
	MOVQ         found+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS perWidth+24(FP), Z16
	MOVL         base+28(FP), BX
	VPBROADCASTD BX, Z17
	VPXORD       Z18, Z18, Z18
	VMOVDQU32    ·zeroBins(SB), Z19
	XORL         AX, AX

loop: // for CX = n; CX > 0; CX -= 16
	VMOVUPS    (SI), Z0         // x[i..i+15]
	VCMPPS     $0, Z18, Z0, K1  // x == 0
	VPSRAD     $31, Z0, Z1      // int32(bits(x)) >> 31
	VMULPS     Z16, Z0, Z0      // x · perWidth
	VCVTTPS2DQ Z0, Z0           // int32(…)
	VPADDD     Z1, Z0, Z0       // … + int32(bits(x))>>31
	VPSUBD     Z17, Z0, Z0      // … - base
	VMOVDQA32  Z19, K1, Z0      // or the place of a zero
	VPMOVDW    Z0, Y0           // in words
	VMOVDQU    Y0, (DI)         // found[i..i+15] = …
	KMOVW      K1, BX
	POPCNTL    BX, BX
	ADDQ       BX, AX           // zeros
	ADDQ       $64, SI
	ADDQ       $32, DI
	SUBQ       $16, CX
	JG         loop
	MOVQ       AX, zeros+32(FP)
	VZEROUPPER
	RET

// func findBinsAVX2(found *uint16, x *float32, n int, perWidth float32, base int32) (zeros int)
//
// The loop is that of findBinsAVX512, but for zeros, whose places are 2048 + i%8.
//
// Registers:
//	DI  found          Y0  x, and then its bin    Y4 perWidth
//	SI  x              Y1  int32(bits(x))>>31     Y5 base
//	CX  elements left  Y2  x == 0                 Y6 0
//	AX  zeros          BX  scratch                Y7 zeroBins
TEXT ·findBinsAVX2(SB), NOSPLIT, $0-40
	MOVQ         found+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS perWidth+24(FP), Y4
	MOVL         base+28(FP), BX
	VMOVD        BX, X5
	VPBROADCASTD X5, Y5
	VPXOR        Y6, Y6, Y6
	VMOVDQU      ·zeroBins(SB), Y7
	XORL         AX, AX

loop: // for CX = n; CX > 0; CX -= 8
	VMOVUPS      (SI), Y0       // x[i..i+7]
	VCMPPS       $0, Y6, Y0, Y2 // x == 0
	VPSRAD       $31, Y0, Y1    // int32(bits(x)) >> 31
	VMULPS       Y4, Y0, Y0     // x · perWidth
	VCVTTPS2DQ   Y0, Y0         // int32(…)
	VPADDD       Y1, Y0, Y0     // … + int32(bits(x))>>31
	VPSUBD       Y5, Y0, Y0     // … - base
	VPBLENDVB    Y2, Y7, Y0, Y0 // or the place of a zero
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW    X1, X0, X0     // in words
	VMOVDQU      X0, (DI)       // found[i..i+7] = …
	VMOVMSKPS    Y2, BX
	POPCNTL      BX, BX
	ADDQ         BX, AX         // zeros
	ADDQ         $32, SI
	ADDQ         $16, DI
	SUBQ         $8, CX
	JG           loop
	MOVQ         AX, zeros+32(FP)
	VZEROUPPER
	RET
