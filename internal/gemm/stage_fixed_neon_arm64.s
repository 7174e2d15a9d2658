//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "stage_arm64.h"

// FIXED4 loads the constants of both integer stages.
#define FIXED4 \
	MOVD  dst+0(FP), R0                  \
	MOVD  ldd+8(FP), R1                  \
	MOVD  acc+16(FP), R2                 \
	MOVD  rows+24(FP), R3                \
	MOVD  t+32(FP), R4                   \
	VLD3R (R4), [V17.S4, V18.S4, V19.S4] \
	ADD   $16, R4                        \
	FLDPQ (R4), (F20, F21)               \
	FLDPQ 32(R4), (F22, F23)             \
	FLDPQ 64(R4), (F24, F25)             \
	FLDPQ 96(R4), (F26, F27)

// SHIFT64 loads the shifts of 4 channels and shifts their two pairs of products, and gathers the low halves.
#define SHIFT64(at, pair0, pair1, low, high, to) \
	FLDPQ at(R4), (F28, F29) \
	SRSHLD(28, pair0, pair0) \
	SRSHLD(29, pair1, pair1) \
	VUZP1 high, low, to

// func stageFixedNEON(dst *byte, ldd int, acc *int32, rows int, t *fixedTable)
//
// Registers:
//	R0  dst, at this row           V0-V3   the values
//	R1  ldd                        V4-V11  their products
//	R2  acc, at this row           V17     t.lo   V18 t.hi   V19 t.after
//	R3  rows left                  V20-V23 t.bias
//	R4  t.bias                     V24-V27 t.m0
//	                               V28,V29 t.wide
TEXT ·stageFixedNEON(SB), NOSPLIT, $0-40
	FIXED4

row: // for R3 = rows; R3 > 0; R3--
	LOAD4
	SMULLD(24, 0, 4)                       // (acc + bias)·m0, in 64 bits
	SMULLD2(24, 0, 5)
	SMULLD(25, 1, 6)
	SMULLD2(25, 1, 7)
	SMULLD(26, 2, 8)
	SMULLD2(26, 2, 9)
	SMULLD(27, 3, 10)
	SMULLD2(27, 3, 11)
	SHIFT64(192, 4, 5, V4.S4, V5.S4, V0.S4) // (… + 2^(30+shift)) >> (31+shift)
	SHIFT64(224, 6, 7, V6.S4, V7.S4, V1.S4)
	SHIFT64(256, 8, 9, V8.S4, V9.S4, V2.S4)
	SHIFT64(288, 10, 11, V10.S4, V11.S4, V3.S4)
	SAME4(SMAX, 17)
	SAME4(SMIN, 18)                        // clamp(…, lo, hi)
	STORE4                                 // dst[r·ldd+c..] = byte(… + after)
	CBNZ R3, row
	RET

// func stageFixedDoubleNEON(dst *byte, ldd int, acc *int32, rows int, t *fixedTable)
//
// Registers:
//	R0  dst, at this row           V0-V3   the values
//	R1  ldd                        V4-V7   signs
//	R2  acc, at this row           V17     t.lo   V18 t.hi   V19 t.after
//	R3  rows left                  V20-V23 t.bias
//	R4  t.bias                     V24-V27 t.m0
//	                               V28-V31 t.second
TEXT ·stageFixedDoubleNEON(SB), NOSPLIT, $0-40
	FIXED4
	FLDPQ 128(R4), (F28, F29)
	FLDPQ 160(R4), (F30, F31)

row: // for R3 = rows; R3 > 0; R3--
	LOAD4
	EACH4(SQRDMULH, 24)                  // ((acc + bias)·m0 + 2^30) >> 31
	VAND V28.B16, V0.B16, V4.B16
	VAND V29.B16, V1.B16, V5.B16
	VAND V30.B16, V2.B16, V6.B16
	VAND V31.B16, V3.B16, V7.B16
	SSHR31(4, 4)                         // -1 where … < 0 and the shift is not 0
	SSHR31(5, 5)
	SSHR31(6, 6)
	SSHR31(7, 7)
	VADD V4.S4, V0.S4, V0.S4             // SRSHL rounds ties up, and now away from 0
	VADD V5.S4, V1.S4, V1.S4
	VADD V6.S4, V2.S4, V2.S4
	VADD V7.S4, V3.S4, V3.S4
	EACH4(SRSHL, 28)
	SAME4(SMAX, 17)
	SAME4(SMIN, 18)                      // clamp(…, lo, hi)
	STORE4                               // dst[r·ldd+c..] = byte(… + after)
	CBNZ R3, row
	RET
