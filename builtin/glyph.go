package builtin

import (
	"fmt"
	"sync"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// characters are the ten classes, in the order of their labels.
const characters = "0123456789"

// fonts are the typefaces the characters are drawn in. The pixels depend on their order.
var fonts = [...][]byte{
	goregular.TTF, goitalic.TTF, gomedium.TTF, gobold.TTF, gobolditalic.TTF, gomonobold.TTF,
}

// point is a place in units that the code around it names, with y growing downwards.
type point struct{ x, y int }

// outline is a filled shape: closed polygons, whose insides are where they wind around a point other than zero times.
type outline [][]point

// glyphUnit is the number of units in an em, for the outlines of glyphs: that of the fonts themselves, so that their
// coordinates are taken as they are.
const glyphUnit = 2048

// glyphs returns the outlines of characters in each of the fonts, centred on the middle of their bounding box. They are
// read once and never change.
var glyphs = sync.OnceValue(func() (out [len(fonts)][len(characters)]outline) {
	for i, data := range fonts {
		font, err := sfnt.Parse(data)
		if err != nil {
			panic(fmt.Sprintf("builtin: font %d of the Go fonts does not parse: %v", i, err))
		}
		for j, c := range characters {
			o, err := loadGlyph(font, c)
			if err != nil {
				panic(fmt.Sprintf("builtin: font %d of the Go fonts has no %c: %v", i, c, err))
			}
			out[i][j] = centred(o)
		}
	}
	return out
})

func loadGlyph(font *sfnt.Font, c rune) (outline, error) {
	var buf sfnt.Buffer
	index, err := font.GlyphIndex(&buf, c)
	if err != nil {
		return nil, err
	}
	segments, err := font.LoadGlyph(&buf, index, fixed.I(glyphUnit), nil)
	if err != nil {
		return nil, err
	}
	var o outline
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			o = append(o, []point{units(s.Args[0])})
			continue
		case sfnt.SegmentOpLineTo:
			o[len(o)-1] = append(o[len(o)-1], units(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			o[len(o)-1] = appendCurve(o[len(o)-1], units(s.Args[0]), units(s.Args[1]))
		default:
			return nil, fmt.Errorf("a cubic curve, which TrueType does not have")
		}
	}
	return o, nil
}

func units(p fixed.Point26_6) point { return point{p.X.Round(), p.Y.Round()} }

// appendCurve appends a quadratic Bézier curve from the last point of line to end, in straight pieces. At the size of
// these images they are shorter than two pixels.
func appendCurve(line []point, control, end point) []point {
	const pieces = 6
	start := line[len(line)-1]
	for t := 1; t <= pieces; t++ {
		a, b, c := (pieces-t)*(pieces-t), 2*t*(pieces-t), t*t
		line = append(line, point{
			(a*start.x + b*control.x + c*end.x) / (pieces * pieces),
			(a*start.y + b*control.y + c*end.y) / (pieces * pieces),
		})
	}
	return line
}

// centred moves o so that the middle of its bounding box is the origin.
func centred(o outline) outline {
	low, high := o[0][0], o[0][0]
	for _, line := range o {
		for _, p := range line {
			low = point{min(low.x, p.x), min(low.y, p.y)}
			high = point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	for _, line := range o {
		for i := range line {
			line[i].x -= (low.x + high.x) / 2
			line[i].y -= (low.y + high.y) / 2
		}
	}
	return o
}
