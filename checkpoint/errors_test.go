package checkpoint

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"linquant/tensor"
)

// failing is a disk that fails from some byte on.
type failing struct {
	io.ReaderAt
	from int64
}

var errDisk = errors.New("the disk is on fire")

func (f failing) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, offset)
}

// TestErrorTypes opens and reads files that are damaged, and files that are only of another kind.
func TestErrorTypes(t *testing.T) {
	twoTensors := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`
	tests := map[string]struct {
		file    []byte
		damaged bool
		tensor  string
	}{
		"nothing":                  {nil, true, ""},
		"zeros":                    {make([]byte, 100), true, ""},
		"a short file":             {safetensorsFile(twoTensors, 11), true, ""},
		"a shape without its size": {safetensorsFile(strings.Replace(twoTensors, "[2]", "[3]", 1), 12), true, "b"},
		"a cut zip":                {zipOf(t, "a/data.pkl")[:60], true, ""},
		"a cut npy":                {fixture(t, "half.npy")[:130], true, ""},
		"Python objects":           {fixture(t, "object.npy"), false, ""},
		"HDF5":                     {[]byte("\x89HDF\r\n\x1a\n"), false, ""},
		"another zip":              {zipOf(t, "readme"), false, ""},
		"another tar":              {tarOf(t, "readme"), false, ""},
		"a compressed member":      {zipWith(t, zip.Deflate, member{"a/data.pkl", "\x80\x02}."}), false, ""},
		"a class that is refused":  {zipWith(t, zip.Store, member{"a/data.pkl", "\x80\x02cos\nsystem\n."}), false, ""},
		"noise":                    {[]byte("hello, world"), false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := openBytes(tt.file)
			kind := ErrUnsupported
			if tt.damaged {
				kind = ErrDamaged
			}
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, kind) || errors.Is(err, ErrDamaged) == errors.Is(err, ErrUnsupported) {
				t.Fatalf("%T: %v; want %v", err, err, kind)
			}
			if e.File != "test" || e.Tensor != tt.tensor {
				t.Errorf("file %q, tensor %q of %v; want test, %q", e.File, e.Tensor, err, tt.tensor)
			}
		})
	}
	if _, err := openBytes([]byte("\x08\x07\x12\x07pytorch")); !errors.Is(err, ErrONNX) || !errors.Is(err, ErrUnsupported) {
		t.Errorf("an ONNX file: %v", err)
	}
	if _, err := openBytes([]byte("\x08\x07\x12")); !errors.Is(err, ErrONNX) {
		t.Errorf("the first bytes of an ONNX file: %v", err)
	}
	for _, other := range []string{"\x08\x07", "\x10\x07\x12\x07pytorch", "\x08\x00\x12\x07pytorch", "\x08\x20\x12\x07pytorch", "\x08\x07\x0a\x07pytorch"} {
		if _, err := openBytes([]byte(other)); err == nil || errors.Is(err, ErrONNX) {
			t.Errorf("%q: %v", other, err)
		}
	}
	if _, err := openBytes([]byte("hello, world")); !errors.Is(err, ErrFormat) {
		t.Errorf("noise: %v", err)
	}
}

// A file that ends while it is read says where, and which tensor is lost.
func TestDamageWhileReading(t *testing.T) {
	b := safetensorsFile(`{"a":{"dtype":"F32","shape":[200],"data_offsets":[0,800]},"b":{"dtype":"F32","shape":[2],"data_offsets":[800,808]}}`, 808)
	f, err := New(bytes.NewReader(b[:len(b)-3]), int64(len(b)), "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, read := range map[string]func(*Tensor) error{
		"Read":     func(x *Tensor) error { _, err := x.Read(); return err },
		"Float32s": func(x *Tensor) error { _, err := x.Float32s(nil); return err },
		"Output":   func(x *Tensor) error { return x.Output().Write(io.Discard) },
	} {
		var damaged *Error
		if err := read(f.Tensors()[1]); !errors.Is(err, ErrDamaged) || !errors.As(err, &damaged) || damaged.Tensor != "b" || damaged.Offset != int64(len(b)-3) {
			t.Errorf("%v, %+v; want tensor b at byte %d", err, damaged, len(b)-3)
		}
		if err := read(f.Tensors()[0]); err != nil {
			t.Error(err)
		}
	}
}

// A file that became shorter while it was open is damaged, wherever it ends and whatever it is.
func TestShrunkFiles(t *testing.T) {
	for _, b := range [][]byte{
		fixture(t, "compressed.npz"), fixture(t, "half.npy"), fixture(t, "torch.zip.pt"), fixture(t, "torch.legacy.pt"), tarFixture(t, 2),
	} {
		for n := 0; n < len(b); n += max(len(b)/100, 1) {
			f, err := New(bytes.NewReader(b[:n]), int64(len(b)), "test")
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("%d of %d bytes: %v", n, len(b), err)
			}
			if err != nil {
				continue
			}
			for _, x := range f.Tensors() {
				if _, err := x.Read(); err != nil && !errors.Is(err, ErrDamaged) {
					t.Errorf("%d of %d bytes: %v", n, len(b), err)
				}
			}
		}
	}
}

// A disk that fails is no damage of the file, wherever it fails.
func TestReadErrorsAreNoDamage(t *testing.T) {
	tensors := []Output{counting("a", tensor.Float32, tensor.Shape{3}), counting("b", tensor.Int8, tensor.Shape{5})}
	files := map[string][]byte{
		"safetensors": write(t, func(w io.Writer) error { return WriteSafetensors(w, nil, tensors) }),
		"npz":         write(t, func(w io.Writer) error { return WriteNPZ(w, tensors) }),
		"npz deflate": fixture(t, "compressed.npz"), "npy": fixture(t, "half.npy"),
		"zip": fixture(t, "torch.zip.pt"), "legacy": fixture(t, "torch.legacy.pt"), "tar": tarFixture(t, 2),
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			step := max(len(b)/200, 1)
			for from := 0; from < len(b); from += step {
				f, err := New(failing{bytes.NewReader(b), int64(from)}, int64(len(b)), "test")
				if err != nil {
					checkDisk(t, from, err)
					continue
				}
				for _, x := range f.Tensors() {
					if _, err := x.Read(); err != nil {
						checkDisk(t, from, err)
					}
				}
			}
		})
	}
}

func checkDisk(t *testing.T, from int, err error) {
	t.Helper()
	if !errors.Is(err, errDisk) || !errors.As(err, new(*Error)) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnsupported) {
		t.Errorf("a disk that fails at byte %d: %T %v", from, err, err)
	}
}
