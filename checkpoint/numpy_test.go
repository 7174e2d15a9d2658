package checkpoint

import (
	"archive/zip"
	"bytes"
	"io"
	"math"
	"slices"
	"testing"

	"linquant/tensor"
)

// TestNumPyFixtures reads what NumPy wrote; testdata/make_numpy.py says what the arrays hold.
func TestNumPyFixtures(t *testing.T) {
	grid := make([]float32, 24)
	for i := range grid {
		grid[i] = float32(i)
	}
	threes := make([]float32, 24)
	for i := 0; i < 24; i += 3 {
		threes[i] = 1
	}
	shape := tensor.Shape{2, 3, 4}
	for _, c := range []struct {
		file, name string
		dtype      tensor.DType
		shape      tensor.Shape
		want       []float32
	}{
		{"fortran_f4.npy", "array", tensor.Float32, shape, grid},
		{"big_f8.npy", "array", tensor.Float64, shape, grid},
		{"big_fortran_i2.npy", "array", tensor.Int16, shape, grid},
		{"bool.npy", "array", tensor.Bool, shape, threes},
		{"scalar_f8.npy", "array", tensor.Float64, tensor.Shape{}, []float32{2.5}},
		{"half.npy", "array", tensor.Float16, tensor.Shape{4}, []float32{1, -2, 65504, 0x1p-24}},
		{"version1.npy", "array", tensor.Int32, shape, grid},
		{"version2.npy", "array", tensor.Int32, shape, grid},
		{"version3.npy", "array", tensor.Int32, shape, grid},
		{"stored.npz", "a", tensor.Float32, shape, grid},
		{"stored.npz", "b", tensor.Uint8, shape, grid},
		{"compressed.npz", "a", tensor.Float32, shape, grid},
		{"compressed.npz", "b", tensor.Int64, shape, grid},
	} {
		t.Run(c.file+"/"+c.name, func(t *testing.T) {
			x, err := mustOpen(t, fixture(t, c.file)).Tensor(c.name)
			if err != nil {
				t.Fatal(err)
			}
			v, err := x.Float32s(nil)
			if err != nil || x.DType != c.dtype || !x.Shape.Equal(c.shape) || !slices.Equal(v, c.want) {
				t.Errorf("%v %v %v, %v\nwant %v %v %v", x.DType, x.Shape, v, err, c.dtype, c.shape, c.want)
			}
		})
	}
	x, err := mustOpen(t, fixture(t, "big_c8.npy")).Tensors()[0].Read()
	if err != nil || x.DType != tensor.Complex64 {
		t.Fatalf("%v, %v", x.DType, err)
	}
	parts := tensor.Tensor{DType: tensor.Float32, Shape: tensor.Shape{4}, Data: x.Data}
	if v, _ := parts.Float32s(); !slices.Equal(v, []float32{1, 2, 3, -4}) {
		t.Errorf("complex parts %v", v)
	}
}

func TestNumPyTruncated(t *testing.T) {
	for _, name := range []string{"version1.npy", "version2.npy", "scalar_f8.npy", "stored.npz", "compressed.npz"} {
		everyTruncation(t, fixture(t, name))
	}
}

func TestNPYRefused(t *testing.T) {
	dict := func(descr, shape string) string {
		return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n"
	}
	for _, c := range []struct {
		name  string
		file  []byte
		words []string
	}{
		{"objects", fixture(t, "object.npy"), []string{"Python objects", "pickle"}},
		{"records", fixture(t, "records.npy"), []string{"structured"}},
		{"strings", npyFile(dict("'<U3'", "(1,)"), 12), []string{`"<U3"`, "strings"}},
		{"void", npyFile(dict("'<V2'", "(1,)"), 2), []string{"bfloat16", "float32"}},
		{"dates", npyFile(dict("'<M8[ns]'", "(1,)"), 8), []string{"dates"}},
		{"longdouble", npyFile(dict("'<f16'", "(1,)"), 16), []string{`"<f16"`, "astype"}},
		{"no order", npyFile(dict("'|f4'", "(1,)"), 4), []string{`"|f4"`}},
		{"2^36 floats", npyFile(dict("'<f4'", "(68719476736,)"), 8), nil},
		{"overflow", npyFile(dict("'<f4'", "(4294967296, 4294967296, 4294967296)"), 8), []string{"machine can address"}},
		{"nearly 2^63 bytes", npyFile(dict("'|u1'", "(9223372036854775807,)"), 8), nil},
		{"negative", npyFile(dict("'<f4'", "(-1,)"), 8), []string{"non-negative", "-1"}},
		{"trailing", npyFile(dict("'<f4'", "(1,)"), 8), []string{"4 bytes follow", "npz"}},
		{"rank", npyFile(dict("'|u1'", "("+string(bytes.Repeat([]byte("1,"), 65))+")"), 1), []string{"65 dimensions"}},
		{"twice", npyFile("{'shape': (), 'shape': ()}", 0), []string{"two entries", "shape"}},
		{"missing", npyFile("{'shape': ()}", 0), []string{"missing"}},
		{"unknown key", npyFile("{'color': ()}", 0), []string{"color"}},
		{"code", npyFile(dict("__import__('os')", "()"), 0), []string{"string"}},
		{"garbage after", npyFile(dict("'<f4'", "()")+"x", 4), []string{"the end"}},
		{"version", []byte(npyMagic + "\x09\x00\x00\x00"), []string{"version 9.0"}},
		{"header bomb", []byte(npyMagic + "\x02\x00\xff\xff\xff\xff{"), []string{"4294967295"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openBytes(c.file)
			wantError(t, err, c.words...)
		})
	}
}

// rawZip returns a zip of one member, with the directory's fields as h says and the given bytes as the compressed data.
func rawZip(t *testing.T, h *zip.FileHeader, data []byte) []byte {
	t.Helper()
	return write(t, func(w io.Writer) error {
		z := zip.NewWriter(w)
		m, err := z.CreateRaw(h)
		if err != nil {
			return err
		}
		if _, err := m.Write(data); err != nil {
			return err
		}
		return z.Close()
	})
}

func TestNPZRefused(t *testing.T) {
	one := npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", 4)
	n := uint64(len(one))
	for _, c := range []struct {
		name  string
		h     zip.FileHeader
		words []string
	}{
		{"bomb", zip.FileHeader{Method: zip.Deflate, CompressedSize64: n, UncompressedSize64: 1 << 40}, []string{"inflate"}},
		{"just a bomb", zip.FileHeader{Method: zip.Deflate, CompressedSize64: n, UncompressedSize64: 1032 * (n + 1)}, []string{"inflate"}},
		{"sizes", zip.FileHeader{CompressedSize64: n, UncompressedSize64: n + 1}, []string{"sizes differ"}},
		{"method", zip.FileHeader{Method: 12, CompressedSize64: n, UncompressedSize64: n}, []string{"method 12"}},
		{"encrypted", zip.FileHeader{Flags: 1, CompressedSize64: n, UncompressedSize64: n}, []string{"encrypted"}},
		{"beyond", zip.FileHeader{CompressedSize64: 1 << 50, UncompressedSize64: 1 << 50}, []string{"truncated"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.h.Name = "w.npy"
			_, err := openBytes(rawZip(t, &c.h, one))
			wantError(t, err, append(c.words, `"w"`)...)
		})
	}
	t.Run("duplicate", func(t *testing.T) {
		_, err := openBytes(write(t, func(w io.Writer) error {
			z := zip.NewWriter(w)
			for range 2 {
				m, _ := z.Create("w.npy")
				if _, err := m.Write(one); err != nil {
					return err
				}
			}
			return z.Close()
		}))
		wantError(t, err, "two arrays", `"w"`)
	})
	t.Run("checksum", func(t *testing.T) {
		b := write(t, func(w io.Writer) error {
			z := zip.NewWriter(w)
			m, _ := z.Create("w.npy")
			if _, err := m.Write(one); err != nil {
				return err
			}
			return z.Close()
		})
		directory := bytes.Index(b, []byte("PK\x01\x02"))
		b[directory+16] ^= 1 // the CRC
		_, err := mustOpen(t, b).Tensors()[0].Read()
		wantError(t, err, "damaged", `"w"`)
	})
}

func TestColumnMajorNaNPayload(t *testing.T) {
	// Bytes must come through untouched, whatever they mean as numbers.
	snan := math.Float32bits(float32(math.Inf(1))) | 1
	file := npyFile("{'descr': '>f4', 'fortran_order': True, 'shape': (1, 1)}", 4)
	copy(file[len(file)-4:], []byte{byte(snan >> 24), byte(snan >> 16), byte(snan >> 8), byte(snan)})
	x, err := mustOpen(t, file).Tensors()[0].Read()
	if err != nil || !bytes.Equal(x.Data, []byte{byte(snan), byte(snan >> 8), byte(snan >> 16), byte(snan >> 24)}) {
		t.Errorf("%x, %v", x.Data, err)
	}
}
