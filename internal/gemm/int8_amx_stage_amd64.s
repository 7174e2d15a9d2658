//go:build !purego

// The kernel of int8_amx_amd64.s with an output stage: while the products of a tile are computed, in instructions of
// which each keeps the tile unit busy for 16 cycles, the vector unit makes codes of the sums of the tile before.
//
// Registers:
//	AX   offset of a, at this step         T0-T3   sums
//	BX   weights, at this step             T4,T5   activations
//	CX   rows of codes left                T6,T7   weights
//	DX   lda                               Z0,Z1   the values of a row
//	SI   the tile                          Z2,Z3   bias
//	DI   dst, at the panel's first channel Z4,Z5   mult
//	R8   bytes from the rows of one register to those of the next
//	R9   activations, at this step         Z6      p.lo     Z7 p.hi
//	R10  where the next rows of dst begin  Z8      p.before Z9 p.after
//	R11  steps left                        K1,K2   the channels that exist
//	R12  sums of the next row of codes
//	R13  bytes of a row of weights and of acc
//	R14  what is needed for a moment       R15     rows of codes left for this step

#include "textflag.h"
#include "amx_amd64.h"

// CHANNELS loads what belongs to the panel whose codes are made next.
#define CHANNELS(t) \
	MOVQ        176(t), DI     \
	MOVQ        192(t), R14    \
	VMOVDQU32.Z (R14), K1, Z2  \
	VMOVDQU32.Z 64(R14), K2, Z3 \
	MOVQ        200(t), R14    \
	VMOVUPS.Z   (R14), K1, Z4  \
	VMOVUPS.Z   64(R14), K2, Z5

// CODES makes the codes of a row, as the loop of stageAVX512 does. Rows that begin at a negative place are dropped.
#define CODES(dropped) \
	MOVLQSX   (R10), R14         \
	ADDQ      $4, R10            \
	TESTQ     R14, R14           \
	JS        dropped            \
	VPADDD    (R12), Z2, Z0      \
	VPADDD    64(R12), Z3, Z1    \
	VCVTDQ2PS Z0, Z0             \
	VCVTDQ2PS Z1, Z1             \
	VMULPS    Z4, Z0, Z0         \
	VMULPS    Z5, Z1, Z1         \
	VADDPS    Z8, Z0, Z0         \
	VADDPS    Z8, Z1, Z1         \
	VMAXPS    Z6, Z0, Z0         \
	VMAXPS    Z6, Z1, Z1         \
	VMINPS    Z7, Z0, Z0         \
	VMINPS    Z7, Z1, Z1         \
	VCVTPS2DQ Z0, Z0             \
	VCVTPS2DQ Z1, Z1             \
	VPADDD    Z9, Z0, Z0         \
	VPADDD    Z9, Z1, Z1         \
	VPMOVDB   Z0, X0             \
	VPMOVDB   Z1, X1             \
	VMOVDQU8  X0, K1, (DI)(R14*1) \
	VMOVDQU8  X1, K2, 16(DI)(R14*1) \
dropped: \
	ADDQ      $128, R12          \
	DECQ      CX

// func int8AMXStage2x32(t *amxStageTask)
TEXT ·int8AMXStage2x32(SB), NOSPLIT, $0-8
	MOVQ         t+0(FP), BX
	LDTILECFG(AMX_BX)
	VBROADCASTSS 256(BX), Z6
	VBROADCASTSS 260(BX), Z7
	VBROADCASTSS 264(BX), Z8
	VPBROADCASTD 268(BX), Z9
	MOVL         272(BX), R14
	KMOVW        R14, K1
	SHRL         $16, R14
	KMOVW        R14, K2
	MOVQ         72(BX), SI
	MOVQ         80(BX), DX
	MOVQ         88(BX), R8
	IMULQ        DX, R8
	MOVQ         $128, R13
	XORQ         CX, CX              // there is no tile before the first

tile:
	MOVQ t+0(FP), R11
	MOVQ 104(R11), BX
	MOVQ 112(R11), AX
	MOVQ 120(R11), R11
	TILEZERO(0)
	TILEZERO(1)
	TILEZERO(2)
	TILEZERO(3)

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
	MOVQ    t+0(FP), R14
	ADDQ    $4, AX
	ADDQ    128(R14), BX
	TDPBUSD(6, 5, 2)
	MOVQ    248(R14), R15
	TDPBUSD(7, 5, 3)

codes: // for R15 = perStep; R15 > 0 && CX > 0; R15--
	TESTQ CX, CX
	JZ    coded
	CODES(dropped)
	DECQ  R15
	JNZ   codes

coded:
	DECQ R11
	JNZ  step

rest: // for CX > 0
	TESTQ CX, CX
	JZ    store
	CODES(dropped2)
	JMP   rest

store:
	MOVQ t+0(FP), BX
	CHANNELS(BX)
	MOVQ 64(BX), R12                  // this tile's acc,
	MOVQ 168(BX), R14
	MOVQ R14, 64(BX)                  // which is the other one than the next one's
	MOVQ R12, 168(BX)
	MOVQ 280(BX), R9
	SHLQ $7, R9
	ADDQ R12, R9                      // acc of the second 16 rows
	TILESTORED(0, AMX_R12, 0, AMX_R13)
	TILESTORED(1, AMX_R12, 64, AMX_R13)
	TILESTORED(2, AMX_R9, 0, AMX_R13)
	TILESTORED(3, AMX_R9, 64, AMX_R13)
	MOVQ 224(BX), R10                 // its rows of dst
	MOVQ 240(BX), CX

	DECQ 96(BX)
	JZ   last

	// The next tile's weights, channels and rows. After the last there are none, and what points at them would point
	// beyond their ends, which the garbage collector must not find.
	MOVQ 144(BX), R14
	ADDQ R14, 104(BX)
	MOVQ 184(BX), R14
	ADDQ R14, 176(BX)
	MOVQ 208(BX), R14
	ADDQ R14, 192(BX)
	MOVQ 216(BX), R14
	ADDQ R14, 200(BX)
	MOVQ 232(BX), R14
	ADDQ R14, 224(BX)
	ADDQ 136(BX), SI
	JMP  tile

last: // for CX > 0
	CODES(dropped3)
	JNZ  last
	TILERELEASE
	VZEROUPPER
	RET

// func amxStageCode() *byte
TEXT ·amxStageCode(SB), NOSPLIT, $0-8
	MOVQ $·int8AMXStage2x32(SB), AX
	MOVQ AX, ret+0(FP)
	RET
