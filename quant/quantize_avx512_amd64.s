//go:build !purego

#include "textflag.h"

// The dwords of a line of codes in the order of the elements: packing interleaves the quarters of its operands.
DATA  ·quarters+0(SB)/8, $0x0000000400000000
DATA  ·quarters+8(SB)/8, $0x0000000c00000008
DATA  ·quarters+16(SB)/8, $0x0000000500000001
DATA  ·quarters+24(SB)/8, $0x0000000d00000009
DATA  ·quarters+32(SB)/8, $0x0000000600000002
DATA  ·quarters+40(SB)/8, $0x0000000e0000000a
DATA  ·quarters+48(SB)/8, $0x0000000700000003
DATA  ·quarters+56(SB)/8, $0x0000000f0000000b
GLOBL ·quarters(SB), RODATA|NOPTR, $64

// DIVIDE is x = RNE(clamp(x, lo, hi)/scale) as integers, 0 for a NaN; see quantizer. q and k are scratch.
//
//	k = x == x
//	x = max(x, lo)
//	x = k ? min(x, hi) : 0
//	q = x · residue
//	q = fma(x, inverse, q)
//	x = RNE(q)
#define DIVIDE(x, q, k) \
	VCMPPS      $7, x, x, k  \
	VMAXPS      Z19, x, x    \
	VMINPS.Z    Z20, x, k, x \
	VMULPS      Z18, x, q    \
	VFMADD231PS Z17, x, q    \
	VCVTPS2DQ   q, x

// CODES makes Z0 the codes of the 64 elements at o(SI). It fetches those of a page ahead: the processor does not look
// that far.
#define CODES(o) \
	PREFETCHT0 (o+4096)(SI)    \
	PREFETCHT0 (o+4160)(SI)    \
	PREFETCHT0 (o+4224)(SI)    \
	PREFETCHT0 (o+4288)(SI)    \
	VMOVUPS    (o+0)(SI), Z0   \
	VMOVUPS    (o+64)(SI), Z1  \
	VMOVUPS    (o+128)(SI), Z2 \
	VMOVUPS    (o+192)(SI), Z3 \
	DIVIDE(Z0, Z4, K1)         \
	DIVIDE(Z1, Z5, K2)         \
	DIVIDE(Z2, Z6, K3)         \
	DIVIDE(Z3, Z7, K4)         \
	VPACKSSDW  Z1, Z0, Z0      \ // in words
	VPACKSSDW  Z3, Z2, Z2      \
	VPADDW     Z21, Z0, Z0     \ // … + after
	VPADDW     Z21, Z2, Z2     \
	VPACKUSWB  Z2, Z0, Z0      \ // in bytes
	VPERMD     Z0, Z23, Z0     \
	VPXORD     Z22, Z0, Z0       // … ^ flip

// func quantizeAVX512(dst *byte, src *float32, n int, p *quantizer, stream bool)
//
//	for i := range n {
//		dst[i] = byte(RNE(clamp(src[i], p.lo, p.hi)/p.scale) + p.after) ^ byte(p.flip)
//	}
//
// Registers:
//	DI  dst           Z0-Z3 the values        Z19 p.lo     Z20 p.hi
//	SI  src           Z4-Z7 quotients         Z21 p.after, in words and then in dwords
//	CX  elements left Z17 p.inverse           Z22 p.flip
//	R8  stream        Z18 p.residue           Z23 quarters
//	K1-K4 not NaN                             K5  the elements that exist
TEXT ·quantizeAVX512(SB), NOSPLIT, $0-33
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         p+24(FP), DX
	MOVBLZX      stream+32(FP), R8
	VBROADCASTSS 0(DX), Z17
	VBROADCASTSS 4(DX), Z18
	VBROADCASTSS 8(DX), Z19
	VBROADCASTSS 12(DX), Z20
	VPBROADCASTW 16(DX), Z21
	VPBROADCASTD 20(DX), Z22
	SUBQ         $64, CX
	JL           rest
	VMOVDQU32    ·quarters(SB), Z23

	CMPL         R8, $0
	JEQ          lines

past: // for CX = n - 64; CX >= 64; CX -= 128
	CMPQ     CX, $64
	JL       last
	CODES(0)
	VMOVNTDQ Z0, (DI)           // dst[i..i+63] = …, past the caches
	CODES(256)
	VMOVNTDQ Z0, 64(DI)         // dst[i+64..i+127] = …
	ADDQ     $512, SI
	ADDQ     $128, DI
	SUBQ     $128, CX
	JMP      past

last:
	SFENCE                      // before anything that tells others about dst
	TESTQ CX, CX
	JL    rest

lines: // for ; CX >= 0; CX -= 64
	CODES(0)
	VMOVDQU32 Z0, (DI)          // dst[i..i+63] = …
	ADDQ      $256, SI
	ADDQ      $64, DI
	SUBQ      $64, CX
	JGE       lines

rest:
	ADDQ         $64, CX
	JE           done
	VPBROADCASTD 16(DX), Z21

vector: // for ; CX > 0; CX -= 16
	MOVL      $0xffff, AX
	CMPQ      CX, $16
	JGE       whole
	MOVL      $1, AX
	SHLL      CX, AX
	DECL      AX                // 1<<CX - 1

whole:
	KMOVW     AX, K5
	VMOVUPS.Z (SI), K5, Z0      // src[i..i+15]
	DIVIDE(Z0, Z4, K1)
	VPADDD    Z21, Z0, Z0       // … + after
	VPMOVDB   Z0, X0            // in bytes
	VPXORD    X22, X0, X0       // … ^ flip
	VMOVDQU8  X0, K5, (DI)      // dst[i..i+15] = …
	ADDQ      $64, SI
	ADDQ      $16, DI
	SUBQ      $16, CX
	JG        vector

done:
	VZEROUPPER
	RET

// REALS is float32(code^flip - before) · scale, for 16 codes at o(SI) into o(DI) with o four times as large.
//
//	z = uint32(src[i..i+15])
//	z = z ^ flip
//	z = z - before
//	z = float32(int32(z))
//	z = z · scale
#define REALS(o, z) \
	VPMOVZXBD o(SI), z    \
	VPXORD    Z18, z, z   \
	VPSUBD    Z17, z, z   \
	VCVTDQ2PS z, z        \
	VMULPS    Z16, z, z

// func dequantizeAVX512(dst *float32, src *byte, n int, p *dequantizer, stream bool)
//
//	for i := range n {
//		dst[i] = float32(int32(src[i]^byte(p.flip)) - p.before) * p.scale
//	}
//
// Registers:
//	DI  dst           Z0-Z3 the values        Z18 p.flip, of one code a dword
//	SI  src           Z16 p.scale             K5  the elements that exist
//	CX  elements left Z17 p.before
//	R8  stream
TEXT ·dequantizeAVX512(SB), NOSPLIT, $0-33
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         p+24(FP), DX
	MOVBLZX      stream+32(FP), R8
	VBROADCASTSS 0(DX), Z16
	VPBROADCASTD 4(DX), Z17
	VPBROADCASTD 8(DX), Z18
	VPSRLD       $24, Z18, Z18
	SUBQ         $64, CX
	JL           rest

lines: // for CX = n - 64; CX >= 0; CX -= 64
	PREFETCHT0 4096(SI)         // a page ahead: the processor does not look that far
	REALS(0, Z0)
	REALS(16, Z1)
	REALS(32, Z2)
	REALS(48, Z3)
	CMPL     R8, $0
	JNE      past
	VMOVUPS  Z0, 0(DI)          // dst[i..i+15] = …
	VMOVUPS  Z1, 64(DI)
	VMOVUPS  Z2, 128(DI)
	VMOVUPS  Z3, 192(DI)
	ADDQ     $64, SI
	ADDQ     $256, DI
	SUBQ     $64, CX
	JGE      lines
	JMP      rest

past:
	VMOVNTPS Z0, 0(DI)          // dst[i..i+15] = …, past the caches
	VMOVNTPS Z1, 64(DI)
	VMOVNTPS Z2, 128(DI)
	VMOVNTPS Z3, 192(DI)
	ADDQ     $64, SI
	ADDQ     $256, DI
	SUBQ     $64, CX
	JGE      lines
	SFENCE                      // before anything that tells others about dst

rest:
	ADDQ $64, CX
	JE   done

vector: // for ; CX > 0; CX -= 16
	MOVL      $0xffff, AX
	CMPQ      CX, $16
	JGE       whole
	MOVL      $1, AX
	SHLL      CX, AX
	DECL      AX                // 1<<CX - 1

whole:
	KMOVW       AX, K5
	VMOVDQU8.Z  (SI), K5, X0    // src[i..i+15]
	VPMOVZXBD   X0, Z0          // in dwords
	VPXORD      Z18, Z0, Z0     // … ^ flip
	VPSUBD      Z17, Z0, Z0     // … - before
	VCVTDQ2PS   Z0, Z0
	VMULPS      Z16, Z0, Z0     // … · scale
	VMOVUPS     Z0, K5, (DI)    // dst[i..i+15] = …
	ADDQ        $16, SI
	ADDQ        $64, DI
	SUBQ        $16, CX
	JG          vector

done:
	VZEROUPPER
	RET
