package main

// floatTiles writes gemm's products of floats. FMLA multiplies weights of 4 channels by one element of a register and
// adds, with one rounding: an outer product, where each output is one chain of fused multiply-adds over k.
//
// A step takes 4 floats of a row, a whole register. 24 accumulators of a 6×16 tile hide the latency of 4 cycles at four
// FMLA a cycle, the most that any core has, and with 6 registers of activations leave 2 for weights. Each k costs 4 loads
// of weights for 24 FMLA. The chains of a single row are 4 registers, and must not be split: a row alone takes the latency
// of FMLA for each k, in which time 64 bytes of weights arrive that nothing else needs.
//
// Registers:
//
//	R0  acc                                V0-V23  accumulators, [rows][4]
//	R1  the tile                           V24-V29 activations, 4 k of each row
//	R2  4·lda                              V30,V31 weights
//	R3  tiles left
//	R5  weights, at this step
//	R6-R11 rows of the tile, at this step
//	R12 steps of 4 left, then of 1
func floatTiles(a *neon) {
	for _, a.rows = range []int{6, 4, 1} {
		a.function("float32NEON", "acc, a *float32, lda, tiles int, w *float32, k int", 48,
			"acc+0", "R0", "a+8", "R1", "lda+16", "R2", "tiles+24", "R3")
		a.emit("LSL $2, R2")
		a.label("tile")
		a.clear(0, 4*a.rows)
		a.emit("MOVD w+32(FP), R5")
		a.emit("MOVD k+40(FP), R12")
		a.emit("LSR $2, R12")
		a.begin()
		a.steps(func() {
			a.load("FMOVQ", 16, 24, inRow)
			for x := range 4 {
				a.elements("FMLA", x)
			}
		})
		a.label("rest") // the last k%4
		a.emit("MOVD k+40(FP), R12")
		a.emit("AND $3, R12")
		a.emit("CBZ R12, store")
		a.label("one")
		a.load("FMOVS", 4, 24, inRow)
		a.elements("FMLA", 0)
		a.emit("ADD $64, R5")
		a.again("one")
		a.label("store")
		a.store(0, 4*a.rows)
		a.next()
	}
}

// elements adds the products of element x of each row's register with 16 channels.
func (a *neon) elements(multiply string, x int) {
	a.turns(64*x, 4, func(weights, i int) {
		for row := range a.rows {
			a.emit("%s(%d, %d, %d, %d)", multiply, 24+row, x, weights, 4*row+i)
		}
	})
}

// startSignature is that of kernels whose sums begin with those in start.
const startSignature = "acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int"

// dotTiles writes gemm's products of bytes with SDOT. It multiplies signed bytes by signed bytes, and a stored activation
// is unsigned. Its highest bit flipped, it is the activation less 128 as a signed byte, and 128·Σ_k w[j,k] are missing in
// the sum: the accumulators begin with that, as computed when weights were packed. (UDOT would need weights plus 128, and
// the sum of every row of activations.)
//
// A step takes 16 bytes of a row, a whole register, in four groups of 4 k; the index of SDOT broadcasts one of them to 4
// channels. 24 accumulators of a 6×16 tile are more than the 4 SDOT a cycle times a latency of 3 or 4 that any core has in
// flight, and with 6 registers of activations leave 2 for weights. Each group costs 4 loads of weights for 24 SDOT.
//
// Registers:
//
//	R0  acc                                V0-V23  accumulators, [rows][4]
//	R1  the tile                           V24-V29 activations, 16 k of each row
//	R2  lda                                V30,V31 weights; V31 first 16 times 0x80
//	R3  tiles left
//	R5  weights, at this step
//	R6-R11 rows of the tile, at this step
//	R12 steps left, then groups of the rest
//	R13 tail       R14 start
func dotTiles(a *neon) {
	for _, a.rows = range []int{6, 4} {
		a.beginDot()
		a.begin()
		flip := func() {
			a.emit("VMOVI $128, V31.B16")
			for i := range a.rows {
				a.emit("VEOR V31.B16, V%[1]d.B16, V%[1]d.B16", 24+i)
			}
		}
		a.steps(func() {
			a.load("FMOVQ", 16, 24, inRow)
			flip()
			for x := range 4 {
				a.elements("SDOT", x)
			}
		})
		a.label("rest") // the last K%16 bytes of each row, in groups of 4
		a.emit("MOVD rest+64(FP), R12")
		a.emit("CBZ R12, store")
		a.load("FMOVQ", 16, 24, inTail)
		flip()
		a.parts(4, func(x int) { a.elements("SDOT", x) })
		a.label("store")
		a.store(0, 4*a.rows)
		a.next()
	}
	a.rows = 1
	a.dotRow()
}

func (a *neon) beginDot() {
	a.function("int8DotProd", startSignature, 72,
		"acc+0", "R0", "a+8", "R1", "lda+16", "R2", "tiles+24", "R3", "start+40", "R14", "tail+56", "R13")
	a.label("tile")
	a.startSums()
	if a.rows == 1 {
		a.clear(4, 4)
		a.clear(16, 8)
	}
	a.emit("MOVD w+32(FP), R5")
	a.emit("MOVD steps+48(FP), R12")
}

// dotRow is for one row. It has only 4 accumulators, and would wait for each of them: every group of 4 k has 4 of its own.
func (a *neon) dotRow() {
	sums := []int{0, 4, 16, 20} // where those of the groups are
	group := func(x int) {
		a.emit("FLDPQ %d(R5), (F28, F29)", 64*x)
		a.emit("FLDPQ %d(R5), (F30, F31)", 64*x+32)
		for i := range 4 {
			a.emit("SDOT(24, %d, %d, %d)", x, 28+i, sums[x]+i)
		}
	}
	load := func(row int) {
		a.load("FMOVQ", 16, 24, func(int) int { return row })
		a.emit("VMOVI $128, V30.B16")
		a.emit("VEOR V30.B16, V24.B16, V24.B16")
	}
	a.beginDot()
	a.emit("MOVD R1, R6")
	a.emit("CBZ R12, rest")
	a.steps(func() {
		load(6)
		for x := range 4 {
			group(x)
		}
	})
	a.label("rest")
	a.emit("MOVD rest+64(FP), R12")
	a.emit("CBZ R12, store")
	load(13)
	a.parts(4, group)
	a.label("store")
	for _, add := range [][2]int{{4, 0}, {16, 20}, {20, 0}} {
		for i := range 4 {
			a.emit("VADD V%[1]d.S4, V%[2]d.S4, V%[2]d.S4", add[0]+i, add[1]+i)
		}
	}
	a.store(0, 4)
	a.next()
}

// matrixTiles writes gemm's products of bytes with USMMLA. It multiplies 2 rows of 8 unsigned bytes by 2 channels of 8
// signed ones and adds the 4 sums to 4 int32: twice the products of SDOT, and with activations as they are stored.
//
// A step takes 16 bytes of each row; two rows are zipped into registers of 8 k of both, one for each half of the step.
// Weights are packed in the same way: 8 k of two channels in a register. The 24 accumulators of a 6×16 tile, 3 pairs of
// rows by 8 pairs of channels, and the 6 registers of activations leave 2 for weights. Each half costs 8 loads of weights
// for 24 USMMLA.
//
// Registers:
//
//	R0  acc                                V0-V23  accumulators, [pairs of rows][8 pairs of channels], each [2][2]
//	R1  the tile                           V24-V26 activations of pairs of rows, k to k+7
//	R2  lda                                V27-V29 activations of pairs of rows, k+8 to k+15
//	R3  tiles left                         V30,V31 weights; V31 first activations
//	R5  weights, at this step              V24-V31 at the end: sums of two rows
//	R6-R11 rows of the tile, at this step
//	R12 steps left, then halves of the rest
//	R13 tail
func matrixTiles(a *neon) {
	for _, a.rows = range []int{6, 4} {
		half := func(x int) {
			a.turns(128*x, 8, func(weights, i int) {
				for pair := range a.rows / 2 {
					a.emit("USMMLA(%d, %d, %d)", weights, 24+3*x+pair, 8*pair+i)
				}
			})
		}
		a.beginMatrix()
		a.begin()
		a.steps(func() {
			a.zip(inRow)
			half(0)
			half(1)
		})
		a.label("rest") // the last K%16 bytes of each row, in halves
		a.emit("MOVD rest+56(FP), R12")
		a.emit("CBZ R12, store")
		a.zip(inTail)
		a.parts(2, half)
		a.label("store")
		for pair := range a.rows / 2 {
			for _, row := range []int{1, 2} {
				for i := range 4 {
					c := 8*pair + 2*i
					a.emit("VZIP%d V%d.D2, V%d.D2, V%d.D2", row, c+1, c, 20+4*row+i)
				}
			}
			a.store(24, 8)
		}
		a.next()
	}
	a.rows = 1
	a.matrixRow()
}

func (a *neon) beginMatrix() {
	a.function("int8I8MM", "acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int", 64,
		"acc+0", "R0", "a+8", "R1", "lda+16", "R2", "tiles+24", "R3", "tail+48", "R13")
	a.label("tile")
	a.clear(0, max(8, 4*a.rows))
	a.emit("MOVD w+32(FP), R5")
	a.emit("MOVD steps+40(FP), R12")
}

// zip loads 16 bytes of each row: 8 k of a pair of rows to V24 …, and the next 8 to V27 ….
func (a *neon) zip(row func(i int) int) {
	for pair := range a.rows / 2 {
		a.emit("FMOVQ.P 16(R%d), F%d", row(2*pair), 27+pair)
		a.emit("FMOVQ.P 16(R%d), F31", row(2*pair+1))
		a.emit("VZIP1 V31.D2, V%d.D2, V%d.D2", 27+pair, 24+pair)
		a.emit("VZIP2 V31.D2, V%[1]d.D2, V%[1]d.D2", 27+pair)
	}
}

// matrixRow is for one row, which is both rows of a pair. Its 8 accumulators then hold every sum twice.
func (a *neon) matrixRow() {
	half := func(x int) {
		for i := range 4 {
			a.emit("FLDPQ %d(R5), (F%d, F%d)", 128*x+32*i, 16+2*i, 17+2*i)
		}
		for i := range 8 {
			a.emit("USMMLA(%d, %d, %d)", 16+i, 24+3*x, i)
		}
	}
	load := func(row int) {
		a.emit("FMOVQ.P 16(R%d), F30", row)
		a.emit("VDUP V30.D[0], V24.D2")
		a.emit("VDUP V30.D[1], V27.D2")
	}
	a.beginMatrix()
	a.emit("MOVD R1, R6")
	a.emit("CBZ R12, rest")
	a.steps(func() {
		load(6)
		half(0)
		half(1)
	})
	a.label("rest")
	a.emit("MOVD rest+56(FP), R12")
	a.emit("CBZ R12, store")
	load(13)
	a.parts(2, half)
	a.label("store")
	for i := range 4 {
		a.emit("VZIP1 V%d.D2, V%d.D2, V%d.D2", 2*i+1, 2*i, i)
	}
	a.store(0, 4)
	a.next()
}
