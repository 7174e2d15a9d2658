package foreign_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"linquant/internal/foreign"
)

// message is the wire form of fields: numbers and bytes, in turns.
func message(fields ...any) (b []byte) {
	for i := 0; i < len(fields); i += 2 {
		num := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
		}
	}
	return b
}

func TestMessage(t *testing.T) {
	graphDef := message(1, message(1, "conv1/weights", 2, "Const", 5, message(1, "dtype")), 4, message(1, 27))
	saved := message(1, 1, 2, message(1, message(4, "serve", 5, "2.15.0"), 2, graphDef))
	coreML := message(1, 7, 2, message(1, message(1, "image", 3, message(4, message(1, 224)))), 500, message(1, "layers"))
	onnx := message(1, 8, 2, "pytorch", 3, "2.1", 7, message(2, "main"))
	for name, c := range map[string]struct {
		data []byte
		want string // "" where it is none of them
	}{
		"TFLite":            {[]byte("\x1c\x00\x00\x00TFL3\x14\x00"), "TensorFlow Lite"},
		"ORT":               {[]byte("\x14\x00\x00\x00ORTM\x0c\x00"), ".ort"},
		"HDF5":              {[]byte("\x89HDF\r\n\x1a\n\x00"), "HDF5"},
		"GGUF":              {[]byte("GGUF\x03\x00\x00\x00"), "GGUF"},
		"OpenVINO":          {[]byte(`<?xml version="1.0"?>` + "\n<net name=\"m\" version=\"11\">\n"), "OpenVINO"},
		"OpenVINO, bare":    {[]byte(`<net name="m">`), "OpenVINO"},
		"SavedModel":        {saved, "SavedModel"},
		"GraphDef":          {graphDef, "frozen graph"},
		"GraphDef, begun":   {graphDef[:24], "frozen graph"},
		"CoreML":            {coreML, "Core ML"},
		"ONNX":              {onnx, ""},
		"ONNX, truncated":   {onnx[:len(onnx)-3], ""},
		"ONNX, no producer": {message(1, 8, 7, message(2, "main")), ""},
		"web page":          {[]byte("<!DOCTYPE html><network>"), ""},
		"other XML":         {[]byte("<?xml version='1.0'?><error/>"), ""},
		"text":              {[]byte("hello"), ""},
		"nothing":           {nil, ""},
		"one byte":          {[]byte{0x0a}, ""},
	} {
		kind, ok := foreign.Message(c.data)
		if ok != (c.want != "") || !strings.Contains(kind.Name, c.want) {
			t.Errorf("%s: %q %v, want %q", name, kind.Name, ok, c.want)
		}
	}
}

// Advice has the file's path, quoted for the shell or for Python, so that the line can be copied.
func TestError(t *testing.T) {
	for _, c := range []struct {
		kind       foreign.Kind
		path, want string
	}{
		{foreign.TFLite, "m.tflite", "this is a TensorFlow Lite model: make ONNX of it with python -m tf2onnx.convert --tflite m.tflite --output model.onnx"},
		{foreign.TFLite, "my m.tflite", "--tflite 'my m.tflite' --output"},
		{foreign.TFLite, "", "--tflite FILE --output"},
		{foreign.HDF5, "it's.h5", `load_model('it\'s.h5')`},
		{foreign.SavedModel, filepath.Join("a", "saved_model.pb"), "--saved-model a --output"},
		{foreign.CoreML, "m.mlmodel", "in PyTorch with torch.onnx.export(model.eval()"},
	} {
		if got := (&foreign.Error{Kind: c.kind, File: c.path}).Error(); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
	err := error(&foreign.Error{Kind: foreign.GGUF})
	foreign.Named(errors.Join(err), "x.gguf")
	if e := err.(*foreign.Error); e.File != "x.gguf" {
		t.Errorf("the file is %q", e.File)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if _, _, ok := foreign.Folder(dir); ok {
		t.Error("an empty folder is a network")
	}
	if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if kind, file, ok := foreign.Folder(dir); !ok || kind != foreign.SavedModel || filepath.Dir(file) != dir {
		t.Errorf("%v %q %v", kind, file, ok)
	}
}
