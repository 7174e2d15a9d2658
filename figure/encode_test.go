package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// svgTexts parses an SVG as XML and returns its texts.
func svgTexts(t *testing.T, raw []byte) []string {
	t.Helper()
	var texts []string
	dec := xml.NewDecoder(bytes.NewReader(raw))
	inText := false
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatalf("the SVG is not well-formed: %v", err)
		}
		switch tok := token.(type) {
		case xml.StartElement:
			inText = tok.Name.Local == "text"
		case xml.CharData:
			if inText {
				texts = append(texts, string(tok))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

func TestSVGHoldsEveryNumber(t *testing.T) {
	grid := toyGrid()
	grid[0][0].Title = "a<b> & \"c\" \x00\n\xff"
	f, err := Matrices("Toy", grid)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Encode(&buf, "svg", f); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Toy",
		"a<b> & \"c\" \ufffd \ufffd", "0.05", "-0.40", "0.61", "-0.00", "0.33", "0.75",
		"codes", "-1", "-2", "1", "-1", "0", "1",
		"reconstructed", "0.00", "-0.33", "0.67", "0.00", "0.33", "0.67",
	}
	if got := svgTexts(t, buf.Bytes()); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("texts are\n%q, want\n%q", got, want)
	}
	if !strings.Contains(buf.String(), "font-family:Liberation Sans,Arial,") {
		t.Error("no typeface to fall back to")
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	for _, format := range []string{"png", "svg"} {
		var runs [2]bytes.Buffer
		for i := range runs {
			f, err := Histograms("4 bits", layers(9, 4))
			if err != nil {
				t.Fatal(err)
			}
			if err := Encode(&runs[i], format, f); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(runs[0].Bytes(), runs[1].Bytes()) {
			t.Errorf("%s: two runs differ", format)
		}
	}
}

func TestSave(t *testing.T) {
	f, err := Histograms("nine", layers(9, 2))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.png", "b.PNG"} {
		path := filepath.Join(dir, name)
		if err := Save(path, f); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := png.DecodeConfig(file)
		file.Close()
		if err != nil || cfg.Width != 2000 || cfg.Height != 1200 {
			t.Errorf("%s is %d by %d pixels (%v), want 2000 by 1200", name, cfg.Width, cfg.Height, err)
		}
	}
	svg := filepath.Join(dir, "c.Svg")
	if err := Save(svg, f); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	svgTexts(t, raw)
}

func TestSaveErrorsLeaveNoFile(t *testing.T) {
	f, err := Histograms("", layers(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.pdf", "png", "a.png.gz"} {
		err := Save(filepath.Join(dir, name), f)
		if err == nil || !strings.Contains(err.Error(), ".png or .svg") {
			t.Errorf("%s: the error %v does not name .png or .svg", name, err)
		}
	}
	if err := Save(filepath.Join(dir, "a.png"), broken{1}); !errors.Is(err, errBroken) {
		t.Errorf("the error of Draw is %v", err)
	}
	if err := Encode(io.Discard, "svg", broken{1}); !errors.Is(err, errBroken) {
		t.Errorf("the error of Draw is %v", err)
	}
	for _, size := range []vg.Length{0, -1} {
		if err := Encode(io.Discard, "png", broken{size}); err == nil || errors.Is(err, errBroken) {
			t.Errorf("a figure of size %v: %v", size, err)
		}
	}
	if err := Encode(io.Discard, "gif", f); err == nil {
		t.Error("gif is accepted")
	}
	if err := Save(filepath.Join(dir, "no", "such", "folder.png"), f); err == nil {
		t.Error("a folder that is not there is accepted")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
}

var errBroken = errors.New("broken")

// broken is a figure that cannot be drawn.
type broken struct{ side vg.Length }

func (b broken) Size() (w, h vg.Length) { return b.side, b.side }
func (b broken) Draw(draw.Canvas) error { return errBroken }
