package dataset

import (
	"context"
	"image"
	"image/color"

	"linquant/internal/ended"
)

// planes writes red, green and blue of m as three planes, and ends with the context.
func planes[T float32 | uint8](ctx context.Context, m image.Image, dst []T) error {
	b := m.Bounds()
	n := b.Dx() * b.Dy()
	i := 0
	set := func(r, g, b uint8) {
		dst[i], dst[n+i], dst[2*n+i] = T(r), T(g), T(b)
		i++
	}
	palette := paletteOf(m)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		if ctx.Err() != nil {
			return ended.Err(ctx)
		}
		for x := b.Min.X; x < b.Max.X; x++ {
			// What decoders make, without a detour over an interface for each pixel.
			switch m := m.(type) {
			case *image.YCbCr:
				c := m.YCbCrAt(x, y)
				set(color.YCbCrToRGB(c.Y, c.Cb, c.Cr))
			case *image.NYCbCrA:
				c := m.YCbCrAt(x, y)
				set(color.YCbCrToRGB(c.Y, c.Cb, c.Cr))
			case *image.Gray:
				v := m.GrayAt(x, y).Y
				set(v, v, v)
			case *image.Gray16:
				v := uint8(m.Gray16At(x, y).Y >> 8)
				set(v, v, v)
			case *image.NRGBA:
				c := m.NRGBAAt(x, y)
				set(c.R, c.G, c.B)
			case *image.NRGBA64:
				c := m.NRGBA64At(x, y)
				set(uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8))
			case *image.RGBA:
				if c := m.RGBAAt(x, y); c.A == 0xff {
					set(c.R, c.G, c.B)
					continue
				}
				set(straight(m.At(x, y)))
			case *image.RGBA64:
				if c := m.RGBA64At(x, y); c.A == 0xffff {
					set(uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8))
					continue
				}
				set(straight(m.At(x, y)))
			case *image.CMYK:
				r, g, b, _ := m.CMYKAt(x, y).RGBA()
				set(uint8(r>>8), uint8(g>>8), uint8(b>>8))
			case *image.Paletted:
				c := palette[m.ColorIndexAt(x, y)]
				set(c[0], c[1], c[2])
			default:
				set(straight(m.At(x, y)))
			}
		}
	}
	return nil
}

// paletteOf returns the colours of an image that has a palette.
func paletteOf(m image.Image) (colours [256][3]uint8) {
	if p, ok := m.(*image.Paletted); ok {
		for i, c := range p.Palette[:min(len(p.Palette), len(colours))] {
			colours[i][0], colours[i][1], colours[i][2] = straight(c)
		}
	}
	return colours
}

// straight returns a colour without its transparency.
func straight(c color.Color) (r, g, b uint8) {
	switch c := c.(type) {
	case color.NRGBA:
		return c.R, c.G, c.B
	case color.NRGBA64:
		return uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)
	case color.NYCbCrA:
		return color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return n.R, n.G, n.B
}
