package figure

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// No text may cover another or leave the figure, whatever the bit width and the number of layers.
func TestTextsNeitherOverlapNorLeaveTheFigure(t *testing.T) {
	figures := map[string]func() (Figure, error){
		"matrices": func() (Figure, error) { return Matrices("Toy", toyGrid()) },
		"long titles": func() (Figure, error) {
			return Matrices(strings.Repeat("long ", 100), [][]Matrix{{
				{Title: strings.Repeat("very ", 50) + "long", Values: [][]float64{{1}}},
				{Title: strings.Repeat("much ", 50) + "longer", Values: [][]float64{{-1e300, 1e-9}}, Decimals: 2},
			}})
		},
		"a long curve": func() (Figure, error) {
			points := rising(20, 19)
			points[19].Label = strings.Repeat("label ", 40)
			return Curve(strings.Repeat("long ", 100), strings.Repeat("size ", 90), strings.Repeat("loss ", 90), points)
		},
		"a curve of one point": func() (Figure, error) {
			return Curve("", "x", "y", []Point{{X: 0, Y: -1e300, Marked: true, Label: "a"}})
		},
		"a curve far away": func() (Figure, error) {
			return Curve("", "x", "y", []Point{{X: 1e30, Y: 1e-9}, {X: 1.1e30, Y: 2e-9}})
		},
		"long names": func() (Figure, error) {
			hs := layers(12, 32)
			for i := range hs {
				hs[i].Name = strings.Repeat("encoder.", 40) + hs[i].Name
			}
			return Histograms(strings.Repeat("long ", 200), hs)
		},
		"far from zero": func() (Figure, error) {
			return Histograms("", []Histogram{
				bell("a", 1e6, 1e-3, 256, false), bell("b", -1e-30, 1e-32, 256, false),
				bell("c", 1e30, 1e29, 256, false), bell("d", 12345.678, 1e-5, 256, false),
			})
		},
		"far codes": func() (Figure, error) {
			return Histograms("", []Histogram{
				bell("a", 1<<30, 1, 900, true), bell("b", 0, 1, 1, true),
				bell("c", -127, 1, 255, true),
			})
		},
	}
	for _, n := range []int{1, 2, 3, 5, 9, 10, 50} {
		for _, bits := range []int{2, 3, 4, 5, 6, 7, 8, 32} {
			figures[fmt.Sprintf("%d layers of %d bits", n, bits)] = func() (Figure, error) {
				return Histograms("Histogram of Weights", layers(n, bits))
			}
		}
	}
	for name, make := range figures {
		t.Run(name, func(t *testing.T) {
			f, err := make()
			if err != nil {
				t.Fatal(err)
			}
			w, h := f.Size()
			boxes := textBoxes(t, f)
			if len(boxes) == 0 {
				t.Fatal("the figure has no text")
			}
			for i, a := range boxes {
				if a.Min.X < 0 || a.Min.Y < 0 || a.Max.X > w || a.Max.Y > h {
					t.Errorf("%q at %v leaves the figure of %v by %v", a.text, a.Rectangle, w, h)
				}
				for _, b := range boxes[i+1:] {
					if a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y {
						t.Errorf("%q at %v overlaps %q at %v", a.text, a.Rectangle, b.text, b.Rectangle)
					}
				}
			}
		})
	}
}

type textBox struct {
	vg.Rectangle
	text string
}

// textBoxes are the boxes of all texts of a figure, from the baseline to the height of capitals, with a fifth of
// the size below for what hangs down. Rotated text is turned as textUp turns it: upwards from the point of the last
// Translate.
func textBoxes(t *testing.T, f Figure) []textBox {
	t.Helper()
	var rec recorder.Canvas
	w, h := f.Size()
	if err := f.Draw(draw.NewCanvas(&rec, w, h)); err != nil {
		t.Fatal(err)
	}
	var boxes []textBox
	var origin vg.Point
	upright := true
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.Translate:
			origin = a.Point
		case *recorder.Rotate:
			upright = false
		case *recorder.Pop:
			origin, upright = vg.Point{}, true
		case *recorder.FillString:
			fonts, err := loadFonts()
			if err != nil {
				t.Fatal(err)
			}
			face := fonts.tick
			face.Font.Size = a.Size
			width, above, below := face.Width(a.String), digitHeight(face), a.Size/5
			box := vg.Rectangle{Min: at(a.Point.X, a.Point.Y-below), Max: at(a.Point.X+width, a.Point.Y+above)}
			if !upright {
				box = vg.Rectangle{Min: at(origin.X-box.Max.Y, origin.Y+box.Min.X), Max: at(origin.X-box.Min.Y, origin.Y+box.Max.X)}
			}
			boxes = append(boxes, textBox{box, a.String})
		}
	}
	return boxes
}

func TestSizes(t *testing.T) {
	f, err := Histograms("nine", layers(9, 4))
	if err != nil {
		t.Fatal(err)
	}
	if w, h := f.Size(); w != 10*vg.Inch || h != 6*vg.Inch {
		t.Errorf("nine panels are %v by %v inches, want 10 by 6", w/vg.Inch, h/vg.Inch)
	}
	if dpi := dotsPerInch(10*vg.Inch, 6*vg.Inch); dpi != 200 {
		t.Errorf("nine panels have %d pixels per inch, want 200", dpi)
	}
	if dpi := dotsPerInch(100*vg.Inch, 100*vg.Inch); dpi != 57 {
		t.Errorf("a figure of 100 by 100 inches has %d pixels per inch, want 57: 32 Mi pixels", dpi)
	}
}
