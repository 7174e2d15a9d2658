package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"linquant/tensor"
)

// TestMemoryInProportion opens files of some hundred kilobytes that mention one long thing very often. Each made
// hundreds of megabytes of copies once.
func TestMemoryInProportion(t *testing.T) {
	const limit = 128 << 20 // bytes allocated in all
	tensor1 := tensor0("K\x10", "K\x00", "K\x04", "K\x01")
	long := "B\xa0\x86\x01\x00" + strings.Repeat("x", 100_000) + "q\x000" // 100 kB of bytes, memo 0
	name := strings.Repeat("k", 4000)
	// A dict of Python 2, memo 0.
	hooks := "ccollections\nOrderedDict\n(](" + strings.Repeat("NN\x86", 20_000) + "etRq\x000"
	withMetadata := "ctorch._utils\n_rebuild_tensor_v2\n(" + storage0("K\x10") + "K\x00(K\x04t(K\x01t\x89Nh\x00tR"
	for _, c := range []struct{ name, object string }{
		{"bytes as values", long + "}(" + unicode("w") + tensor1 + numbered(10_000, "h\x00") + "u"},
		{"bytes as keys", long + "}(" + unicode("w") + tensor1 + strings.Repeat("h\x00K\x01", 10_000) + "u"},
		{"values under a long root", "}" + unicode(name) + "}(" + unicode("w") + tensor1 + numbered(40_000, "K\x01") + "us"},
		{"containers under a long name", "}(" + unicode("w") + tensor1 + unicode(name) + "}(" + numbered(40_000, ")") + "uu"},
		{"metadata of tensors", hooks + "](" + strings.Repeat(withMetadata, 300) + "e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := torchPickle(t, c.object)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := openBytes(file)
			runtime.ReadMemStats(&after)
			if err != nil && !strings.Contains(err.Error(), "too many plain values") {
				t.Error(err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > limit {
				t.Errorf("a file of %d bytes took %d MB", len(file), used>>20)
			}
		})
	}
}

// unicode is the opcode for a string.
func unicode(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// numbered is opcodes for n integers, each followed by value.
func numbered(n int, value string) string {
	var b []byte
	for i := range n {
		b = append(binary.LittleEndian.AppendUint32(append(b, 'J'), uint32(i)), value...)
	}
	return string(b)
}

// TestTorchNestedCalls wraps a call in itself, which exhausts the stack where it is done often enough, and that no program survives.
func TestTorchNestedCalls(t *testing.T) {
	const depth = 1 << 16 // a million are more than a pickle's values may take
	object := "ctorch._tensor\n_rebuild_from_type_v2\nq\x00" + strings.Repeat("h\x00N", depth) + "h\x00NN\x87" +
		strings.Repeat("\x87", depth) + "R"
	_, err := openBytes(torchPickle(t, object))
	wantError(t, err, "too many calls")
}

// readCounter counts the bytes and calls that reach a file.
type readCounter struct {
	io.ReaderAt
	calls, bytes int
	longest      int // of the calls
}

func (r *readCounter) ReadAt(p []byte, off int64) (int, error) {
	r.calls++
	r.bytes += len(p)
	r.longest = max(r.longest, len(p))
	return r.ReaderAt.ReadAt(p, off)
}

// TestStridedInterleaved reads a view of 2^18 elements, each of whose halves spans nearly as much of the file as the
// whole does. It has to be read once, not in 2^17 windows.
func TestStridedInterleaved(t *testing.T) {
	const dims, stride = 18, 200_001
	file := &readCounter{ReaderAt: bytes.NewReader(bytes.Repeat([]byte{1}, dims*stride+1))}
	size, strides := make([]int64, dims), make([]int64, dims)
	for i := range size {
		size[i], strides[i] = 2, stride-int64(i)
	}
	dst := make([]byte, 1<<dims)
	if err := newStrided(file, 0, 1, size, strides).readAll(dst); err != nil {
		t.Fatal(err)
	}
	if bytes.IndexByte(dst, 0) >= 0 {
		t.Error("not every element was read")
	}
	if file.calls > 100 || file.bytes > 2*dims*stride {
		t.Errorf("%d reads of %d bytes in all, of a view that spans %d", file.calls, file.bytes, dims*stride)
	}
}

// TestStridedFar refuses a view of few elements that would take a buffer of a large file.
func TestStridedFar(t *testing.T) {
	const length = 4 << 30
	f := newTorchFile(bytes.NewReader(nil), length)
	s := &storage{storageClass{dtype: tensor.Uint8}, &block{size: length, found: true}, 0, length}
	_, err := f.place(s, tensor.Uint8, 0, []int64{3, 3}, []int64{1 << 30, 1<<30 - 1})
	wantError(t, err, "interleave", "unfold")
	if _, err := f.place(s, tensor.Uint8, 0, []int64{2, 2}, []int64{1 << 20, 1 << 30}); err != nil {
		t.Errorf("a transposed view: %v", err)
	}
}

// TestNPZOverlap opens an archive whose directory lists the same bytes many times.
func TestNPZOverlap(t *testing.T) {
	const members = 3
	array := npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (5000,), }", 5000)
	one := zipWith(t, zip.Store, member{"0.npy", string(array)})
	directory := bytes.LastIndex(one, []byte("PK\x01\x02"))
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	b := bytes.Clone(one[:directory])
	for i := range members {
		entry := bytes.Clone(one[directory:end])
		entry[46] += byte(i) // the name
		b = append(b, entry...)
	}
	tail := bytes.Clone(one[end:])
	binary.LittleEndian.PutUint16(tail[8:], members)
	binary.LittleEndian.PutUint16(tail[10:], members)
	binary.LittleEndian.PutUint32(tail[12:], uint32(members*(end-directory)))
	b = append(b, tail...)
	_, err := openBytes(b)
	wantError(t, err, "more bytes than the file")
}

// TestTorchNamedCode opens a file that was saved as code.pt, after which PyTorch names the folder in the archive.
func TestTorchNamedCode(t *testing.T) {
	object := "\x80\x02" + tensor0("K\x10", "K\x00", "K\x10", "K\x01") + "."
	storage := strings.Repeat("\x00", 64)
	f := mustOpen(t, zipWith(t, zip.Store, member{"code/data.pkl", object}, member{"code/data/0", storage}))
	if len(f.Tensors()) != 1 {
		t.Errorf("%d tensors, want 1", len(f.Tensors()))
	}
	_, err := openBytes(zipWith(t, zip.Store, member{"code/data.pkl", object}, member{"code/code/m.py", ""}))
	wantError(t, err, "TorchScript")
}

// TestNamesQuoted gives tensors names that would write over a terminal's lines, or fill it.
func TestNamesQuoted(t *testing.T) {
	const one = `{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`
	long := strings.Repeat("n", 1<<20)
	header := fmt.Sprintf(`{"a\n\u001b[2J":`+one+`,%q:`+one+`}`, 0, 1, long, 1, 2)
	f := mustOpen(t, safetensorsFile(header, 2))
	_, missing := f.Tensor("a\n\x1b[3J")
	wantError(t, missing, `"a\n\x1b[2J"`)
	for _, err := range []error{missing, f.Tensors()[1].readInto(nil), f.StripPrefix("a")} {
		wantError(t, err)
		if len(err.Error()) > 1000 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%d bytes: %.200q", len(err.Error()), err)
		}
	}
}

// TestSafetensorsRank refuses a shape that only printing would show to be absurd.
func TestSafetensorsRank(t *testing.T) {
	shape := strings.Repeat("1,", maxDims) + "1"
	_, err := openBytes(safetensorsFile(`{"a":{"dtype":"U8","shape":[`+shape+`],"data_offsets":[0,1]}}`, 1))
	wantError(t, err, `"a"`, "64", "dimensions")
}

// TestReadOwnsShape changes a tensor that was read: the file's must stay as it is.
func TestReadOwnsShape(t *testing.T) {
	x := mustOpen(t, fixture(t, "fortran_f4.npy")).Tensors()[0]
	want := x.Shape.String()
	raw, err := x.Read()
	if err != nil {
		t.Fatal(err)
	}
	raw.Shape[0] = 1 << 30
	if x.Shape.String() != want {
		t.Errorf("shape %v, was %s", x.Shape, want)
	}
}
