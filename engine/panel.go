package engine

import "linquant/graph"

// geometry is a window over pictures that lie channels last.
type geometry struct {
	graph.Window
	height, width, channels int // of the input
}

// pixels returns the number of output pixels.
func (g *geometry) pixels() int { return g.Out[0] * g.Out[1] }

// pointwise reports whether every output pixel sees exactly the input pixel in the same place.
func (g *geometry) pointwise() bool {
	return g.Kernel == [2]int{1, 1} && g.Stride == [2]int{1, 1} && g.Pad == [4]int{}
}

// fillPanel writes what the output pixels first, first+1, … see to the rows of panel, [rows, kernel height, kernel
// width, channels], for the input channels [at, at+channels); what lies in the padding is zero. This is im2col, a block
// at a time.
func fillPanel[T byte | float32](panel, src []T, g *geometry, at, channels, first, rows int, zero T) {
	row := g.Kernel[0] * g.Kernel[1] * channels
	oy, ox := first/g.Out[1], first%g.Out[1]
	for r := range rows {
		fillRow(panel[r*row:][:row], src, g, at, channels, oy, ox, zero)
		if ox++; ox == g.Out[1] {
			oy, ox = oy+1, 0
		}
	}
}

func fillRow[T byte | float32](dst, src []T, g *geometry, at, channels, oy, ox int, zero T) {
	y0, x0 := oy*g.Stride[0]-g.Pad[0], ox*g.Stride[1]-g.Pad[1]
	lo, hi := g.Span(1, ox, g.width)
	// Where the window's pixels are neighbours in memory, a line of it is one copy.
	whole := g.Dilation[1] == 1 && channels == g.channels
	line := g.Kernel[1] * channels
	for ky := range g.Kernel[0] {
		y := y0 + ky*g.Dilation[0]
		out := dst[ky*line:][:line]
		if y < 0 || y >= g.height {
			fill(out, zero)
			continue
		}
		fill(out[:lo*channels], zero)
		fill(out[hi*channels:], zero)
		from := (y*g.width+x0)*g.channels + at
		if whole {
			copy(out[lo*channels:hi*channels], src[from+lo*channels:])
			continue
		}
		step := g.Dilation[1] * g.channels
		for kx := lo; kx < hi; kx++ {
			copy(out[kx*channels:(kx+1)*channels], src[from+kx*step:])
		}
	}
}

func fill[T byte | float32](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// panelRows returns how many output pixels a panel holds whose rows have that many bytes: as many as stay in the cache
// together with a part of the weights.
func panelRows(bytes, pixels int) int {
	const room = 128 << 10
	rows := min(max(room/bytes, 16), 512) &^ 15
	return min(rows, pixels)
}
