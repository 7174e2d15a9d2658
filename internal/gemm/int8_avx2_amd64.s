//go:build !purego

// Registers: see int8_avx2_amd64.h.

#include "textflag.h"
#include "go_asm.h"
#include "int8_avx2_amd64.h"

// func int8AVX2x8x8(acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool)
TEXT ·int8AVX2x8x8(SB), NOSPLIT, $40-73
	VPCMPEQW Y10, Y10, Y10
	VPSRLW   $15, Y10, Y10
	SHLQ     $2, ldacc+8(FP)

tile:
	MOVQ acc+0(FP), AX
	MOVQ panels+40(FP), BX
	MOVQ AX, accAt-40(SP)
	MOVQ BX, panelsLeft-16(SP)
	MOVQ $0, offset-8(SP)

panel: // for panelsLeft = panels; panelsLeft > 0; panelsLeft--
	MOVQ taps+16(FP), AX
	MOVQ count+24(FP), BX
	MOVQ AX, tapAt-24(SP)
	MOVQ BX, tapsLeft-32(SP)
	CMPB more+72(FP), $0
	JNE  load
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	JMP   tap

load: // the sums of other taps
	MOVQ    accAt-40(SP), AX
	MOVQ    ldacc+8(FP), BX
	LEAQ    (BX)(BX*2), CX
	VMOVDQU (AX), Y0
	VMOVDQU (AX)(BX*1), Y1
	VMOVDQU (AX)(BX*2), Y2
	VMOVDQU (AX)(CX*1), Y3
	LEAQ    (AX)(BX*4), AX
	VMOVDQU (AX), Y4
	VMOVDQU (AX)(BX*1), Y5
	VMOVDQU (AX)(BX*2), Y6
	VMOVDQU (AX)(CX*1), Y7

tap: // for tapsLeft = count; tapsLeft > 0; tapsLeft--
	MOVQ  tapAt-24(SP), DI
	MOVQ  avx2Tap_rows(DI), R8
	MOVQ  avx2Tap_rows+8(DI), R9
	MOVQ  avx2Tap_rows+16(DI), R10
	MOVQ  avx2Tap_rows+24(DI), R11
	MOVQ  avx2Tap_rows+32(DI), R12
	MOVQ  avx2Tap_rows+40(DI), R13
	MOVQ  avx2Tap_rows+48(DI), R14
	MOVQ  avx2Tap_rows+56(DI), R15
	RUN
	MOVQ  avx2Run_weights(DI), DX
	MOVQ  avx2Run_places(DI), SI
	MOVQ  avx2Run_trios(DI), DI
	TESTQ DI, DI
	JZ    noTrios

trio: // for DI = trios; DI > 0; DI--
	MOVL    0(SI), AX
	MOVL    4(SI), BX
	MOVL    8(SI), CX
	ADDQ    $12, SI
	VMOVDQA (DX), Y8
	VMOVDQA 32(DX), Y9
	VMOVDQA 64(DX), Y11
	ADDQ    $96, DX
	TRIO_ROW(R8, Y12, Y13, Y0)
	TRIO_ROW(R9, Y14, Y15, Y1)
	TRIO_ROW(R10, Y12, Y13, Y2)
	TRIO_ROW(R11, Y14, Y15, Y3)
	TRIO_ROW(R12, Y12, Y13, Y4)
	TRIO_ROW(R13, Y14, Y15, Y5)
	TRIO_ROW(R14, Y12, Y13, Y6)
	TRIO_ROW(R15, Y14, Y15, Y7)
	DECQ    DI
	JNZ     trio

noTrios:
	RUN
	MOVQ  avx2Run_duos(DI), DI
	TESTQ DI, DI
	JZ    noDuos

duo: // for DI = duos; DI > 0; DI--
	MOVL    0(SI), AX
	MOVL    4(SI), BX
	ADDQ    $8, SI
	VMOVDQA (DX), Y8
	VMOVDQA 32(DX), Y9
	ADDQ    $64, DX
	DUO_ROW(R8, Y12, Y13, Y0)
	DUO_ROW(R9, Y14, Y15, Y1)
	DUO_ROW(R10, Y12, Y13, Y2)
	DUO_ROW(R11, Y14, Y15, Y3)
	DUO_ROW(R12, Y12, Y13, Y4)
	DUO_ROW(R13, Y14, Y15, Y5)
	DUO_ROW(R14, Y12, Y13, Y6)
	DUO_ROW(R15, Y14, Y15, Y7)
	DECQ    DI
	JNZ     duo

noDuos:
	RUN
	MOVQ  avx2Run_solos(DI), DI
	TESTQ DI, DI
	JZ    noSolos

solo: // for DI = solos; DI > 0; DI--
	MOVL    0(SI), AX
	ADDQ    $4, SI
	VMOVDQA (DX), Y8
	ADDQ    $32, DX
	SOLO_ROW(R8, Y12, Y0)
	SOLO_ROW(R9, Y13, Y1)
	SOLO_ROW(R10, Y14, Y2)
	SOLO_ROW(R11, Y15, Y3)
	SOLO_ROW(R12, Y12, Y4)
	SOLO_ROW(R13, Y13, Y5)
	SOLO_ROW(R14, Y14, Y6)
	SOLO_ROW(R15, Y15, Y7)
	DECQ    DI
	JNZ     solo

noSolos:
	VPSLLW $8, Y10, Y11
	VPSUBW Y10, Y11, Y11
	RUN
	MOVQ   avx2Run_wides(DI), DI
	TESTQ  DI, DI
	JZ     noWides

wide: // for DI = wides; DI > 0; DI--
	MOVL    0(SI), AX
	ADDQ    $4, SI
	VMOVDQA (DX), Y8
	VMOVDQA 32(DX), Y9
	ADDQ    $64, DX
	WIDE_ROW((R8)(AX*1), Y12, Y13, Y0)
	WIDE_ROW((R9)(AX*1), Y14, Y15, Y1)
	WIDE_ROW((R10)(AX*1), Y12, Y13, Y2)
	WIDE_ROW((R11)(AX*1), Y14, Y15, Y3)
	WIDE_ROW((R12)(AX*1), Y12, Y13, Y4)
	WIDE_ROW((R13)(AX*1), Y14, Y15, Y5)
	WIDE_ROW((R14)(AX*1), Y12, Y13, Y6)
	WIDE_ROW((R15)(AX*1), Y14, Y15, Y7)
	DECQ    DI
	JNZ     wide

noWides:
	ADDQ $avx2Tap__size, tapAt-24(SP)
	DECQ tapsLeft-32(SP)
	JNZ  tap
	MOVQ  tail+64(FP), BX
	TESTQ BX, BX
	JZ    store
	VMOVDQA (DX), Y8         // the last K%4 bytes of each row
	VMOVDQA 32(DX), Y9
	WIDE_ROW((BX), Y12, Y13, Y0)
	WIDE_ROW(4(BX), Y14, Y15, Y1)
	WIDE_ROW(8(BX), Y12, Y13, Y2)
	WIDE_ROW(12(BX), Y14, Y15, Y3)
	WIDE_ROW(16(BX), Y12, Y13, Y4)
	WIDE_ROW(20(BX), Y14, Y15, Y5)
	WIDE_ROW(24(BX), Y12, Y13, Y6)
	WIDE_ROW(28(BX), Y14, Y15, Y7)

store:
	MOVQ    accAt-40(SP), AX
	MOVQ    ldacc+8(FP), BX
	LEAQ    (BX)(BX*2), CX
	VMOVDQU Y0, (AX)
	VMOVDQU Y1, (AX)(BX*1)
	VMOVDQU Y2, (AX)(BX*2)
	VMOVDQU Y3, (AX)(CX*1)
	LEAQ    (AX)(BX*4), AX
	VMOVDQU Y4, (AX)
	VMOVDQU Y5, (AX)(BX*1)
	VMOVDQU Y6, (AX)(BX*2)
	VMOVDQU Y7, (AX)(CX*1)
	MOVQ    stride+32(FP), CX
	ADDQ    $32, accAt-40(SP)
	ADDQ    CX, offset-8(SP)
	DECQ    panelsLeft-16(SP)
	JNZ     panel
	DECQ    tiles+48(FP)
	JZ      done
	SHLQ    $3, BX
	ADDQ    BX, acc+0(FP)
	MOVQ    taps+16(FP), DI
	MOVQ    step+56(FP), AX
	ADDQ    AX, avx2Tap_rows(DI)
	ADDQ    AX, avx2Tap_rows+8(DI)
	ADDQ    AX, avx2Tap_rows+16(DI)
	ADDQ    AX, avx2Tap_rows+24(DI)
	ADDQ    AX, avx2Tap_rows+32(DI)
	ADDQ    AX, avx2Tap_rows+40(DI)
	ADDQ    AX, avx2Tap_rows+48(DI)
	ADDQ    AX, avx2Tap_rows+56(DI)
	MOVQ    tail+64(FP), BX
	TESTQ   BX, BX
	JZ      tile
	ADDQ    $32, BX
	MOVQ    BX, tail+64(FP)
	JMP     tile

done:
	VZEROUPPER
	RET
