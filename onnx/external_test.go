package onnx_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// addBias is relu with y = x + w, w of [3] in an external file that the entries describe.
func addBias(entries ...onnxpb.Entry) *onnxpb.Model {
	m := relu()
	m.Graph.Nodes[0] = node("Add", "y", "x", "w")
	m.Graph.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{3}, Outside: true, External: entries}}
	return m
}

func littleEndian(x ...float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// folders makes a folder with a model, and beside it one that the model must not read from.
func folders(t *testing.T, m *onnxpb.Model) (model, inside, outside string) {
	t.Helper()
	root := t.TempDir()
	inside, outside = filepath.Join(root, "model"), filepath.Join(root, "secret")
	weights := append(make([]byte, 8), littleEndian(1, 2, 3)...)
	for _, dir := range []string{inside, filepath.Join(inside, "sub"), outside} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "w.bin"), weights, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	model = filepath.Join(inside, "net.onnx")
	if err := os.WriteFile(model, encode(t, m), 0o644); err != nil {
		t.Fatal(err)
	}
	return model, inside, outside
}

func TestExternalData(t *testing.T) {
	for name, entries := range map[string][]onnxpb.Entry{
		"beside": {{Key: "location", Value: "w.bin"}, {Key: "offset", Value: "8"}, {Key: "length", Value: "12"}, {Key: "checksum", Value: "?"}},
		"below":  {{Key: "location", Value: "sub/w.bin"}, {Key: "offset", Value: "8"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := addBias(entries...)
			path, _, _ := folders(t, m)
			f, err := onnx.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			near(t, eval(t, f.Graph, tensor.Shape{1, 3}, []float32{10, 20, 30}), tensor.Shape{1, 3}, []float32{11, 22, 33})
			if want := int64(len(encode(t, m)) + 20); f.Size != want {
				t.Errorf("size %d, want %d with the external file", f.Size, want)
			}
			for range 2 {
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
			// Neither may be held open: Windows would not let go of the folder.
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExternalDataRefuses(t *testing.T) {
	at := func(location, offset, length string) []onnxpb.Entry {
		return []onnxpb.Entry{{Key: "location", Value: location}, {Key: "offset", Value: offset}, {Key: "length", Value: length}}
	}
	tests := []struct {
		name    string
		entries []onnxpb.Entry
		want    string
	}{
		{"parent folder", at("../secret/w.bin", "0", "12"), `only files in the model's folder`},
		{"parent folder on the way", at("sub/../../secret/w.bin", "0", "12"), `only files in the model's folder`},
		{"absolute", at("/etc/passwd", "0", "12"), `only files in the model's folder`},
		{"no location", nil, `only files in the model's folder`},
		{"link to a file", at("link.bin", "0", "12"), "cannot be read"},
		{"link to a folder", at("folder/w.bin", "0", "12"), "cannot be read"},
		{"missing", at("none.bin", "0", "12"), "keep the file beside the model"},
		{"folder", at("sub", "0", "12"), "no regular file"},
		{"beyond the end", at("w.bin", "12", "12"), "beyond the end"},
		{"offset beyond the end", at("w.bin", "9223372036854775807", "12"), "beyond the end"},
		{"negative offset", at("w.bin", "-8", "12"), `offset "-8"`},
		{"offset that is no number", at("w.bin", "eight", "12"), `offset "eight"`},
		{"other length", at("w.bin", "0", "16"), "16 bytes, and its type and shape need 12"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, inside, outside := folders(t, addBias(tt.entries...))
			if strings.HasPrefix(tt.name, "link") {
				if runtime.GOOS == "windows" || runtime.GOOS == "js" {
					t.Skip("no symbolic links")
				}
				for link, target := range map[string]string{"link.bin": filepath.Join(outside, "w.bin"), "folder": outside} {
					if err := os.Symlink(target, filepath.Join(inside, link)); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, err := onnx.Open(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `initializer "w"`) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// A cache keeps files under other names, and links to them: the model's data is what a link beside the link to the model leads to,
// or lies beside what that leads to, and nowhere else.
func TestExternalDataOfLinkedModel(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("no symbolic links")
	}
	for name, test := range map[string]struct {
		location string            // of the data
		links    map[string]string // in the folder of the link to the model
		want     string            // an error; "": it opens
	}{
		"linked":               {"data.bin", map[string]string{"data.bin": "../model/w.bin"}, ""},
		"linked below":         {"below/data.bin", map[string]string{"below": "../model/sub", "below/data.bin": "w.bin"}, ""},
		"beside the model":     {"w.bin", nil, ""},
		"below the model":      {"sub/w.bin", nil, ""},
		"elsewhere":            {"data.bin", map[string]string{"data.bin": "../secret/w.bin"}, "cannot be read"},
		"folder elsewhere":     {"data/w.bin", map[string]string{"data": "../secret"}, "cannot be read"},
		"elsewhere for both":   {"w.bin", map[string]string{"w.bin": "../secret/w.bin"}, "cannot be read"},
		"up from both":         {"../secret/w.bin", nil, "only files in the model's folder"},
		"link in the model's":  {"away.bin", nil, "cannot be read"},
		"link to nothing":      {"data.bin", map[string]string{"data.bin": "../model/none.bin"}, "cannot be read"},
		"another, by a folder": {"data/w.bin", map[string]string{"data": "../model"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path, inside, outside := folders(t, addBias(
				onnxpb.Entry{Key: "location", Value: test.location}, onnxpb.Entry{Key: "offset", Value: "8"}))
			if err := os.Symlink(filepath.Join(outside, "w.bin"), filepath.Join(inside, "away.bin")); err != nil {
				t.Fatal(err)
			}
			cache := filepath.Join(filepath.Dir(inside), "cache")
			if err := os.Mkdir(cache, 0o755); err != nil {
				t.Fatal(err)
			}
			for link, target := range test.links {
				if strings.Contains(link, "/") {
					link = filepath.Join(inside, "sub", filepath.Base(link)) // by the link to that folder
				} else {
					link = filepath.Join(cache, link)
				}
				if err := os.Symlink(target, link); err != nil {
					t.Fatal(err)
				}
			}
			model := filepath.Join(cache, "model.onnx")
			if err := os.Symlink(filepath.Join("..", "model", filepath.Base(path)), model); err != nil {
				t.Fatal(err)
			}
			f, err := onnx.Open(t.Context(), model)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			near(t, eval(t, f.Graph, tensor.Shape{1, 3}, []float32{10, 20, 30}), tensor.Shape{1, 3}, []float32{11, 22, 33})
		})
	}
}

// TestExternalHalves converts float16 elements of another file, which are far more than the model's own bytes allow. Many
// names of one file do not allow more.
func TestExternalHalves(t *testing.T) {
	const n = 1 << 16
	m := addBias()
	m.Graph.Nodes[0] = node("Add", "y", "x", "w0")
	halves := func(location string, copies int) {
		m.Graph.Initializers = nil
		for i := range copies {
			w := onnxpb.Tensor{Name: fmt.Sprint("w", i), Type: onnxpb.Float16, Dims: []int64{n}, Outside: true}
			w.External = []onnxpb.Entry{{Key: "location", Value: strings.Repeat("./", i) + location}}
			m.Graph.Initializers = append(m.Graph.Initializers, w)
		}
	}
	m.Graph.Inputs[0], m.Graph.Outputs[0] = floatInput("x", 1, n), floatInput("y", 1, n)
	for copies, fails := range map[int]bool{1: false, 8: true} {
		halves("h.bin", copies)
		path, inside, _ := folders(t, m)
		if err := os.WriteFile(filepath.Join(inside, "h.bin"), make([]byte, 2*n), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := onnx.Open(t.Context(), path)
		if err == nil {
			f.Close()
		}
		if (err != nil) != fails {
			t.Errorf("%d tensors of one file: error %v", copies, err)
		}
	}
}
