package gemm

// accumulateFloat32Generic fills acc [rows, 4] with
//
//	acc[r·4+c] = Σ_k a[r·lda+k]·panel[k][c]
//
// in the order of k, in tiles of 2 rows.
func accumulateFloat32Generic(acc, a []float32, lda, rows int, panel [][4]float32) {
	k := len(panel)
	for r := 0; r < rows; r += 2 {
		second := min(r+1, rows-1)
		tile := float32Tile(a[r*lda:][:k], a[second*lda:][:k], panel)
		copy(acc[r*4:(second+1)*4], tile[:])
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
