//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "stage_arm64.h"

// func stageNEON(dst *byte, ldd int, acc *int32, rows int, c *stageChannels, p *stageParams)
//
// Registers:
//	R0  dst, at this row           V0-V3   the values
//	R1  ldd                        V16     p.lo      V17 p.hi
//	R2  acc, at this row           V18     p.before  V19 p.after
//	R3  rows left                  V20-V23 c.bias
//	R4  c                          V24-V27 c.mult
//	R5  p
TEXT ·stageNEON(SB), NOSPLIT, $0-48
	MOVD  dst+0(FP), R0
	MOVD  ldd+8(FP), R1
	MOVD  acc+16(FP), R2
	MOVD  rows+24(FP), R3
	MOVD  c+32(FP), R4
	MOVD  p+40(FP), R5
	VLD4R (R5), [V16.S4, V17.S4, V18.S4, V19.S4]
	FLDPQ (R4), (F20, F21)
	FLDPQ 32(R4), (F22, F23)
	FLDPQ 64(R4), (F24, F25)
	FLDPQ 96(R4), (F26, F27)

row: // for R3 = rows; R3 > 0; R3--
	LOAD4            // acc + bias
	CONVERT4(SCVTF)  // float32(…)
	EACH4(FMUL, 24)  // … · mult
	SAME4(FADD, 18)  // … + before
	SAME4(FMAX, 16)
	SAME4(FMIN, 17)  // clamp(…, lo, hi)
	CONVERT4(FCVTNS) // RNE(…)
	STORE4           // dst[r·ldd+c..] = byte(… + after)
	CBNZ  R3, row
	RET

// CLAMP makes v lo, in V16, where it is less, and hi, in V17, where it is greater. A NaN is neither, and -0 is not less
// than 0, which FMAX does not know.
#define CLAMP(n, v) \
	FCMGT(n, 16, 4)         \
	VBIT V4.B16, V16.B16, v \
	FCMGT(17, n, 4)         \
	VBIT V4.B16, V17.B16, v

// func floatStageNEON(dst *float32, ldd int, acc *float32, rows int, bias *float32, lo, hi float32)
//
// Registers:
//	R0  dst, at this row           V0-V3   the values
//	R1  4·ldd                      V4      where to replace them
//	R2  acc, at this row           V16     lo   V17 hi
//	R3  rows left                  V20-V23 bias
//	R4  bias
TEXT ·floatStageNEON(SB), NOSPLIT, $0-48
	MOVD  dst+0(FP), R0
	MOVD  ldd+8(FP), R1
	MOVD  acc+16(FP), R2
	MOVD  rows+24(FP), R3
	MOVD  bias+32(FP), R4
	FMOVS lo+40(FP), F16
	FMOVS hi+44(FP), F17
	VDUP  V16.S[0], V16.S4
	VDUP  V17.S[0], V17.S4
	LSL   $2, R1
	FLDPQ (R4), (F20, F21)
	FLDPQ 32(R4), (F22, F23)

row: // for R3 = rows; R3 > 0; R3--
	FLDPQ.P 32(R2), (F0, F1)
	FLDPQ.P 32(R2), (F2, F3)
	EACH4(FADD, 20)              // acc + bias
	CLAMP(0, V0.B16)
	CLAMP(1, V1.B16)
	CLAMP(2, V2.B16)
	CLAMP(3, V3.B16)
	FSTPQ   (F0, F1), (R0)       // dst[r·ldd+c..] = …
	FSTPQ   (F2, F3), 32(R0)
	ADD     R1, R0
	SUB     $1, R3
	CBNZ    R3, row
	RET
