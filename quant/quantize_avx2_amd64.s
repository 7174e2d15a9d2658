//go:build !purego

#include "textflag.h"

// The dwords of 32 codes in the order of the elements: packing interleaves the halves of its operands.
DATA  ·halves+0(SB)/8, $0x0000000400000000
DATA  ·halves+8(SB)/8, $0x0000000500000001
DATA  ·halves+16(SB)/8, $0x0000000600000002
DATA  ·halves+24(SB)/8, $0x0000000700000003
GLOBL ·halves(SB), RODATA|NOPTR, $32

// DIVIDE is x = RNE(clamp(x, lo, hi)/scale) as integers, 0 for a NaN; see quantizer. q is scratch.
//
//	q = x == x ? -1 : 0
//	x = max(x, lo)
//	x = min(x, hi)
//	x = x & q
//	q = x · residue
//	q = fma(x, inverse, q)
//	x = RNE(q)
#define DIVIDE(x, q) \
	VCMPPS      $7, x, x, q \
	VMAXPS      Y11, x, x   \
	VMINPS      Y12, x, x   \
	VANDPS      q, x, x     \
	VMULPS      Y10, x, q   \
	VFMADD231PS Y9, x, q    \
	VCVTPS2DQ   q, x

// CODES is y = dst[i..i+31], from the 32 elements at o(SI); y may be Y0.
//
//	Y0,Y1,Y2,Y3 = src[i..i+31]
//	Y0,Y1,Y2,Y3 = RNE(clamp(…, lo, hi)/scale)
//	Y0,Y2 = … in words
//	Y0,Y2 = … + after
//	Y0 = … in bytes
//	Y0 = … in the order of the elements
//	y = … ^ flip
#define CODES(o, y) \
	VMOVUPS   o(SI), Y0     \
	VMOVUPS   o+32(SI), Y1  \
	VMOVUPS   o+64(SI), Y2  \
	VMOVUPS   o+96(SI), Y3  \
	DIVIDE(Y0, Y4)          \
	DIVIDE(Y1, Y5)          \
	DIVIDE(Y2, Y6)          \
	DIVIDE(Y3, Y7)          \
	VPACKSSDW Y1, Y0, Y0    \
	VPACKSSDW Y3, Y2, Y2    \
	VPADDW    Y13, Y0, Y0   \
	VPADDW    Y13, Y2, Y2   \
	VPACKUSWB Y2, Y0, Y0    \
	VPERMD    Y0, Y15, Y0   \
	VPXOR     Y14, Y0, y

// func quantizeAVX2(dst *byte, src *float32, n int, p *quantizer, stream bool)
//
//	for i := range n &^ 7 {
//		dst[i] = byte(RNE(clamp(src[i], p.lo, p.hi)/p.scale) + p.after) ^ byte(p.flip)
//	}
//
// Registers:
//	DI  dst           Y0-Y3 the values        Y11 p.lo     Y12 p.hi
//	SI  src           Y4-Y7 quotients         Y13 p.after, in words
//	CX  elements left Y9  p.inverse           Y14 p.flip
//	R8  stream        Y10 p.residue           Y15 halves
//	                  Y8  half a line
TEXT ·quantizeAVX2(SB), NOSPLIT, $0-33
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         p+24(FP), DX
	MOVBLZX      stream+32(FP), R8
	VBROADCASTSS 0(DX), Y9
	VBROADCASTSS 4(DX), Y10
	VBROADCASTSS 8(DX), Y11
	VBROADCASTSS 12(DX), Y12
	VPBROADCASTW 16(DX), Y13
	VPBROADCASTD 20(DX), Y14
	VMOVDQU      ·halves(SB), Y15
	SUBQ         $64, CX
	JL           rest

lines: // for CX = n - 64; CX >= 0; CX -= 64
	PREFETCHT0 4096(SI)         // a page ahead: the processor does not look that far
	PREFETCHT0 4160(SI)
	PREFETCHT0 4224(SI)
	PREFETCHT0 4288(SI)
	CODES(0, Y8)
	CODES(128, Y0)
	CMPL       R8, $0
	JNE        past
	VMOVDQU    Y8, (DI)         // dst[i..i+31] = …
	VMOVDQU    Y0, 32(DI)
	ADDQ       $256, SI
	ADDQ       $64, DI
	SUBQ       $64, CX
	JGE        lines
	JMP        rest

past:
	VMOVNTDQ   Y8, (DI)         // dst[i..i+31] = …, past the caches
	VMOVNTDQ   Y0, 32(DI)
	ADDQ       $256, SI
	ADDQ       $64, DI
	SUBQ       $64, CX
	JGE        lines
	SFENCE                      // before anything that tells others about dst

rest:
	ADDQ $56, CX                // for CX = what is left - 8; CX >= 0; CX -= 8
	JL   done

vector:
	VMOVUPS      (SI), Y0       // src[i..i+7]
	DIVIDE(Y0, Y4)
	VEXTRACTI128 $1, Y0, X1
	VPACKSSDW    X1, X0, X0     // in words
	VPADDW       X13, X0, X0    // … + after
	VPACKUSWB    X0, X0, X0     // in bytes
	VPXOR        X14, X0, X0    // … ^ flip
	VMOVQ        X0, (DI)       // dst[i..i+7] = …
	ADDQ         $32, SI
	ADDQ         $8, DI
	SUBQ         $8, CX
	JGE          vector

done:
	VZEROUPPER
	RET

// REALS is float32(code^flip - before) · scale, for 8 codes at o(SI).
//
//	y = uint32(src[i..i+7])
//	y = y ^ flip
//	y = y - before
//	y = float32(int32(y))
//	y = y · scale
#define REALS(o, y) \
	VPMOVZXBD o(SI), y    \
	VPXOR     Y10, y, y   \
	VPSUBD    Y9, y, y    \
	VCVTDQ2PS y, y        \
	VMULPS    Y8, y, y

// func dequantizeAVX2(dst *float32, src *byte, n int, p *dequantizer, stream bool)
//
//	for i := range n &^ 7 {
//		dst[i] = float32(int32(src[i]^byte(p.flip)) - p.before) * p.scale
//	}
//
// Registers:
//	DI  dst           Y0-Y3 the values
//	SI  src           Y8  p.scale
//	CX  elements left Y9  p.before
//	R8  stream        Y10 p.flip, of one code a dword
TEXT ·dequantizeAVX2(SB), NOSPLIT, $0-33
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         p+24(FP), DX
	MOVBLZX      stream+32(FP), R8
	VBROADCASTSS 0(DX), Y8
	VPBROADCASTD 4(DX), Y9
	VPBROADCASTD 8(DX), Y10
	VPSRLD       $24, Y10, Y10
	SUBQ         $32, CX
	JL           rest

lines: // for CX = n - 32; CX >= 0; CX -= 32
	PREFETCHT0 4096(SI)         // a page ahead: the processor does not look that far
	REALS(0, Y0)
	REALS(8, Y1)
	REALS(16, Y2)
	REALS(24, Y3)
	CMPL     R8, $0
	JNE      past
	VMOVUPS  Y0, 0(DI)          // dst[i..i+7] = …
	VMOVUPS  Y1, 32(DI)
	VMOVUPS  Y2, 64(DI)
	VMOVUPS  Y3, 96(DI)
	ADDQ     $32, SI
	ADDQ     $128, DI
	SUBQ     $32, CX
	JGE      lines
	JMP      rest

past:
	VMOVNTPS Y0, 0(DI)          // dst[i..i+7] = …, past the caches
	VMOVNTPS Y1, 32(DI)
	VMOVNTPS Y2, 64(DI)
	VMOVNTPS Y3, 96(DI)
	ADDQ     $32, SI
	ADDQ     $128, DI
	SUBQ     $32, CX
	JGE      lines
	SFENCE                      // before anything that tells others about dst

rest:
	ADDQ $24, CX                // for CX = what is left - 8; CX >= 0; CX -= 8
	JL   done

vector:
	REALS(0, Y0)
	VMOVUPS Y0, (DI)            // dst[i..i+7] = …
	ADDQ    $8, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     vector

done:
	VZEROUPPER
	RET
