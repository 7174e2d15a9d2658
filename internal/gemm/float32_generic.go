package gemm

import "unsafe"

// genericReals returns the kernel in plain Go for tiles of one row or of two, and panels of 4 channels [k][4]. It fills
// acc [rows·tiles, 4] with
//
//	acc[r·4+c] = Σ_k a[r·lda+k]·w[k][c]
//
// in the order of k.
func genericReals(rows int) realTile {
	return func(acc, a *float32, lda, tiles int, w *float32, k int) {
		out, in := unsafe.Slice(acc, 4*rows*tiles), unsafe.Slice(a, (rows*tiles-1)*lda+k)
		panel := unsafe.Slice((*[4]float32)(unsafe.Pointer(w)), k)
		for r := 0; r < rows*tiles; r += rows {
			tile := float32Tile(in[r*lda:][:k], in[(r+rows-1)*lda:][:k], panel)
			copy(out[4*r:][:4*rows], tile[:])
		}
	}
}

// float32Tile returns the sums of 2 rows by 4 channels. The conversions keep every processor from fusing product and
// sum.
func float32Tile(a0, a1 []float32, panel [][4]float32) [8]float32 {
	a0, a1 = a0[:len(panel)], a1[:len(panel)]
	var c0, c1, c2, c3, d0, d1, d2, d3 float32
	for k := range panel {
		w := &panel[k]
		x, y := a0[k], a1[k]
		w0, w1, w2, w3 := w[0], w[1], w[2], w[3] // loaded once, not once a row
		c0 += float32(x * w0)
		d0 += float32(y * w0)
		c1 += float32(x * w1)
		d1 += float32(y * w1)
		c2 += float32(x * w2)
		d2 += float32(y * w2)
		c3 += float32(x * w3)
		d3 += float32(y * w3)
	}
	return [8]float32{c0, c1, c2, c3, d0, d1, d2, d3}
}
