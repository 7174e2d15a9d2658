package gemm

import "linquant/internal/kernel"

// tiles are kernels of one kind that come in two heights and in single rows.
type tiles[F any] struct {
	tall, short int
	run         [3]kernel.Func[F] // of tall tiles, of short ones, of single rows
}

func newTiles[F any](tall int, tallest F, short int, shorter, single F) tiles[F] {
	return tiles[F]{tall, short, [3]kernel.Func[F]{kernel.Of(tallest), kernel.Of(shorter), kernel.Of(single)}}
}

// twoTiles is newTiles without short ones.
func twoTiles[F any](tall int, tallest, single F) tiles[F] {
	return tiles[F]{tall, 1, [3]kernel.Func[F]{kernel.Of(tallest), kernel.Of(single)}}
}

// of returns the kernel of that height.
func (t *tiles[F]) of(height int) F {
	switch height {
	case t.tall:
		return t.run[0].Get()
	case t.short:
		return t.run[1].Get()
	default:
		return t.run[2].Get()
	}
}

// next says how the rows from r on go on: count tiles of the same height from row start. Where the rest of the rows is no
// whole tile, one may begin before r: it computes some rows again, which costs less than single rows do.
func (t *tiles[F]) next(r, rows int) (start, height, count int) {
	return nextTiles(r, rows, t.tall, t.short)
}

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
