package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pen draws on a canvas in points from the lower left corner of a figure.
type pen struct {
	dc     draw.Canvas
	origin vg.Point
}

// newPen covers the canvas with paper, so that pictures look the same on dark pages.
func newPen(dc draw.Canvas, w, h vg.Length) pen {
	p := pen{dc: dc, origin: dc.Min}
	p.fill(paper, rectangle(0, 0, w, h)...)
	return p
}

func at(x, y vg.Length) vg.Point { return vg.Point{X: x, Y: y} }

func rectangle(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)}
}

// snap moves a length to the nearest pixel of a PNG.
func snap(x vg.Length) vg.Length { return vg.Length(math.Round(float64(x)/grid) * grid) }

// snapUp is the next multiple of a pixel that is not less.
func snapUp(x vg.Length) vg.Length { return vg.Length(math.Ceil(float64(x)/grid-1e-9) * grid) }

func (p pen) path(points []vg.Point) vg.Path {
	path := make(vg.Path, 0, len(points)+1)
	for i, pt := range points {
		if i == 0 {
			path.Move(p.origin.Add(pt))
		} else {
			path.Line(p.origin.Add(pt))
		}
	}
	return path
}

// fill paints a polygon.
func (p pen) fill(c color.Color, points ...vg.Point) {
	path := p.path(points)
	path.Close()
	p.dc.SetColor(c)
	p.dc.Fill(path)
}

// line strokes an open line.
func (p pen) line(c color.Color, width vg.Length, points ...vg.Point) {
	p.stroke(c, width, p.path(points))
}

// outline strokes a closed line of at least two points.
func (p pen) outline(c color.Color, width vg.Length, points ...vg.Point) {
	// The first side is drawn again, because the rasterizer joins lines but not the ends of a path.
	closed := append(points[:len(points):len(points)], points[0], points[1])
	p.stroke(c, width, p.path(closed))
}

func (p pen) stroke(c color.Color, width vg.Length, path vg.Path) {
	p.dc.SetLineStyle(draw.LineStyle{Color: c, Width: width})
	p.dc.Stroke(path)
}

// text draws a line of text whose baseline starts at the point less align times the text's width: 0 for text that
// starts there, 0.5 for text centred on it, 1 for text that ends there.
func (p pen) text(f font.Face, c color.Color, pt vg.Point, align float64, s string) {
	if s == "" {
		return
	}
	pt.X -= vg.Length(align) * f.Width(s)
	p.dc.SetColor(c)
	p.dc.FillString(f, p.origin.Add(pt), s)
}

// textUp draws text that reads upwards, centred on the point, with its baseline to the right of the letters.
func (p pen) textUp(f font.Face, c color.Color, pt vg.Point, s string) {
	p.dc.Push()
	p.dc.Translate(p.origin.Add(pt))
	p.dc.Rotate(math.Pi / 2)
	p.dc.SetColor(c)
	p.dc.FillString(f, at(-f.Width(s)/2, 0), s)
	p.dc.Pop()
}

// digitHeight is the height of figures and capitals, for centring text vertically.
func digitHeight(f font.Face) vg.Length { return 0.69 * f.Font.Size }
