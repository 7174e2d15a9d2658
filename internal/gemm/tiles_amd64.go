//go:build !purego

package gemm

import "linquant/internal/cpu"

// nextTiles says how the rows from r on go on: count tiles of the same height from row start. Kernels come in two
// heights and single rows. Where the rest of the rows is no whole tile, one may begin before r: it computes some rows
// again, which costs less than single rows do.
func nextTiles(r, rows, tall, short int) (start, height, count int) {
	left := rows - r
	switch {
	case left >= tall:
		return r, tall, left / tall
	case left > short && rows >= tall:
		return rows - tall, tall, 1
	case left >= short:
		return r, short, left / short
	case rows >= short:
		return rows - short, short, 1
	default:
		return r, 1, left
	}
}

// panelWidth returns the number of channels in the panel that begins at channel j of n: 32, or where no more than 16
// are left, 16.
func panelWidth(j, n int, tier cpu.Tier) int {
	if tier == cpu.AVX512VNNI && n-j > 16 {
		return 32
	}
	return 16
}
