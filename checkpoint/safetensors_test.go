package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/testing/datadir"
	"linquant/tensor"
)

func TestSafetensorsRefused(t *testing.T) {
	const u8 = `"dtype":"U8",`
	for _, c := range []struct {
		name   string
		header string
		data   int
		words  []string
	}{
		{
			"overlap", `{"a":{` + u8 + `"shape":[4],"data_offsets":[0,4]},"b":{` + u8 + `"shape":[4],"data_offsets":[3,7]}}`, 7,
			[]string{"overlap", `"a"`, `"b"`},
		},
		{"hole", `{"a":{` + u8 + `"shape":[1],"data_offsets":[2,3]}}`, 3, []string{"hole", `"a"`}},
		{"trailing", `{"a":{` + u8 + `"shape":[1],"data_offsets":[0,1]}}`, 3, []string{"2 bytes follow"}},
		{"out of range", `{"a":{` + u8 + `"shape":[9],"data_offsets":[0,9]}}`, 3, []string{`"a"`, "out of range", "truncated"}},
		{"end before begin", `{"a":{` + u8 + `"shape":[1],"data_offsets":[1,0]}}`, 1, []string{`"a"`, "before its start"}},
		{"size", `{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,8]}}`, 8, []string{`"a"`, "24 bytes", "hold 8"}},
		{
			"claims 2^36 floats", `{"a":{"dtype":"F32","shape":[68719476736],"data_offsets":[0,274877906944]}}`, 8,
			[]string{`"a"`, "out of range"},
		},
		{
			"shape overflows", `{"a":{"dtype":"F64","shape":[4294967296,4294967296,2],"data_offsets":[0,0]}}`, 0,
			[]string{`"a"`, "machine can address"},
		},
		{
			"bytes overflow", `{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, 0,
			[]string{`"a"`, "machine can address"},
		},
		{"dtype", `{"a":{"dtype":"","shape":[2],"data_offsets":[0,1]}}`, 1, []string{`"a"`, "no name of a type"}},
		{"shape of an unknown type", `{"a":{"dtype":"F4","shape":[4294967296,4294967296,2],"data_offsets":[0,0]}}`, 0, []string{`"a"`, "machine can address"}},
		{
			"duplicate", `{"a":{` + u8 + `"shape":[1],"data_offsets":[0,1]},"a":{` + u8 + `"shape":[1],"data_offsets":[1,2]}}`, 2,
			[]string{"two entries", `"a"`},
		},
		{"duplicate metadata", `{"__metadata__":{"k":"1","k":"2"}}`, 0, []string{"two entries", `"k"`}},
		{"metadata not a string", `{"__metadata__":{"k":1}}`, 0, []string{"__metadata__", `"k"`, "string"}},
		{"negative", `{"a":{` + u8 + `"shape":[-1],"data_offsets":[0,1]}}`, 1, []string{`"a"`, "-1", "non-negative"}},
		{"fraction", `{"a":{` + u8 + `"shape":[1.0],"data_offsets":[0,1]}}`, 1, []string{"1.0"}},
		{"nested", `{"a":{` + u8 + `"shape":` + strings.Repeat("[", 1<<16), 0, []string{`"shape"`, "where a number belongs"}},
		{"unknown field", `{"a":{"type":"U8"}}`, 0, []string{`"type"`, "does not know"}},
		{"missing field", `{"a":{"dtype":"U8"}}`, 0, []string{`"a"`, "lacks"}},
		{"three offsets", `{"a":{` + u8 + `"shape":[1],"data_offsets":[0,1,1]}}`, 1, []string{`"a"`, "lacks"}},
		{"cut header", `{"a":{"dtype":`, 0, []string{"ends in the middle"}},
		{"syntax", `{"a"!}`, 0, []string{"not JSON"}},
		{"rest", `{} x`, 0, []string{"after its closing brace"}},
		{"not UTF-8", "{\"\xff\":1}", 0, []string{"UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openBytes(safetensorsFile(c.header, c.data))
			wantError(t, err, append(c.words, "test: ")...)
		})
	}
}

func TestSafetensorsHeaderLength(t *testing.T) {
	b := safetensorsFile(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)
	binary.LittleEndian.PutUint64(b, 1<<36)
	_, err := openBytes(b)
	wantError(t, err, "truncated", "header")
	_, err = readSafetensors(zeros{}, 1<<40) // a file of a terabyte, its header length zero
	wantError(t, err, "header")
	_, err = readSafetensors(zeros{prefix: "\x00\xe1\xf5\x06"}, 1<<40) // 116,777,216 bytes
	wantError(t, err, "header", "100000000")
}

// zeros is an endless file of zeros after a prefix.
type zeros struct{ prefix string }

func (z zeros) ReadAt(p []byte, offset int64) (int, error) {
	clear(p)
	if offset < int64(len(z.prefix)) {
		copy(p, z.prefix[offset:])
	}
	return len(p), nil
}

func TestSafetensorsOrderAndPadding(t *testing.T) {
	f := mustOpen(t, safetensorsFile(`{"late":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},`+
		`"none":{"dtype":"F64","shape":[0,7],"data_offsets":[3,3]},`+
		`"early":{"data_offsets":[0,3],"shape":[3,1],"dtype":"U8"}}    `, 5))
	var names []string
	for _, x := range f.Tensors() {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "early none late" {
		t.Errorf("order %q", got)
	}
	late, _ := f.Tensor("late")
	if got, err := late.Read(); err != nil || string(got.Data) != "\x03\x04" {
		t.Errorf("late = %v, %v", got, err)
	}
	everyTruncation(t, safetensorsFile(`{"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}`, 4))
}

func TestSafetensorsData(t *testing.T) {
	f, err := Open(datadir.File(t, "models/tinygrad_mnist.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	elements := 0
	for _, x := range f.Tensors() {
		v, err := x.Float32s(nil)
		if err != nil || x.DType != tensor.Float32 {
			t.Errorf("%q: %v, %v", x.Name, x.DType, err)
		}
		elements += len(v)
	}
	if len(f.Tensors()) != 2 || elements != 784*128+128*10 {
		t.Errorf("%d tensors with %d elements", len(f.Tensors()), elements)
	}
	h, err := Open(datadir.File(t, "models/hadamards.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if len(h.Metadata) == 0 || len(h.Tensors()) == 0 {
		t.Errorf("%d tensors, metadata %q", len(h.Tensors()), h.Metadata)
	}
	for _, x := range h.Tensors() {
		raw, err := x.Read()
		if err != nil || x.DType != tensor.Int8 {
			t.Fatalf("%q: %v, %v", x.Name, x.DType, err)
		}
		for i, b := range raw.Data {
			if b != 1 && b != 0xff { // a Hadamard matrix holds 1 and -1
				t.Fatalf("%q: element %d is %d", x.Name, i, int8(b))
			}
		}
	}
}

// TestBeyond2GiB reads a tensor whose offset needs more than 31 bits, from a sparse file.
func TestBeyond2GiB(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse.safetensors")
	const gap = 3 << 30 // three tensors, so that each can be addressed with 32 bits
	header := `{"a":{"dtype":"U8","shape":[1073741824],"data_offsets":[0,1073741824]},` +
		`"b":{"dtype":"U8","shape":[1073741824],"data_offsets":[1073741824,2147483648]},` +
		`"c":{"dtype":"U8","shape":[1073741824],"data_offsets":[2147483648,3221225472]},` +
		`"far":{"dtype":"F32","shape":[1],"data_offsets":[3221225472,3221225476]}}`
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start := safetensorsFile(header, 0)
	if _, err := file.Write(start); err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{0, 0, 0xc0, 0x3f}, int64(len(start))+gap); err != nil {
		t.Skipf("this file system has no files of 3 GiB: %v", err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	far, err := f.Tensor("far")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := far.Float32s(nil); err != nil || v[0] != 1.5 {
		t.Errorf("far = %v, %v; want 1.5", v, err)
	}
}

func BenchmarkSafetensorsRead(b *testing.B) {
	const n = 16 << 20
	f := mustOpen(b, safetensorsFile(`{"a":{"dtype":"F32","shape":[4194304],"data_offsets":[0,16777216]}}`, n))
	var buf []float32
	b.SetBytes(n)
	for b.Loop() {
		var err error
		if buf, err = f.Tensors()[0].Float32s(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// One tensor of a type that is not known leaves the others readable: it is listed, refused where its elements are wanted, and copied as it
// is stored.
func TestUnknownType(t *testing.T) {
	header := `{"a":{"dtype":"F4_NEW","shape":[2,3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}`
	f := mustOpen(t, safetensorsFile(header, 5))
	a, err := f.Tensor("a")
	if err != nil {
		t.Fatal(err)
	}
	if a.Unknown() != "F4_NEW" || a.DType != tensor.Invalid || !a.Shape.Equal(tensor.Shape{2, 3}) || a.Stored() != 3 || a.Bytes() != 3 {
		t.Errorf("listed as %q, %v %v of %d bytes", a.Unknown(), a.DType, a.Shape, a.Stored())
	}
	_, read := a.Read()
	_, floats := a.Float32s(nil)
	_, stream := a.Stream()
	for _, err := range []error{read, floats, stream} {
		if err == nil || !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `"a": dtype "F4_NEW" is not one that can be read`) {
			t.Errorf("error %v", err)
		}
	}
	b, err := f.Tensor("b")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.Read(); err != nil || len(v.Data) != 2 {
		t.Errorf("the other tensor: %v, %v", v, err)
	}
	var copied bytes.Buffer
	if err := WriteSafetensors(&copied, nil, []Output{a.Output(), b.Output()}); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, copied.Bytes())
	if c, err := again.Tensor("a"); err != nil || c.Unknown() != "F4_NEW" || c.Stored() != 3 {
		t.Errorf("the copy: %+v, %v", c, err)
	}
	if err := WriteNPZ(&copied, []Output{a.Output()}); err == nil {
		t.Error("NumPy has no such type, and it is written")
	}
}
