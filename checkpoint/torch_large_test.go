package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/testing/datadir"
	"linquant/tensor"
)

// legacyFile writes a checkpoint of torch.save's old layout whose storages of so many floats are holes, which take no
// room on most file systems; mark is written as the last float of the last storage.
func legacyFile(t testing.TB, mark float32, storages int, floats int64) string {
	t.Helper()
	magic, _ := new(big.Int).SetString(legacyMagic, 16)
	var head, keys strings.Builder
	fmt.Fprintf(&head, "L%vL\n.\x80\x02M\xe9\x03.\x80\x02}%s\x88s.", magic, text4("little_endian"))
	head.WriteString(layers(storages, floats))
	keys.WriteString("\x80\x02](")
	for i := range storages {
		keys.WriteString(text4(fmt.Sprintf("%04d", i)))
	}
	keys.WriteString("e.")

	path := filepath.Join(t.TempDir(), "legacy.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, head.String()+keys.String()); err != nil {
		t.Fatal(err)
	}
	offset := int64(head.Len() + keys.Len())
	for range storages {
		if _, err := f.WriteAt([]byte(int64s(floats)), offset); err != nil {
			t.Skipf("the file system has no room for a large sparse file: %v", err)
		}
		offset += 8 + 4*floats
	}
	last, err := tensor.Of(tensor.Shape{1}, []float32{mark})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(last.Data, offset-4); err != nil {
		t.Skipf("the file system has no room for a large sparse file: %v", err)
	}
	return path
}

// layers is the pickle of an OrderedDict of vectors, one for each storage.
func layers(storages int, floats int64) string {
	var b strings.Builder
	b.WriteString("\x80\x02ccollections\nOrderedDict\n)R(")
	count := "\x8a\x08" + int64s(floats)
	for i := range storages {
		b.WriteString(text4(fmt.Sprintf("layer%04d.weight", i)))
		b.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((" + text4("storage") + "ctorch\nFloatStorage\n" +
			text4(fmt.Sprintf("%04d", i)) + text4("cpu") + count + "NtQ")
		b.WriteString("K\x00" + count + "\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR")
	}
	b.WriteString("u.")
	return b.String()
}

// zipFile is legacyFile in today's layout; its elements are all 0.
func zipFile(t testing.TB, _ float32, storages int, floats int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint.pt")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(&holes{f: f})
	add := func(name string, size int64, content io.Reader) {
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, CompressedSize64: uint64(size), UncompressedSize64: uint64(size)})
		if err == nil {
			_, err = io.Copy(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	object := layers(storages, floats)
	add("a/data.pkl", int64(len(object)), strings.NewReader(object))
	for i := range storages {
		add(fmt.Sprintf("a/data/%04d", i), 4*floats, io.LimitReader(zeroReader{}, 4*floats))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// holes writes to a file, skipping what is all zero.
type holes struct {
	f      *os.File
	offset int64
}

func (h *holes) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, "\x00")) > 0 {
		if _, err := h.f.WriteAt(p, h.offset); err != nil {
			return 0, err
		}
	}
	h.offset += int64(len(p))
	return len(p), nil
}

// text4 is the opcode for a string.
func text4(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func TestTorchBeyond2GiB(t *testing.T) {
	if testing.Short() {
		t.Skip("a sparse file of more than 2 GiB")
	}
	const storages, floats = 3, 1 << 28 // of 1 GiB each
	f, err := Open(legacyFile(t, 1.5, storages, floats))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	last, err := f.Tensor("layer0002.weight")
	if err != nil {
		t.Fatal(err)
	}
	s := last.data.(section)
	if s.offset < 2<<30 {
		t.Fatalf("the last storage is at byte %d", s.offset)
	}
	var end [4]byte
	if err := (section{s.r, s.offset + 4*(floats-1)}).readAll(end[:]); err != nil || string(end[:]) != "\x00\x00\xc0\x3f" {
		t.Errorf("the last float is % x, %v; want 1.5", end, err)
	}
}

// BenchmarkOpenTorch lists the tensors of the VGG's checkpoint.
func BenchmarkOpenTorch(b *testing.B) {
	path := datadir.File(b, "checkpoints/model_199-1.tar")
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

// BenchmarkOpenLegacy is the same for a generated file of the same size.
func BenchmarkOpenLegacy(b *testing.B) {
	path := legacyFile(b, 1, 50, 9_228_362/50)
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

// BenchmarkReadAll reads 1 GiB of tensors into one buffer, from a file in the cache.
func BenchmarkReadAll(b *testing.B) {
	if testing.Short() {
		b.Skip("reads 1 GiB")
	}
	const storages, floats = 64, 1 << 22
	for _, c := range []struct {
		name string
		make func(t testing.TB, mark float32, storages int, floats int64) string
	}{{"legacy", legacyFile}, {"zip", zipFile}} {
		b.Run(c.name, func(b *testing.B) {
			f, err := Open(c.make(b, 1, storages, floats))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			buf := make([]byte, 4*floats)
			readAll := func() {
				for _, t := range f.Tensors() {
					if err := t.readInto(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
			readAll() // brings the file into the cache
			b.SetBytes(storages * 4 * floats)
			for b.Loop() {
				readAll()
			}
		})
	}
}

// TestStridedWindows reads views that are larger than a window, against a plain loop, and no part of the file twice.
func TestStridedWindows(t *testing.T) {
	const n = 1 << 21
	values := ramp(n)
	whole, err := tensor.Of(tensor.Shape{n}, values)
	if err != nil {
		t.Fatal(err)
	}
	r := strings.NewReader(string(whole.Data))
	for _, c := range []struct {
		name         string
		offset       int64
		size, stride []int64
	}{
		{"transposed", 0, []int64{1024, 2048}, []int64{1, 1024}},
		{"far apart", 5, []int64{3, 2}, []int64{600_000, 300_000}},
		{"every third", 1, []int64{600_000}, []int64{3}},
		{"sparse", 7, []int64{500}, []int64{4001}},
		{"windows that overlap", 0, []int64{1000, 1500}, []int64{1, 1}},
		{"repeated", 3, []int64{2, 7, 100_000}, []int64{1_000_000, 0, 1}},
		{"permuted", 0, []int64{64, 128, 256}, []int64{256, 256 * 64, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []float32
			var walk func(depth int, at int64)
			walk = func(depth int, at int64) {
				if depth == len(c.size) {
					want = append(want, values[at])
					return
				}
				for i := range c.size[depth] {
					walk(depth+1, at+i*c.stride[depth])
				}
			}
			walk(0, c.offset)
			got := make([]float32, len(want))
			raw, ok := tensor.Bytes(got)
			if !ok {
				t.Skip("a big-endian machine")
			}
			file := &readCounter{ReaderAt: r}
			if err := newStrided(file, 4*c.offset, 4, c.size, c.stride).readAll(raw); err != nil {
				t.Fatal(err)
			}
			span := int64(4)
			for i, n := range c.size {
				span += 4 * (n - 1) * c.stride[i]
			}
			if int64(file.bytes) > span {
				t.Errorf("%d bytes read of %d", file.bytes, span)
			}
			if whole := c.name == "windows that overlap"; file.longest > window && !whole {
				t.Errorf("%d bytes read at once", file.longest)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}
