package main

// byteTiles writes gemm's products of bytes without SDOT. The widest exact product is of 8 bytes, to 16 bits. Two
// neighbouring k of each channel lie side by side, so that SADALP adds both to one accumulator; and before that SMLAL adds
// the products of the next two k in 16 bits: 16 products in 3 instructions, where widening the bytes and SMLAL to 32 bits
// would take 4. Activations are signed, less 128, so that their products leave 16 bits only as -128·-128 added to itself.
// Where weights of -128 meet in that sum, every product is added by itself: int8NEONWide.
//
// As with SDOT, 128·Σ_k w[j,k] are missing in the sums, and the accumulators begin with that.
//
// A step takes 16 bytes of a row, a whole register, in four groups of 4 k, of which DUP broadcasts 2 k at a time. Of the 32
// registers 16 are accumulators of the 4×16 tile, 4 the rows' activations, 4 the weights of a group, 4 activations
// broadcast, for this row and the next, and 4 products. Rows do not wait for each other, and in a row four chains run side
// by side; processors that execute in order also need the next row's activations and the next group's weights to be on
// their way early: 64 bytes beyond the end of the panel at the last. Each group costs 4 loads of weights and 8 DUP for 48
// multiplications and sums, or 64.
//
// Registers:
//
//	R0  acc                                  V0-V15  accumulators, [rows][4]
//	R1  the tile                             V16-V19 activations, 16 k of each row
//	R2  lda                                  V20,V21 weights of k, k+1 by 16 channels
//	R3  tiles left                           V22,V23 weights of k+2, k+3
//	R5  weights, at this step                V24,V25 activations k, k+1 and k+2, k+3 of rows 0 and 2
//	R6-R9 rows of the tile, at this step     V26-V29 products
//	R12 steps left, then groups of the rest  V30,V31 as V24,V25, of rows 1 and 3; one is first 16 times 0x80
//	R13 tail       R14 start
func byteTiles(a *neon) {
	for _, wide := range []bool{false, true} {
		a.rows = 4
		a.fourByteRows(wide)
		a.rows = 1
		a.byteRow(wide)
	}
}

func (a *neon) beginBytes(wide bool) {
	name := "int8NEON"
	if wide {
		name = "int8NEONWide"
	}
	a.function(name, startSignature, 72,
		"acc+0", "R0", "a+8", "R1", "lda+16", "R2", "tiles+24", "R3", "start+40", "R14", "tail+56", "R13")
}

// byteTile starts a tile. Of a single row the others are not used.
func (a *neon) byteTile() {
	a.label("tile")
	a.startSums()
	a.emit("MOVD w+32(FP), R5")
	a.emit("MOVD steps+48(FP), R12")
	a.rowsFrom(4)
}

func (a *neon) byteWeights(offset int) {
	a.emit("FLDPQ %d(R5), (F20, F21)", offset)
	a.emit("FLDPQ %d(R5), (F22, F23)", offset+32)
}

// wideProducts are those of 16 channels, of two registers of weights, with activations that are broadcast.
func (a *neon) wideProducts(multiply string, weights, activations int) {
	for i := range 2 {
		a.emit("%s(%d, %d, %d)", multiply, weights+i, activations, 26+2*i)
		a.emit("%s2(%d, %d, %d)", multiply, weights+i, activations, 27+2*i)
	}
}

// second adds the products of k+2, k+3 to those of k, k+1 where the sums fit 16 bits, or puts them in their place.
func (a *neon) second(wide bool, activations, sums int) {
	if wide {
		a.accumulate(sums)
		a.wideProducts("SMULL", 22, activations)
	} else {
		a.wideProducts("SMLAL", 22, activations)
	}
}

func (a *neon) accumulate(sums int) {
	for i := range 4 {
		a.emit("SADALP(%d, %d)", 26+i, sums+i)
	}
}

// flip makes the activations signed, and broadcasts the first 4 of row 0.
func (a *neon) flip() {
	a.emit("VMOVI $128, V30.B16")
	for row := range a.rows {
		a.emit("VEOR V30.B16, V%[1]d.B16, V%[1]d.B16", 16+row)
	}
	a.broadcast(16, 0, 24)
}

// broadcast takes two elements of 2 k of a register to two registers.
func (a *neon) broadcast(from, element, to int) {
	a.emit("VDUP V%d.H[%d], V%d.H8", from, element, to)
	a.emit("VDUP V%d.H[%d], V%d.H8", from, element+1, to+1)
}

func (a *neon) fourByteRows(wide bool) {
	// group adds the products of 4 k of each row, and broadcasts those of the next while it does. The last row loads the
	// weights of the next group too.
	group := func(x int) {
		for row := range a.rows {
			here, next := 24, 30
			if row%2 == 1 {
				here, next = next, here
			}
			last := row == a.rows-1
			a.wideProducts("SMULL", 20, here)
			if last {
				a.emit("FLDPQ %d(R5), (F20, F21)", 64*(x+1))
				a.broadcast(16, (2*x+2)%8, next)
			} else {
				a.broadcast(17+row, 2*x, next)
			}
			a.second(wide, here+1, 4*row)
			if last {
				a.emit("FLDPQ %d(R5), (F22, F23)", 64*(x+1)+32)
			}
			a.accumulate(4 * row)
		}
	}
	a.beginBytes(wide)
	a.byteTile()
	a.byteWeights(0)
	a.emit("CBZ R12, rest")
	a.steps(func() {
		a.load("FMOVQ", 16, 16, inRow)
		a.flip()
		for x := range 4 {
			group(x)
		}
	})
	a.label("rest") // the last K%16 bytes of each row, in groups of 4
	a.emit("MOVD rest+64(FP), R12")
	a.emit("CBZ R12, store")
	a.load("FMOVQ", 16, 16, inTail)
	a.flip()
	a.parts(4, group)
	a.label("store")
	a.store(0, 16)
	a.next()
}

func (a *neon) byteRow(wide bool) {
	load := func(row func(int) int) {
		a.load("FMOVQ", 16, 16, row)
		a.emit("VEOR V31.B16, V16.B16, V16.B16")
	}
	group := func(x int) {
		a.byteWeights(64 * x)
		a.broadcast(16, 2*x, 24)
		a.wideProducts("SMULL", 20, 24)
		a.second(wide, 25, 0)
		a.accumulate(0)
	}
	a.beginBytes(wide)
	a.emit("VMOVI $128, V31.B16")
	a.byteTile()
	a.emit("CBZ R12, rest")
	a.steps(func() {
		load(inRow)
		for x := range 4 {
			group(x)
		}
	})
	a.label("rest")
	a.emit("MOVD rest+64(FP), R12")
	a.emit("CBZ R12, store")
	load(inTail)
	a.label("group")
	group(0)
	a.emit("VEXT $4, V16.B16, V16.B16, V16.B16")
	a.emit("ADD $64, R5")
	a.again("group")
	a.label("store")
	a.store(0, 4)
	a.next()
}
