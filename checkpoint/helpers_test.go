package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/tensor"
)

// openBytes opens a checkpoint that is in memory.
func openBytes(b []byte) (*File, error) { return New(bytes.NewReader(b), int64(len(b)), "test") }

// mustOpen is openBytes for a file that has to be accepted.
func mustOpen(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fixture returns a file of testdata.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantError checks that err says every one of the words.
func wantError(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
}

// readEverything reads each tensor of at most 1 MiB in both ways and checks that the sizes agree. Errors are allowed,
// since data may turn out damaged only when it is read; panics and wrong sizes are not.
func readEverything(t testing.TB, f *File) {
	t.Helper()
	for _, list := range [][]*Tensor{f.Tensors(), f.Other()} {
		for _, x := range list {
			if x.Bytes() > 1<<20 {
				continue
			}
			raw, err := x.Read()
			if err == nil && (raw.Elements() != x.Elements() || !raw.Shape.Equal(x.Shape) || raw.DType != x.DType) {
				t.Errorf("%q: announced %v %v, read %v %v", x.Name, x.DType, x.Shape, raw.DType, raw.Shape)
			}
			if v, err := x.Float32s(nil); err == nil && len(v) != x.Elements() {
				t.Errorf("%q: %d floats of %d", x.Name, len(v), x.Elements())
			}
		}
	}
}

// everyTruncation opens each proper prefix of a file: none may panic, and none be accepted.
func everyTruncation(t *testing.T, b []byte) {
	t.Helper()
	for n := range b {
		if f, err := openBytes(b[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were accepted, with %d tensors", n, len(b), len(f.Tensors()))
		}
	}
}

// safetensorsFile joins a header and data of some bytes into a file.
func safetensorsFile(header string, dataBytes int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range dataBytes {
		b = append(b, byte(i))
	}
	return b
}

// npyFile joins a header's text and data of some bytes into a file of version 1.
func npyFile(dict string, dataBytes int) []byte {
	b := append([]byte(npyMagic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	return append(append(b, dict...), make([]byte, dataBytes)...)
}

// write returns what a writer writes.
func write(t testing.TB, fill func(w io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// counting returns an Output whose bytes count up.
func counting(name string, dtype tensor.DType, shape tensor.Shape) Output {
	n, err := shape.Elements()
	if err != nil {
		panic(fmt.Sprint("a test's shape is wrong: ", err))
	}
	data := make([]byte, n*dtype.Size())
	for i := range data {
		data[i] = byte(i)
	}
	return FromTensor(name, tensor.Tensor{DType: dtype, Shape: shape, Data: data})
}
