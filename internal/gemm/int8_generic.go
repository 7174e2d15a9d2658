package gemm

import "unsafe"

// genericSums is codeKernels.sums in plain Go, for panels of 4 channels [k][4].
func genericSums(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int) {
	panel := unsafe.Slice((*[4]int8)(unsafe.Pointer(&w.panels[j*w.K])), w.K)
	accumulateInt8Generic(acc, a, lda, rows, panel)
	return 4
}

// packFours is codeKernels.packOperand for them.
func packFours(_ *codeKernels, o *Operand, room, src []byte) {
	panels := unsafe.Slice((*[4]byte)(unsafe.Pointer(unsafe.SliceData(room))), (o.N+3)/4*o.K)
	for j := range (o.N + 3) / 4 * 4 {
		panel, c, at := panels[j/4*o.K:][:o.K], j%4, j*o.StepN
		for k := range panel {
			if j >= o.N { // channels that are missing
				panel[k][c] = 0
				continue
			}
			panel[k][c] = src[at] ^ 0x80
			at += o.StepK
		}
	}
}

// accumulateInt8Generic fills acc [rows, 4] with
//
//	acc[r·4+c] = Σ_k a[r·lda+k]·panel[k][c]
//
// in tiles of 4 rows. The last tile of 4 may repeat rows of the one before; where there are fewer than 4 in all, it
// repeats the last.
func accumulateInt8Generic(acc []int32, a []byte, lda, rows int, panel [][4]int8) {
	last := rows - 1
	for r := 0; r < rows; r += 4 {
		if r+4 > rows {
			r = max(rows-4, 0)
		}
		a0, a1, a2, a3 := a[r*lda:], a[min(r+1, last)*lda:], a[min(r+2, last)*lda:], a[min(r+3, last)*lda:]
		tile := int8Tile(a0, a1, a2, a3, panel[:min(len(panel), longest)])
		for k := longest; k < len(panel); k += longest {
			more := int8Tile(a0[k:], a1[k:], a2[k:], a3[k:], panel[k:min(k+longest, len(panel))])
			for i, sum := range more {
				tile[i] += sum
			}
		}
		copy(acc[r*4:min(r+4, rows)*4], tile[:])
	}
}

// longest is a number of products whose sum fits int32 whatever they are: 255·128·2^16 < 2^31.
const longest = 1 << 16

// int8Tile returns the sums of 4 rows by 4 channels.
//
// One 64-bit multiplication makes two products: of two rows side by side, the second times 2^32, by one weight. The sum
// of the lower ones is the low half of the accumulator, and what it borrowed from the high half is given back at the
// end: exact for as long as the lower sum fits int32, hence the limit on the panel's length.
func int8Tile(a0, a1, a2, a3 []byte, panel [][4]int8) (tile [16]int32) {
	a0, a1, a2, a3 = a0[:len(panel)], a1[:len(panel)], a2[:len(panel)], a3[:len(panel)]
	var c0, c1, c2, c3, d0, d1, d2, d3 int64
	for k := range panel {
		w := &panel[k]
		p := int64(a0[k]) | int64(a1[k])<<32
		q := int64(a2[k]) | int64(a3[k])<<32
		w0, w1, w2, w3 := int64(w[0]), int64(w[1]), int64(w[2]), int64(w[3])
		c0 += p * w0
		d0 += q * w0
		c1 += p * w1
		d1 += q * w1
		c2 += p * w2
		d2 += q * w2
		c3 += p * w3
		d3 += q * w3
	}
	for c, pair := range [4]int64{c0, c1, c2, c3} {
		tile[c], tile[4+c] = halves(pair)
	}
	for c, pair := range [4]int64{d0, d1, d2, d3} {
		tile[8+c], tile[12+c] = halves(pair)
	}
	return tile
}

// halves splits low + high·2^32.
func halves(pair int64) (low, high int32) {
	low = int32(pair)
	return low, int32((pair - int64(low)) >> 32)
}
