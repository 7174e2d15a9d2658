package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"linquant/internal/ended"
)

// pictureMemory bounds what reading a picture of at most defaultPixels takes: its file, what the decoder makes of it, the
// pixels and, where it is resized, those of the results.
const pictureMemory = 448 << 20

// defaultPixels is MaxPixels without one.
const defaultPixels = 1 << 25

// picture is an image in the form that it has in a file, all of it, with what its header says.
type picture struct {
	data   []byte
	format string // as package image names it
	size   image.Point
}

// bound is how much a picture may take.
type bound struct {
	pixels  int         // the most that it may have
	resized image.Point // what it will be resized to by rows and then by columns; zero where it is not
}

// memory returns the most bytes that reading may take. More pixels, where the caller allows more than the usual, are more
// bytes.
func (b bound) memory() int64 {
	return max(pictureMemory, pictureMemory/defaultPixels*int64(b.pixels))
}

// readPicture reads a picture to the end of r, once its header was found to be within the bound that limit says for its
// size. The errors are those of ReadImage.
func readPicture(ctx context.Context, r io.Reader, most int, limit func(size image.Point) (bound, error)) (*picture, error) {
	src := &source{ctx: ctx, r: r}
	var file bytes.Buffer
	// A header may stand behind any number of notes.
	head := io.TeeReader(io.LimitReader(src, pictureMemory/2), &file)
	c, format, err := imageConfig(head, most)
	if err != nil {
		return nil, src.cause(err)
	}
	p := &picture{format: format, size: image.Pt(c.Width, c.Height)}
	b, err := limit(p.size)
	if err != nil {
		return nil, err
	}
	p.data = file.Bytes()
	takes, ok := p.memory()
	if !ok {
		return nil, imageError(errors.New("its header is damaged"))
	}
	// The buffer that the file is read into doubles when it is full.
	takes += 3 * (int64(c.Width)*int64(c.Height) + 2*int64(b.resized.X)*int64(b.resized.Y))
	if b.resized != (image.Point{}) {
		takes += bytesOfTaps * int64(max(c.Width, c.Height, b.resized.X, b.resized.Y))
	}
	room := (b.memory() - takes) / 2
	if room < 0 {
		return nil, kindError{ErrTooLarge, fmt.Sprintf("the %s of %d×%d pixels takes %d MB to decode, more than the %d that are "+
			"given to one: make it smaller, or save it without progression, interlacing and 16 bits",
			p.name(), c.Width, c.Height, takes>>20, b.memory()>>20)}
	}
	if _, err := io.Copy(&file, io.LimitReader(src, max(room-int64(file.Len()), 0)+1)); err != nil {
		return nil, src.cause(err)
	}
	p.data = file.Bytes()
	if int64(len(p.data)) > room {
		return nil, kindError{ErrTooLarge, fmt.Sprintf("the %s of %d×%d pixels has more than %d MB: save it again without what "+
			"stands beside the pixels, or make it smaller", p.name(), c.Width, c.Height, room>>20)}
	}
	return p, p.check()
}

// name is what people call the format.
func (p *picture) name() string {
	return map[string]string{"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WebP"}[p.format]
}

// memory returns how many bytes decoding takes at most, from the header; ok is false for one that there is not.
func (p *picture) memory() (n int64, ok bool) {
	pixels := int64(p.size.X) * int64(p.size.Y)
	switch p.format {
	case "png":
		const depth, colour, interlace = 24, 25, 28 // where they stand in a file
		if len(p.data) <= interlace {
			return 0, false
		}
		n = 4 * pixels // grey may have a transparent colour, and becomes red, green, blue and alpha then
		switch {
		case p.data[depth] == 16:
			n = 8 * pixels
		case p.data[colour] == 3:
			n = pixels // indices in a palette
		}
		if p.data[interlace] != 0 {
			n *= 2 // the passes have as many pixels as the whole
		}
		return n, true
	case "jpeg":
		f, ok := jpegFrame(p.data)
		return f.memory(), ok
	case "gif":
		return 2 * pixels, true // the picture, and the canvas that it does not fill
	case "webp":
		return 10 * pixels, true // red, green, blue and alpha, before and after a transform, or planes and an alpha of as many
	}
	return 4 * pixels, true
}

// check refuses what would keep a decoder at work out of proportion.
func (p *picture) check() error {
	switch p.format {
	case "jpeg":
		return checkScans(p.data)
	case "webp":
		return checkChunks(p.data)
	}
	return nil
}

// decode returns the first picture, which has the size that the header says. It returns when the context ends, and the
// decoder soon after, which gets nothing more to read.
func (p *picture) decode(ctx context.Context) (image.Image, error) {
	type result struct {
		m   image.Image
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if v := recover(); v != nil { // of a decoder: whatever is in a file, it is an error
				r = result{nil, errors.New("its data contradicts itself")}
			}
			done <- r
		}()
		r.m, _, r.err = image.Decode(&source{ctx: ctx, r: bytes.NewReader(p.data)})
	}()
	select {
	case <-ctx.Done():
		return nil, ended.Err(ctx)
	case r := <-done:
		switch {
		case ctx.Err() != nil:
			return nil, ended.Err(ctx)
		case r.err != nil:
			return nil, imageError(r.err)
		}
		m := onCanvas(r.m, p.size)
		if m.Bounds().Size() != p.size {
			return nil, errSize
		}
		return m, nil
	}
}

// checkChunks refuses a WebP with a chunk that is longer than the file, since its decoder makes room for it.
func checkChunks(data []byte) error {
	const header = 12 // RIFF, length, WEBP
	for at := int64(header); at+8 <= int64(len(data)); {
		length := int64(data[at+4]) | int64(data[at+5])<<8 | int64(data[at+6])<<16 | int64(data[at+7])<<24
		at += 8 + length + length&1
		if at > int64(len(data))+1 {
			return imageError(io.ErrUnexpectedEOF)
		}
	}
	return nil
}
