package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/tensor"
)

func TestMatch(t *testing.T) {
	for name, c := range map[string]struct {
		arrays, inputs []string
		want           []int
	}{
		"by name":              {[]string{"mask", "y", "ids"}, []string{"ids", "mask"}, []int{2, 0}},
		"one missing":          {[]string{"mask", "other"}, []string{"ids", "mask"}, []int{-1, 0}},
		"unnamed":              {[]string{"arr_1", "arr_0"}, []string{"ids", "mask"}, []int{1, 0}},
		"too many unnamed":     {[]string{"arr_1", "arr_0", "arr_2"}, []string{"ids", "mask"}, []int{-1, -1}},
		"some unnamed":         {[]string{"arr_0", "mask"}, []string{"ids", "mask"}, []int{-1, 1}},
		"other names":          {[]string{"a", "b"}, []string{"ids", "mask"}, []int{-1, -1}},
		"alone":                {[]string{"whatever"}, []string{"ids"}, []int{0}},
		"alone for two":        {[]string{"whatever"}, []string{"ids", "mask"}, []int{-1, -1}},
		"x":                    {[]string{"y", "x"}, []string{"ids"}, []int{1}},
		"its name before x":    {[]string{"x", "ids"}, []string{"ids"}, []int{1}},
		"named as the unnamed": {[]string{"arr_0", "arr_1"}, []string{"arr_1", "arr_0"}, []int{1, 0}},
		"no arrays":            {nil, []string{"ids"}, []int{-1}},
	} {
		if got := Match(c.arrays, c.inputs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// examples opens data for inputs and returns the values of all examples.
func examples(t *testing.T, spec string, inputs []Input) ([][]float32, Set, error) {
	t.Helper()
	s, err := OpenInputs(t.Context(), spec, Train, inputs)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { s.Close() })
	var all [][]float32
	for b, err := range Each(t.Context(), s, 2) {
		if err != nil {
			return nil, s, err
		}
		for i, x := range b.Inputs {
			if len(all) <= i {
				all = append(all, nil)
			}
			all[i] = append(all[i], x...)
		}
	}
	return all, s, nil
}

func TestInputs(t *testing.T) {
	three := tensor.Shape{3}
	ids := of[int64](t, "ids", tensor.Shape{3, 2}, 1, 2, 3, 4, 5, 6)
	mask := of[uint8](t, "mask", three, 1, 0, 1)
	inputs := []Input{{Name: "mask", Shape: tensor.Shape{}}, {Name: "ids", Shape: tensor.Shape{-1}}}
	want := [][]float32{{1, 0, 1}, {1, 2, 3, 4, 5, 6}}
	for name, file := range map[string]string{
		"named":   npz(t, ids, mask, of[int32](t, "y", three, 7, 8, 9)),
		"unnamed": npz(t, of[int64](t, "arr_1", tensor.Shape{3, 2}, 1, 2, 3, 4, 5, 6), of[uint8](t, "arr_0", three, 1, 0, 1)),
		"split":   npz(t, of[int64](t, "ids_train", tensor.Shape{3, 2}, 1, 2, 3, 4, 5, 6), of[uint8](t, "mask_train", three, 1, 0, 1)),
	} {
		got, s, err := examples(t, "npz:"+file, inputs)
		if err != nil || !cmp.Equal(got, want) || s.Len() != 3 {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		arrays := Arrays(Limit(s, 2))
		if len(arrays) != 2 || arrays[0].Name != "mask" || arrays[1].DType != tensor.Int64 || !arrays[1].Shape.Equal(tensor.Shape{2}) {
			t.Errorf("%s: %v", name, arrays)
		}
		label := map[string]int{"named": 8, "unnamed": -1, "split": -1}[name]
		if _, l := read(t, s, 1); l != label {
			t.Errorf("%s: the label %d", name, l)
		}
	}

	// One example without N, and one array alone for the one input.
	got, s, err := examples(t, "npz:"+npz(t, of[float32](t, "a", tensor.Shape{2, 2}, 1, 2, 3, 4)), []Input{{"x", tensor.Shape{2, 2}}})
	if err != nil || s.Len() != 1 || Arrays(s) != nil || !cmp.Equal(got, [][]float32{{1, 2, 3, 4}}) {
		t.Errorf("one example: %v, %v", got, err)
	}
	got, _, err = examples(t, "npz:"+npz(t, ids, mask), []Input{{"ids", tensor.Shape{2}}})
	if err != nil || !cmp.Equal(got, want[1:]) {
		t.Errorf("one of two arrays: %v, %v", got, err)
	}
}

func TestInputsRefuse(t *testing.T) {
	inputs := []Input{{Name: "input_ids"}, {Name: "mask"}}
	ids := of[int64](t, "input_id", tensor.Shape{2, 1}, 1, 2)
	mask := of[uint8](t, "mask", tensor.Shape{2, 1}, 1, 0)
	_, _, err := examples(t, "npz:"+npz(t, ids, mask), inputs)
	wantError(t, err, `for the input "input_ids"`, `arrays are "input_id", "mask"`, `did you mean "input_id"?`)
	missing := (*NoArrayError)(nil)
	if !errors.As(err, &missing) || missing.Input != "input_ids" {
		t.Errorf("%#v", err)
	}
	// What is for another input was not meant, nor what has no letter in common.
	other := of[int64](t, "b", tensor.Shape{2, 1}, 1, 2)
	for _, names := range [][]Input{{{Name: "mass"}, {Name: "mask"}}, {{Name: "a"}, {Name: "mask"}}} {
		_, _, err = examples(t, "npz:"+npz(t, mask, other), names)
		wantError(t, err, `no array is for the input "`+names[0].Name+`"`)
		if strings.Contains(err.Error(), "did you mean") {
			t.Error(err)
		}
	}
	_, err = OpenInputs(t.Context(), "npz:"+npz(t, ids, mask)+":train", Test, []Input{{Name: "input_id"}, {Name: "mask"}})
	wantError(t, err, `no array is for the input "input_id" of the split train: it would be called "input_id_train"`, "leave away :train")
	_, err = OpenInputs(t.Context(), "npz:"+npz(t, ids, mask, of[uint8](t, "input_id_train", tensor.Shape{2, 1}, 1, 0))+":train", Test,
		[]Input{{Name: "input_id"}, {Name: "mask"}})
	wantError(t, err, `no array is for the input "mask" of the split train`)
	_, _, err = examples(t, "npz:"+npz(t, ids, mask), []Input{{Name: "ids"}})
	wantError(t, err, "2 arrays", `none of them "ids"`)
	ids = of[int64](t, "input_ids", tensor.Shape{3, 1}, 1, 2, 3)
	_, _, err = examples(t, "npz:"+npz(t, ids, mask), inputs)
	wantError(t, err, `"mask" has 2 examples and "input_ids" 3`)
}

// Files of a folder are one after the other in the order of their names, and so are those of a pattern.
func TestNumPyFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, arrays ...checkpoint.Output) {
		if err := os.Rename(npz(t, arrays...), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	array := func(name string, x ...float32) checkpoint.Output {
		return of[float32](t, name, tensor.Shape{len(x) / 2, 2}, x...)
	}
	write("b.npz", array("l", 5, 6), array("r", 50, 60))
	write("a.npz", array("r", 10, 20, 30, 40), array("l", 1, 2, 3, 4))
	write(".hidden.npz", array("l", 0, 0))
	write("notes.txt", array("l", 0, 0))
	inputs := []Input{{"l", tensor.Shape{2}}, {"r", tensor.Shape{2}}}
	for _, spec := range []string{"npz:" + dir, "npz:" + filepath.Join(dir, "*.npz")} {
		got, s, err := examples(t, spec, inputs)
		if err != nil || !cmp.Equal(got, [][]float32{{1, 2, 3, 4, 5, 6}, {10, 20, 30, 40, 50, 60}}) || s.Len() != 3 {
			t.Errorf("%s: %v, %v", spec, got, err)
			continue
		}
		if x, _ := read(t, s, 0); x[2] != 10 { // back to the first file
			t.Errorf("%s: %v", spec, x)
		}
	}
	write("c.npz", of[float32](t, "l", tensor.Shape{1, 3}, 1, 2, 3), array("r", 1, 2))
	_, _, err := examples(t, "npz:"+dir, inputs)
	wantError(t, err, "c.npz", `array "l" have the shape [3], and [2] in`, "a.npz")
	_, _, err = examples(t, "npz:"+filepath.Join(dir, "*.npy"), inputs)
	wantError(t, err, "no file has such a name")
	_, _, err = examples(t, "npz:"+t.TempDir(), inputs)
	wantError(t, err, "no .npz or .npy file")
}
