package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"

	// The formats that image.Decode recognises by content.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"

	"linquant/internal/ended"
	"linquant/tensor"
)

// maxPixels bounds an image of a folder whose images are all of one size.
const maxPixels = 1 << 24

// imageSize returns the size of the image at path, from its header.
func imageSize(ctx context.Context, path string) (width, height int, err error) {
	f, err := openRegular(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	src := &source{ctx: ctx, r: f}
	c, _, err := imageConfig(src, maxPixels)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", path, src.cause(err))
	}
	return c.Width, c.Height, nil
}

// source is a reader that ends with the context. It remembers an error of the reader beneath, which package image takes for
// a format that it does not know.
type source struct {
	ctx  context.Context
	r    io.Reader
	err  error
	some bool // there was anything to read
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		s.err = ended.Err(s.ctx)
		return 0, s.err
	}
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
func imageConfig(r io.Reader, most int) (image.Config, string, error) {
	c, format, err := image.DecodeConfig(r)
	switch {
	case err != nil:
		return c, format, imageError(err)
	case c.Width <= 0 || c.Height <= 0:
		return c, format, errors.New("the image has no pixels; remove it")
	case int64(c.Width)*int64(c.Height) > int64(most):
		return c, format, kindError{ErrTooLarge, fmt.Sprintf("the image has %d×%d pixels, more than the %d that are read; make it smaller",
			c.Width, c.Height, most)}
	}
	return c, format, nil
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
func decodeImage(ctx context.Context, r io.Reader, shape tensor.Shape, dst []float32) error {
	p, err := readPicture(ctx, r, maxPixels, func(size image.Point) (bound, error) {
		if size.X != shape[2] || size.Y != shape[1] {
			return bound{}, sizeError{image.Rectangle{Max: size}}
		}
		return bound{pixels: maxPixels}, nil
	})
	if err != nil {
		return err
	}
	m, err := p.decode(ctx)
	if err != nil {
		return err
	}
	return planes(ctx, m, dst)
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
