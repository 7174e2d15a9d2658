package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/tensor"
)

// Files of a folder may have examples of several shapes where an input has dimensions that may be any: they come shape by shape.
func TestByShape(t *testing.T) {
	dir := t.TempDir()
	for i, steps := range []int{2, 3, 2} {
		x := make([]float32, 4*steps)
		for k := range x {
			x[k] = float32(10*i + k)
		}
		a, err := tensor.Of(tensor.Shape{4, steps}, x)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, string(rune('a'+i))+".npz"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(checkpoint.WriteNPZ(f, []checkpoint.Output{checkpoint.FromTensor("x", a)}), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	fixed := []Input{{Name: "x", Shape: tensor.Shape{2}}}
	if _, err := OpenInputs(t.Context(), "npz:"+dir, "", fixed); err == nil || !strings.Contains(err.Error(), "one shape is wanted in all files") {
		t.Errorf("an input of one shape: %v", err)
	}
	s, err := OpenInputs(t.Context(), "npz:"+dir, "", []Input{{Name: "x", Shape: tensor.Shape{-1}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Read(t.Context(), 0, make([]float32, 2)); err == nil || !strings.Contains(err.Error(), "2 shapes") {
		t.Errorf("an example of all: %v", err)
	}
	for limit, want := range map[int]string{12: "[2] 8 [3] 4", 9: "[2] 5 [3] 4", 6: "[2] 4 [3] 2", 3: "[2] 3"} {
		var got []string
		for _, g := range ByShape(Limit(s, limit)) {
			got = append(got, fmt.Sprint(g.Shape(), " ", g.Len()))
			last := make([]float32, g.Shape()[0])
			if _, err := g.Read(t.Context(), g.Len()-1, last); err != nil {
				t.Error(err)
			}
			if first := limit == 12 && len(last) == 2; first && last[1] != 27 {
				t.Errorf("the last example of the third file is %v", last)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("the first %d are %q, want %s", limit, got, want)
		}
	}
}
