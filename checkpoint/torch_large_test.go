package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/datadir"
	"linquant/tensor"
)

// legacyFile writes a checkpoint of torch.save's old layout whose storages of so many floats are holes, which take no room
// on most file systems; mark is written as the last float of the last storage.
func legacyFile(t testing.TB, mark float32, storages int, floats int64) string {
	t.Helper()
	magic, _ := new(big.Int).SetString(legacyMagic, 16)
	var head, keys strings.Builder
	fmt.Fprintf(&head, "L%vL\n.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02ccollections\nOrderedDict\n)R(", magic)
	keys.WriteString("\x80\x02](")
	count := "\x8a\x08" + int64s(floats)
	for i := range storages {
		key := text4(fmt.Sprintf("%04d", i))
		keys.WriteString(key)
		fmt.Fprintf(&head, "%sctorch._utils\n_rebuild_tensor_v2\n((%sctorch\nFloatStorage\n%s%s%sNtQK\x00%s\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR",
			text4(fmt.Sprintf("layer%04d.weight", i)), text4("storage"), key, text4("cpu"), count, count)
	}
	head.WriteString("u.")
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
	if err := (section{s.r, s.offset + 4*(floats-1)}).readAll(end[:]); err != nil || binary.LittleEndian.Uint32(end[:]) != 0x3fc00000 {
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
	f, err := Open(legacyFile(b, 1, storages, floats))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 4*floats)
	b.SetBytes(storages * 4 * floats)
	for b.Loop() {
		for _, t := range f.Tensors() {
			if err := t.ReadInto(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestStridedWindows reads views that are larger than a window, against a plain loop.
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
			if err := newStrided(r, 4*c.offset, 4, c.size, c.stride).readAll(raw); err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}
