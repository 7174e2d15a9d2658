package engine

import (
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

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

// panel makes rows of windows for a matrix product: im2col, a block of rows at a time. Sizes are in bytes.
type panel struct {
	*geometry
	row         int    // of the panel: [kernel height, kernel width, channels of a group], and what fills it up
	used        int    // bytes of a row that are windows
	cell, pixel int    // the channels of a group, and all
	padding     []byte // a row of what lies in the padding
	columns     []columns
	tier        cpu.Tier
}

// columns are neighbouring output columns whose windows have the same taps [lo, hi) across.
type columns struct{ first, end, lo, hi int }

// panel makes rows of the given number of elements for windows over inGroup channels.
func (c *compiler) panel(g *geometry, row, inGroup, elementSize int, zero byte) (*panel, error) {
	p := &panel{
		geometry: g, row: row * elementSize, cell: inGroup * elementSize, pixel: g.channels * elementSize, tier: c.tier,
	}
	p.used = g.Kernel[0] * g.Kernel[1] * p.cell
	p.padding = make([]byte, p.row)
	fill(p.padding, zero)
	var err error
	p.columns, err = c.columnsOf(g)
	return p, err
}

// columnsOf returns the columns of all output pixels. Those whose windows lie in the picture are one of them.
func (c *compiler) columnsOf(g *geometry) ([]columns, error) {
	var list []columns
	extent := (g.Kernel[1] - 1) * g.Dilation[1] // from the first tap of a window to its last
	inside, outside := (g.Pad[1]+g.Stride[1]-1)/g.Stride[1], 0
	if room := g.width - 1 - extent + g.Pad[1]; room >= 0 {
		outside = room/g.Stride[1] + 1
	}
	inside, outside = min(inside, g.Out[1]), min(outside, g.Out[1])
	if outside < inside {
		outside = inside
	}
	if err := c.table(8 * int64(g.Out[1]-(outside-inside))); err != nil || c.dry {
		return nil, err
	}
	add := func(first, end int) {
		if first == end {
			return
		}
		lo, hi := g.Span(1, first, g.width)
		if n := len(list); n > 0 && list[n-1].lo == lo && list[n-1].hi == hi {
			list[n-1].end = end
			return
		}
		list = append(list, columns{first, end, lo, hi})
	}
	for ox := range inside {
		add(ox, ox+1)
	}
	add(inside, outside)
	for ox := outside; ox < g.Out[1]; ox++ {
		add(ox, ox+1)
	}
	return list, nil
}

// fill writes what the output pixels first, first+1, … see to the rows of dst, for the channels of a group that begin at
// byte at of a pixel. A picture of reals is given as its bytes.
func (p *panel) fill(dst, src []byte, at, first, rows int) {
	for rows > 0 {
		oy, ox := first/p.Out[1], first%p.Out[1]
		n := min(rows, p.Out[1]-ox)
		for _, c := range p.columns {
			if lo, hi := max(c.first, ox), min(c.end, ox+n); lo < hi {
				p.fillRun(dst[(lo-ox)*p.row:], src, at, oy, lo, hi-lo, c)
			}
		}
		dst = dst[n*p.row:]
		first, rows = first+n, rows-n
	}
}

// fillRun is fill for neighbours with the same taps.
func (p *panel) fillRun(dst, src []byte, at, oy, ox, pixels int, c columns) {
	ylo, yhi := p.Span(0, oy, p.height)
	if ylo > 0 || yhi < p.Kernel[0] || c.lo > 0 || c.hi < p.Kernel[1] {
		for i := range pixels {
			copy(dst[i*p.row:], p.padding)
		}
	} else if p.used < p.row {
		for i := range pixels {
			for j := p.used; j < p.row; j++ {
				dst[i*p.row+j] = p.padding[0]
			}
		}
	}
	if ylo == yhi || c.lo == c.hi {
		return
	}
	y, x := oy*p.Stride[0]-p.Pad[0]+ylo*p.Dilation[0], ox*p.Stride[1]-p.Pad[1]+c.lo*p.Dilation[1]
	line, dstLine := p.Dilation[0]*p.width*p.pixel, p.Kernel[1]*p.cell
	src, dst = src[(y*p.width+x)*p.pixel+at:], dst[ylo*dstLine+c.lo*p.cell:]
	if p.cell == p.pixel && p.Dilation[1] == 1 { // a line of a window lies together
		(&elementwise.Gather{
			Pixels: pixels, Lines: yhi - ylo, Length: (c.hi - c.lo) * p.cell,
			DstStep: p.row, DstLine: dstLine, SrcStep: p.Stride[1] * p.pixel, SrcLine: line,
		}).Bytes(dst, src, p.tier)
		return
	}
	for ky := range yhi - ylo {
		(&elementwise.Gather{
			Pixels: pixels, Lines: c.hi - c.lo, Length: p.cell,
			DstStep: p.row, DstLine: p.cell, SrcStep: p.Stride[1] * p.pixel, SrcLine: p.Dilation[1] * p.pixel,
		}).Bytes(dst[ky*dstLine:], src[ky*line:], p.tier)
	}
}

// fill writes v to all of dst, most of it at the speed of copying.
func fill[T byte | float32](dst []T, v T) {
	done := min(len(dst), 64)
	for i := range dst[:done] {
		dst[i] = v
	}
	for done > 0 && done < len(dst) {
		done += copy(dst[done:], dst[:done])
	}
}

// panelRows returns how many output pixels a panel holds whose rows have that many bytes: as many as stay in the cache
// together with a part of the weights.
func panelRows(bytes, pixels int) int {
	const room = 32 << 10
	rows := min(max(room/bytes, 32), 512) &^ 15
	return min(rows, pixels)
}
