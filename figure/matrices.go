package figure

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Matrix is one panel of [Matrices]: a matrix with its numbers printed in its cells.
type Matrix struct {
	Title    string
	Values   [][]float64 // rows, all of one length, finite
	Decimals int         // digits after the point: 2 for reals, 0 for codes
	Colored  bool        // false: white cells; true: cells filled by value

	// Lo and Hi are the range of the colours, the same for panels that are to be compared. Values outside get the
	// nearest colour.
	Lo, Hi float64
}

const (
	maxSide     = 64 // rows and columns whose numbers a picture can show
	maxDecimals = 6
	minCell     = 26.0 // side of a cell
	cellPad     = 4.5  // between the widest number and the sides of its cell
	headGap     = 5.0  // between a panel and its title
	panelGapX   = 24.0
	panelGapY   = 20.0
	titleGap    = 14.0 // below the figure's title
	maxHead     = 300.0
)

// Matrices is a figure with a grid of matrices, each panel under its title; grid holds rows of panels, which may
// differ in number. All cells are squares of one size. An empty title is left out. The figure keeps the values and
// does not copy them.
//
// Errors: no panels, an empty or ragged matrix, more than 64 rows or columns, a value that is not finite, a colour
// range that is not finite or has Lo > Hi, decimals outside 0..6.
func Matrices(title string, grid [][]Matrix) (Figure, error) {
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	fig := &matrices{title: title, fonts: f, cell: minCell}
	for _, row := range grid {
		panels := make([]panel, 0, len(row))
		for _, m := range row {
			p, err := newPanel(m)
			if err != nil {
				return nil, fmt.Errorf("matrix %q: %w", m.Title, err)
			}
			panels = append(panels, p)
		}
		if len(panels) > 0 {
			fig.rows = append(fig.rows, panels)
		}
	}
	if len(fig.rows) == 0 {
		return nil, errors.New("a figure of matrices needs at least one matrix")
	}
	fig.arrange()
	return fig, nil
}

type matrices struct {
	title         string
	fonts         fonts
	rows          [][]panel
	cell          vg.Length   // side of a cell
	columns       []vg.Length // widths of the grid's columns
	heights       []vg.Length // heights of its rows, titles included
	top           vg.Length   // of the first row, from the top edge
	width, height vg.Length
}

// panel is a matrix and the texts of its cells.
type panel struct {
	Matrix
	texts [][]string
}

func newPanel(m Matrix) (panel, error) {
	p := panel{Matrix: m}
	if len(m.Values) == 0 || len(m.Values[0]) == 0 {
		return p, errors.New("it is empty")
	}
	rows, cols := len(m.Values), len(m.Values[0])
	if rows > maxSide || cols > maxSide {
		return p, fmt.Errorf("%d×%d numbers are too many to read: draw a part of at most %d×%d",
			rows, cols, maxSide, maxSide)
	}
	if m.Decimals < 0 || m.Decimals > maxDecimals {
		return p, fmt.Errorf("decimals are %d, and must be 0 to %d", m.Decimals, maxDecimals)
	}
	if m.Colored && !(m.Lo <= m.Hi && finite(m.Lo) && finite(m.Hi)) {
		return p, fmt.Errorf("the colour range %v to %v is not a finite range", m.Lo, m.Hi)
	}
	for i, row := range m.Values {
		if len(row) != cols {
			return p, fmt.Errorf("row %d has %d values and row 0 has %d", i, len(row), cols)
		}
		texts := make([]string, cols)
		for j, v := range row {
			if !finite(v) {
				return p, fmt.Errorf("the value at row %d, column %d is %v", i, j, v)
			}
			texts[j] = number(v, m.Decimals)
		}
		p.texts = append(p.texts, texts)
	}
	return p, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// number is the text of a cell. A small negative value keeps its sign ("-0.00" is not a zero), a zero has none.
func number(v float64, decimals int) string {
	if v == 0 {
		v = 0 // not -0
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if len(s) > 9 {
		s = strconv.FormatFloat(v, 'g', 3, 64)
	}
	return s
}

// arrange fixes all sizes.
func (m *matrices) arrange() {
	for _, row := range m.rows {
		for _, p := range row {
			for _, texts := range p.texts {
				for _, s := range texts {
					m.cell = max(m.cell, m.fonts.number.Width(s)+2*cellPad)
				}
			}
		}
	}
	m.cell = snapUp(m.cell)
	for _, row := range m.rows {
		height := vg.Length(0)
		for j, p := range row {
			if j == len(m.columns) {
				m.columns = append(m.columns, 0)
			}
			head := min(m.fonts.head.Width(printable(p.Title)), max(maxHead, m.side(len(p.Values[0]))))
			m.columns[j] = snapUp(max(m.columns[j], m.side(len(p.Values[0])), head))
			height = max(height, m.side(len(p.Values)))
		}
		m.heights = append(m.heights, snapUp(height+headSize+headGap))
	}
	m.top = margin
	if m.title != "" {
		m.top = snapUp(margin + titleSize + titleGap)
	}
	m.width = 2*margin + vg.Length(len(m.columns)-1)*snapUp(panelGapX)
	for _, w := range m.columns {
		m.width += w
	}
	m.height = m.top + margin + vg.Length(len(m.heights)-1)*snapUp(panelGapY)
	for _, h := range m.heights {
		m.height += h
	}
}

func (m *matrices) side(cells int) vg.Length { return vg.Length(cells) * m.cell }

func (m *matrices) Size() (w, h vg.Length) { return m.width, m.height }

func (m *matrices) Draw(dc draw.Canvas) error {
	p := newPen(dc, m.width, m.height)
	title := fit(m.fonts.title, m.title, m.width-2*margin)
	p.text(m.fonts.title, ink, at(m.width/2, m.height-margin-titleSize), 0.5, title)
	y := m.height - m.top
	for i, row := range m.rows {
		x := vg.Length(margin)
		for j, panel := range row {
			m.drawPanel(p, panel, x, y, m.columns[j])
			x += m.columns[j] + snapUp(panelGapX)
		}
		y -= m.heights[i] + snapUp(panelGapY)
	}
	return nil
}

// drawPanel draws a panel below y, in the middle of a column that starts at x.
func (m *matrices) drawPanel(p pen, panel panel, x, y, column vg.Length) {
	width, height := m.side(len(panel.Values[0])), m.side(len(panel.Values))
	head := fit(m.fonts.head, panel.Title, column)
	p.text(m.fonts.head, ink, at(x+column/2, y-headSize*0.8), 0.5, head)
	left, top := snap(x+(column-width)/2), snap(y-headSize-headGap)
	if panel.Colored {
		m.fillCells(p, panel, left, top)
	}
	m.ruleCells(p, panel, left, top)
	for i, texts := range panel.texts {
		for j, s := range texts {
			c := ink
			if panel.Colored {
				c = textOn(panel.shade(i, j))
			}
			baseline := top - m.side(i) - (m.cell+digitHeight(m.fonts.number))/2
			p.text(m.fonts.number, c, at(left+m.side(j)+m.cell/2, baseline), 0.5, s)
		}
	}
	p.outline(softInk, solid, rectangle(left, top-height, left+width, top)...)
}

func (m *matrices) fillCells(p pen, panel panel, left, top vg.Length) {
	for i, row := range panel.Values {
		for j := range row {
			x, y := left+m.side(j), top-m.side(i)
			p.fill(panel.shade(i, j), rectangle(x, y-m.cell, x+m.cell, y)...)
		}
	}
}

// ruleCells draws the lines between cells: of paper between colours, grey on white.
func (m *matrices) ruleCells(p pen, panel panel, left, top vg.Length) {
	c := gridLine
	if panel.Colored {
		c = paper
	}
	rows, cols := len(panel.Values), len(panel.Values[0])
	for i := 1; i < rows; i++ {
		p.line(c, solid, at(left, top-m.side(i)), at(left+m.side(cols), top-m.side(i)))
	}
	for j := 1; j < cols; j++ {
		p.line(c, solid, at(left+m.side(j), top), at(left+m.side(j), top-m.side(rows)))
	}
}
