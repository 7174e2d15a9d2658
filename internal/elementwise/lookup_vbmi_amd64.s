//go:build !purego

#include "textflag.h"

// LOOKUP replaces the codes z by their entries of the table; y is scratch.
//
//	y = z
//	k = z >= 128
//	z = table[z&127]
//	y = table[128+y&127]
//	z = k ? y : z
#define LOOKUP(z, y) \
	VMOVDQA64 z, y         \
	VPMOVB2M  z, K2        \
	VPERMI2B  Z17, Z16, z  \
	VPERMI2B  Z19, Z18, y  \
	VMOVDQU8  y, K2, z

// func lookupVBMI(dst, src *byte, n int, table *[256]byte)
//
//	for i := range n {
//		dst[i] = table[src[i]]
//	}
//
// Registers:
//	DI  dst           Z0,Z2    codes, then their entries    Z16-Z19  the table
//	SI  src           Z1,Z3    entries from 128 on
//	CX  codes left    K1       the codes that exist         K2       those from 128 on
TEXT ·lookupVBMI(SB), NOSPLIT, $0-32
	MOVQ      dst+0(FP), DI
	MOVQ      src+8(FP), SI
	MOVQ      n+16(FP), CX
	MOVQ      table+24(FP), DX
	VMOVDQU64 (DX), Z16
	VMOVDQU64 64(DX), Z17
	VMOVDQU64 128(DX), Z18
	VMOVDQU64 192(DX), Z19
	SUBQ      $128, CX
	JL        rest

vectors: // for CX = n - 128; CX >= 0; CX -= 128
	VMOVDQU64 (SI), Z0       // src[i..i+127]
	VMOVDQU64 64(SI), Z2
	LOOKUP(Z0, Z1)
	LOOKUP(Z2, Z3)
	VMOVDQU64 Z0, (DI)       // dst[i..i+127] = …
	VMOVDQU64 Z2, 64(DI)
	ADDQ      $128, SI
	ADDQ      $128, DI
	SUBQ      $128, CX
	JGE       vectors

rest: // for ; CX > 0; CX -= 64
	ADDQ $128, CX
	JLE  done

vector:
	MOVQ       $-1, AX
	CMPQ       CX, $64
	JGE        whole
	MOVL       $1, AX
	SHLQ       CX, AX
	DECQ       AX            // 1<<CX - 1

whole:
	KMOVQ      AX, K1
	VMOVDQU8.Z (SI), K1, Z0  // src[i..i+63]
	LOOKUP(Z0, Z1)
	VMOVDQU8   Z0, K1, (DI)  // dst[i..i+63] = …
	ADDQ       $64, SI
	ADDQ       $64, DI
	SUBQ       $64, CX
	JG         vector

done:
	VZEROUPPER
	RET
