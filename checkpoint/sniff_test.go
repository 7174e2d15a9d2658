package checkpoint

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func zipOf(t testing.TB, names ...string) []byte {
	return write(t, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, name := range names {
			if _, err := z.Create(name); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

func tarOf(t testing.TB, names ...string) []byte {
	return write(t, func(w io.Writer) error {
		z := tar.NewWriter(w)
		for _, name := range names {
			if err := z.WriteHeader(&tar.Header{Name: name, Mode: 0o644}); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// oldTar turns the first member's header into one without the mark of POSIX.
func oldTar(b []byte) []byte {
	b = bytes.Clone(b)
	clear(b[257:265])
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:tarBlock] {
		sum += int(c)
	}
	for i := range 6 {
		b[153-i] = '0' + byte(sum>>(3*i)&7)
	}
	b[154], b[155] = 0, ' '
	return b
}

func gzipOf(t testing.TB, b []byte) []byte {
	return write(t, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if _, err := z.Write(b); err != nil {
			return err
		}
		return z.Close()
	})
}

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want Format
	}{
		{"zip", zipOf(t, "archive/version", "archive/data.pkl"), TorchZip},
		{"flat zip", zipOf(t, "data.pkl"), TorchZip},
		{"npz", zipOf(t, "a.npy", "b/", "b/c.npy"), NPZ},
		{"empty npz", zipOf(t), NPZ},
		{"npy", fixture(t, "half.npy"), NPY},
		{"safetensors", safetensorsFile("{}", 0), Safetensors},
		{"legacy", []byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), TorchLegacy},
		{"safetensors that begins as a pickle", safetensorsFile("{}"+strings.Repeat(" ", 0x280-2), 0), Safetensors},
		{"pickle 4", []byte("\x80\x04\x95"), TorchLegacy},
		{"decimal magic", []byte("L119547037146038801333356L\n."), TorchLegacy},
		{"tar", tarOf(t, "./sys_info", "pickle"), TorchTar},
		{"old tar", oldTar(tarOf(t, "storages")), TorchTar},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := sniff(bytes.NewReader(c.file), int64(len(c.file)))
			if got.name != c.want || err != nil {
				t.Errorf("%v, %v; want %v", got.name, err, c.want)
			}
		})
	}
}

func TestSniffRefuses(t *testing.T) {
	whole := zipOf(t, "a/data.pkl")
	for _, c := range []struct {
		name  string
		file  []byte
		words []string
	}{
		{"empty", nil, []string{"empty"}},
		{"cut zip", whole[:len(whole)-30], []string{"zip", "truncated"}},
		{"other zip", zipOf(t, "model.onnx", "readme"), []string{"zip archive", `it holds "model.onnx", "readme"; if`, "unpack"}},
		{"many members", zipOf(t, "1", "2", "3", "4", "5", "6"), []string{`"5", …`}},
		{"office", zipOf(t, "[Content_Types].xml"), []string{"Office"}},
		{"keras", zipOf(t, "config.json", "model.weights.h5"), []string{"Keras", "savez"}},
		{"other tar", tarOf(t, "model.pth"), []string{"tar archive", `"model.pth"`, "unpack"}},
		{"empty tar", tarOf(t, "d/"), []string{"no files"}},
		{"onnx", []byte("\x08\x07\x12\x07pytorch"), []string{"ONNX", "a file of tensors is needed"}},
		{"hdf5", []byte("\x89HDF\r\n\x1a\n"), []string{"HDF5", "savez"}},
		{"gguf", []byte("GGUF\x03"), []string{"GGUF"}},
		{"tflite", []byte("\x1c\x00\x00\x00TFL3"), []string{"TensorFlow Lite"}},
		{"gzip", gzipOf(t, []byte("x")), []string{"gzip -d"}},
		{"tar.gz", gzipOf(t, tarOf(t, "pickle")), []string{"tar -xzf"}},
		{"html", []byte("\n <!DOCTYPE html>"), []string{"HTML", "download"}},
		{"bare html", []byte("<html><body>"), []string{"HTML"}},
		{"xml", []byte("<?xml version='1.0'?>"), []string{"XML"}},
		{"json", []byte(`{"weight_map": {}}`), []string{"JSON", ".safetensors"}},
		{"lfs", []byte("version https://git-lfs.github.com/spec/v1\n"), []string{"git lfs pull"}},
		{"zeros", make([]byte, 100), []string{"zeros"}},
		{"noise", []byte("hello, world"), []string{"hello", "torch.save", ".npz"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openBytes(c.file)
			wantError(t, err, append(c.words, "test: ")...)
		})
	}
}
