package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// float32Kernels writes gemm's products of floats. Each sum is one chain of fused multiply-adds over k.
func float32Kernels(k *kernel) {
	if k.lanes == avx2 {
		for _, rows := range []int{6, 4, 1} {
			tile{k, rows, 2}.float32()
		}
		for _, rows := range []int{6, 4} {
			tile{k, rows, 2}.float32Finished()
		}
		return
	}
	for _, vectors := range []int{2, 1} {
		for _, rows := range []int{16 / vectors, 8 / vectors, 1} {
			tile{k, rows, vectors}.float32()
		}
	}
}

// float32 stores a tile row by row, at DI, and those of the next tile behind it.
func (t tile) float32() {
	t.function(fmt.Sprintf("float32%sx%dx%d", t.suffix(), t.rows, t.lanes*t.vectors), "(acc, a *float32, lda, tiles int, w *float32, k int)", 0)
	t.params(RDI, RSI, RDX, RCX)
	t.floatSums()
	for i, sum := range t.sums() {
		t.VMOVUPS(sum, at(RDI, 4*t.lanes*i))
	}
	t.ADDQ(n(t.rows*t.bytes()), RDI)
	t.nextTile()
}

// floatSums begins a loop over tiles with the sums of one.
func (t tile) floatSums() {
	t.SHLQ(n(2), RDX)
	t.LEAQ(at(RDX, 0).Idx(RDX, 2), R8)

	t.Label("tile")
	t.zeroFloats(t.sums()...)
	t.start()
	t.MOVQ(t.param("k"), RBX)
	if t.rows == 16 {
		t.start16()
	}

	t.loop("step") // for BX = k; BX > 0; BX--
	t.floatWeights(R12)
	for i, row := range t.rowsAt() {
		t.floatRow(i, row)
	}
	t.nextStep("step", 1)
}

// float32Finished is float32 with the output stage, for whole panels on AVX2: rows are stored where they belong, at DI and R10
// apart, with the bias at R11 and between lo and hi.
func (t tile) float32Finished() {
	t.function(fmt.Sprintf("float32Finished%sx%dx%d", t.suffix(), t.rows, t.lanes*t.vectors),
		"(dst *float32, ldd int, a *float32, lda, tiles int, w *float32, k int, bias *float32, lo, hi float32)", 0)
	t.params(RDI, R10, RSI, RDX, RCX, nil, nil, R11)
	t.SHLQ(n(2), R10)
	t.floatSums()
	lo, hi := t.number(0), t.number(1)
	t.VBROADCASTSS(t.param("lo"), lo)
	t.VBROADCASTSS(t.param("hi"), hi)
	for j := range t.vectors {
		t.VMOVUPS(at(R11, 4*t.lanes*j), t.weight(j))
	}
	for i := range t.rows {
		for j := range t.vectors {
			t.VADDPS(t.weight(j), t.sum(i, j), t.sum(i, j))
			t.clamp(t.sum(i, j), lo, hi)
			t.VMOVUPS(t.sum(i, j), at(RDI, 4*t.lanes*j))
		}
		t.ADDQ(R10, RDI)
	}
	t.nextTile()
}

// floatWeights loads those of a step.
func (t tile) floatWeights(from Register) {
	for i := range t.vectors {
		t.VMOVUPS(at(from, 4*t.lanes*i), t.weight(i))
	}
}

// floatRow adds a row's products.
func (t tile) floatRow(i int, row Mem) {
	t.VBROADCASTSS(row, t.number(i))
	for j := range t.vectors {
		t.VFMADD231PS(t.weight(j), t.number(i), t.sum(i, j))
	}
}

func (k *kernel) zeroFloats(regs ...Register) {
	if k.lanes == avx512 {
		k.zero(regs...)
		return
	}
	for _, r := range regs {
		k.VXORPS(r, r, r)
	}
}
