package main

import (
	"fmt"
	"io"
	"slices"

	"linquant/figure"
	"linquant/internal/toy"
	"linquant/quant"
)

// linearDemo quantizes the toy tensor, as the original's test_linear_quantize does.
func linearDemo(w io.Writer, v toy.Vectors) (figure.Figure, error) {
	in := v.Linear
	typ := quant.Int(in.Bits)
	x := slices.Concat(in.Tensor...)
	scale, zeroPoint, err := quant.AffineScale(in.RealMin, in.RealMax, typ)
	if err != nil {
		return nil, err
	}
	p := quant.TensorParams(typ, scale, zeroPoint)
	q, restored, err := roundTrip(x, p)
	if err != nil {
		return nil, err
	}

	fmt.Fprintf(w, "* Test linear_quantize()\n")
	fmt.Fprintf(w, "    target bitwidth: %d bits\n", in.Bits)
	fmt.Fprintf(w, "        scale: %v\n", scale)
	fmt.Fprintf(w, "        zero point: %d\n", zeroPoint)
	c := &checks{w: w}
	value(c, "scale", scale, in.Scale)
	value(c, "zero point", zeroPoint, in.ZeroPoint)
	values(c, "quantized", q, in.Quantized)
	if err := c.verdict("demo linear"); err != nil {
		return nil, err
	}

	columns := len(in.Tensor[0])
	return figure.Matrices("", [][]figure.Matrix{{
		plain("original tensor", grid(x, columns)),
		codes(fmt.Sprintf("%d-bit quantized tensor", in.Bits), grid(q, columns), typ),
		reals("reconstructed tensor", grid(restored, columns)),
	}})
}

// roundTrip quantizes x and restores it.
func roundTrip(x []float32, p quant.Params) (q []int8, restored []float32, err error) {
	q, restored = make([]int8, len(x)), make([]float32, len(x))
	if err := quant.Quantize(q, x, nil, p); err != nil {
		return nil, nil, err
	}
	return q, restored, quant.Dequantize(restored, q, nil, p)
}

// plain is a panel of real numbers on white cells.
func plain(title string, values [][]float64) figure.Matrix {
	return figure.Matrix{Title: title, Values: values, Decimals: 2}
}

// reals is a panel of real numbers coloured by value, zero at the middle of the palette.
func reals(title string, values [][]float64) figure.Matrix {
	var most float64
	for _, row := range values {
		for _, v := range row {
			most = max(most, v, -v)
		}
	}
	return figure.Matrix{Title: title, Values: values, Decimals: 2, Colored: true, Lo: -most, Hi: most}
}

// codes is a panel of integer codes coloured over the range of their type.
func codes(title string, values [][]float64, t quant.Type) figure.Matrix {
	lo, hi := t.Range()
	return figure.Matrix{Title: title, Values: values, Colored: true, Lo: float64(lo), Hi: float64(hi)}
}

// grid cuts row-major elements into rows.
func grid[T int8 | float32](x []T, columns int) [][]float64 {
	rows := make([][]float64, 0, len(x)/columns)
	for row := range slices.Chunk(x, columns) {
		values := make([]float64, columns)
		for i, v := range row {
			values[i] = float64(v)
		}
		rows = append(rows, values)
	}
	return rows
}

// transpose exchanges rows and columns.
func transpose(m [][]float64) [][]float64 {
	t := make([][]float64, len(m[0]))
	for i := range t {
		t[i] = make([]float64, len(m))
		for j := range m {
			t[i][j] = m[j][i]
		}
	}
	return t
}
