package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// avx2Tall, avx2Short and avx2Single write gemm's products of bytes with AVX2, for 8, 4 and single rows by 8 channels. AVX2 has no exact
// product of four bytes. VPMADDUBSW multiplies bytes and adds two products in 16 bits, where the sum may saturate. So
// steps of 4 k are packed in twos and threes of which no sum of products can (see loads), and VPMADDWD by 1 takes the sum
// of all of them to 32 bits: a trio of 3 steps takes 4 operations that multiply, a duo of 2 steps 3, a solo that fits no
// other 2, where 2 are done in a cycle. Where two bytes next to each other could saturate, VPSHUFB brings others together
// first: such steps are turned, two at once or alone. A step of which the sum of two products could saturate is wide, VPMADDWD on bytes
// widened to 16 bits: 2 operations that multiply, but 6 in all, as bytes 0 and 2 of the step, the even half of each 16
// bits, are left by a mask and 1 and 3, the odd half, by a shift.
//
// Registers:
//
//	R8-R15    rows of the tile             Y0-Y7   sums
//	AX,BX,CX  places of steps in a row     Y8,Y9   weights
//	DX        weights, of the next steps   Y10     16 times 1
//	SI        their places                 Y11     weights of a trio's last step, or 16 times 0x00ff
//	DI        iterations left                      or an order of bytes
//	                                      Y12-Y15 numbers of the rows and products
func avx2Tall(k *kernel) { tile{k, 8, 1}.avx2() }

func avx2Short(k *kernel) { tile{k, 4, 1}.avx2() }

func avx2Single(k *kernel) { tile{k, 1, 1}.avx2() }

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
	t.groups("trios", 3)
	t.run()
	t.groups("duos", 2)
	t.run()
	t.turned("turned", 2)
	t.run()
	t.turned("solos", 1)
	t.VPSLLW(n(8), Y10, Y11)
	t.VPSUBW(Y10, Y11, Y11)
	t.run()
	t.iterations("wides", func() {
		t.places(1, 2)
		t.pairs(func(i int) { t.wideRows(i, func(i int) Mem { return at(tapRows[i], 0).Idx(RAX, 1) }) })
	})
	t.emit("ADDQ", symbol("$avx2Tap__size"), tapAt)
	t.DECQ(tapsLeft)
	t.JNZ(LabelRef("tap"))
	t.MOVQ(t.param("tail"), RBX)
	t.TESTQ(RBX, RBX)
	t.JZ(LabelRef("store"))
	t.VMOVDQA(at(RDX, 0), Y8) // the last K%4 bytes of each row
	t.VMOVDQA(at(RDX, 32), Y9)
	t.pairs(func(i int) { t.wideRows(i, func(i int) Mem { return at(RBX, 4*i) }) })

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
	t.SHLQ(n(bits.Len(uint(t.rows))-1), RBX) // a row of acc times as many as there are
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
	none := LabelRef("no_" + kind)
	t.MOVQ(field("avx2Run_"+kind, RDI), RDI)
	t.TESTQ(RDI, RDI)
	t.JZ(none)
	t.loop(kind)
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

// pairs does something for each two rows of the tile.
func (t tile) pairs(body func(i int)) {
	for i := 0; i < t.rows; i += 2 {
		body(i)
	}
}

// both does something with a row and a register of it, and with the next row of the tile, if there is one.
func (t tile) both(i int, x, y Register, body func(row int, v Register)) {
	body(i, x)
	if t.rows > 1 {
		body(i+1, y)
	}
}

// broadcast takes four bytes of two rows, at the place that an index register holds, to two registers.
func (t tile) broadcast(i int, index, x, y Register) {
	t.both(i, x, y, func(row int, v Register) { t.VPBROADCASTD(at(tapRows[row], 0).Idx(index, 1), v) })
}

// multiply multiplies bytes of two rows with the same weights.
func (t tile) multiply(i int, weights, x, y Register) {
	t.both(i, x, y, func(_ int, v Register) { t.VPMADDUBSW(weights, v, v) })
}

// addProducts adds the words of Y14 and Y15 to those of Y12 and Y13.
func (t tile) addProducts() {
	t.VPADDW(Y14, Y12, Y12)
	if t.rows > 1 {
		t.VPADDW(Y15, Y13, Y13)
	}
}

// addWords adds what two rows have in words to their sums.
func (t tile) addWords(i int) {
	t.both(i, Y12, Y13, func(_ int, v Register) { t.VPMADDWD(Y10, v, v) })
	t.both(i, Y12, Y13, func(row int, v Register) { t.VPADDD(v, t.sum(row, 0), t.sum(row, 0)) })
}

// groups adds the products of groups of two or three steps whose sums fit 16 bits. Two rows take turns: of the orders that
// were tried this one lets the most multiplications begin in a cycle.
func (t tile) groups(kind string, steps int) {
	t.iterations(kind, func() {
		t.places(steps, steps)
		if steps == 2 {
			t.duoRows()
			return
		}
		t.pairs(func(i int) {
			t.broadcast(i, RAX, Y12, Y13)
			t.broadcast(i, RBX, Y14, Y15)
			t.multiply(i, Y8, Y12, Y13)
			t.multiply(i, Y9, Y14, Y15)
			t.addProducts()
			if steps > 2 {
				t.broadcast(i, RCX, Y14, Y15)
				t.multiply(i, Y11, Y14, Y15)
				t.addProducts()
			}
			t.addWords(i)
		})
	})
}

// turned adds the products of two steps whose bytes are taken in another order, or of one, in any.
func (t tile) turned(kind string, steps int) {
	t.iterations(kind, func() {
		t.places(steps, 0)
		t.VMOVDQA(at(RDX, 0), Y11)
		t.VMOVDQA(at(RDX, 32), Y8)
		if steps > 1 {
			t.VMOVDQA(at(RDX, 64), Y9)
		}
		t.ADDQ(n(32+32*steps), RDX)
		turn := func(i int, x, y Register) {
			t.both(i, x, y, func(_ int, v Register) { t.VPSHUFB(Y11, v, v) })
		}
		t.pairs(func(i int) {
			t.broadcast(i, RAX, Y12, Y13)
			turn(i, Y12, Y13)
			t.multiply(i, Y8, Y12, Y13)
			if steps > 1 {
				t.broadcast(i, RBX, Y14, Y15)
				turn(i, Y14, Y15)
				t.multiply(i, Y9, Y14, Y15)
				t.addProducts()
			}
			t.addWords(i)
		})
	})
}

// wideRows adds the products of a step whose bytes are widened, of two rows.
func (t tile) wideRows(i int, row func(i int) Mem) {
	t.both(i, Y13, Y15, func(i int, v Register) { t.VPBROADCASTD(row(i), v) })
	t.VPAND(Y11, Y13, Y12)
	if t.rows > 1 {
		t.VPAND(Y11, Y15, Y14)
	}
	t.both(i, Y13, Y15, func(_ int, v Register) { t.VPSRLW(n(8), v, v) })
	t.both(i, Y12, Y14, func(_ int, v Register) { t.VPMADDWD(Y8, v, v) })
	t.both(i, Y13, Y15, func(_ int, v Register) { t.VPMADDWD(Y9, v, v) })
	for half := range 2 {
		t.both(i, t.v(12+half), t.v(14+half), func(row int, v Register) { t.VPADDD(v, t.sum(row, 0), t.sum(row, 0)) })
	}
}

// duoRows takes the products of each row to its sum among those of the next.
func (t tile) duoRows() {
	for i := range t.rows + 1 {
		x, y := t.v(12+i%2*2), t.v(13+i%2*2)
		before := t.v(12 + (i+1)%2*2)
		if i < t.rows {
			t.VPBROADCASTD(at(tapRows[i], 0).Idx(RAX, 1), x)
			t.VPBROADCASTD(at(tapRows[i], 0).Idx(RBX, 1), y)
			t.VPMADDUBSW(Y8, x, x)
			t.VPMADDUBSW(Y9, y, y)
		}
		if i > 0 {
			t.VPMADDWD(Y10, before, before)
		}
		if i < t.rows {
			t.VPADDW(y, x, x)
		}
		if i > 0 {
			t.VPADDD(before, t.sum(i-1, 0), t.sum(i-1, 0))
		}
	}
}
