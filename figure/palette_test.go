package figure

import (
	"image/color"
	"testing"
)

func TestPaletteGrowsLighterAndNumbersStandOut(t *testing.T) {
	last := -1.0
	for i := range 101 {
		c := shade(float64(i) / 100)
		if l := luminance(c); l <= last {
			t.Errorf("at %d%% the luminance %.3f is not above %.3f: greyscale loses the order", i, l, last)
		} else {
			last = l
		}
		if ratio := contrast(textOn(c), c); ratio < 4.5 {
			t.Errorf("at %d%% the contrast of text is %.2f, below the 4.5 of WCAG AA", i, ratio)
		}
	}
}

// Equal steps of value must be equal steps to the eye: a colour outside sRGB would be clipped and break that.
func TestPaletteIsInsideSRGB(t *testing.T) {
	for i := range 101 {
		c := shade(float64(i) / 100)
		for _, v := range []uint8{c.R, c.G, c.B} {
			if v == 0 || v == 255 {
				t.Errorf("at %d%% the colour %v touches the edge of sRGB", i, c)
			}
		}
	}
}

// The corners of sRGB in OKLab are published facts.
func TestOKLab(t *testing.T) {
	for _, c := range []struct {
		l, a, b float64
		want    color.NRGBA
	}{
		{1, 0, 0, color.NRGBA{255, 255, 255, 255}},
		{0, 0, 0, color.NRGBA{0, 0, 0, 255}},
		{0.627955, 0.224863, 0.125846, color.NRGBA{255, 0, 0, 255}},
		{0.452014, -0.032457, -0.311528, color.NRGBA{0, 0, 255, 255}},
	} {
		if got := oklab(c.l, c.a, c.b); got != c.want {
			t.Errorf("oklab(%v, %v, %v) = %v, want %v", c.l, c.a, c.b, got, c.want)
		}
	}
}

func TestShadeOfCells(t *testing.T) {
	p := panel{Matrix: Matrix{Values: [][]float64{{-9, -1, 0, 1, 9}}, Lo: -1, Hi: 1}}
	for j, want := range []float64{0, 0, 0.5, 1, 1} {
		if got := p.shade(0, j); got != shade(want) {
			t.Errorf("%v has the colour %v, want that of %v", p.Values[0][j], got, want)
		}
	}
	p.Lo, p.Hi = 3, 3
	if p.shade(0, 0) != shade(0.5) {
		t.Error("a range of one value does not get the middle colour")
	}
}
