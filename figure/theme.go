package figure

import (
	"image/color"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// The theme: everything that all figures have in common. Lengths are points.
const (
	titleSize  = 13.0 // of a whole figure
	headSize   = 10.0 // of one panel
	numberSize = 9.0  // in a cell
	labelSize  = 8.5  // of an axis
	tickSize   = 7.5  // beside a tick

	margin = 34 * grid // between a figure's edge and what it holds, 12.24

	thin  = 0.5 // grids and edges
	solid = 0.8 // axes and frames

	// grid is one pixel of a PNG. Edges lie on its multiples, so that they are sharp.
	grid = 72.0 / resolution
)

var (
	paper     = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	ink       = color.NRGBA{0x1f, 0x23, 0x28, 0xff} // titles, names and numbers
	softInk   = color.NRGBA{0x57, 0x60, 0x6a, 0xff} // ticks and axes
	black     = color.NRGBA{0x00, 0x00, 0x00, 0xff} // numbers on colours
	gridLine  = color.NRGBA{0xe3, 0xe6, 0xea, 0xff}
	accent    = color.NRGBA{0x5b, 0x9b, 0xd0, 0xff} // bars
	accentInk = color.NRGBA{0x1f, 0x4e, 0x79, 0xff} // their edges
)

// typeface is parsed once, and only the one that is used: gonum's collection parses twelve.
var typeface = sync.OnceValues(func() (*opentype.Font, error) {
	return opentype.Parse(liberationsansregular.TTF)
})

func face(size vg.Length) (font.Face, error) {
	f, err := typeface()
	return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, Face: f}, err
}
