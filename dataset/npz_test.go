package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linquant/checkpoint"
	"linquant/tensor"
)

// of is an array to be written.
func of[T tensor.Element](t testing.TB, name string, shape tensor.Shape, data ...T) checkpoint.Output {
	t.Helper()
	x, err := tensor.Of(shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.FromTensor(name, x)
}

// npz writes arrays to a file and returns its path.
func npz(t testing.TB, arrays ...checkpoint.Output) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.npz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkpoint.WriteNPZ(f, arrays); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNPZ(t *testing.T) {
	two, four := tensor.Shape{2}, tensor.Shape{2, 2}
	for name, c := range map[string]struct {
		arrays []checkpoint.Output
		split  string
		pixels bool
		values []float32 // of the second example
		label  int
	}{
		"pixels": {
			[]checkpoint.Output{of[uint8](t, "x", four, 1, 2, 3, 255), of[int64](t, "y", two, 4, 5)},
			"",
			true,
			[]float32{3, 255},
			5,
		},
		"floats": {
			[]checkpoint.Output{of[float32](t, "images", four, 1, 2, -0.5, 4), of[uint8](t, "labels", two, 4, 250)},
			"",
			false,
			[]float32{-0.5, 4},
			250,
		},
		"column of labels": {
			[]checkpoint.Output{of[float64](t, "data", four, 1, 2, 0.25, 4), of[int32](t, "targets", tensor.Shape{2, 1}, -1, -1)},
			"",
			false,
			[]float32{0.25, 4},
			-1,
		},
		"no labels": {[]checkpoint.Output{of[int16](t, "arr_0", four, 1, 2, -300, 4)}, "", false, []float32{-300, 4}, -1},
		"float labels": {
			[]checkpoint.Output{of[uint8](t, "x", four, 1, 2, 3, 4), of[float32](t, "y", two, 0, 9)}, "", true, []float32{3, 4}, 9,
		},
		"train": {
			[]checkpoint.Output{
				of[uint8](t, "x_test", four, 1, 2, 3, 4), of[uint8](t, "y_test", two, 1, 2),
				of[uint8](t, "x_train", four, 5, 6, 7, 8), of[uint8](t, "y_train", two, 3, 4),
			},
			":train",
			true,
			[]float32{7, 8},
			4,
		},
		"test": {
			[]checkpoint.Output{
				of[uint8](t, "x_train", four, 5, 6, 7, 8), of[uint8](t, "y_train", two, 3, 4),
				of[uint8](t, "x_test", four, 1, 2, 3, 4), of[uint8](t, "y_test", two, 1, 2),
			},
			"",
			true,
			[]float32{3, 4},
			2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, "npz:"+npz(t, c.arrays...)+c.split, "")
			x, label := read(t, s, 1)
			if s.Len() != 2 || s.Shape().String() != "[2]" || s.Pixels() != c.pixels || !slices.Equal(x, c.values) || label != c.label {
				t.Errorf("%d examples of shape %v, pixels: %v, the second %v with the label %d", s.Len(), s.Shape(), s.Pixels(), x, label)
			}
		})
	}
}

func TestNPY(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := tensor.Of(tensor.Shape{1, 2, 3}, []float32{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteNPY(f, x); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "npz:"+path, "")
	if values, label := read(t, s, 0); s.Shape().String() != "[2, 3]" || values[5] != 6 || label != -1 {
		t.Errorf("%v of shape %v with the label %d", values, s.Shape(), label)
	}
}

func TestNPZRefuses(t *testing.T) {
	two, four := tensor.Shape{2}, tensor.Shape{2, 2}
	x := of[uint8](t, "x", four, 1, 2, 3, 4)
	for name, c := range map[string]struct {
		arrays []checkpoint.Output
		split  string
		want   []string
	}{
		"no x":             {[]checkpoint.Output{of[uint8](t, "a", two, 1, 2), of[uint8](t, "b", two, 1, 2)}, "", []string{`"a", "b"`, `"x"`}},
		"no examples":      {[]checkpoint.Output{of[uint8](t, "x", tensor.Shape{0, 4})}, "", []string{"[0, 4]"}},
		"a list":           {[]checkpoint.Output{of[uint8](t, "x", two, 1, 2)}, "", []string{"[2]", "[N, 3, 32, 32]"}},
		"booleans":         {[]checkpoint.Output{of[bool](t, "x", four, true, true, true, true)}, "", []string{"bool", "uint8"}},
		"fewer labels":     {[]checkpoint.Output{x, of[uint8](t, "y", tensor.Shape{1}, 1)}, "", []string{`"y"`, "1 labels for the 2"}},
		"one-hot":          {[]checkpoint.Output{x, of[uint8](t, "y", four, 1, 0, 0, 1)}, "", []string{`"y"`, "argmax"}},
		"cube of labels":   {[]checkpoint.Output{x, of[uint8](t, "y", tensor.Shape{2, 1, 1}, 1, 0)}, "", []string{`"y"`, "[2, 1, 1]"}},
		"fraction":         {[]checkpoint.Output{x, of[float32](t, "y", two, 1, 0.5)}, "", []string{`"y"`, "label 1 is 0.5"}},
		"negative label":   {[]checkpoint.Output{x, of[int64](t, "y", two, -2, 0)}, "", []string{`"y"`, "label 0 is -2"}},
		"huge label":       {[]checkpoint.Output{x, of[int64](t, "y", two, 1<<60, 0)}, "", []string{`"y"`, "label 0"}},
		"not divided":      {[]checkpoint.Output{x}, ":test", []string{"x_test", "leave away :test"}},
		"other split only": {[]checkpoint.Output{of[uint8](t, "x_train", four, 1, 2, 3, 4)}, "", []string{"x_test", ":train"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := npz(t, c.arrays...)
			_, err := Open(t.Context(), "npz:"+path+c.split, "")
			wantError(t, err, append(c.want, path)...)
		})
	}
	dir := folder(t, map[string]string{"x.npz": "text"})
	_, err := Open(t.Context(), "npz:"+filepath.Join(dir, "x.npz"), "")
	wantError(t, err, "x.npz")
}

// sets returns one set of each kind.
func sets(t testing.TB) []Set {
	t.Helper()
	x, err := os.ReadFile("testdata/images/rgb.png")
	if err != nil {
		t.Fatal(err)
	}
	return []Set{
		mustOpen(t, "builtin", ""),
		mustOpen(t, "cifar10:"+folder(t, map[string]string{"test_batch.bin": record(1, 0)}), ""),
		mustOpen(t, "idx:"+folder(t, map[string]string{
			"t10k-images-idx3-ubyte": idxOf(twoImages, 2, 2, 3), "t10k-labels-idx1-ubyte": idxOf(twoLabels, 2),
		}), ""),
		mustOpen(t, "images:"+folder(t, map[string]string{"a/1.png": string(x)}), ""),
		mustOpen(t, "npz:"+npz(t, of[uint8](t, "x", tensor.Shape{2, 3}, 1, 2, 3, 4, 5, 6)), ""),
	}
}
