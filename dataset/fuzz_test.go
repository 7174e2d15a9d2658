package dataset

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/tensor"
)

func FuzzIDX(f *testing.F) {
	f.Add([]byte(idxOf(twoImages, 2, 2, 3)))
	f.Add([]byte(idxOf(twoLabels, 2)))
	f.Add([]byte(packed(f, idxOf(twoImages, 2, 2, 3))))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, dims := range []int{idxImages, idxLabels} {
			file, err := parseIDX(t.Context(), bytes.NewReader(b), int64(len(b)), dims)
			if err != nil {
				continue
			}
			// What was accepted has all of its elements, or is compressed and turns out to be damaged when that is read.
			last := make([]byte, 1)
			err = file.read(t.Context(), last, file.elements()-1)
			said := err != nil && bytes.HasPrefix(b, []byte{0x1f, 0x8b}) &&
				(strings.Contains(err.Error(), "the compressed data is damaged") || strings.Contains(err.Error(), "follow the header"))
			if err != nil && !said {
				t.Errorf("%v, but the last element does not read: %v", file.dims, err)
			}
		}
	})
}

func FuzzPythonBatch(f *testing.F) {
	paths, err := filepath.Glob("testdata/batches/*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("}."))
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, err := readPythonBatch(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if len(batch.labels) == 0 || len(batch.pixels) != len(batch.labels)*cifarPixels {
			t.Errorf("%d labels and %d pixels", len(batch.labels), len(batch.pixels))
		}
		for _, label := range batch.labels {
			if int(label) >= len(cifarClasses) {
				t.Errorf("the label %d", label)
			}
		}
	})
}

func FuzzImage(f *testing.F) {
	paths, err := filepath.Glob("testdata/images/*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		c, _, err := imageConfig(r, maxPixels)
		if err != nil || c.Width*c.Height > 1<<16 {
			return
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 3*c.Width*c.Height)
		for i := range dst {
			dst[i] = -1
		}
		if err := decodeImage(t.Context(), r, tensor.Shape{3, c.Height, c.Width}, dst); err != nil {
			return
		}
		for i, v := range dst {
			if v < 0 || v > 255 {
				t.Fatalf("value %d is %v, no pixel", i, v)
			}
		}
	})
}

// FuzzReadImage makes images of any kind fit, whatever they claim to be.
func FuzzReadImage(f *testing.F) {
	paths, err := filepath.Glob("testdata/images/*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for i, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(i), uint8(3*i+1), uint8(2*i))
	}
	f.Fuzz(func(t *testing.T, b []byte, height, width, resize uint8) {
		cfg := ImageConfig{
			Channels: 1 + 2*int(height%2), Height: int(height), Width: int(width), Resize: int(resize), Stretch: resize%3 == 0,
			MaxPixels: 1 << 14,
		}
		x, err := ReadImage(t.Context(), bytes.NewReader(b), cfg)
		if n, _ := cfg.Shape().Elements(); err == nil && height > 0 && len(x) != n {
			t.Errorf("%d values for %+v", len(x), cfg)
		}
	})
}
