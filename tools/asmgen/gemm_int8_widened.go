package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// widened writes gemm's products of rows of bytes that were widened to words, for AVX2: VPMADDWD is exact for whatever
// bytes, and there is one loop, of the same length for all panels. Of 6 rows by 16 channels, with the output stage on the
// sums in their registers.
//
// Registers, beside those of tile:
//
//	R15 the task     R10 ldd or ldacc, in bytes     DI dst or acc
//	Y0 … Y11 sums, two for each row   Y12, Y13 weights   Y14 a row   Y15 products
//
// and of the output stage Y12 lo, Y13 hi, Y14 before or an order of dwords, Y15 after.
func widened(k *kernel) {
	k.widenRows()
	k.packWordRows()
	k.packWordColumns()
	t := tile{k, 6, 2}
	order := k.constants("tileOrder", 0, 4, 1, 5, 2, 6, 3, 7)
	t.function("int8WidenedAVX2x6x16", "(task *widenedTask)", 0)
	t.params(R15)
	t.MOVQ(field("widenedTask_rows", R15), RSI)
	t.MOVQ(field("widenedTask_ldrows", R15), RDX)
	t.MOVQ(field("widenedTask_tiles", R15), RCX)
	t.MOVQ(field("widenedTask_dst", R15), RDI)
	t.MOVQ(field("widenedTask_ldd", R15), R10)
	t.LEAQ(at(RDX, 0).Idx(RDX, 2), R8)

	t.Label("tile") // for CX = tiles; CX > 0; CX--
	t.MOVQ(field("widenedTask_start", R15), RBX)
	t.TESTQ(RBX, RBX)
	t.JZ(LabelRef("more"))
	for v := range 2 {
		t.VMOVDQU(at(RBX, 32*v), t.sum(0, v))
		for i := 1; i < t.rows; i++ {
			t.VMOVDQA(t.sum(0, v), t.sum(i, v))
		}
	}
	t.Label("begin")
	t.MOVQ(field("widenedTask_weights", R15), R12)
	t.MOVQ(field("widenedTask_steps", R15), RBX)
	t.MOVQ(RSI, RAX)
	t.LEAQ(at(RSI, 0).Idx(RDX, 4), R9)
	t.ADDQ(RDX, R9)
	t.loop("step") // for BX = steps; BX > 0; BX--
	for pair := range 2 {
		t.VMOVDQU(at(R12, 64*pair), t.weight(0))
		t.VMOVDQU(at(R12, 64*pair+32), t.weight(1))
		for i, row := range t.rowsAt() {
			t.VPBROADCASTD(row.Offset(4*pair), Y14)
			t.VPMADDWD(t.weight(0), Y14, Y15)
			t.VPMADDWD(t.weight(1), Y14, Y14)
			t.VPADDD(Y15, t.sum(i, 0), t.sum(i, 0))
			t.VPADDD(Y14, t.sum(i, 1), t.sum(i, 1))
		}
	}
	t.ADDQ(n(8), RAX)
	t.ADDQ(n(8), R9)
	t.ADDQ(n(128), R12)
	t.DECQ(RBX)
	t.JNZ(LabelRef("step"))

	t.MOVQ(field("widenedTask_stage", R15), R11)
	t.TESTQ(R11, R11)
	t.JZ(LabelRef("sums"))
	t.CMPB(field("widenedStage_whole", R11), n(0))
	t.JE(LabelRef("clamped"))
	t.widenedStage(order, true)
	t.JMP(LabelRef("next"))
	t.Label("clamped")
	t.widenedStage(order, false)
	t.JMP(LabelRef("next"))

	t.Label("sums")
	for i := range t.rows {
		t.VMOVDQU(t.sum(i, 0), at(RDI, 0))
		t.VMOVDQU(t.sum(i, 1), at(RDI, 32))
		t.ADDQ(R10, RDI)
	}
	t.Label("next")
	t.nextTile()

	t.Label("more") // sums go on from those that are there
	t.MOVQ(RDI, RBX)
	for i := range t.rows {
		t.VMOVDQU(at(RBX, 0), t.sum(i, 0))
		t.VMOVDQU(at(RBX, 32), t.sum(i, 1))
		t.ADDQ(R10, RBX)
	}
	t.JMP(LabelRef("begin"))
}

// widenedStage makes codes of the sums of a tile, two rows at a time. Where codes have the whole range of a byte, packing to
// words and bytes, which saturates, is their clamp.
func (t tile) widenedStage(order Mem, whole bool) {
	stage := func(name string) Mem { return field("widenedStage_"+name, R11) }
	if whole {
		t.VMOVDQU(order, Y14)
	} else {
		t.VBROADCASTSS(stage("lo"), Y12)
		t.VBROADCASTSS(stage("hi"), Y13)
		t.VBROADCASTSS(stage("before"), Y14)
	}
	t.VPBROADCASTW(stage("after"), Y15)
	for i := 0; i < t.rows; i += 2 {
		for j := range 4 {
			v := t.sum(i+j/2, j%2)
			t.VCVTDQ2PS(v, v)
			t.VMULPS(stage("mult").Offset(32*(j%2)), v, v)
			if !whole {
				t.VADDPS(Y14, v, v)
				t.VMAXPS(Y12, v, v)
				t.VMINPS(Y13, v, v)
			}
			t.VCVTPS2DQ(v, v)
		}
		a, b, c, d := t.sum(i, 0), t.sum(i, 1), t.sum(i+1, 0), t.sum(i+1, 1)
		t.VPACKSSDW(b, a, a) // words of channels 0 to 3 and 8 to 11, 4 to 7 and 12 to 15
		t.VPACKSSDW(d, c, c)
		t.VPADDSW(Y15, a, a)
		t.VPADDSW(Y15, c, c)
		t.VPACKUSWB(c, a, a)
		first := Register(Y14)
		if !whole {
			first = b
			t.VMOVDQU(order, b)
		}
		t.VPERMD(a, first, a) // the first row, then the second
		t.VMOVDQU(asX(a), at(RDI, 0))
		t.VEXTRACTI128(n(1), a, at(RDI, 0).Idx(R10, 1))
		t.LEAQ(at(RDI, 0).Idx(R10, 2), RDI)
	}
}

func asX(r Register) Register { return r.(VecPhysical).AsX() }

// widenRows writes what makes words of rows of bytes, in the order in which words takes those of a step of 4: 0, 2, 1, 3.
//
//	DI dst   SI a, this row   R8 lda   R9 rows left   R10 steps   R11 tail   AX at this step   CX steps left
func (k *kernel) widenRows() {
	var order [8]uint32
	for step := range uint32(4) {
		first := 4 * step
		order[2*step] = 0x80008000 | first | (first+2)<<16
		order[2*step+1] = 0x80008000 | (first + 1) | (first+3)<<16
	}
	widening := k.constants("widening", order[:]...)
	k.function("widenRowsAVX2", "(dst *uint16, a *byte, lda, rows, steps int, tail *uint32)", 0)
	k.params(RDI, RSI, R8, R9, R10, R11)
	k.VMOVDQU(widening, Y1)
	step := func() {
		k.VPSHUFB(X1, X0, X0)
		k.VMOVQ(X0, at(RDI, 0))
		k.ADDQ(n(8), RDI)
	}

	k.Label("row") // for R9 = rows; R9 > 0; R9--
	k.MOVQ(RSI, RAX)
	k.MOVQ(R10, RCX)
	k.SUBQ(n(4), RCX)
	k.JL(LabelRef("rest"))
	k.Label("four") // for CX = steps - 4; CX >= 0; CX -= 4
	k.VBROADCASTI128(at(RAX, 0), Y0)
	k.VPSHUFB(Y1, Y0, Y0)
	k.VMOVDQU(Y0, at(RDI, 0))
	k.ADDQ(n(16), RAX)
	k.ADDQ(n(32), RDI)
	k.SUBQ(n(4), RCX)
	k.JGE(LabelRef("four"))
	k.Label("rest")
	k.ADDQ(n(4), RCX)
	k.JZ(LabelRef("end"))
	k.Label("one") // for ; CX > 0; CX--
	k.VMOVD(at(RAX, 0), X0)
	step()
	k.ADDQ(n(4), RAX)
	k.DECQ(RCX)
	k.JNZ(LabelRef("one"))
	k.Label("end") // the row's last bytes
	k.TESTQ(R11, R11)
	k.JZ(LabelRef("next"))
	k.VMOVD(at(R11, 0), X0)
	step()
	k.ADDQ(n(4), R11)
	k.Label("next")
	k.ADDQ(R8, RSI)
	k.DECQ(R9)
	k.JNZ(LabelRef("row"))
	k.end()
}

// packWordRows packs 8 rows for int8WidenedAVX2x6x16, 32 codes of each at a time: dwords of 4 codes are transposed, and those of even and
// of odd k become words.
//
// Registers:
//
//	DI panel, of these channels   SI src   R8 step   R10 3·step   DX 4 rows on   CX blocks left   Y0 … Y15 codes
func (k *kernel) packWordRows() {
	k.function("packWordRowsAVX2", "(panel, src *byte, step, blocks int, zero int16)", 0)
	k.params(RDI, RSI, R8, RCX)
	k.LEAQ(at(R8, 0).Idx(R8, 2), R10)
	k.loop("block")
	k.LEAQ(at(RSI, 0).Idx(R8, 4), RDX)
	for i, row := range eight(RSI, RDX, R8, R10) {
		k.VMOVDQU(row, y(i))
	}
	pairs(k.VUNPCKLPS, k.VUNPCKHPS, 0, 8, 1, y)
	pairs(k.VUNPCKLPD, k.VUNPCKHPD, 8, 0, 2, y)
	for i := range 4 {
		k.VPERM2I128(n(0x20), y(4+i), y(i), y(8+i))
		k.VPERM2I128(n(0x31), y(4+i), y(i), y(12+i))
	}
	k.VPBROADCASTW(k.param("zero"), Y0)
	k.VPCMPEQD(Y2, Y2, Y2)
	k.VPSRLW(n(8), Y2, Y2)
	for column := range 8 {
		v := y(8 + column&4 + column>>1&1 + column&1*2)
		k.VPAND(Y2, v, Y1)
		k.VPSRLW(n(8), v, v)
		k.VPSUBW(Y0, Y1, Y1)
		k.VPSUBW(Y0, v, v)
		k.VMOVDQU(Y1, at(RDI, 128*column))
		k.VMOVDQU(v, at(RDI, 128*column+64))
	}
	k.ADDQ(n(32), RSI)
	k.ADDQ(n(8*128), RDI)
	k.DECQ(RCX)
	k.JNZ(LabelRef("block"))
	k.end()
}

// packWordColumns packs 16 channels that lie together, 4 k at a time.
//
// Registers:
//
//	DI panel   SI src   R8 step   R10 3·step   CX steps left   Y0 … Y3 codes of a k   Y15 zero
func (k *kernel) packWordColumns() {
	k.function("packWordColumnsAVX2", "(panel, src *byte, step, steps int, zero int16)", 0)
	k.params(RDI, RSI, R8, RCX)
	k.LEAQ(at(R8, 0).Idx(R8, 2), R10)
	k.VPBROADCASTW(k.param("zero"), Y15)
	row := at(RSI, 0)
	k.loop("step")
	for i, row := range []Mem{row, row.Idx(R8, 1), row.Idx(R8, 2), row.Idx(R10, 1)} {
		k.VPMOVZXBW(row, y(i))
		k.VPSUBW(Y15, y(i), y(i))
	}
	k.LEAQ(at(RSI, 0).Idx(R8, 4), RSI)
	for i := range 2 { // k and k + 2 of channels 0 … 3 and 8 … 11, then of the others
		k.VPUNPCKLWD(y(2+i), y(i), Y4)
		k.VPUNPCKHWD(y(2+i), y(i), Y5)
		k.VPERM2I128(n(0x20), Y5, Y4, Y6)
		k.VPERM2I128(n(0x31), Y5, Y4, Y7)
		k.VMOVDQU(Y6, at(RDI, 64*i))
		k.VMOVDQU(Y7, at(RDI, 64*i+32))
	}
	k.ADDQ(n(128), RDI)
	k.DECQ(RCX)
	k.JNZ(LabelRef("step"))
	k.end()
}
