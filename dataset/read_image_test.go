package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
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
		got, err := ReadImage(bytes.NewReader(source), cfg)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ReadImage(file, ImageConfig{Channels: cfg.Channels})
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
			x, err := ReadImage(strings.NewReader(data), cfg)
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
		{"empty", "", ImageConfig{}, "no PNG, JPEG, GIF, BMP or WebP image"},
		{"text", "hello, world", ImageConfig{}, "no PNG, JPEG, GIF, BMP or WebP image"},
		{"truncated", small[:len(small)-20], ImageConfig{}, "does not decode"},
		{"bomb", string(bomb(10000, 10000)), ImageConfig{}, "10000×10000 pixels, more than the 33554432"},
		{"no pixels", string(bomb(0, 5)), ImageConfig{}, "does not decode"},
		{"limit", small, ImageConfig{MaxPixels: 23}, "6×4 pixels, more than the 23"},
		{"channels", small, ImageConfig{Channels: 4}, "1 channel or 3, not 4"},
		{"side", small, ImageConfig{Height: 5}, "cannot be made 0×5"},
		{"cover", small, ImageConfig{Height: 5, Width: 7, Resize: 6}, "does not cover 7×5: use 7 to"},
		{"long", long, ImageConfig{Height: 200, Width: 200, MaxPixels: 1 << 16}, "too long for its width"},
	}
	kinds := map[string]error{"empty": ErrNoImage, "text": ErrNoImage, "bomb": ErrTooLarge, "limit": ErrTooLarge, "long": ErrTooLarge}
	for _, tt := range tests {
		_, err := ReadImage(strings.NewReader(tt.data), tt.cfg)
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

// An image that is cut short is an error wherever it ends, and whatever a byte becomes there is no panic.
func TestReadImageDamage(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "resized", "source.png"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := ImageConfig{Height: 9, Width: 9}
	for n := 0; n < len(source)-12; n += 97 {
		if _, err := ReadImage(bytes.NewReader(source[:n]), cfg); err == nil {
			t.Errorf("the first %d bytes of %d are an image", n, len(source))
		}
		damaged := bytes.Clone(source)
		damaged[n] ^= 0x55
		_, _ = ReadImage(bytes.NewReader(damaged), cfg)
	}
}

func ExampleReadImage() {
	file, err := os.Open(filepath.Join("testdata", "resized", "source.png"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	pixels, err := ReadImage(file, ImageConfig{Height: 2, Width: 2})
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
		if _, err := ReadImage(bytes.NewReader(jpg.Bytes()), ImageConfig{Height: 224, Width: 224, Resize: 256}); err != nil {
			b.Fatal(err)
		}
	}
}
