package figure

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Point is one of a [Curve].
type Point struct {
	X, Y   float64
	Marked bool   // drawn large, with its Label
	Label  string // beside it
}

const mostPoints = 1 << 12

// Curve is a figure of one line through points, which is drawn in their order, with the names of both axes. An empty title is left out.
//
// Errors: no points or more than 4096, coordinates that are not finite or whose span is not.
func Curve(title, x, y string, points []Point) (Figure, error) {
	if len(points) == 0 || len(points) > mostPoints {
		return nil, fmt.Errorf("a curve has 1 to %d points, not %d", mostPoints, len(points))
	}
	fonts, err := loadFonts()
	if err != nil {
		return nil, err
	}
	c := &curve{title: title, x: x, y: y, points: points, fonts: fonts, sheet: newSheet(1, title != "")}
	c.left, c.bottom = math.Inf(1), math.Inf(1)
	c.right, c.top = math.Inf(-1), math.Inf(-1)
	for i, p := range points {
		if !finite(p.X) || !finite(p.Y) {
			return nil, fmt.Errorf("point %d is at %v, %v", i, p.X, p.Y)
		}
		c.left, c.right = min(c.left, p.X), max(c.right, p.X)
		c.bottom, c.top = min(c.bottom, p.Y), max(c.top, p.Y)
	}
	if !finite(c.right-c.left) || !finite(c.top-c.bottom) {
		return nil, errors.New("the points are too far from each other for an axis")
	}
	c.left, c.right = air(c.left, c.right)
	c.bottom, c.top = air(c.bottom, c.top)
	c.yTicks = roundTicks(c.bottom, c.top, yTickCount)
	labels := vg.Length(0)
	for _, t := range c.yTicks {
		labels = max(labels, fonts.tick.Width(t.label))
	}
	c.frame = newFrame(c.sheet, labels)
	c.xTicks = fittingTicks(c.left, c.right, c.frame.width(), fonts.tick, 8)
	return c, nil
}

// air widens an axis by a twentieth on both sides, and one of no length by a tenth of its value.
func air(lo, hi float64) (float64, float64) {
	by := (hi - lo) / 20
	if by == 0 {
		by = max(math.Abs(lo)/10, 1e-3)
	}
	return lo - by, hi + by
}

type curve struct {
	title, x, y              string
	points                   []Point
	fonts                    fonts
	sheet                    sheet
	frame                    frame
	left, right, bottom, top float64 // ends of the axes
	xTicks, yTicks           []tick
}

func (c *curve) Size() (w, h vg.Length) { return c.sheet.width, c.sheet.height }

func (c *curve) Draw(dc draw.Canvas) error {
	p, f := newPen(dc, c.sheet.width, c.sheet.height), c.fonts
	title := fit(f.title, c.title, c.sheet.width-2*margin)
	p.text(f.title, ink, at(c.sheet.width/2, c.sheet.height-margin-titleSize*0.8), 0.5, title)
	in := c.frame.move(c.sheet.corner(0))
	x := func(v float64) vg.Length { return in.x0 + in.width()*vg.Length((v-c.left)/(c.right-c.left)) }
	y := func(v float64) vg.Length { return in.y0 + (in.y1-in.y0)*vg.Length((v-c.bottom)/(c.top-c.bottom)) }
	for _, t := range c.yTicks {
		level := snap(y(t.value))
		p.line(gridLine, thin, at(in.x0, level), at(in.x1, level))
		p.line(softInk, thin, at(in.x0-tickLength, level), at(in.x0, level))
		p.text(f.tick, softInk, at(in.x0-tickLength-labelGap/2, level-digitHeight(f.tick)/2), 1, t.label)
	}
	for _, t := range c.xTicks {
		place := snap(x(t.value))
		p.line(gridLine, thin, at(place, in.y0), at(place, in.y1))
		p.line(softInk, thin, at(place, in.y0), at(place, in.y0-tickLength))
		p.text(f.tick, softInk, at(place, in.y0-tickLength-labelGap/2-digitHeight(f.tick)), 0.5, t.label)
	}
	var line []vg.Point
	for _, pt := range c.points {
		line = append(line, at(x(pt.X), y(pt.Y)))
	}
	if len(line) > 1 {
		p.line(accent, solid, line...)
	}
	for i, pt := range c.points {
		side, fill := vg.Length(1.6), accentInk
		if pt.Marked {
			side, fill = 3.2, ink
		}
		o := line[i]
		p.fill(fill, rectangle(o.X-side, o.Y-side, o.X+side, o.Y+side)...)
	}
	for i, pt := range c.points { // labels over all points, inside of the frame
		if !pt.Marked || pt.Label == "" {
			continue
		}
		// Where a curve that rises leaves room: below it at the left, above it at the right.
		text := fit(f.label, pt.Label, in.width()/2)
		align, gap, up := 0.0, vg.Length(7), -digitHeight(f.label)
		if line[i].X > (in.x0+in.x1)/2 {
			align, gap, up = 1, -7, 2
		}
		p.text(f.label, ink, at(line[i].X+gap, line[i].Y+up), align, text)
	}
	p.line(softInk, solid, at(in.x0, in.y1), at(in.x0, in.y0), at(in.x1, in.y0))
	p.text(f.label, ink, at((in.x0+in.x1)/2, in.y0-tickLength-labelGap-tickSize-labelSize), 0.5, fit(f.label, c.x, in.width()))
	p.textUp(f.label, softInk, at(in.name, (in.y0+in.y1)/2), fit(f.label, c.y, in.y1-in.y0))
	return nil
}
