package pipeline_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/dataset"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// fakeSet is a set of images made by a function.
type fakeSet struct {
	n     int
	shape tensor.Shape
	read  func(i int, dst []float32) int
}

func (s fakeSet) Name() string        { return "fake test" }
func (s fakeSet) Len() int            { return s.n }
func (s fakeSet) Shape() tensor.Shape { return s.shape }
func (s fakeSet) Classes() []string   { return nil }
func (s fakeSet) Pixels() bool        { return true }
func (s fakeSet) Close() error        { return nil }
func (s fakeSet) Read(ctx context.Context, i int, dst []float32) (int, error) {
	return s.read(i, dst), nil
}

func TestPrepare(t *testing.T) {
	pixels := fakeSet{n: 3, shape: tensor.Shape{2, 1, 2}, read: func(i int, dst []float32) int {
		copy(dst, []float32{0, 255, 51, float32(i)})
		return i
	}}
	prepare := func(pre vision.Preprocess, shape tensor.Shape) dataset.Set {
		t.Helper()
		s, err := pipeline.Prepare(pixels, pre, shape)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Shape().Equal(shape) || s.Pixels() {
			t.Errorf("a set of shape %v, pixels: %v", s.Shape(), s.Pixels())
		}
		return s
	}
	var got [][]float32
	s := prepare(vision.Preprocess{Mean: []float32{0.5, 0}, Std: []float32{0.25, 2}}, pixels.shape)
	for b, err := range dataset.Each(context.Background(), s, 2) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			got = append(got, append([]float32(nil), b.X[i*4:(i+1)*4]...))
		}
	}
	third := func(i float32) float32 { return float32(i/255) / 2 }
	want := [][]float32{{-2, 2, 0.1, third(0)}, {-2, 2, 0.1, third(1)}, {-2, 2, 0.1, third(2)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}

	x := make([]float32, 4)
	s = prepare(vision.Preprocess{ChannelsLast: true, BGR: true, Divisor: 1}, tensor.Shape{1, 2, 2})
	if label, err := s.Read(t.Context(), 0, x); label != 0 || err != nil {
		t.Errorf("label %d, %v", label, err)
	}
	if diff := cmp.Diff([]float32{51, 0, 0, 255}, x); diff != "" {
		t.Errorf("blue, green, red with channels last (-want +got):\n%s", diff)
	}
	prepare(vision.Preprocess{}, tensor.Shape{4})
	for _, tt := range []struct {
		pre   vision.Preprocess
		shape tensor.Shape
		want  string
	}{
		{vision.Preprocess{}, tensor.Shape{3, 1, 2}, "its examples have the shape [2, 1, 2]"},
		{vision.Preprocess{Mean: []float32{1, 2, 3}}, pixels.shape, "3 values for 2 channels"},
	} {
		if _, err := pipeline.Prepare(pixels, tt.pre, tt.shape); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

// Images of a folder are made to fit as the preprocessing says: their shorter side is resized, and the middle is cut out.
func TestPrepareFolder(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 12, 6))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i * 3)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "class"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "class", "1.png"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.Open(t.Context(), "images:"+dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Of 6 lines each is kept, and of 12 columns the middle four: the lines from the second on, the columns from the fifth.
	want := make([]float32, 16)
	for y := range 4 {
		for x := range 4 {
			want[4*y+x] = float32(3 * (12*(y+1) + x + 4))
		}
	}
	p, err := pipeline.Prepare(s, vision.Preprocess{Resize: 6, Divisor: 1}, tensor.Shape{1, 4, 4})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 16)
	if _, err := p.Read(t.Context(), 0, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
