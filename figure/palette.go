package figure

import (
	"image/color"
	"math"
)

// The palette is a turn of a helix in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020):
// lightness and hue change linearly at constant chroma, so that equal steps in value are equal steps to the eye.
// Lightness only grows, so it reads in greyscale and without red-green vision too: dark blue is low, light yellow is
// high.
const (
	lightnessLow, lightnessHigh = 0.48, 0.95
	hueLow, hueHigh             = 262.0, 102.0 // degrees: blue, by way of teal and green, to yellow
	chroma                      = 0.105
)

// shade is the palette's colour at t, which is clamped to 0..1.
func shade(t float64) color.NRGBA {
	t = min(max(t, 0), 1)
	hue := (hueLow + t*(hueHigh-hueLow)) * math.Pi / 180
	return oklab(lightnessLow+t*(lightnessHigh-lightnessLow), chroma*math.Cos(hue), chroma*math.Sin(hue))
}

// oklab converts a colour of OKLab to sRGB, with the matrices of its definition.
func oklab(lightness, a, b float64) color.NRGBA {
	cube := func(x float64) float64 { return x * x * x }
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	return color.NRGBA{
		R: gamma(+4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		G: gamma(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		B: gamma(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
		A: 0xff,
	}
}

// gamma is the transfer function of sRGB (IEC 61966-2-1), from linear light to 8 bits.
func gamma(x float64) uint8 {
	x = min(max(x, 0), 1)
	if x <= 0.0031308 {
		return uint8(math.Round(255 * 12.92 * x))
	}
	return uint8(math.Round(255 * (1.055*math.Pow(x, 1/2.4) - 0.055)))
}

// linear undoes gamma.
func linear(c uint8) float64 {
	x := float64(c) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

// luminance is the relative luminance of WCAG 2: 0 is black, 1 is white.
func luminance(c color.NRGBA) float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// textOn is the text colour that stands out more from a background, black or white; one of them has a contrast of 4.5
// on any colour.
func textOn(background color.NRGBA) color.NRGBA {
	if contrast(black, background) >= contrast(paper, background) {
		return black
	}
	return paper
}

// contrast is the contrast ratio of WCAG 2, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// shade is the colour of a cell: the palette spans Lo to Hi.
func (p panel) shade(row, col int) color.NRGBA {
	if p.Lo == p.Hi {
		return shade(0.5)
	}
	// Halves, so that the widest ranges do not overflow.
	return shade((p.Values[row][col]/2 - p.Lo/2) / (p.Hi/2 - p.Lo/2))
}
