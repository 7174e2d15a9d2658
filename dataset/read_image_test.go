package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadImageAsInPillow compares sizes, cuts and colours with Pillow's, bit for bit (testdata/make_resized.py).
func TestReadImageAsInPillow(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "resized", "source.png"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "resized", "[13]-*.png"))
	if err != nil || len(files) != 15 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	name := regexp.MustCompile(`^(\d)-(\w+)-(\d+)x(\d+)\.png$`)
	for _, path := range files {
		m := name.FindStringSubmatch(filepath.Base(path))
		number := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
		cfg := ImageConfig{
			Channels: number(1), Resize: number(2), Height: number(3), Width: number(4), Stretch: m[2] == "stretch",
		}
		got, err := ReadImage(t.Context(), bytes.NewReader(source), cfg)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ReadImage(t.Context(), file, ImageConfig{Channels: cfg.Channels})
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if shape := cfg.Shape(); len(got) != shape[0]*shape[1]*shape[2] || !bytes.Equal(got, want) {
			t.Errorf("%s: %d pixels differ from Pillow's %d", path, differences(got, want), len(want))
		}
	}
}

func differences(a, b []uint8) int {
	n := max(len(a), len(b)) - min(len(a), len(b))
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// Each of the formats, as it is and made smaller; a grey one gets three equal channels.
func TestReadImageFormats(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 12, 8))
	for i := range m.Pix {
		m.Pix[i] = 128
	}
	var jpg, anim bytes.Buffer
	if err := jpeg.Encode(&jpg, m, nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&anim, image.NewPaletted(m.Rect, color.Palette{color.Gray{128}}), nil); err != nil {
		t.Fatal(err)
	}
	for format, data := range map[string]string{"jpeg": jpg.String(), "gif": anim.String(), "png": pngOf(t, 12, 8, color.Gray{128})} {
		for _, cfg := range []ImageConfig{{Height: 4, Width: 4}, {Channels: 1, Height: 8, Width: 12}, {}} {
			x, err := ReadImage(t.Context(), strings.NewReader(data), cfg)
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			for _, v := range x {
				if v < 127 || v > 129 {
					t.Fatalf("%s: pixels %v", format, x)
				}
			}
		}
	}
}

// bomb is a PNG whose header claims a size and that has no pixels.
func bomb(width, height uint32) []byte {
	data := make([]byte, 13)
	binary.BigEndian.PutUint32(data, width)
	binary.BigEndian.PutUint32(data[4:], height)
	data[8], data[9] = 8, 2
	chunk := append([]byte("IHDR"), data...)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	return binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
}

func TestReadImageErrors(t *testing.T) {
	small := pngOf(t, 6, 4, color.White)
	long := pngOf(t, 1, 4000, color.White)
	tests := []struct {
		name string
		data string
		cfg  ImageConfig
		want string
	}{
		{"empty", "", ImageConfig{}, "it is empty"},
		{"text", "hello, world", ImageConfig{}, "no PNG, JPEG, GIF, BMP or WebP image"},
		{"truncated", small[:len(small)-20], ImageConfig{}, "does not decode"},
		{"bomb", string(bomb(10000, 10000)), ImageConfig{}, "10000×10000 pixels, more than the 33554432"},
		{"no pixels", string(bomb(0, 5)), ImageConfig{}, "does not decode"},
		{"limit", small, ImageConfig{MaxPixels: 23}, "6×4 pixels, more than the 23"},
		{"channels", small, ImageConfig{Channels: 4}, "1 channel or 3, not 4"},
		{"side", small, ImageConfig{Height: 5}, "cannot be made 0×5"},
		{"cover", small, ImageConfig{Height: 5, Width: 7, Resize: 6}, "does not cover 7×5: use 7 to"},
		{"long", long, ImageConfig{Height: 200, Width: 200, MaxPixels: 1 << 16}, "resized to 200×800000, and have more than 65536"},
		{"long, rows first", long, ImageConfig{Height: 20, Width: 20, Stretch: true, MaxPixels: 1 << 16}, "resized to 20×4000, and"},
		{"wide", string(bomb(1<<20, 1)), ImageConfig{Height: 64, Width: 64}, "resized to 67108864×64, and"}, // by its header
	}
	kinds := map[string]error{
		"empty": ErrNoImage, "text": ErrNoImage, "bomb": ErrTooLarge, "limit": ErrTooLarge, "long": ErrTooLarge,
		"long, rows first": ErrTooLarge, "wide": ErrTooLarge,
	}
	for _, tt := range tests {
		_, err := ReadImage(t.Context(), strings.NewReader(tt.data), tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		for _, kind := range []error{ErrNoImage, ErrTooLarge} {
			if errors.Is(err, kind) != (kinds[tt.name] == kind) {
				t.Errorf("%s: %v is of the wrong kind", tt.name, err)
			}
		}
	}
}

// What the reader says is the error, where no image could be read for it, and not that the format is unknown.
func TestReadImageFailingReader(t *testing.T) {
	failed := errors.New("the line is dead")
	small := pngOf(t, 6, 4, color.White)
	for n := range len(small) - 12 {
		r := io.MultiReader(strings.NewReader(small[:n]), iotest.ErrReader(failed))
		if _, err := ReadImage(t.Context(), r, ImageConfig{}); !errors.Is(err, failed) || errors.Is(err, ErrNoImage) {
			t.Fatalf("after %d bytes of %d: %v", n, len(small), err)
		}
	}
}

// The first picture of a GIF stands where it belongs, with what Pillow 9.4 puts around it: the colour that is
// transparent, of which the decoder keeps no more than black, or else the first of the palette.
func TestReadImageSmallerPicture(t *testing.T) {
	red, green := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}
	for _, tt := range []struct {
		palette color.Palette
		around  []uint8
	}{
		{color.Palette{red, green}, []uint8{255, 0, 0}},
		{color.Palette{red, green, color.RGBA{}}, []uint8{0, 0, 0}},
	} {
		picture := image.NewPaletted(image.Rect(2, 1, 4, 3), tt.palette)
		for i := range picture.Pix {
			picture.Pix[i] = 1
		}
		var b bytes.Buffer
		err := gif.EncodeAll(&b, &gif.GIF{
			Image: []*image.Paletted{picture}, Delay: []int{0}, Config: image.Config{ColorModel: tt.palette, Width: 5, Height: 4},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadImage(t.Context(), &b, ImageConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			c, y, x := i/20, i/5%4, i%5
			want := tt.around[c]
			if image.Pt(x, y).In(picture.Rect) {
				want = []uint8{0, 255, 0}[c]
			}
			if v != want {
				t.Fatalf("channel %d of pixel (%d, %d) is %d, want %d", c, x, y, v, want)
			}
		}
	}
}

// An image that is cut short is an error wherever it ends, and whatever a byte becomes there is no panic.
func TestReadImageDamage(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "resized", "source.png"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := ImageConfig{Height: 9, Width: 9}
	for n := 0; n < len(source)-12; n += 97 {
		if _, err := ReadImage(t.Context(), bytes.NewReader(source[:n]), cfg); err == nil {
			t.Errorf("the first %d bytes of %d are an image", n, len(source))
		}
		damaged := bytes.Clone(source)
		damaged[n] ^= 0x55
		_, _ = ReadImage(t.Context(), bytes.NewReader(damaged), cfg)
	}
}

func ExampleReadImage() {
	file, err := os.Open(filepath.Join("testdata", "resized", "source.png"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	pixels, err := ReadImage(context.Background(), file, ImageConfig{Height: 2, Width: 2})
	fmt.Println(pixels, err)
	// Output: [73 168 72 169 70 68 162 161 190 143 154 105] <nil>
}

func BenchmarkReadImage(b *testing.B) {
	m := image.NewYCbCr(image.Rect(0, 0, 1600, 1200), image.YCbCrSubsampleRatio420)
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, m, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ReadImage(b.Context(), bytes.NewReader(jpg.Bytes()), ImageConfig{Height: 224, Width: 224, Resize: 256}); err != nil {
			b.Fatal(err)
		}
	}
}
