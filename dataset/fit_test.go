package dataset

import (
	"image/color"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	dir := folder(t, map[string]string{
		"a/1.png": pngOf(t, 6, 4, color.Gray{10}), "a/2.png": pngOf(t, 3, 30, color.Gray{20}), "b/1.png": pngOf(t, 2, 2, color.Gray{30}),
		"b/2.png": pngOf(t, 9, 9, color.White)[:60],
	})
	s := mustOpen(t, "images:"+dir, "")
	for _, cfg := range []ImageConfig{{Height: 3, Width: 5}, {Channels: 1, Height: 4, Width: 4, Resize: 7}} {
		f, ok := Fit(Limit(s, 4), cfg)
		if !ok || f.Len() != 4 || !f.Shape().Equal(cfg.Shape()) || f.Name() != s.Name() || len(f.Classes()) != 2 {
			t.Fatalf("%v: %d images of shape %v, %v", ok, f.Len(), f.Shape(), f.Classes())
		}
		if small, _ := Fit(Limit(s, 2), cfg); small.Len() != 2 {
			t.Errorf("%d images, want 2", small.Len())
		}
		for i := range 3 {
			x, label := read(t, f, i)
			if label != i/2 {
				t.Errorf("image %d has label %d", i, label)
			}
			for _, v := range x {
				if v != float32(10*(i+1)) {
					t.Fatalf("image %d: %v", i, x)
				}
			}
		}
		n, _ := cfg.Shape().Elements()
		if _, err := f.Read(t.Context(), 3, make([]float32, n)); err == nil || !strings.Contains(err.Error(), "2.png: ") {
			t.Errorf("error %v", err)
		}
		if _, err := f.Read(t.Context(), 0, make([]float32, n+1)); err == nil {
			t.Error("no error for a wrong length")
		}
	}
	if shape := s.Shape().String(); shape != "[3, 4, 6]" {
		t.Errorf("the set itself has shape %s now", shape)
	}
	if _, ok := Fit(s, ImageConfig{}); ok {
		t.Error("fitted to no size")
	}
	b := mustOpen(t, "builtin", Test)
	if f, ok := Fit(b, ImageConfig{Height: 3, Width: 5}); ok || f != b {
		t.Error("another kind of set was fitted")
	}
}
