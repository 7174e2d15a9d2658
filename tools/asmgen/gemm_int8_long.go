package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// long writes gemm's products of bytes with weights of few bits, for AVX2, of 4 rows and of single ones by 16 channels: so many sums of two
// products fit 16 bits that they are added up there, in the order of the row, and go to the sums in memory at the end of
// each segment of steps. A step takes one multiplication and one addition for 8 channels.
//
// Registers:
//
//	R8-R11  rows of the tap             Y0-Y7    sums of a segment, two for each row
//	AX      place in the rows           Y8, Y9   weights
//	DX      weights                     Y10      16 times 1
//	SI      segments, DI left           Y11      0
//	CX      steps left in one           Y12-Y15  a row, and products
//	R12     the sums in memory          BX       bytes from one row of them to the next
//	R13     the tap, R15 left           R14      the first of the rows that are taken
func long(k *kernel) {
	tile{k, 4, 2}.long()
	tile{k, 1, 2}.long()
}

func (t tile) long() {
	t.function(fmt.Sprintf("int8LongAVX2x%dx16", t.rows), "(acc *int32, ldacc int, taps *avx2Tap, row, count int, more bool)", 0)
	t.params(R12, RBX, R13, R14, R15)
	t.SHLQ(n(2), RBX)
	t.VPCMPEQW(Y10, Y10, Y10)
	t.VPSRLW(n(15), Y10, Y10)
	t.VPXOR(Y11, Y11, Y11)
	t.zero(t.sums()...)
	t.CMPB(t.param("more"), n(0))
	t.JNE(LabelRef("tap"))
	t.longRows(func(row, v int, m Mem) { t.VMOVDQU(Y11, m) })

	t.Label("tap") // for R15 = count; R15 > 0; R15--
	for i, row := range tapRows[:t.rows] {
		t.MOVQ(field("avx2Tap_rows", R13).Idx(R14, 8).Offset(8*i), row)
	}
	t.MOVQ(field("avx2Tap_run", R13), RAX)
	t.MOVQ(field("longRun_weights", RAX), RDX)
	t.MOVQ(field("longRun_segments", RAX), RSI)
	t.MOVQ(field("longRun_segments", RAX).Offset(8), RDI)
	t.XORQ(RAX, RAX)

	t.Label("segment") // for DI = len(segments); DI > 0; DI--
	t.MOVLQZX(at(RSI, 0), RCX)
	t.ADDQ(n(4), RSI)
	t.SUBQ(n(2), RCX)
	t.JL(LabelRef("odd"))
	t.loop("steps") // for CX = steps - 2; CX >= 0; CX -= 2
	t.longStep(0)
	t.longStep(1)
	t.ADDQ(n(128), RDX)
	t.ADDQ(n(8), RAX)
	t.SUBQ(n(2), RCX)
	t.JGE(LabelRef("steps"))
	t.Label("odd")
	t.ADDQ(n(2), RCX)
	t.JZ(LabelRef("sums"))
	t.longStep(0)
	t.ADDQ(n(64), RDX)
	t.ADDQ(n(4), RAX)
	t.Label("sums")
	t.longRows(func(row, v int, m Mem) {
		to := t.v(12 + (2*row+v)%4)
		t.VPMADDWD(Y10, t.sum(row, v), to)
		t.VPADDD(m, to, to)
		t.VMOVDQU(to, m)
		t.VMOVDQA(Y11, t.sum(row, v))
	})
	t.DECQ(RDI)
	t.JNZ(LabelRef("segment"))
	t.emit("ADDQ", symbol("$avx2Tap__size"), R13)
	t.DECQ(R15)
	t.JNZ(LabelRef("tap"))
	t.end()
}

// longStep adds the products of a step to the sums of the segment.
func (t tile) longStep(step int) {
	t.VMOVDQA(at(RDX, 64*step), Y8)
	t.VMOVDQA(at(RDX, 64*step+32), Y9)
	for i, row := range tapRows[:t.rows] {
		x, y := t.v(12+i%2*2), t.v(13+i%2*2)
		t.VPBROADCASTD(at(row, 4*step).Idx(RAX, 1), x)
		t.VPMADDUBSW(Y8, x, y)
		t.VPMADDUBSW(Y9, x, x)
		t.VPADDW(y, t.sum(i, 0), t.sum(i, 0))
		t.VPADDW(x, t.sum(i, 1), t.sum(i, 1))
	}
}

// longRows does something for each vector of the sums in memory.
func (t tile) longRows(body func(row, v int, m Mem)) {
	t.LEAQ(at(RBX, 0).Idx(RBX, 2), RCX)
	rows := []Mem{at(R12, 0), at(R12, 0).Idx(RBX, 1), at(R12, 0).Idx(RBX, 2), at(R12, 0).Idx(RCX, 1)}
	for i, m := range rows[:t.rows] {
		for v := range 2 {
			body(i, v, m.Offset(32*v))
		}
	}
}
