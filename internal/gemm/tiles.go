//go:build !purego && (amd64 || arm64)

package gemm

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
