package builtin

// The rasterizer works in integers throughout: golang.org/x/image/vector has assembly and floats, which need not give
// the same pixels on every processor.

const (
	size = 32 // pixels in a row and in a column

	unit  = 256 // units of a point in a pixel
	lines = 8   // scanlines in a row of pixels

	opaque = unit * lines // the coverage of a pixel that lies inside
)

// mask says how much of each pixel lies inside a shape, from 0 to opaque.
type mask [size * size]int32

// crossing is where a scanline crosses an edge, and whether that goes down (1) or up (-1).
type crossing struct{ x, winding int }

// fill adds an outline, in units of 1/256 pixel, to m. Horizontally the coverage is exact, vertically it is that of
// eight scanlines.
func (m *mask) fill(o outline) {
	var crossings [32]crossing
	for line := range size * lines {
		y := line*unit/lines + unit/lines/2
		found := crossings[:0]
		for _, polygon := range o {
			a := polygon[len(polygon)-1]
			for _, b := range polygon {
				if (a.y <= y) != (b.y <= y) {
					found = insert(found, crossEdge(a, b, y))
				}
				a = b
			}
		}
		row := m[line/lines*size:][:size]
		winding := 0
		for i, c := range found {
			if winding != 0 {
				span(row, found[i-1].x, c.x)
			}
			winding += c.winding
		}
	}
}

// crossEdge returns where the line at y crosses the edge from a to b, one of whose ends is at or above it and the other
// below.
func crossEdge(a, b point, y int) crossing {
	// Both from the upper to the lower end, so that an edge is crossed at the same place whichever way it goes.
	winding := 1
	if a.y > b.y {
		a, b, winding = b, a, -1
	}
	return crossing{a.x + int(int64(b.x-a.x)*int64(y-a.y)/int64(b.y-a.y)), winding}
}

// insert keeps the crossings of a line sorted. There are few.
func insert(sorted []crossing, c crossing) []crossing {
	sorted = append(sorted, c)
	for i := len(sorted) - 1; i > 0 && sorted[i-1].x > c.x; i-- {
		sorted[i], sorted[i-1] = sorted[i-1], c
	}
	return sorted
}

// span adds the part of each pixel that lies from x0 to x1.
func span(row []int32, x0, x1 int) {
	x0, x1 = max(x0, 0), min(x1, size*unit)
	for x0 < x1 {
		end := min(x1, (x0/unit+1)*unit)
		row[x0/unit] = min(row[x0/unit]+int32(end-x0), opaque)
		x0 = end
	}
}

// transform is a linear map with a translation: x' = (xx·x + xy·y) / 2¹⁶ + x0, and likewise y'.
type transform struct{ xx, xy, yx, yy, x0, y0 int64 }

const one = 1 << 16 // 1 in a transform

// rotation returns the rotation by the angle whose half has the tangent t/1024. With it sine and cosine are quotients
// of whole numbers.
func rotation(t int) transform {
	const n = 1024
	k := int64(t)
	norm := n*n + k*k
	sin, cos := 2*n*k*one/norm, (n*n-k*k)*one/norm
	return transform{xx: cos, xy: -sin, yx: sin, yy: cos}
}

// after returns the map that first does first, then t. The translation is t's.
func (t transform) after(first transform) transform {
	return transform{
		(t.xx*first.xx + t.xy*first.yx) / one, (t.xx*first.xy + t.xy*first.yy) / one,
		(t.yx*first.xx + t.yy*first.yx) / one, (t.yx*first.xy + t.yy*first.yy) / one,
		t.x0, t.y0,
	}
}

// apply returns o mapped by t.
func (t transform) apply(o outline) outline {
	out := make(outline, len(o))
	for i, line := range o {
		out[i] = make([]point, len(line))
		for j, p := range line {
			x, y := int64(p.x), int64(p.y)
			out[i][j] = point{int((t.xx*x+t.xy*y)/one + t.x0), int((t.yx*x+t.yy*y)/one + t.y0)}
		}
	}
	return out
}
