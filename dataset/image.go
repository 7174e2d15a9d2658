package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"slices"

	// The formats that image.Decode recognises by content.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"

	"linquant/tensor"
)

// maxPixels bounds an image. Decoding takes up to eight bytes for each pixel that a header claims.
const maxPixels = 1 << 24

// imageSize returns the size of the image at path, from its header.
func imageSize(path string) (width, height int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	src := &source{r: f}
	c, err := imageConfig(src, maxPixels)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", path, src.cause(err))
	}
	return c.Width, c.Height, nil
}

// source remembers an error of the reader beneath, which package image takes for a format that it does not know.
type source struct {
	r    io.Reader
	err  error
	some bool // there was anything to read
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.some = s.some || n > 0
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// cause returns why decoding ended with err.
func (s *source) cause(err error) error {
	switch {
	case err == nil:
		return nil
	case s.err != nil:
		return s.err
	case !s.some:
		return kindError{ErrNoImage, "it is empty; an image is wanted"}
	}
	return err
}

// imageConfig reads the header of an image, which has at most so many pixels.
func imageConfig(r io.Reader, most int) (image.Config, error) {
	c, _, err := image.DecodeConfig(r)
	switch {
	case err != nil:
		return c, imageError(err)
	case c.Width <= 0 || c.Height <= 0:
		return c, errors.New("the image has no pixels; remove it")
	case int64(c.Width)*int64(c.Height) > int64(most):
		return c, kindError{ErrTooLarge, fmt.Sprintf("the image has %d×%d pixels, more than the %d that are read; make it smaller",
			c.Width, c.Height, most)}
	}
	return c, nil
}

// Kinds of errors about images, for errors.Is; their texts say more.
var (
	ErrNoImage  = errors.New("no image")
	ErrTooLarge = errors.New("too many pixels")
)

// kindError is an error of one of the kinds.
type kindError struct {
	kind error
	text string
}

func (e kindError) Error() string { return e.text }
func (e kindError) Unwrap() error { return e.kind }

// errSize is of an image whose header and picture do not agree.
var errSize = errors.New("the image does not decode: its picture has another size than its header says; replace it")

func imageError(err error) error {
	if errors.Is(err, image.ErrFormat) {
		return kindError{ErrNoImage, "no PNG, JPEG, GIF, BMP or WebP image; convert it or remove it"}
	}
	return fmt.Errorf("the image does not decode (%w); replace or remove it", err)
}

// decodeImage decodes an image, of an animation the first picture, of shape [3, height, width] into dst. As Pillow's
// convert("RGB") does, it drops transparency and keeps the colour under it; of 16 bits it keeps the upper 8.
func decodeImage(ctx context.Context, r io.ReadSeeker, shape tensor.Shape, dst []float32) error {
	src := &source{r: r}
	c, err := imageConfig(src, maxPixels)
	if err != nil {
		return src.cause(err)
	}
	size := image.Rect(0, 0, c.Width, c.Height)
	if c.Width != shape[2] || c.Height != shape[1] {
		return sizeError{size}
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m, _, err := image.Decode(bufio.NewReader(src))
	if err != nil {
		return src.cause(imageError(err))
	}
	if m = onCanvas(m, size.Max); m.Bounds().Size() != size.Max {
		return errSize
	}
	planes(m, dst)
	return nil
}

// onCanvas returns the first picture of a GIF, which need not fill it, at its place in an image of that size, as Pillow
// has it: the rest is transparent, or else the first colour of the palette.
func onCanvas(m image.Image, size image.Point) image.Image {
	canvas := image.Rectangle{Max: size}
	p, ok := m.(*image.Paletted)
	if !ok || p.Rect == canvas || p.Rect.Empty() || !p.Rect.In(canvas) {
		return m
	}
	whole := image.NewPaletted(canvas, p.Palette)
	if i := slices.Index(p.Palette, color.Color(color.RGBA{})); i > 0 {
		for k := range whole.Pix {
			whole.Pix[k] = uint8(i)
		}
	}
	for y := p.Rect.Min.Y; y < p.Rect.Max.Y; y++ {
		copy(whole.Pix[whole.PixOffset(p.Rect.Min.X, y):], p.Pix[p.PixOffset(p.Rect.Min.X, y):][:p.Rect.Dx()])
	}
	return whole
}

// planes writes red, green and blue of m as three planes.
func planes[T float32 | uint8](m image.Image, dst []T) {
	b := m.Bounds()
	n := b.Dx() * b.Dy()
	i := 0
	set := func(r, g, b uint8) {
		dst[i], dst[n+i], dst[2*n+i] = T(r), T(g), T(b)
		i++
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			// The common kinds without a detour over an interface for each pixel.
			switch m := m.(type) {
			case *image.YCbCr:
				c := m.YCbCrAt(x, y)
				set(color.YCbCrToRGB(c.Y, c.Cb, c.Cr))
			case *image.Gray:
				v := m.GrayAt(x, y).Y
				set(v, v, v)
			case *image.NRGBA:
				c := m.NRGBAAt(x, y)
				set(c.R, c.G, c.B)
			case *image.RGBA:
				if c := m.RGBAAt(x, y); c.A == 0xff {
					set(c.R, c.G, c.B)
					continue
				}
				set(straight(m.At(x, y)))
			default:
				set(straight(m.At(x, y)))
			}
		}
	}
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
