package dataset

import (
	"context"
	"errors"
	"image"
	"image/color"
	"testing"
)

// Each kind of image gives what its colours are one by one, as package image has them.
func TestPlanesOfEveryKind(t *testing.T) {
	rect := image.Rect(2, 1, 19, 12)
	state := uint32(3)
	fill := func(b []byte) {
		for i := range b {
			state = state*1664525 + 1013904223
			b[i] = byte(state >> 24)
		}
	}
	gray16, rgba64, nrgba64 := image.NewGray16(rect), image.NewRGBA64(rect), image.NewNRGBA64(rect)
	cmyk, alpha := image.NewCMYK(rect), image.NewNYCbCrA(rect, image.YCbCrSubsampleRatio420)
	paletted := image.NewPaletted(rect, color.Palette{color.RGBA{1, 2, 3, 255}, color.NRGBA{40, 50, 60, 70}, color.Gray16{0x8123}})
	for _, b := range [][]byte{gray16.Pix, rgba64.Pix, nrgba64.Pix, cmyk.Pix, alpha.Y, alpha.Cb, alpha.Cr, alpha.A, paletted.Pix} {
		fill(b)
	}
	for i := range paletted.Pix {
		paletted.Pix[i] %= 3
	}
	for i := 0; i < len(rgba64.Pix); i += 8 {
		if i%16 == 0 {
			rgba64.Pix[i+6], rgba64.Pix[i+7] = 0xff, 0xff // opaque
			continue
		}
		rgba64.Pix[i+6] |= 0x80
		for k := 0; k < 6; k += 2 {
			rgba64.Pix[i+k] &= 0x7f // no more than its transparency lets through
		}
	}
	for _, m := range []image.Image{gray16, rgba64, nrgba64, cmyk, alpha, paletted} {
		n := rect.Dx() * rect.Dy()
		got := make([]uint8, 3*n)
		if err := planes(t.Context(), m, got); err != nil {
			t.Fatal(err)
		}
		i := 0
		for y := rect.Min.Y; y < rect.Max.Y; y++ {
			for x := rect.Min.X; x < rect.Max.X; x++ {
				r, g, b := straight(m.At(x, y))
				if got[i] != r || got[n+i] != g || got[2*n+i] != b {
					t.Fatalf("%T at %d, %d: %d %d %d, want %d %d %d", m, x, y, got[i], got[n+i], got[2*n+i], r, g, b)
				}
				i++
			}
		}
		why := errors.New("no more time")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if err := planes(ctx, m, got); !errors.Is(err, why) {
			t.Errorf("%T: error %v", m, err)
		}
	}
}
