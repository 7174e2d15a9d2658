package dataset

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/tensor"
)

// TestImagesAsInPillow compares every format with what Pillow makes of the same file.
func TestImagesAsInPillow(t *testing.T) {
	expected := map[string][]float32{}
	b, err := os.ReadFile("testdata/images/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &expected); err != nil || len(expected) != 10 {
		t.Fatalf("%d images: %v", len(expected), err)
	}
	files := map[string]string{}
	for name := range expected {
		b, err := os.ReadFile(filepath.Join("testdata", "images", name))
		if err != nil {
			t.Fatal(err)
		}
		files["class/"+name] = string(b)
	}
	s := mustOpen(t, "images:"+folder(t, files), "")
	if s.Len() != len(expected) || s.Shape().String() != "[3, 4, 5]" {
		t.Fatalf("%d images of shape %v", s.Len(), s.Shape())
	}
	for i, f := range s.(*images).files {
		name := filepath.Base(f.path)
		tolerance := 0.0
		if strings.HasPrefix(strings.ToLower(filepath.Ext(name)), ".jp") {
			tolerance = 3 // decoders of JPEG may round differently
		}
		x, _ := read(t, s, i)
		for j, want := range expected[name] {
			if math.Abs(float64(x[j]-want)) > tolerance {
				t.Errorf("%s has %v at %d, in Pillow %v", name, x[j], j, want)
			}
		}
	}
}

// pngOf is a PNG whose pixels all have one colour.
func pngOf(t testing.TB, width, height int, c color.Color) string {
	t.Helper()
	m := image.NewNRGBA64(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImagesFolders(t *testing.T) {
	img := func(v byte) string { return pngOf(t, 2, 3, color.Gray{v}) }
	plain := folder(t, map[string]string{
		"zebra/1.png":      img(30),
		"ant/2.png":        img(20),
		"ant/10.PNG":       img(10),
		"ant/notes.txt":    "",
		"ant/.hidden.png":  "",
		".cache/thumb.png": "",
		"README.md":        "",
	})
	divided := folder(t, map[string]string{
		"train/a/1.png": img(1), "train/b/1.png": img(2), "val/a/1.png": img(3), "val/b/1.png": img(4),
	})
	for _, c := range []struct {
		spec, split string
		classes     string
		pixels      []float32
		labels      []int
	}{
		{plain, "", "ant zebra", []float32{10, 20, 30}, []int{0, 0, 1}},
		{plain, Train, "ant zebra", []float32{10, 20, 30}, []int{0, 0, 1}},
		{divided, Train, "a b", []float32{1, 2}, []int{0, 1}},
		{divided, "", "a b", []float32{3, 4}, []int{0, 1}},
		{divided + ":train", Test, "a b", []float32{1, 2}, []int{0, 1}},
		{divided + ":test", Train, "a b", []float32{3, 4}, []int{0, 1}},
	} {
		s := mustOpen(t, "images:"+c.spec, c.split)
		if got := strings.Join(s.Classes(), " "); got != c.classes || s.Len() != len(c.labels) || s.Shape().String() != "[3, 3, 2]" {
			t.Errorf("%s: classes %s, %d images of shape %v", s.Name(), got, s.Len(), s.Shape())
			continue
		}
		for i := range c.labels {
			if x, label := read(t, s, i); x[0] != c.pixels[i] || label != c.labels[i] {
				t.Errorf("%s: image %d has %v and the label %d", s.Name(), i, x[0], label)
			}
		}
	}
}

// Images without folders of classes have no labels, which is enough to calibrate on.
func TestImagesWithoutClasses(t *testing.T) {
	dir := folder(t, map[string]string{"b.png": pngOf(t, 2, 3, color.White), "a.png": pngOf(t, 2, 3, color.Black), "notes.txt": ""})
	s := mustOpen(t, "images:"+dir, "")
	if s.Len() != 2 || s.Classes() != nil {
		t.Fatalf("%d images, classes %v", s.Len(), s.Classes())
	}
	for i, want := range []float32{0, 255} {
		if x, label := read(t, s, i); x[0] != want || label != -1 {
			t.Errorf("image %d has %v and the label %d", i, x[0], label)
		}
	}
}

func TestImagesRefuse(t *testing.T) {
	img := pngOf(t, 2, 3, color.Black)
	for name, c := range map[string]struct {
		files map[string]string
		spec  string
		want  []string
	}{
		"no images":      {map[string]string{"notes.txt": ""}, "", []string{"no images"}},
		"some loose":     {map[string]string{"a/1.png": img, "2.png": img}, "", []string{"folders: 1"}},
		"empty class":    {map[string]string{"a/1.png": img, "b/notes.txt": ""}, "", []string{"b", "no images in this folder", "remove the class"}},
		"not divided":    {map[string]string{"a/1.png": img}, ":test", []string{"not divided", "leave away :test"}},
		"no test":        {map[string]string{"train/a/1.png": img}, "", []string{`no folder "test"`, ":train"}},
		"other size":     {map[string]string{"a/1.png": img, "b/2.png": pngOf(t, 4, 3, color.Black)}, "", []string{"2.png", "4×3", "1.png", "2×3"}},
		"no image":       {map[string]string{"a/1.png": img, "a/2.png": "text"}, "", []string{"2.png", "convert it"}},
		"no first image": {map[string]string{"a/1.png": "text"}, "", []string{"1.png", "convert it"}},
		"truncated":      {map[string]string{"a/1.png": img, "a/2.png": img[:len(img)-20]}, "", []string{"2.png", "does not decode"}},
		"huge":           {map[string]string{"a/1.png": claiming(img, 8000, 8000)}, "", []string{"1.png", "8000×8000", "smaller"}},
		"huge second":    {map[string]string{"a/1.png": img, "a/2.png": claiming(img, 8000, 8000)}, "", []string{"2.png", "smaller"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.files)
			s, err := Open(t.Context(), "images:"+dir+c.spec, "")
			if err == nil {
				err = readAll(s)
			}
			wantError(t, err, append(c.want, dir)...)
		})
	}
}

// claiming is a PNG whose header states another size.
func claiming(png string, width, height uint32) string {
	b := []byte(png)
	header := b[12:29] // IHDR, after the signature and the length of the chunk
	for i, v := range []uint32{width, height} {
		copy(header[4+4*i:], []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	sum := crc32.ChecksumIEEE(header)
	copy(b[29:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return string(b)
}

// Transparency is dropped, and not mixed in, for every type of image that a decoder may return.
func TestPlanesDropTransparency(t *testing.T) {
	rect := image.Rect(3, 5, 4, 6) // bounds need not begin at 0
	nrgba, nrgba64 := image.NewNRGBA(rect), image.NewNRGBA64(rect)
	rgba := image.NewRGBA(rect)
	paletted := image.NewPaletted(rect, color.Palette{color.NRGBA{200, 100, 50, 128}})
	c := color.NRGBA{200, 100, 50, 128}
	nrgba.Set(3, 5, c)
	nrgba64.SetNRGBA64(3, 5, color.NRGBA64{200<<8 | 7, 100<<8 | 255, 50 << 8, 128 << 8})
	rgba.Set(3, 5, c)
	for name, m := range map[string]image.Image{"NRGBA": nrgba, "NRGBA64": nrgba64, "RGBA": rgba, "Paletted": paletted} {
		var x [3]float32
		_ = planes(t.Context(), m, x[:])
		for ch, want := range []float32{200, 100, 50} {
			if math.Abs(float64(x[ch]-want)) > 1 { // RGBA is multiplied by its transparency, and so rounded
				t.Errorf("%s gives %v", name, x)
			}
		}
	}
}

func TestDecodeImageChecksTheSizeFirst(t *testing.T) {
	img := claiming(pngOf(t, 2, 3, color.Black), 4000, 4000)
	dst := make([]float32, 18)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := decodeImage(t.Context(), strings.NewReader(img), tensor.Shape{3, 3, 2}, dst); err == nil {
				b.Fatal("no error")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<20 {
		t.Errorf("%d bytes for an image of the wrong size", allocated)
	}
}
