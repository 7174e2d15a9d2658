package diagnose

import (
	"math"

	"linquant/quant"
)

// sums returns the accumulators without bias, one for each element of the output.
func (m *matrix) sums(x, w *quant.Params, size int, p products) []int64 {
	zx := x.ZeroPointOf(0)
	padding := zx
	if p.zeroPad {
		padding = 0
	}
	if p.noInputZero {
		zx = 0
	}
	var offset int32 // signed codes are shifted for instructions that multiply unsigned by signed bytes
	if !x.Type.Unsigned {
		offset = 128
	}
	zeros := func(channel int) int32 {
		if p.noWeightZeros {
			return 0
		}
		return w.ZeroPointOf(min(channel, len(w.Scale)-1))
	}
	out := make([]int64, size)
	row, shuffled := make([]int32, m.depth), make([]int32, m.depth)
	weights := m.formed(p)
	for i := range m.rows {
		m.row(row, i, padding)
		a := m.ordered(shuffled, row, p.pairs)
		rowSum := int64(0)
		for _, v := range a {
			rowSum += int64(v)
		}
		for j := range m.columns {
			b := weights[m.block(i)*m.columns+j]
			to, channel := m.at(i, j)
			zw := zeros(channel)
			if p.pairs == noPairs {
				acc := int64(0)
				for k, v := range a {
					acc += int64(v-zx) * int64(b[k]-zw)
				}
				out[to] = acc
				continue
			}
			acc, weightSum := int64(0), int64(0)
			for k := 0; k < len(a); k += 2 {
				pair := (a[k] + offset) * b[k]
				weightSum += int64(b[k])
				if k+1 < len(a) {
					pair += (a[k+1] + offset) * b[k+1]
					weightSum += int64(b[k+1])
				}
				acc += int64(min(max(pair, math.MinInt16), math.MaxInt16))
			}
			acc -= int64(offset+zx)*weightSum + int64(zw)*(rowSum-int64(zx)*int64(len(a)))
			out[to] = acc
		}
	}
	return out
}

// ordered returns the row in the order in which neighbours are paired.
func (m *matrix) ordered(dst, row []int32, order pairOrder) []int32 {
	if order != channelsLast || m.last == nil {
		return row
	}
	for i, k := range m.last {
		dst[i] = row[k]
	}
	return dst
}

// formed returns the weights in the form and order of p.
func (m *matrix) formed(p products) [][]int32 {
	if p.weights == whole && (p.pairs != channelsLast || m.last == nil) {
		return m.weights
	}
	out := make([][]int32, len(m.weights))
	for r, row := range m.weights {
		formed := make([]int32, len(row))
		for k, v := range row {
			switch p.weights {
			case clamped:
				v = min(max(v, -64), 63)
			case halved:
				v = 2 * min(max(int32(math.RoundToEven(float64(v)/2)), -64), 63)
			}
			formed[k] = v
		}
		out[r] = append([]int32(nil), m.ordered(make([]int32, len(row)), formed, p.pairs)...)
	}
	return out
}
