package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"linquant/internal/atomicfile"
)

// Figure is a finished drawing of a fixed size.
type Figure interface {
	// Size is the width and height of the drawing; a [vg.Length] is a number of points, 1/72 inch.
	Size() (w, h vg.Length)
	// Draw draws the figure with its lower left corner at dc.Min. It may be called any number of times.
	Draw(dc draw.Canvas) error
}

const (
	// resolution is that of a PNG, in pixels per inch.
	resolution = 200
	// maxPixels bounds the memory of a PNG (4 bytes a pixel while it is drawn): a figure of hundreds of panels
	// gets fewer pixels per inch.
	maxPixels = 32 << 20
)

// Save writes f to path as PNG or SVG, by the extension in either case. The file appears whole or not at all.
func Save(path string, f Figure) error {
	ext := filepath.Ext(path)
	format := strings.ToLower(strings.TrimPrefix(ext, "."))
	if format != "png" && format != "svg" {
		return fmt.Errorf("%s: a figure is written as .png or .svg, not %q", path, ext)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return Encode(w, format, f) })
}

// Encode writes f to w in a format, "png" or "svg". PNGs have 200 pixels per inch, fewer where that would make more
// than 32 Mi pixels. SVGs keep text as text and name the typefaces (Liberation Sans, or Arial or Helvetica, which
// have the same widths) instead of holding them.
func Encode(w io.Writer, format string, f Figure) error {
	width, height := f.Size()
	if !(width > 0 && height > 0) || math.IsInf(float64(width*height), 0) {
		return fmt.Errorf("a figure cannot be %v by %v points", float64(width), float64(height))
	}
	switch format {
	case "png":
		return encodePNG(w, f, dotsPerInch(width, height))
	case "svg":
		return encodeSVG(w, f)
	}
	return fmt.Errorf("a figure is written as png or svg, not %q", format)
}

func dotsPerInch(width, height vg.Length) int {
	area := float64(width/vg.Inch) * float64(height/vg.Inch)
	return int(max(1, min(resolution, math.Sqrt(maxPixels/area))))
}

func encodePNG(w io.Writer, f Figure, dpi int) error {
	width, height := f.Size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	if err := f.Draw(draw.New(c)); err != nil {
		return err
	}
	// Flat colours compress well at any level, and the default one takes longer than drawing.
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	var buf bytes.Buffer
	if err := enc.Encode(&buf, c.Image()); err != nil {
		return err
	}
	const header = 8 + 4 + 4 + 13 + 4 // the magic number and the chunk IHDR
	_, err := w.Write(slices.Concat(buf.Bytes()[:header], softwareChunk(), buf.Bytes()[header:]))
	return err
}

// software is what a picture says made it.
const software = "linquant"

// softwareChunk is the chunk of a PNG that says what made it (PNG, 11.3.4.3).
func softwareChunk() []byte {
	chunk := []byte("tEXtSoftware\x00" + software)
	b := binary.BigEndian.AppendUint32(nil, uint32(len(chunk)-4))
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func encodeSVG(w io.Writer, f Figure) error {
	c := vgsvg.New(f.Size())
	if err := f.Draw(draw.New(c)); err != nil {
		return err
	}
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return err
	}
	// vgsvg names one family alone, and a viewer without it would fall back to a serif of other widths.
	one, all := []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	svg := bytes.Replace(buf.Bytes(), []byte("?>"), []byte("?>\n<!-- "+software+" -->"), 1)
	_, err := w.Write(bytes.ReplaceAll(svg, one, all))
	return err
}
