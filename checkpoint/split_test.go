package checkpoint

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// parts cuts a stream into its files.
func parts(stream []byte, most int64) (list [][]byte, formats []Format, err error) {
	r := bufio.NewReaderSize(bytes.NewReader(stream), 16)
	for {
		var b bytes.Buffer
		f, err := CopyNumPy(&b, r, most)
		if err == io.EOF {
			return list, formats, nil
		}
		if err != nil {
			return list, formats, err
		}
		list, formats = append(list, b.Bytes()), append(formats, f)
	}
}

// The stream is what NumPy wrote to a pipe (make_stream.py), and behind it the same archives with their sizes, as NumPy writes them to files.
func TestCopyNumPy(t *testing.T) {
	stream, err := os.ReadFile("testdata/stream.bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stored.npz", "compressed.npz", "half.npy"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, b...)
	}
	list, formats, err := parts(stream, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ids mask", "ids", "array", "", "arr_0 arr_1", "a b", "a b", "array"}
	if len(list) != len(want) || !bytes.Equal(bytes.Join(list, nil), stream) {
		t.Fatalf("%d files, not %d, or other bytes", len(list), len(want))
	}
	for i, b := range list {
		f, err := New(bytes.NewReader(b), int64(len(b)), "part")
		if err != nil {
			t.Errorf("file %d: %v", i, err)
			continue
		}
		var names []string
		for _, x := range f.Tensors() {
			names = append(names, x.Name)
		}
		if got := strings.Join(names, " "); got != want[i] || f.Format != formats[i] {
			t.Errorf("file %d: %v of %s, and %v is said", i, f.Format, got, formats[i])
		}
	}
	f, err := New(bytes.NewReader(list[1]), int64(len(list[1])), "part")
	if err != nil {
		t.Fatal(err)
	}
	x, err := f.Tensors()[0].Float32s(nil)
	if err != nil || len(x) != 600 || x[599] != 599%7 {
		t.Errorf("%v, %d elements", err, len(x))
	}
}

// A stream that ends early, goes on with something else, or is larger than it may be is an error, wherever that is.
func TestCopyNumPyRefuses(t *testing.T) {
	stream, err := os.ReadFile("testdata/stream.bin")
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := parts(stream, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int]bool{0: true}
	at := 0
	for _, b := range whole {
		at += len(b)
		ends[at] = true
	}
	for n := range stream {
		if _, _, err := parts(stream[:n], 1<<20); ends[n] != (err == nil) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) &&
			!strings.Contains(err.Error(), "a NumPy file is to begin") {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, _, err := parts(append(stream[:len(stream):len(stream)], "loading model…\n"...), 1<<20); err == nil || !strings.Contains(err.Error(), "loading mode") {
		t.Errorf("text in the stream: %v", err)
	}
	if _, _, err := parts(stream, 300); err == nil || !strings.Contains(err.Error(), "larger than it may be") {
		t.Errorf("a limit: %v", err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	m, err := w.CreateRaw(&zip.FileHeader{Name: "a.npy", Method: 12, Flags: withoutSizes})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write([]byte("BZh9")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if _, _, err := parts(b.Bytes(), 1<<20); err == nil || !strings.Contains(err.Error(), "method 12") {
		t.Errorf("another compression: %v", err)
	}
}

func FuzzCopyNumPy(f *testing.F) {
	stream, err := os.ReadFile("testdata/stream.bin")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stream)
	f.Fuzz(func(t *testing.T, stream []byte) {
		list, _, _ := parts(stream, 1<<16)
		if !bytes.HasPrefix(stream, bytes.Join(list, nil)) {
			t.Error("what was copied is not what was there")
		}
	})
}
