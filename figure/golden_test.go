package figure

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden pictures instead of comparing with them")

const goldenDPI = 80

var goldens = []struct {
	name string
	make func() (Figure, error)
}{
	{"matrices", func() (Figure, error) { return Matrices("Toy", toyGrid()) }},
	{"floats", func() (Figure, error) { return Histograms("Floats", layers(2, 32)) }},
	{"codes4", func() (Figure, error) { return Histograms("4 bits", layers(3, 4)) }},
	{"curve", func() (Figure, error) { return Curve("Curve", "size, kB", "loss, dB", rising(12, 4)) }},
	{"codes8", func() (Figure, error) { return Histograms("", layers(1, 8)) }},
}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			f, err := g.make()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", g.name+".png")
			got, raw := render(t, f)
			if *update {
				if err := os.WriteFile(path, raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := same(got, decode(t, want)); err != nil {
				t.Errorf("%s: %v (where the change is meant: go test ./figure -update)", path, err)
			}
		})
	}
}

// The comparison is worth nothing if it accepts another picture: one bar or one cell is enough to be rejected.
func TestGoldenRejectsSmallChanges(t *testing.T) {
	floats, codes := layers(2, 32), layers(3, 4)
	// Density moves between two bars, so that the integral stays and no axis changes.
	move(floats[1].Density, 120, 40, 0.08)
	move(codes[2].Density, 9, 4, 0.05)
	text, color := toyGrid(), toyGrid()
	text[0][0].Values[1][2] = 0.76
	color[0][1].Values[0][0] = 0
	for name, change := range map[string]struct {
		golden string
		make   func() (Figure, error)
	}{
		"a bar of reals":  {"floats", func() (Figure, error) { return Histograms("Floats", floats) }},
		"a bar of codes":  {"codes4", func() (Figure, error) { return Histograms("4 bits", codes) }},
		"a cell's number": {"matrices", func() (Figure, error) { return Matrices("Toy", text) }},
		"a cell's colour": {"matrices", func() (Figure, error) { return Matrices("Toy", color) }},
		"a layer's name": {"codes8", func() (Figure, error) {
			return Histograms("", []Histogram{codesOf("backbone.conv1.weight", 8)})
		}},
		"another bitwidth": {"codes8", func() (Figure, error) { return Histograms("", layers(1, 7)) }},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := change.make()
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(filepath.Join("testdata", change.golden+".png"))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := render(t, f)
			if same(got, decode(t, golden)) == nil {
				t.Error("the comparison did not see the change")
			}
		})
	}
}

// move takes a part of the highest density from one bin and gives it to another.
func move(density []float64, from, to int, part float64) {
	highest := 0.0
	for _, d := range density {
		highest = max(highest, d)
	}
	part = min(part*highest, density[from])
	density[from] -= part
	density[to] += part
}

func render(t *testing.T, f Figure) (image.Image, []byte) {
	t.Helper()
	var buf bytes.Buffer
	if err := encodePNG(&buf, f, goldenDPI); err != nil {
		t.Fatal(err)
	}
	return decode(t, buf.Bytes()), buf.Bytes()
}

func decode(t *testing.T, raw []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// same compares the mean colours of blocks of 4×4 pixels: rounding that differs between processors (fused
// multiply-add) changes an edge by a shade, anything that a reader could see changes a block by far more than the
// tolerance.
func same(got, want image.Image) error {
	const side, tolerance = 4, 6.0
	if got.Bounds() != want.Bounds() {
		return fmt.Errorf("the size is %v, want %v", got.Bounds().Max, want.Bounds().Max)
	}
	b := want.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += side {
		for x := b.Min.X; x < b.Max.X; x += side {
			block := image.Rect(x, y, x+side, y+side).Intersect(b)
			g, w := mean(got, block), mean(want, block)
			for c := range g {
				if d := g[c] - w[c]; d > tolerance || d < -tolerance {
					return fmt.Errorf("the block at %d,%d has the mean colour %.0f, want %.0f", x, y, g, w)
				}
			}
		}
	}
	return nil
}

func mean(img image.Image, block image.Rectangle) (sum [3]float64) {
	n := float64(block.Dx()*block.Dy()) * 257
	for y := block.Min.Y; y < block.Max.Y; y++ {
		for x := block.Min.X; x < block.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			sum[0] += float64(r) / n
			sum[1] += float64(g) / n
			sum[2] += float64(b) / n
		}
	}
	return sum
}
