package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rowEnds are the registers that point at the end of each row of a tile of windows, for the tap at hand.
var rowEnds = []Register{RAX, RBX, RCX, RDX, RSI, RDI, R8, R9, R12, R13, R14, R15}

// windows and tallWindows write gemm's convolutions of floats without a panel: each row of the tile has a pointer of its
// own, which is set anew for every tap of the window. What is stored is the output. Of 12 rows, whose pointers take most
// registers, what the others keep in registers lies on the stack.
//
// Registers:
//
//	AX,BX,CX,DX,SI,DI,R8,R9  end of the rows, for this tap    0 …     sums, weights and numbers as of every tile; then bias
//	R10  bytes to the end, negative; a at the start of a tap  14, 26  lo
//	R11  weights, at this step; zeros at the start of a tap   15, 27  hi
//	R12  what is prefetched                                   K1,K2   the channels that exist
//	R13  the task
//	R15  this tap
func windows(k *kernel) {
	if k.lanes == avx2 {
		tile{k, 6, 2}.window()
		tile{k, 4, 2}.window()
		return
	}
	for _, vectors := range []int{2, 1} {
		tile{k, 8, vectors}.window()
		tile{k, 4, vectors}.window()
	}
}

func tallWindows(k *kernel) { tile{k, 12, 1}.window() }

func (t tile) window() {
	tall, channels := t.rows == 12, t.lanes*t.vectors
	taps, tap, weights, depth := local("taps", 8), local("tap", 16), local("weights", 24), local("depth", 32)
	locals := 8
	if tall {
		locals = 32
	}
	t.function(fmt.Sprintf("windows%sx%dx%d", t.suffix(), t.rows, channels), "(t *windowTask, sums *float32)", locals)
	t.params(R13)
	t.MOVQ(field("windowTask_taps", R13), R15)
	if !tall {
		t.MOVQ(field("windowTask_prefetch", R13), R12)
	}
	t.MOVQ(field("windowTask_count", R13), R10)
	t.MOVQ(R10, taps)
	t.MOVQ(t.param("sums"), RDI)
	t.CMPB(field("windowTask_begin", R13), n(0))
	t.JNE(LabelRef("clear"))
	for i, sum := range t.sums() {
		t.VMOVUPS(at(RDI, 4*t.lanes*i), sum)
	}
	t.JMP(LabelRef("tap"))
	t.Label("clear")
	t.zeroFloats(t.sums()...)

	t.Label("tap") // for _, tap := range taps
	if tall {
		t.MOVQ(R15, tap)
		t.windowWeights("windowTask", "windowTap", channels/16)
		t.MOVQ(R11, weights)
		t.MOVQ(R10, depth)
	}
	t.MOVQ(field("windowTap_depth", R15), R11)
	t.MOVQ(field("windowTask_a", R13), R10)
	t.ADDQ(R11, R10)
	t.ADDQ(field("windowTask_zeros", R13), R11)
	t.windowRows("windowTap_rows")
	if tall {
		t.MOVQ(weights, R11)
		t.MOVQ(depth, R10)
	} else {
		t.windowWeights("windowTask", "windowTap", channels/16)
	}

	t.loop("step") // for R10 = -depth; R10 < 0; R10 += 4
	t.floatWeights(R11)
	if !tall {
		t.PREFETCHT1(at(R12, 0))
	}
	for i := range t.rows {
		t.floatRow(i, at(rowEnds[i], 0).Idx(R10, 1))
	}
	if !tall {
		t.ADDQ(field("windowTask_ahead", R13), R12)
	}
	t.ADDQ(n(4*channels), R11)
	t.ADDQ(n(4), R10)
	t.JNZ(LabelRef("step"))
	if tall {
		t.params(R13)
		t.MOVQ(tap, R15)
	}
	t.emit("ADDQ", symbol("$windowTap__size"), R15)
	t.DECQ(taps)
	t.JNZ(LabelRef("tap"))
	t.MOVQ(t.param("sums"), RDI)
	t.CMPB(field("windowTask_end", R13), n(0))
	t.JNE(LabelRef("stage"))
	for i, sum := range t.sums() {
		t.VMOVUPS(sum, at(RDI, 4*t.lanes*i))
	}
	t.end()
	t.Label("stage")
	t.windowStage()
	t.end()
}

// windowRows points at the rows of this tap. A row that begins at a negative place is padding, whose end R11 points at;
// R10 is the end of one that begins at 0.
func (t tile) windowRows(places string) {
	for i, row := range rowEnds[:t.rows] {
		t.MOVLQSX(field(places, R15).Offset(4*i), row)
		t.TESTQ(row, row)
		t.LEAQ(at(R10, 0).Idx(row, 1), row)
		t.CMOVQLT(R11, row)
	}
}

// windowWeights points at the weights of this tap, of panels of 16·scale channels.
func (t tile) windowWeights(task, tap string, scale int) {
	t.MOVQ(field(task+"_w", R13), R11)
	t.MOVQ(field(tap+"_weight", R15), R10)
	t.LEAQ(at(R11, 0).Idx(R10, uint8(scale)), R11)
	t.MOVQ(field(tap+"_depth", R15), R10)
	t.NEGQ(R10)
}

// windowStage stores the rows where they belong, with their bias and between bounds.
func (t tile) windowStage() {
	lo, hi := t.v(14), t.v(15)
	t.MOVQ(field("windowTask_dst", R13), RDI)
	t.MOVQ(field("windowTask_outs", R13), RSI)
	t.MOVQ(field("windowTask_bias", R13), RDX)
	if t.lanes == avx2 {
		t.floatWeights(RDX)
	} else {
		lo, hi = Z26, Z27
		t.MOVL(field("windowTask_channels", R13), EAX)
		t.KMOVW(EAX, K1)
		t.SHRL(n(16), EAX)
		t.KMOVW(EAX, K2)
		t.VMOVUPS_Z(at(RDX, 0), K1, t.weight(0))
	}
	t.VBROADCASTSS(field("windowTask_lo", R13), lo)
	t.VBROADCASTSS(field("windowTask_hi", R13), hi)
	if t.lanes == avx512 && t.vectors == 2 {
		t.VMOVUPS_Z(at(RDX, 64), K2, t.weight(1))
	}
	for i := range t.rows {
		t.MOVLQSX(at(RSI, 4*i), RAX)
		if t.lanes == avx512 {
			for j := range t.vectors {
				t.VADDPS(t.sum(i, j), t.weight(j), t.sum(i, j))
				t.clamp(t.sum(i, j), lo, hi)
				t.VMOVUPS(t.sum(i, j), []Register{K1, K2}[j], at(RDI, 64*j).Idx(RAX, 1))
			}
			continue
		}
		c := []Register{t.sum(i, 0), t.sum(i, 1)}
		for j := range c {
			t.VADDPS(c[j], t.weight(j), c[j])
		}
		for j := range c {
			t.VMAXPS(c[j], lo, c[j])
		}
		for j := range c {
			t.VMINPS(c[j], hi, c[j])
		}
		for j := range c {
			t.VMOVUPS(c[j], at(RDI, 32*j).Idx(RAX, 1))
		}
	}
}
