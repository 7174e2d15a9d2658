package checkpoint

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linquant/tensor"
)

// torchPickle is a zip checkpoint of the object that the pickle (without its frame of PROTO and STOP) makes, with a
// storage "0" of 64 bytes.
func torchPickle(t testing.TB, object string) []byte {
	return zipWith(t, zip.Store, member{"a/data.pkl", "\x80\x02" + object + "."}, member{"a/data/0", strings.Repeat("\x00", 64)})
}

// storage0 is the opcodes for that storage as n floats.
func storage0(n string) string {
	return "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + n + "tQ"
}

// tensor0 is the opcodes for a tensor over it: offset, shape and strides are opcodes too.
func tensor0(n, offset, shape, stride string) string {
	return "ctorch._utils\n_rebuild_tensor\n(" + storage0(n) + offset + "(" + shape + "t(" + stride + "ttR"
}

const (
	minusOne = "J\xff\xff\xff\xff"
	exp62    = "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40"
	exp36    = "\x8a\x05\x00\x00\x00\x00\x10"
	exp28    = "J\x00\x00\x00\x10"
)

func TestTorchRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		object string
		words  []string
	}{
		{"fits", "", nil},
		{"no tensors", "}", []string{"no tensors"}},
		{"os.system", "cos\nsystem\n(X\x02\x00\x00\x00lstR", []string{"os.system", "state_dict"}},
		{"module", "ctorch.nn.modules.linear\nLinear\n)\x81", []string{"whole pickled module", "state_dict"}},
		{"user class", "c__main__\nNet\n)\x81", []string{"__main__.Net", "state_dict"}},
		{"outside", tensor0("K\x10", "K\x00", "K\x11", "K\x01"), []string{`"tensor"`, "outside its storage"}},
		{"offset outside", tensor0("K\x10", "K\x01", "K\x10", "K\x01"), []string{"outside its storage"}},
		{"negative shape", tensor0("K\x10", "K\x00", minusOne, "K\x01"), []string{"negative"}},
		{"negative stride", tensor0("K\x10", "K\x0f", "K\x02", minusOne), []string{"negative"}},
		{"negative offset", tensor0("K\x10", minusOne, "K\x02", "K\x01"), []string{"element -1"}},
		{"stride overflow", tensor0("K\x10", "K\x00", "K\x05", exp62), []string{"outside its storage"}},
		{"huge shape", tensor0("K\x10", "K\x00", exp62+exp62, "K\x00K\x00"), []string{"address"}},
		{"huge expanded", tensor0("K\x10", "K\x00", exp28, "K\x00"), []string{"expand"}},
		{"storage of 2^36 floats", tensor0(exp36, "K\x00", "K\x01", "K\x01"), []string{"64"}},
		{"negative storage", tensor0(minusOne, "K\x00", "K\x01", "K\x01"), []string{"-1 elements"}},
		{"rank mismatch", tensor0("K\x10", "K\x00", "K\x01", ""), []string{"strides"}},
		{"sparse", "ctorch._utils\n_rebuild_sparse_tensor\n)R", []string{"sparse", "to_dense"}},
		{"meta", "ctorch._utils\n_rebuild_meta_tensor_no_storage\n)R", []string{"meta tensor"}},
		{"4-bit", strings.Replace(tensor0("K\x10", "K\x00", "K\x01", "K\x01"), "FloatStorage", "QUInt4x2Storage", 1), []string{"dequantize"}},
		{"unknown storage", strings.Replace(tensor0("K\x10", "K\x00", "K\x01", "K\x01"), "FloatStorage", "OddStorage", 1), []string{"OddStorage"}},
		{"cyclic list", "]q\x00h\x00a", []string{"no tensors"}},
		{"nested deep", strings.Repeat("]", 5000) + strings.Repeat("a", 4999), []string{"nested more than 64 deep"}},
		{"memo bomb", memoBomb(60), []string{"no tensors"}},
		{"unended", "(((", []string{"pickle", "operand"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.words == nil {
				f := mustOpen(t, torchPickle(t, tensor0("K\x10", "K\x00", "K\x10", "K\x01")))
				checkTensor(t, f.Tensors()[0], expected{"tensor", tensor.Float32, tensor.Shape{16}, make([]float32, 16), nil})
				return
			}
			_, err := openBytes(torchPickle(t, c.object))
			wantError(t, err, c.words...)
		})
	}
}

// memoBomb is opcodes for a list of two lists, each twice the next, and so on: 2^depth paths in a few bytes.
func memoBomb(depth int) string {
	var b strings.Builder
	b.WriteString("]q\x00")
	for i := range depth {
		fmt.Fprintf(&b, "](h%ch%ceq%c", i, i, i+1)
	}
	return b.String()
}

// TestTorchShared opens lists that hold each other twice, with one tensor at the bottom: it is listed once, at its
// first path.
func TestTorchShared(t *testing.T) {
	const depth = 40
	object := strings.Replace(memoBomb(depth), "]q\x00", "]"+tensor0("K\x10", "K\x00", "K\x04", "K\x01")+"aq\x00", 1)
	f := mustOpen(t, torchPickle(t, object))
	want := strings.Repeat("0.", depth) + "0"
	if len(f.Tensors()) != 1 || f.Tensors()[0].Name != want {
		t.Errorf("%d tensors, the first is %q; want one, %q", len(f.Tensors()), f.Tensors()[0].Name, want)
	}
}

// TestTorchTied names one tensor twice, as tied weights are.
func TestTorchTied(t *testing.T) {
	tied := "}(X\x01\x00\x00\x00a" + tensor0("K\x10", "K\x00", "K\x04", "K\x01") + "q\x00X\x01\x00\x00\x00bh\x00u"
	f := mustOpen(t, torchPickle(t, tied))
	if len(f.Tensors()) != 2 {
		t.Fatalf("%d tensors, want 2", len(f.Tensors()))
	}
	for i, name := range []string{"a", "b"} {
		checkTensor(t, f.Tensors()[i], expected{name, tensor.Float32, tensor.Shape{4}, make([]float32, 4), nil})
	}
}

func TestPlainPickleRefused(t *testing.T) {
	_, err := openBytes([]byte("\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02K\x03e."))
	wantError(t, err, "not one of torch.save", "numpy.savez")
}

func FuzzTorchZip(f *testing.F) {
	f.Add(fixture(f, "torch.zip.pt"))
	f.Add(torchPickle(f, tensor0("K\x10", "K\x00", "K\x04K\x04", "K\x01K\x04")))
	fuzzTorch(f, readTorchZip)
}

func FuzzTorchLegacy(f *testing.F) {
	f.Add(fixture(f, "torch.legacy.pt"))
	fuzzTorch(f, readTorchLegacy)
}

func FuzzTorchTar(f *testing.F) {
	f.Add(tarFixture(f, 3))
	fuzzTorch(f, readTorchTar)
}

// fuzzTorch checks that no input makes a reader panic or announce a tensor beyond the bound of place.
func fuzzTorch(f *testing.F, read reader) {
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		limit := max(viewFloor, viewFactor*int64(len(b)))
		for _, x := range slices.Concat(c.tensors, c.other) {
			if x.Bytes() > limit {
				t.Errorf("%q has %d bytes, of a file of %d", x.Name, x.Bytes(), len(b))
			}
		}
		readEverything(t, &File{tensors: c.tensors, other: c.other})
	})
}
