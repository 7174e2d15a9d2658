package dataset

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"

	"linquant/tensor"
)

// ImageConfig says how an image of any size becomes one of a network's.
type ImageConfig struct {
	Channels      int // 3: red, green and blue; 1: grey; 0 means 3
	Height, Width int // of the result; both 0: as the image is

	// Resize is the length to which the image's shorter side is brought before Height × Width are cut from its middle,
	// as torchvision's Resize and CenterCrop do; networks for ImageNet were mostly trained with 256 for 224. 0 means the
	// least that covers Height × Width.
	Resize int

	Stretch   bool // bring the image to Height × Width whatever its proportions, without cutting; Resize is not used
	MaxPixels int  // an image with more is refused by its header; 0 means 32 million
}

// maxSide bounds Height, Width and Resize.
const maxSide = 1 << 14

// ReadImage decodes a PNG, JPEG, GIF, BMP or WebP image, whatever its name, and returns its pixels as cfg says, 0 to
// 255, [channels, height, width] with red first. Of an animation it is the first picture. Nothing is allocated for the
// size that a header claims, nor for the one that resizing would make of it, before that was compared with MaxPixels. The
// picture's file, its pixels and what a decoder makes on the way to them have 448 MiB together, and more in proportion where
// MaxPixels is more than 32 million; the scans of a JPEG may visit 12 million blocks of 8×8 pixels, and two more for each
// byte. r is read to its end.
//
// The steps are those of torchvision on images of Pillow, and give the same bytes for the same decoded pixels:
//
//  1. convert("RGB"), which drops transparency, or convert("L"): (19595·R + 38470·G + 7471·B + 32768) / 65536. An
//     orientation that a camera noted beside the pixels is not applied.
//  2. Resize: the shorter side becomes Resize and the longer ⌊Resize·longer/shorter⌋, by a triangle filter that is as
//     wide as the reduction asks for (Pillow's BILINEAR, torchvision's antialias), first along rows and then along
//     columns, each rounded to 8 bits.
//  3. CenterCrop: from the row round((height − Height)/2), halves to even, and the column alike.
//
// Decoders of JPEG may differ from each other by a few levels.
//
// Errors: what is no image (ErrNoImage) or is damaged, an image of too many pixels or that is too much work (ErrTooLarge), a
// Resize that does not cover Height × Width, the context's cause, which ends reading and decoding, and those of r as they are.
func ReadImage(ctx context.Context, r io.Reader, cfg ImageConfig) ([]uint8, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p, err := readPicture(ctx, r, cfg.maxPixels(), func(size image.Point) (bound, error) {
		b := bound{pixels: cfg.maxPixels()}
		height, width := cfg.resized(size.Y, size.X)
		if width != size.X || height != size.Y {
			b.resized = image.Pt(width, max(height, size.Y))
		}
		return b, cfg.checkResized(size)
	})
	if err != nil {
		return nil, err
	}
	m, err := p.decode(ctx)
	if err != nil {
		return nil, err
	}
	b, err := bitmapOf(ctx, m, cfg.channels())
	if err == nil {
		b, err = cfg.fit(ctx, b)
	}
	return b.pixels, err
}

func (cfg *ImageConfig) channels() int {
	if cfg.Channels == 0 {
		return 3
	}
	return cfg.Channels
}

func (cfg *ImageConfig) maxPixels() int {
	if cfg.MaxPixels == 0 {
		return defaultPixels
	}
	return cfg.MaxPixels
}

func (cfg *ImageConfig) check() error {
	switch {
	case cfg.channels() != 1 && cfg.channels() != 3:
		return fmt.Errorf("an image has 1 channel or 3, not %d: give the network's input as an array", cfg.Channels)
	case cfg.Height == 0 && cfg.Width == 0 && cfg.Resize == 0:
		return nil
	case cfg.Height < 1 || cfg.Width < 1 || cfg.Height > maxSide || cfg.Width > maxSide:
		return fmt.Errorf("an image cannot be made %d×%d pixels: use 1 to %d", cfg.Width, cfg.Height, maxSide)
	case cfg.Stretch || cfg.Resize == 0:
		return nil
	case cfg.Resize < max(cfg.Height, cfg.Width) || cfg.Resize > maxSide:
		return fmt.Errorf("resized to %d pixels, an image does not cover %d×%d: use %d to %d", cfg.Resize, cfg.Width,
			cfg.Height, max(cfg.Height, cfg.Width), maxSide)
	}
	return nil
}

// checkResized refuses an image that would have more than MaxPixels on the way to its size: rows are resized first.
func (cfg *ImageConfig) checkResized(size image.Point) error {
	height, width := cfg.resized(size.Y, size.X)
	if height = max(height, size.Y); int64(height)*int64(width) <= int64(cfg.maxPixels()) {
		return nil
	}
	return kindError{ErrTooLarge, fmt.Sprintf("the image of %d×%d pixels would be resized to %d×%d, and have more than %d: "+
		"cut it, or resize it to less", size.X, size.Y, width, height, cfg.maxPixels())}
}

// fit resizes and cuts.
func (cfg *ImageConfig) fit(ctx context.Context, b bitmap) (bitmap, error) {
	if cfg.Height == 0 {
		return b, nil
	}
	height, width := cfg.resized(b.height, b.width)
	b, err := b.resize(ctx, height, width)
	if err != nil {
		return bitmap{}, err
	}
	return b.crop(cfg.Height, cfg.Width), nil
}

// resized returns the size of the image before it is cut.
func (cfg *ImageConfig) resized(height, width int) (int, int) {
	switch {
	case cfg.Height == 0:
		return height, width
	case cfg.Stretch:
		return cfg.Height, cfg.Width
	}
	side := func(to, of, other int) int { // the other side, where this one becomes to
		return int(min(int64(to)*int64(other)/int64(of), math.MaxInt32))
	}
	if cfg.Resize > 0 {
		if height < width {
			return cfg.Resize, side(cfg.Resize, height, width)
		}
		return side(cfg.Resize, width, height), cfg.Resize
	}
	if int64(cfg.Height)*int64(width) >= int64(cfg.Width)*int64(height) { // wider than what is wanted
		return cfg.Height, side(cfg.Height, height, width)
	}
	return side(cfg.Width, width, height), cfg.Width
}

// bitmap is an image of 8 bits a channel, [channels, height, width].
type bitmap struct {
	channels, height, width int
	pixels                  []uint8
}

func newBitmap(channels, height, width int) bitmap {
	return bitmap{channels, height, width, make([]uint8, channels*height*width)}
}

func bitmapOf(ctx context.Context, m image.Image, channels int) (bitmap, error) {
	size := m.Bounds().Size()
	b := newBitmap(3, size.Y, size.X)
	if err := planes(ctx, m, b.pixels); err != nil || channels == 3 {
		return b, err
	}
	plane := size.X * size.Y
	red, green, blue := b.pixels[:plane], b.pixels[plane:2*plane], b.pixels[2*plane:]
	for i := range red {
		red[i] = uint8((19595*uint32(red[i]) + 38470*uint32(green[i]) + 7471*uint32(blue[i]) + 1<<15) >> 16)
	}
	return bitmap{1, size.Y, size.X, red}, nil
}

// crop cuts height × width from the middle.
func (b bitmap) crop(height, width int) bitmap {
	if b.height == height && b.width == width {
		return b
	}
	top := int(math.RoundToEven(float64(b.height-height) / 2))
	left := int(math.RoundToEven(float64(b.width-width) / 2))
	to := newBitmap(b.channels, height, width)
	for c := range b.channels {
		for y := range height {
			copy(to.pixels[(c*height+y)*width:][:width], b.pixels[(c*b.height+top+y)*b.width+left:])
		}
	}
	return to
}

// Shape returns the shape of what ReadImage returns for cfg; height and width are 0 where they are the image's.
func (cfg ImageConfig) Shape() tensor.Shape {
	return tensor.Shape{cfg.channels(), cfg.Height, cfg.Width}
}
