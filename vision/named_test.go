package vision_test

import (
	"testing"

	"linquant/tensor"
	"linquant/vision"
)

// Preparations by name are those of their usual definitions: of torchvision for ImageNet.
func TestNamed(t *testing.T) {
	for _, c := range []struct {
		name     string
		want     float64 // of a pixel of 51 in the second of three channels
		says     string
		channels int
	}{
		{"imagenet", (0.2 - 0.456) / 0.224, "(pixels/255 - 0.485,0.456,0.406) / 0.229,0.224,0.225 (imagenet)", 3},
		{"unit", 0.2, "pixels/255 (unit)", 3},
		{"0..1", 0.2, "pixels/255 (unit)", 3},
		{"-1..1", -0.6, "(pixels/255 - 0.5) / 0.5 (-1..1)", 3},
		{"raw", 51, "pixels as they are (raw)", 3},
	} {
		p, err := vision.Named(c.name, c.channels)
		if err != nil {
			t.Fatal(err)
		}
		x := []float32{51, 51, 51}
		if err := p.Apply(x, x, tensor.Shape{3, 1, 1}); err != nil {
			t.Fatal(err)
		}
		if d := float64(x[1]) - c.want; d > 1e-6 || d < -1e-6 {
			t.Errorf("%s: %v, want %v", c.name, x[1], c.want)
		}
		if p.String() != c.says || vision.Meaning(c.name) == "" {
			t.Errorf("%s: %q, want %q", c.name, p.String(), c.says)
		}
	}
	_, err := vision.Named("imagenet", 1)
	contains(t, err, "3 channels")
	_, err = vision.Named("imagnet", 3)
	contains(t, err, `did you mean "imagenet"?`)
	if p, err := vision.Named("-1..1", 1); err != nil || len(p.Mean) != 1 {
		t.Errorf("%v, %v", p, err)
	}
	if got := (vision.Preprocess{Mean: []float32{0.1}, Std: []float32{0.3}}).String(); got != "(pixels/255 - 0.1) / 0.3" {
		t.Errorf("of one channel: %q", got)
	}
	p := vision.Preprocess{Mean: []float32{0.1, 0.2, 0.3}, BGR: true}
	if got := p.String(); got != "pixels/255 - 0.1,0.2,0.3, blue first" {
		t.Errorf("%q", got)
	}
}
