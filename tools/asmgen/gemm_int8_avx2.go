package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// avx2Tall and avx2Short write gemm's products of bytes with AVX2, for 8 and 4 rows by 8 channels. AVX2 has no exact
// product of four bytes. VPMADDUBSW multiplies bytes and adds two products in 16 bits, where the sum may saturate. So
// steps of 4 k are packed in twos and threes of which no sum of products can (see loads), and VPMADDWD by 1 takes the sum
// of all of them to 32 bits: a trio of 3 steps takes 4 operations that multiply, a duo of 2 steps 3, a solo that fits no
// other 2, where 2 are done in a cycle. A step of which the sum of two products could saturate is wide, VPMADDWD on bytes
// widened to 16 bits: 2 operations that multiply, but 6 in all, as bytes 0 and 2 of the step, the even half of each 16
// bits, are left by a mask and 1 and 3, the odd half, by a shift.
//
// Registers:
//
//	R8-R15    rows of the tile             Y0-Y7   sums
//	AX,BX,CX  places of steps in a row     Y8,Y9   weights
//	DX        weights, of the next steps   Y10     16 times 1
//	SI        their places                 Y11     weights of a trio's last step, or 16 times 0x00ff
//	DI        iterations left              Y12-Y15 numbers of the rows and products
func avx2Tall(k *kernel) { tile{k, 8, 1}.avx2() }

func avx2Short(k *kernel) { tile{k, 4, 1}.avx2() }

// Where the sums and the runs of the panel at hand are, and how many panels the tile has left; the same of the taps.
var (
	accAt, offset, panelsLeft = local("accAt", 40), local("offset", 8), local("panelsLeft", 16)
	tapAt, tapsLeft           = local("tapAt", 24), local("tapsLeft", 32)
)

// tapRows are the rows of a tile that goes by pointers.
var tapRows = []Register{R8, R9, R10, R11, R12, R13, R14, R15}

func (t tile) avx2() {
	t.function(fmt.Sprintf("int8AVX2x%dx8", t.rows), "(acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool)", 40)
	t.VPCMPEQW(Y10, Y10, Y10)
	t.VPSRLW(n(15), Y10, Y10)
	t.SHLQ(n(2), t.param("ldacc"))

	t.Label("tile")
	t.MOVQ(t.param("acc"), RAX)
	t.MOVQ(t.param("panels"), RBX)
	t.MOVQ(RAX, accAt)
	t.MOVQ(RBX, panelsLeft)
	t.MOVQ(U32(0), offset)

	t.Label("panel") // for panelsLeft = panels; panelsLeft > 0; panelsLeft--
	t.MOVQ(t.param("taps"), RAX)
	t.MOVQ(t.param("count"), RBX)
	t.MOVQ(RAX, tapAt)
	t.MOVQ(RBX, tapsLeft)
	t.CMPB(t.param("more"), n(0))
	t.JNE(LabelRef("load"))
	t.zero(t.sums()...)
	t.JMP(LabelRef("tap"))
	t.Label("load") // the sums of other taps
	t.moveAVX2(func(sum Register, m Mem) { t.VMOVDQU(m, sum) })

	t.Label("tap") // for tapsLeft = count; tapsLeft > 0; tapsLeft--
	t.MOVQ(tapAt, RDI)
	for i, row := range tapRows[:t.rows] {
		t.MOVQ(field("avx2Tap_rows", RDI).Offset(8*i), row)
	}
	t.run()
	t.MOVQ(field("avx2Run_weights", RDI), RDX)
	t.MOVQ(field("avx2Run_places", RDI), RSI)
	t.groups("trio", 3)
	t.run()
	t.groups("duo", 2)
	t.run()
	t.groups("solo", 1)
	t.VPSLLW(n(8), Y10, Y11)
	t.VPSUBW(Y10, Y11, Y11)
	t.run()
	t.iterations("wide", func() {
		t.places(1, 2)
		for i, row := range tapRows[:t.rows] {
			t.wideRow(i, at(row, 0).Idx(RAX, 1))
		}
	})
	t.emit("ADDQ", symbol("$avx2Tap__size"), tapAt)
	t.DECQ(tapsLeft)
	t.JNZ(LabelRef("tap"))
	t.MOVQ(t.param("tail"), RBX)
	t.TESTQ(RBX, RBX)
	t.JZ(LabelRef("store"))
	t.VMOVDQA(at(RDX, 0), Y8) // the last K%4 bytes of each row
	t.VMOVDQA(at(RDX, 32), Y9)
	for i := range t.rows {
		t.wideRow(i, at(RBX, 4*i))
	}

	t.Label("store")
	t.moveAVX2(func(sum Register, m Mem) { t.VMOVDQU(sum, m) })
	t.MOVQ(t.param("stride"), RCX)
	t.ADDQ(n(32), accAt)
	t.ADDQ(RCX, offset)
	t.DECQ(panelsLeft)
	t.JNZ(LabelRef("panel"))
	t.nextRows()
}

// nextRows goes to the rows of the next tile, or ends the function.
func (t tile) nextRows() {
	t.DECQ(t.param("tiles"))
	t.JZ(LabelRef("done"))
	t.SHLQ(n(t.rows/4+1), RBX) // a row of acc times as many as there are
	t.ADDQ(RBX, t.param("acc"))
	t.MOVQ(t.param("taps"), RDI)
	t.MOVQ(t.param("step"), RAX)
	for i := range t.rows {
		t.ADDQ(RAX, field("avx2Tap_rows", RDI).Offset(8*i))
	}
	t.MOVQ(t.param("tail"), RBX)
	t.TESTQ(RBX, RBX)
	t.JZ(LabelRef("tile"))
	t.ADDQ(n(4*t.rows), RBX)
	t.MOVQ(RBX, t.param("tail"))
	t.JMP(LabelRef("tile"))
	t.Label("done")
	t.end()
}

// run points at the run of a tap for the panel, in DI.
func (t tile) run() {
	t.MOVQ(tapAt, RDI)
	t.MOVQ(field("avx2Tap_run", RDI), RDI)
	t.ADDQ(offset, RDI)
}

// moveAVX2 moves the sums by fours of rows; BX becomes the bytes from one to the next.
func (t tile) moveAVX2(move func(sum Register, m Mem)) {
	row := at(RAX, 0)
	t.MOVQ(accAt, RAX)
	t.MOVQ(t.param("ldacc"), RBX)
	t.LEAQ(at(RBX, 0).Idx(RBX, 2), RCX)
	for i := range t.rows {
		if i == 4 {
			t.LEAQ(row.Idx(RBX, 4), RAX)
		}
		move(t.sum(i, 0), []Mem{row, row.Idx(RBX, 1), row.Idx(RBX, 2), row.Idx(RCX, 1)}[i%4])
	}
}

// iterations does those of the run that DI points at, of a kind of group.
func (t tile) iterations(kind string, body func()) {
	none := LabelRef("no_" + kind + "s")
	t.MOVQ(field("avx2Run_"+kind+"s", RDI), RDI)
	t.TESTQ(RDI, RDI)
	t.JZ(none)
	t.Label(kind)
	body()
	t.DECQ(RDI)
	t.JNZ(LabelRef(kind))
	t.Label(string(none))
}

// places loads those of some steps, and weights of so many vectors.
func (t tile) places(steps, vectors int) {
	for i := range steps {
		t.MOVL(at(RSI, 4*i), []Register{EAX, EBX, ECX}[i])
	}
	t.ADDQ(n(4*steps), RSI)
	for i, weights := range []Register{Y8, Y9, Y11}[:vectors] {
		t.VMOVDQA(at(RDX, 32*i), weights)
	}
	t.ADDQ(n(32*vectors), RDX)
}

// groups adds the products of groups of steps whose sums fit 16 bits.
func (t tile) groups(kind string, steps int) {
	t.iterations(kind, func() {
		t.places(steps, steps)
		for i, row := range tapRows[:t.rows] {
			x, y := t.v(12+i%2*2), t.v(13+i%2*2)
			if steps == 1 {
				x = t.v(12 + i%4)
			}
			t.VPBROADCASTD(at(row, 0).Idx(RAX, 1), x)
			if steps > 1 {
				t.VPBROADCASTD(at(row, 0).Idx(RBX, 1), y)
			}
			t.VPMADDUBSW(Y8, x, x)
			if steps > 1 {
				t.VPMADDUBSW(Y9, y, y)
				t.VPADDW(y, x, x)
			}
			if steps > 2 {
				t.VPBROADCASTD(at(row, 0).Idx(RCX, 1), y)
				t.VPMADDUBSW(Y11, y, y)
				t.VPADDW(y, x, x)
			}
			t.VPMADDWD(Y10, x, x)
			t.VPADDD(x, t.sum(i, 0), t.sum(i, 0))
		}
	})
}

func (t tile) wideRow(i int, row Mem) {
	even, odd := t.v(12+i%2*2), t.v(13+i%2*2)
	t.VPBROADCASTD(row, odd)
	t.VPAND(Y11, odd, even)
	t.VPSRLW(n(8), odd, odd)
	t.VPMADDWD(Y8, even, even)
	t.VPMADDWD(Y9, odd, odd)
	t.VPADDD(odd, even, even)
	t.VPADDD(even, t.sum(i, 0), t.sum(i, 0))
}
