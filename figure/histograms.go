package figure

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histogram is one panel of [Histograms].
type Histogram struct {
	Name string // of the layer, under the panel

	// Lo is the left edge of the first bin and Width the width of every bin. With Codes the first bin is the
	// first integer that is not less than Lo, so that -8.5 and -8 both say that the codes start at -8, and Width is 1.
	Lo, Width float64

	// Density is one density a bin: its integral, the sum times Width, is 1; or all are 0 where there
	// were no values, which is drawn as an empty panel.
	Density []float64

	// Codes: the bins are consecutive integers, drawn as one bar each, centred on the integer.
	Codes bool
}

const (
	maxBins     = 1 << 14
	maxCode     = 1 << 30 // fits an int of 32 bits, with maxBins added
	integralTol = 0.01
)

// Histograms is a figure with a grid of histograms, true densities over their bins: 10 by 6 inches for nine layers,
// one panel for one, and a larger grid of smaller panels for more. Histograms of codes share one density axis, so
// that their bars compare between layers; those of reals have each its own, since the widths of their distributions,
// and with them the densities, differ by orders of magnitude. An empty title is left out. The figure keeps the
// densities and does not copy them.
//
// Errors: no histograms, no bins or more than 16384, a density that is negative or not finite, densities that do not
// integrate to 1 within 1% (nor are all 0), a width that is not positive and finite (or for codes not 1), codes
// beyond ±2^30.
func Histograms(title string, hs []Histogram) (Figure, error) {
	if len(hs) == 0 {
		return nil, errors.New("a figure of histograms needs at least one histogram")
	}
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	fig := &histograms{title: title, fonts: f, panels: make([]histogram, len(hs)), sheet: newSheet(len(hs), title != "")}
	for i, h := range hs {
		if fig.panels[i], err = newHistogram(h); err != nil {
			return nil, fmt.Errorf("histogram %q: %w", h.Name, err)
		}
	}
	fig.arrange()
	return fig, nil
}

type histograms struct {
	title  string
	fonts  fonts
	panels []histogram
	sheet  sheet
	frame  frame
}

// histogram is a panel with its axes.
type histogram struct {
	Histogram
	left, right    float64 // ends of the horizontal axis
	empty          bool
	top            float64 // of the density axis, which starts at 0
	xTicks, yTicks []tick
}

func newHistogram(h Histogram) (histogram, error) {
	p := histogram{Histogram: h}
	switch {
	case len(h.Density) == 0:
		return p, errors.New("it has no bins")
	case len(h.Density) > maxBins:
		return p, fmt.Errorf("%d bins are more than the %d a picture can show", len(h.Density), maxBins)
	case h.Codes && h.Width != 1:
		return p, fmt.Errorf("the bins of codes have width 1, not %v", h.Width)
	case h.Codes && !(math.Abs(h.Lo) <= maxCode):
		return p, fmt.Errorf("codes cannot start at %v", h.Lo)
	}
	if h.Codes {
		p.Lo = math.Ceil(h.Lo) - 0.5
	}
	hi := p.Lo + float64(len(h.Density))*p.Width
	if !(p.Width > 0 && finite(p.Lo) && finite(hi) && finite(hi-p.Lo) && p.Lo+p.Width > p.Lo) {
		return p, fmt.Errorf("%d bins of width %v from %v on are no axis", len(h.Density), h.Width, h.Lo)
	}
	integral := 0.0
	for i, d := range h.Density {
		if !(d >= 0) || !finite(d) {
			return p, fmt.Errorf("the density of bin %d is %v", i, d)
		}
		p.top = max(p.top, d)
		integral += d * p.Width
	}
	if integral == 0 {
		p.top, p.empty = 1, true // a layer without values, drawn as an empty panel
	} else if !(math.Abs(integral-1) <= integralTol) {
		return p, fmt.Errorf("the densities integrate to %.4g, not to 1: divide counts by their sum and the width",
			integral)
	}
	p.left, p.right = p.Lo, hi
	return p, nil
}

// arrange fixes the axes and the room for their labels.
func (f *histograms) arrange() {
	top := 0.0
	for _, p := range f.panels {
		if p.Codes {
			top = max(top, p.top)
		}
	}
	labels := vg.Length(0)
	for i := range f.panels {
		p := &f.panels[i]
		if p.Codes {
			p.top = top
		}
		p.top *= 1.06
		p.yTicks = roundTicks(0, p.top, yTickCount)
		for _, t := range p.yTicks {
			labels = max(labels, f.fonts.tick.Width(t.label))
		}
	}
	f.frame = newFrame(f.sheet, labels)
	for i := range f.panels {
		f.panels[i].setHorizontal(f.frame.width(), f.fonts.tick)
	}
}

func (f *histograms) Size() (w, h vg.Length) { return f.sheet.width, f.sheet.height }

func (f *histograms) Draw(dc draw.Canvas) error {
	p := newPen(dc, f.sheet.width, f.sheet.height)
	title := fit(f.fonts.title, f.title, f.sheet.width-2*margin)
	p.text(f.fonts.title, ink, at(f.sheet.width/2, f.sheet.height-margin-titleSize*0.8), 0.5, title)
	for i, panel := range f.panels {
		panel.draw(p, f.frame.move(f.sheet.corner(i)), f.fonts)
	}
	return nil
}
