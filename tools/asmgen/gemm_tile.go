package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A tile is the sums of some rows with one or two vectors of channels, which stay in registers while a kernel goes through
// k. A step takes a number of each row, broadcast, by those of the channels: an outer product. As many sums as that hide
// the latency of a multiplication, of 4 or 5 cycles at two a cycle.
//
// Registers, those of kernels whose rows are evenly spaced:
//
//	AX  row 0 of the tile, at this step     R8  three rows
//	BX  steps left                          R9  row 5, at this step, or row 7 of 16
//	CX  tiles left                          R12 weights, at this step
//	DX  bytes from row to row               R13 row 2 of 16
//	SI  the tile
//
//	0 …        sums, [rows][vectors]
//	12 or 16 … weights, one for each vector
//	14 or 18 … numbers of the rows, by turns
type tile struct {
	*kernel
	rows, vectors int
}

// sum is that of a row and a vector of channels, number what a row is multiplied by.
func (t tile) sum(row, vector int) Register { return t.v(row*t.vectors + vector) }

func (t tile) sums() []Register { return t.vs(0, t.rows*t.vectors) }

func (t tile) weight(vector int) Register {
	if t.lanes == avx2 {
		return t.v(12 + vector)
	}
	return t.v(16 + vector)
}

func (t tile) number(row int) Register {
	if t.lanes == avx2 {
		return t.v(14 + row%2)
	}
	return t.v(18 + row%8)
}

// bytes are those of a row of sums, and of a step of weights.
func (t tile) bytes() int { return 4 * t.lanes * t.vectors }

// rowsAt are the rows of the tile, at this step.
func (t tile) rowsAt() []Mem {
	row0, row5, row7, row2 := at(RAX, 0), at(R9, 0), at(R9, 0), at(R13, 0)
	if t.rows == 16 {
		return []Mem{
			row0, row0.Idx(RDX, 1), row0.Idx(RDX, 2), row0.Idx(R8, 1),
			row0.Idx(RDX, 4), row2.Idx(R8, 1), row0.Idx(R8, 2), row7,
			row0.Idx(RDX, 8), row7.Idx(RDX, 2), row7.Idx(R8, 1), row7.Idx(RDX, 4),
			row0.Idx(R8, 4), row7.Idx(R8, 2), row2.Idx(R8, 4), row7.Idx(RDX, 8),
		}
	}
	return []Mem{
		row0, row0.Idx(RDX, 1), row0.Idx(RDX, 2), row0.Idx(R8, 1),
		row0.Idx(RDX, 4), row5, row5.Idx(RDX, 1), row5.Idx(RDX, 2),
	}[:t.rows]
}

// start points at the first step of a tile.
func (t tile) start() {
	t.MOVQ(t.param("w"), R12)
	t.MOVQ(RSI, RAX)
	t.LEAQ(at(RSI, 0).Idx(RDX, 4), R9)
	t.ADDQ(RDX, R9)
}

// start16 points at the other rows that a tile of 16 has.
func (t tile) start16() {
	t.LEAQ(at(RSI, 0).Idx(RDX, 2), R13)
	t.LEAQ(at(RSI, 0).Idx(R8, 2), R9)
	t.ADDQ(RDX, R9)
}

// nextStep goes so many steps of 4 bytes of each row on, and to the label if there are more.
func (t tile) nextStep(label string, steps int) {
	t.ADDQ(n(4*steps), RAX)
	if t.rows > 4 {
		t.ADDQ(n(4*steps), R9)
	}
	if t.rows == 16 {
		t.ADDQ(n(4*steps), R13)
	}
	t.ADDQ(n(steps*t.bytes()), R12)
	t.DECQ(RBX)
	t.JNZ(LabelRef(label))
}

// nextTile goes to the rows of the next tile, or ends the function.
func (t tile) nextTile() {
	if t.rows == 1 {
		t.ADDQ(RDX, RSI)
	}
	for _, rows := range map[int][]uint8{4: {4}, 6: {4, 2}, 8: {8}, 16: {8, 8}}[t.rows] {
		t.LEAQ(at(RSI, 0).Idx(RDX, rows), RSI)
	}
	t.DECQ(RCX)
	t.JNZ(LabelRef("tile"))
	t.end()
}
