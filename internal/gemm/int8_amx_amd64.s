//go:build !purego

// A tile register holds 16 rows of 64 bytes: 16 rows of activations by 64 k, 64 k of weights by 16 channels (four k of
// a channel side by side), or 16 rows of sums of 16 channels. TDPBUSD multiplies the first two and adds to the third.
//
// Tiles live from LDTILECFG to TILERELEASE, within one call. Go's scheduler cannot come in between: it preempts no
// goroutine inside assembly, and what a signal handler finds in the tiles, Linux saves and restores.
//
// Registers:
//	AX   offset of a, at this step         T0-T3 sums
//	BX   weights, at this step             T4,T5 activations (4x16: and T6)
//	CX   tiles left                        T6,T7 weights     (4x16: T7)
//	DX   lda                       R8  bytes from the rows of one register to those of the next
//	SI   the tile                  R9  activations, at this step
//	DI   acc                       R10 bytes of a step of weights
//	R11  steps left                R12 the tile's weights
//	R13  bytes of a row of weights

#include "textflag.h"
#include "amx_amd64.h"

#define ARGUMENTS(width) \
	MOVQ  t+0(FP), BX      \
	LDTILECFG(AMX_BX)      \
	MOVQ  64(BX), DI       \
	MOVQ  72(BX), SI       \
	MOVQ  80(BX), DX       \
	MOVQ  88(BX), R8       \
	IMULQ DX, R8           \
	MOVQ  96(BX), CX       \
	MOVQ  104(BX), R12     \
	MOVQ  128(BX), R10     \
	MOVQ  $(4*width), R13

#define START \
	MOVQ t+0(FP), R11   \
	MOVQ 112(R11), AX   \
	MOVQ 120(R11), R11  \
	MOVQ R12, BX        \
	TILEZERO(0)         \
	TILEZERO(1)         \
	TILEZERO(2)         \
	TILEZERO(3)

// NEXT goes on to the next tile: other rows, or other weights.
#define NEXT \
	MOVQ t+0(FP), BX   \
	ADDQ 160(BX), DI   \
	ADDQ 136(BX), SI   \
	ADDQ 144(BX), R12  \
	DECQ CX

// func int8AMX2x32(t *amxTask)
TEXT ·int8AMX2x32(SB), NOSPLIT, $0-8
	ARGUMENTS(32)

tile:
	START

step: // for R11 = steps; R11 > 0; R11--
	MOVLQSX (AX), R9
	ADDQ    SI, R9
	TILELOADD(AMX_BX, 0, AMX_R13, 6)  // 16 channels
	TILELOADD(AMX_R9, 0, AMX_DX, 4)   // 16 rows
	TILELOADD(AMX_BX, 64, AMX_R13, 7) // the next 16 channels
	TDPBUSD(6, 4, 0)
	ADDQ    R8, R9
	TDPBUSD(7, 4, 1)
	TILELOADD(AMX_R9, 0, AMX_DX, 5)   // the next 16 rows
	ADDQ    $4, AX
	ADDQ    R10, BX
	TDPBUSD(6, 5, 2)
	DECQ    R11
	TDPBUSD(7, 5, 3)
	JNZ     step

	MOVQ  t+0(FP), BX
	MOVQ  152(BX), AX                // bytes of a row of acc
	MOVQ  88(BX), R9
	IMULQ AX, R9
	ADDQ  DI, R9                     // acc of the second 16 rows
	TILESTORED(0, AMX_DI, 0, AMX_AX)
	TILESTORED(1, AMX_DI, 64, AMX_AX)
	TILESTORED(2, AMX_R9, 0, AMX_AX)
	TILESTORED(3, AMX_R9, 64, AMX_AX)
	NEXT
	JNZ  tile
	TILERELEASE
	RET

// func int8AMX4x16(t *amxTask)
TEXT ·int8AMX4x16(SB), NOSPLIT, $0-8
	ARGUMENTS(16)

tile:
	START

step: // for R11 = steps; R11 > 0; R11--
	MOVLQSX (AX), R9
	ADDQ    SI, R9
	TILELOADD(AMX_BX, 0, AMX_R13, 7) // 16 channels
	TILELOADD(AMX_R9, 0, AMX_DX, 4)  // 16 rows
	ADDQ    R8, R9
	TILELOADD(AMX_R9, 0, AMX_DX, 5)  // the next 16
	TDPBUSD(7, 4, 0)
	ADDQ    R8, R9
	TILELOADD(AMX_R9, 0, AMX_DX, 6)
	TDPBUSD(7, 5, 1)
	ADDQ    R8, R9
	TILELOADD(AMX_R9, 0, AMX_DX, 4)
	ADDQ    $4, AX
	ADDQ    R10, BX
	TDPBUSD(7, 6, 2)
	DECQ    R11
	TDPBUSD(7, 4, 3)
	JNZ     step

	MOVQ  t+0(FP), BX
	MOVQ  152(BX), AX                // bytes of a row of acc
	MOVQ  88(BX), R9
	IMULQ AX, R9                     // bytes of acc from one register to the next
	TILESTORED(0, AMX_DI, 0, AMX_AX)
	LEAQ  (DI)(R9*1), BX
	TILESTORED(1, AMX_BX, 0, AMX_AX)
	ADDQ  R9, BX
	TILESTORED(2, AMX_BX, 0, AMX_AX)
	ADDQ  R9, BX
	TILESTORED(3, AMX_BX, 0, AMX_AX)
	NEXT
	JNZ  tile
	TILERELEASE
	RET

// func amxCode() *byte
TEXT ·amxCode(SB), NOSPLIT, $0-8
	MOVQ $·int8AMX2x32(SB), AX
	MOVQ AX, ret+0(FP)
	RET
