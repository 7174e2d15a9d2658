package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const vnniParams = "(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32"

// vnni32 and vnni16 write gemm's products of bytes with AVX-512 VNNI, by 32 and by 16 channels. VPDPBUSD adds the products
// of four unsigned by four signed bytes to each of 16 int32: a step takes 4 bytes of a row by 4 bytes of each channel.
//
// Registers, besides those of every tile:
//
//	DI  acc     R15 4·ldacc     R11 tail or 0
func vnni32(k *kernel) {
	tile{k, 8, 2}.vnni()
	tile{k, 4, 2}.vnni()
	tile{k, 1, 2}.vnni()
}

func vnni16(k *kernel) {
	tile{k, 16, 1}.vnni()
	tile{k, 8, 1}.vnni()
	tile{k, 1, 1}.vnni()
}

// vnni does four steps at once where there are most sums, and fetches a line of the weights that come next each time: all
// tiles together fetch all of them.
func (t tile) vnni() {
	large := t.rows*t.vectors == 16 && t.vectors == 2
	t.function(fmt.Sprintf("int8VNNI%dx%d", t.rows, 16*t.vectors), vnniParams+", from *int32, ldfrom int)", 0)
	t.params(RDI, R15, RSI, RDX, RCX, nil, nil, R11)
	t.LEAQ(at(RDX, 0).Idx(RDX, 2), R8)
	t.SHLQ(n(2), R15)
	if large {
		t.MOVQ(t.param("w"), R14)
		t.MOVQ(t.param("steps"), RAX)
		t.SHLQ(n(7), RAX)
		t.ADDQ(RAX, R14)
	}

	t.Label("tile")
	t.loadSums()
	t.start()
	t.MOVQ(t.param("steps"), RBX)
	t.TESTQ(RBX, RBX)
	if t.rows == 16 {
		t.start16()
		t.TESTQ(RBX, RBX)
	}
	t.JZ(LabelRef("rest"))
	if large {
		t.SHRQ(n(2), RBX)
		t.JZ(LabelRef("few"))
		t.loop("four") // for BX = steps/4; BX > 0; BX--
		for i := range 4 {
			t.vnniStep(i)
		}
		t.PREFETCHT1(at(R14, 0))
		t.ADDQ(n(64), R14)
		t.nextStep("four", 4)
		t.Label("few") // steps%4
		t.MOVQ(t.param("steps"), RBX)
		t.ANDQ(n(3), RBX)
		t.JZ(LabelRef("rest"))
	}
	t.loop("step") // for ; BX > 0; BX--
	t.vnniStep(0)
	t.nextStep("step", 1)

	t.Label("rest") // the last K%4 bytes of each row
	t.TESTQ(R11, R11)
	t.JZ(LabelRef("store"))
	t.vnniWeights(0)
	for i := range t.rows {
		t.vnniRow(i, at(R11, 4*i))
	}
	t.ADDQ(n(4*t.rows), R11)

	t.Label("store")
	t.storeSums()
	t.nextTile()
}

// loadSums loads what the sums of a tile begin with, and points from at that of the next tile.
func (t tile) loadSums() {
	t.MOVQ(t.param("from"), RAX)
	t.MOVQ(t.param("ldfrom"), RBX)
	t.SHLQ(n(2), RBX)
	t.LEAQ(at(RBX, 0).Idx(RBX, 2), R13)
	t.moveSums(RAX, RBX, func(sum Register, m Mem) { t.VMOVDQU32(m, sum) })
	t.MOVQ(RAX, t.param("from"))
}

func (t tile) storeSums() {
	if t.rows > 1 {
		t.LEAQ(at(R15, 0).Idx(R15, 2), R13)
	}
	t.moveSums(RDI, R15, func(sum Register, m Mem) { t.VMOVDQU32(sum, m) })
}

// moveSums moves the rows of a tile, which are step bytes apart from base on, by fours; R13 is three steps.
func (t tile) moveSums(base, step Register, move func(sum Register, m Mem)) {
	if t.rows == 1 {
		for j := range t.vectors {
			move(t.sum(0, j), at(base, 64*j))
		}
		t.ADDQ(step, base)
		return
	}
	for i := 0; i < t.rows; i += 4 {
		for j := t.vectors - 1; j >= 0; j-- {
			m := at(base, 64*j)
			for r, m := range []Mem{m, m.Idx(step, 1), m.Idx(step, 2), m.Idx(R13, 1)} {
				move(t.sum(i+r, j), m)
			}
		}
		t.LEAQ(at(base, 0).Idx(step, 4), base)
	}
}

// vnniStep is the step that is so many steps on.
func (t tile) vnniStep(ahead int) {
	t.vnniWeights(ahead)
	for i, row := range t.rowsAt() {
		t.vnniRow(i, row.Offset(4*ahead))
	}
}

func (t tile) vnniWeights(ahead int) {
	for j := range t.vectors {
		t.VMOVDQU32(at(R12, ahead*t.bytes()+64*j), t.weight(j))
	}
}

func (t tile) vnniRow(i int, row Mem) {
	t.VPBROADCASTD(row, t.number(i))
	for j := range t.vectors {
		t.dot(t.weight(j), t.number(i), t.sum(i, j))
	}
}

// dot adds the products of four unsigned bytes of numbers by four signed bytes of weights to each sum. avo does not know
// it.
func (k *kernel) dot(weights, numbers, sums Op) { k.emit("VPDPBUSD", weights, numbers, sums) }

// avxvnni writes gemm's products of bytes with AVX-VNNI: half the width and half the registers.
//
// Registers, besides those of every tile:
//
//	DI  acc     R13 4·ldacc     R15 12·ldacc     R10 steps     R11 tail or 0
func avxvnni(k *kernel) {
	k.include("avxvnni_amd64.h")
	for _, rows := range []int{6, 4, 1} {
		tile{k, rows, 2}.avxvnni()
	}
	k.function("avxvnniCode", "() *byte", 0)
	k.emit("LEAQ", symbol("·int8AVXVNNI6x16(SB)"), RAX)
	k.Store(RAX, k.ReturnIndex(0))
	k.RET()
}

func (t tile) avxvnni() {
	t.function(fmt.Sprintf("int8AVXVNNI%dx16", t.rows), vnniParams+")", 0)
	t.params(RDI, R13, RSI, RDX, RCX, nil, R10, R11)
	t.LEAQ(at(RDX, 0).Idx(RDX, 2), R8)
	t.SHLQ(n(2), R13)
	t.LEAQ(at(R13, 0).Idx(R13, 2), R15)

	t.Label("tile")
	t.zero(t.sums()...)
	t.start()
	t.MOVQ(R10, RBX)
	t.TESTQ(RBX, RBX)
	t.JZ(LabelRef("rest"))

	t.loop("step") // for BX = steps; BX > 0; BX--
	t.avxvnniWeights()
	for i, row := range t.rowsAt() {
		t.avxvnniRow(i, row)
	}
	t.nextStep("step", 1)

	t.Label("rest") // the last K%4 bytes of each row
	t.TESTQ(R11, R11)
	t.JZ(LabelRef("store"))
	t.avxvnniWeights()
	for i := range t.rows {
		t.avxvnniRow(i, at(R11, 4*i))
	}
	t.ADDQ(n(4*t.rows), R11)

	t.Label("store")
	row := at(RDI, 0)
	rows := []Mem{row, row.Idx(R13, 1), row.Idx(R13, 2), row.Idx(R15, 1)}
	for i := range t.rows {
		t.VMOVDQU(t.sum(i, 0), rows[i%4])
		t.VMOVDQU(t.sum(i, 1), rows[i%4].Offset(32))
		if i == 3 {
			t.LEAQ(row.Idx(R13, 4), RDI)
		}
	}
	switch t.rows {
	case 6:
		t.LEAQ(row.Idx(R13, 2), RDI)
	case 1:
		t.ADDQ(R13, RDI)
	}
	t.nextTile()
}

func (t tile) avxvnniWeights() {
	t.VMOVDQU(at(R12, 0), t.weight(0))
	t.VMOVDQU(at(R12, 32), t.weight(1))
}

// avxvnniRow adds a row's products. The arguments of DPBUSD are numbers of registers.
func (t tile) avxvnniRow(i int, row Mem) {
	t.VPBROADCASTD(row, t.number(i))
	for j := range 2 {
		t.emit(fmt.Sprintf("DPBUSD(%d, %d, %d)", 12+j, 14+i%2, 2*i+j))
	}
}
