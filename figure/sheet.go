package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// sheet divides a figure into equal panels.
type sheet struct {
	cols, rows    int
	panelW        vg.Length
	panelH        vg.Length
	width, height vg.Length
}

// newSheet has room for n panels: nearly as many columns as rows, each panel smaller where there are more.
func newSheet(n int, titled bool) sheet {
	s := sheet{cols: int(math.Ceil(math.Sqrt(float64(n))))}
	s.rows = (n + s.cols - 1) / s.cols
	switch s.cols {
	case 1:
		s.panelW, s.panelH = 432, 270
	case 2:
		s.panelW, s.panelH = 306, 180
	case 3:
		s.panelW, s.panelH = 234, 130
	default:
		s.panelW, s.panelH = 180, 108
	}
	s.width = 2*sheetMargin + vg.Length(s.cols)*s.panelW
	s.height = 2*sheetMargin + vg.Length(s.rows)*s.panelH
	if titled {
		s.height += titleBand
	}
	return s
}

const (
	sheetMargin = 9.0
	titleBand   = 24.0
)

// corner is the lower left corner of panel i, counted from the upper left one by rows.
func (s sheet) corner(i int) vg.Point {
	row, col := i/s.cols, i%s.cols
	return at(sheetMargin+vg.Length(col)*s.panelW, sheetMargin+vg.Length(s.rows-1-row)*s.panelH)
}

// frame is the rectangle between the axes of a panel, and the baseline of the vertical axis's name.
type frame struct{ x0, y0, x1, y1, name vg.Length }

const (
	labelGap   = 3.5 // between ticks, labels and names
	tickLength = 2.5
	yTickCount = 6
)

// newFrame leaves room for tick labels that are labels wide: at the left of them the name of the axis, below the
// other axis its labels and the name of the layer.
func newFrame(s sheet, labels vg.Length) frame {
	return frame{
		name: labelSize,
		x0:   snap(labelSize + labelGap + labels + labelGap + tickLength),
		y0:   snap(tickLength + tickSize + labelGap + labelSize + 2*labelGap),
		x1:   snap(s.panelW - 2*labelGap),
		y1:   snap(s.panelH - 2*labelGap),
	}
}

func (f frame) width() vg.Length { return f.x1 - f.x0 }

func (f frame) move(by vg.Point) frame {
	return frame{snap(f.x0 + by.X), snap(f.y0 + by.Y), snap(f.x1 + by.X), snap(f.y1 + by.Y), f.name + by.X}
}
