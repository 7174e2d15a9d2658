package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// words writes gemm's products of bytes with weights packed as words, for AVX2: of 4 rows by 16 channels.
//
// Registers:
//
//	DI acc   R8 ldacc in bytes   SI a   R9 lda   R10 3·lda   R11 tiles left   R12 w   DX tail
//	AX a of this step            BX w of this step           CX steps left    R13 steps
//	Y0 … Y7 sums, two for each row   Y8 … Y11 weights   Y12, Y13 a row   Y14 products   Y15 words of 255
func words(k *kernel) {
	t := tile{k, 4, 2}
	t.function("int8WordsAVX2x4x16", "(acc *int32, ldacc int, a *byte, lda, tiles int, w *byte, steps int, tail *uint32)", 0)
	t.params(RDI, R8)
	t.SHLQ(n(2), R8)
	t.params(nil, nil, RSI, R9)
	t.LEAQ(at(R9, 0).Idx(R9, 2), R10)
	t.params(nil, nil, nil, nil, R11, R12, R13, RDX)
	t.VPCMPEQD(Y15, Y15, Y15)
	t.VPSRLW(n(8), Y15, Y15)

	t.Label("tile") // for R11 = tiles; R11 > 0; R11--
	t.zero(t.sums()...)
	t.MOVQ(RSI, RAX)
	t.MOVQ(R12, RBX)
	t.MOVQ(R13, RCX)
	t.TESTQ(RCX, RCX)
	t.JZ(LabelRef("rest"))

	row := at(RAX, 0)
	t.loop("step") // for CX = steps; CX > 0; CX--
	t.wordsStep(row, row.Idx(R9, 1), row.Idx(R9, 2), row.Idx(R10, 1))
	t.ADDQ(n(4), RAX)
	t.DECQ(RCX)
	t.JNZ(LabelRef("step"))

	t.Label("rest") // the last K%4 bytes of each row
	t.TESTQ(RDX, RDX)
	t.JZ(LabelRef("store"))
	t.wordsStep(at(RDX, 0), at(RDX, 4), at(RDX, 8), at(RDX, 12))
	t.ADDQ(n(16), RDX)

	t.Label("store")
	for i := range t.rows {
		t.VMOVDQU(t.sum(i, 0), at(RDI, 0))
		t.VMOVDQU(t.sum(i, 1), at(RDI, 32))
		t.ADDQ(R8, RDI)
	}
	t.LEAQ(at(RSI, 0).Idx(R9, 4), RSI)
	t.DECQ(R11)
	t.JNZ(LabelRef("tile"))
	t.end()
}

// wordsStep adds the products of 4 k of each row with the weights to its sums: k = 0 and 2, then k = 1 and 3, as words.
func (t tile) wordsStep(rows ...Mem) {
	weights := []Register{Y8, Y9, Y10, Y11}
	for i, w := range weights {
		t.VMOVDQU(at(RBX, 32*i), w)
	}
	t.ADDQ(n(128), RBX)
	for i, row := range rows {
		t.VPBROADCASTD(row, Y12)
		t.VPSRLW(n(8), Y12, Y13)
		t.VPAND(Y15, Y12, Y12)
		for j, w := range weights {
			t.VPMADDWD(w, []Register{Y12, Y13}[j/2], Y14)
			t.VPADDD(Y14, t.sum(i, j%2), t.sum(i, j%2))
		}
	}
}
