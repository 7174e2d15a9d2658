package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// codeWindows writes gemm's convolutions of codes without a panel, with AVX-512 VNNI: what is stored is codes.
//
// Registers, besides those of windows:
//
//	R11  weights, at this step; padding at the start of a tap    Z26,Z27  lo, hi    Z28,Z29  before, after
//	R12  the tile                                                Z30,Z31  multipliers
//	DI   where the tile is stored, SI its pattern                Z18,Z19  codes
func codeWindows(k *kernel) {
	for _, vectors := range []int{2, 1} {
		tile{k, 8, vectors}.codeWindow()
		tile{k, 4, vectors}.codeWindow()
	}
	tile{k, 16, 1}.codeLine()
}

func (t tile) beginCodes(name string) {
	t.function(name, "(t *codeTask)", 16)
	t.params(R13)
	t.MOVQ(field("codeTask_tiles", R13), R12)
	t.MOVQ(field("codeTask_count", R13), R10)
	t.MOVQ(R10, local("tiles", 16))
	t.MOVL(field("codeTask_mask", R13), EAX)
	t.KMOVW(EAX, K1)
	t.SHRL(n(16), EAX)
	t.KMOVW(EAX, K2)
	t.MOVQ(field("codeTask_mult", R13), RAX)
	t.VMOVUPS(at(RAX, 0), Z30)
	t.VMOVUPS(at(RAX, 64), Z31)
	t.VBROADCASTSS(field("codeTask_params+stageParams_lo", R13), Z26)
	t.VBROADCASTSS(field("codeTask_params+stageParams_hi", R13), Z27)
	t.VBROADCASTSS(field("codeTask_params+stageParams_before", R13), Z28)
	t.VPBROADCASTD(field("codeTask_params+stageParams_after", R13), Z29)
}

// beginTile points at the first tap of a tile, and its sums begin with the bias, of which there is one for each pattern of
// taps. It goes to the stage where there are no taps.
func (t tile) beginTile() {
	t.Label("tile") // for _, tile := range tiles
	t.MOVQ(field("codeTile_pattern", R12), R15)
	t.MOVQ(field("codeTask_bias", R13), R11)
	t.ADDQ(field("codePattern_bias", R15), R11)
	t.MOVQ(field("codePattern_count", R15), R10)
	t.MOVQ(R10, local("taps", 8))
	t.MOVQ(field("codePattern_first", R15), R15)
	t.TESTQ(R10, R10)
	for j := range t.vectors {
		t.VMOVDQU32_Z(at(R11, 64*j), []Register{K1, K2}[j], t.sum(0, j))
	}
	for _, rows := range [][2]int{{1, 4}, {4, 5}, {5, 8}, {8, 16}} {
		for j := range t.vectors {
			for i := rows[0]; i < min(rows[1], t.rows); i++ {
				t.VMOVDQA64(t.sum(0, j), t.sum(i, j))
			}
		}
	}
	t.JZ(LabelRef("stage"))
}

// codeRow stores the codes of a row at DI + to.
func (t tile) codeRow(i int, to func(vector int) Mem) {
	for j := range t.vectors {
		c, codes := t.sum(i, j), x(18+j)
		t.VCVTDQ2PS(c, c)
		t.requantize(c, []Register{Z30, Z31}[j], Z28, Z26, Z27, Z29)
		t.VPMOVDB(c, codes)
		t.VMOVDQU8(codes, []Register{K1, K2}[j], to(j))
	}
}

// nextTap goes to the next tap, and from the last one to the stage.
func (t tile) nextTap() {
	t.emit("ADDQ", symbol("$codeTap__size"), R15)
	t.DECQ(local("taps", 8))
	t.JNZ(LabelRef("tap"))
	t.Label("stage")
	t.MOVQ(field("codeTask_dst", R13), RDI)
	t.ADDQ(field("codeTile_out", R12), RDI)
	t.MOVQ(field("codeTile_pattern", R12), RSI)
}

func (t tile) nextCodeTile() {
	t.emit("ADDQ", symbol("$codeTile__size"), R12)
	t.DECQ(local("tiles", 16))
	t.JNZ(LabelRef("tile"))
	t.end()
}

func (t tile) codeWindow() {
	t.beginCodes(fmt.Sprintf("codeWindows%dx%d", t.rows, 16*t.vectors))
	t.beginTile()
	t.Label("tap") // for _, tap := range taps
	t.MOVQ(field("codeTap_depth", R15), R11)
	t.MOVQ(field("codeTask_a", R13), R10)
	t.ADDQ(field("codeTile_in", R12), R10)
	t.ADDQ(R11, R10)
	t.ADDQ(field("codeTask_padding", R13), R11)
	t.windowRows("codeTap_rows")
	t.windowWeights("codeTask", "codeTap", t.vectors)

	t.loop("step") // for R10 = -depth; R10 < 0; R10 += 4
	for j := range t.vectors {
		t.VMOVDQU32(at(R11, 64*j), t.weight(j))
	}
	for i := range t.rows {
		t.vnniRow(i, at(rowEnds[i], 0).Idx(R10, 1))
	}
	t.ADDQ(n(64*t.vectors), R11)
	t.ADDQ(n(4), R10)
	t.JNZ(LabelRef("step"))
	t.nextTap()
	for i := range t.rows {
		t.MOVLQSX(field("codePattern_outs", RSI).Offset(4*i), RAX)
		t.codeRow(i, func(vector int) Mem { return at(RDI, 16*vector).Idx(RAX, 1) })
	}
	t.nextCodeTile()
}

// codeLine is for 16 neighbours in a line and three taps side by side: each pixel is loaded once and multiplied with its
// three columns of weights, for the three rows that see it.
//
// Registers:
//
//	AX,BX  pixels 0 and 9, at this step    DX,R8,R9,R10  1, 3, 5 and 7 pixels
//	CX     steps left                      SI            a column of weights     Z16-Z18 weights
func (t tile) codeLine() {
	t.beginCodes("codeLines16x16")
	t.beginTile()
	t.MOVQ(field("codeTap_depth", R15), RDX)
	t.LEAQ(at(RDX, 0).Idx(RDX, 2), R8)
	t.LEAQ(at(RDX, 0).Idx(RDX, 4), R9)
	t.LEAQ(at(R8, 0).Idx(RDX, 4), R10)
	t.MOVQ(RDX, RSI)
	t.SHLQ(n(4), RSI)

	t.Label("tap")
	t.MOVQ(field("codeTask_a", R13), RAX)
	t.ADDQ(field("codeTile_in", R12), RAX)
	t.MOVLQSX(field("codeTap_rows", R15), R11)
	t.ADDQ(R11, RAX)
	t.LEAQ(at(RAX, 0).Idx(RDX, 8), RBX)
	t.ADDQ(RDX, RBX)
	t.MOVQ(field("codeTask_w", R13), R11)
	t.ADDQ(field("codeTap_weight", R15), R11)
	t.MOVQ(RDX, RCX)

	t.loop("step") // for CX = depth; CX > 0; CX -= 4
	column := at(R11, 0)
	for i, m := range []Mem{column, column.Idx(RSI, 1), column.Idx(RSI, 2)} {
		t.VMOVDQU32(m, t.v(16+i))
	}
	low, high := at(RAX, 0), at(RBX, 0)
	for i, m := range []Mem{
		low, low.Idx(RDX, 1), low.Idx(RDX, 2), low.Idx(R8, 1), low.Idx(RDX, 4), low.Idx(R9, 1), low.Idx(R8, 2), low.Idx(R10, 1), low.Idx(RDX, 8),
		high, low.Idx(R9, 2), high.Idx(RDX, 2), low.Idx(R8, 4), high.Idx(RDX, 4), low.Idx(R10, 2), high.Idx(R8, 2), high.Idx(R10, 1), high.Idx(RDX, 8),
	} {
		pixel := t.v(19 + i%7)
		t.VPBROADCASTD(m, pixel)
		for weights := 2; weights >= 0; weights-- {
			if row := i - weights; 0 <= row && row < t.rows {
				t.dot(t.v(16+weights), pixel, t.sum(row, 0))
			}
		}
	}
	t.ADDQ(n(64), R11)
	t.ADDQ(n(4), RAX)
	t.ADDQ(n(4), RBX)
	t.SUBQ(n(4), RCX)
	t.JNZ(LabelRef("step"))
	t.nextTap()
	t.MOVLQSX(field("codePattern_outs", RSI).Offset(4), RAX)
	for i := range t.rows {
		t.codeRow(i, func(int) Mem { return at(RDI, 0) })
		t.ADDQ(RAX, RDI)
	}
	t.nextCodeTile()
}
