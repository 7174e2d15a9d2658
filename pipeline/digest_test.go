package pipeline_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"linquant/calib"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/vision"
)

// The hashes of drawnPixels and of the same divided by 255, by NumPy:
//
//	x = (np.arange(2 * 3072) * 7919 % 256).reshape(2, 3, 32, 32)
//	hashlib.sha256(b"".join(hashlib.sha256(e.astype("<f4").tobytes()).digest() for e in x)).hexdigest()
//	… of np.float32(x) / np.float32(255), and of x[:1]
const (
	sumOfPixels = "3547ae65ea4e648767042e25be5986a625525957ca5bb1bda602478fa75bf5e1"
	sumOfFloats = "803fd260898852b8423fb57da41cf268f7ca1b24eea2d65fef97597e8d795ad5"
	sumOfFirst  = "bf8186a59137ebab1ada20db9d79d62adfa11c2a98abbcc477bb89f45061f027"
)

func drawnPixels() []uint8 {
	x := make([]uint8, 2*3*32*32)
	for i := range x {
		x[i] = uint8(i * 7919)
	}
	return x
}

// TestExamplesSHA256 holds the hash of examples to NumPy's: of bytes, of a folder of pictures, of what a program gives, of floats; whatever the
// ranges are chosen by, and how often examples are looked at.
func TestExamplesSHA256(t *testing.T) {
	x := drawnPixels()
	floats := make([]float32, len(x))
	for i, v := range x {
		floats[i] = float32(v) / 255
	}
	for _, tt := range []struct {
		name string
		cfg  pipeline.Config
		want string
	}{
		{"bytes", pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, x)}}}, sumOfPixels},
		{"pictures", pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: "images:" + pictures(t, x)}}}, sumOfPixels},
		{"a limit", pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, x), Limit: 1}}}, sumOfFirst},
		{"floats", pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, floats)}}}, sumOfFloats},
		{"two passes", pipeline.Config{Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, x)}, Method: calib.Entropy}}, sumOfPixels},
		{"prepared otherwise", pipeline.Config{
			Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, x)}},
			Preprocess:  &vision.Preprocess{Mean: []float32{0.1, 0.2, 0.3}, BGR: true},
		}, sumOfPixels},
		{"a weight method that looks", pipeline.Config{
			Calibration: pipeline.Calibration{Data: pipeline.Data{Set: saved(t, x)}}, Quant: ptq.Config{WeightMethod: watching{seen: new([]int)}},
		}, sumOfPixels},
		{"none", pipeline.Config{Dynamic: true}, ""},
	} {
		tt.cfg.Model = pipeline.Builtin
		r, err := pipeline.Quantize(t.Context(), tt.cfg)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if r.ExamplesSHA256 != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, r.ExamplesSHA256, tt.want)
		}
		r.Close()
	}
}

// pictures saves the two images as files of a folder, and returns its path.
func pictures(t *testing.T, x []uint8) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "class"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"1.png", "2.png"} {
		const plane = 32 * 32
		planes, picture := x[i*3*plane:], image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for k := range plane {
			picture.SetNRGBA(k%32, k/32, color.NRGBA{planes[k], planes[plane+k], planes[2*plane+k], 255})
		}
		f, err := os.Create(filepath.Join(dir, "class", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, picture); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
