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
	for i, sum := range t.sums() {
		t.VMOVUPS(sum, at(RDI, 4*t.lanes*i))
	}
	t.ADDQ(n(t.rows*t.bytes()), RDI)
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
