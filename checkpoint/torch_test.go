package checkpoint

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/internal/testing/datadir"
	"linquant/quant"
	"linquant/tensor"
)

// digest is the SHA-256 of the names, shapes and elements, as a few lines of Python compute it from torch.load.
func digest(t testing.TB, f *File) string {
	t.Helper()
	h := sha256.New()
	for _, x := range f.Tensors() {
		raw, err := x.Read()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s\x00%v\x00%s", x.Name, x.Shape, raw.Data)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// The digests are of what PyTorch 1.13 reads from the same files.
func TestTorchFiles(t *testing.T) {
	for _, c := range []struct {
		file   string
		format Format
		root   string
		count  int
		digest string
		meta   map[string]string
	}{
		{
			"checkpoints/model_199-1.tar", TorchLegacy, "", 50, "2a13d41b6c3421a740baf62d1345b827f25d3c4be6fed79bc1be8eb3e9084d76",
			map[string]string{},
		},
		{
			"models/douz_model_best.pth.tar", TorchZip, "state_dict", 23, "08e7ef9dc849fb729d67b731da4f4960e14bfa5d465f2b4bdd44f6118959ca94",
			map[string]string{"epoch": "18"},
		},
		{
			"models/douz_model_int8.pth", TorchZip, "", 18, "660ad59cd6b167771b9b8e26afce401a898e2ee290f5670cab8d98e286980cfd",
			map[string]string{},
		},
		{
			"models/ipwc_mnist_400.pt", TorchLegacy, "", 26, "e26155a53e0b7af162220b9d9de96e1dc93cbc37a28edff318adabc42ef942c4",
			map[string]string{},
		},
		{
			"models/lenet5_best_model.pth", TorchZip, "", 10, "3d459c21e485dade6a4a23766d1fea9123f17444b991775321b1ad9135685352",
			map[string]string{},
		},
		{
			"models/mnistonnxjs_best_model.pt", TorchZip, "", 26, "6973c4d3ca83ca417df62b5fc1a3cf871b6453cd636e8a8351387768a6760bd7",
			map[string]string{},
		},
		{
			"models/pytorx_model_best.pth.tar", TorchLegacy, "state_dict", 60, "184efe0c1211ffea8df68cec4f7d3cc2672586e1ad6b4b1187c9ed3bf50b59a4",
			map[string]string{"epoch": "1", "best_acc1": "0"},
		},
		{
			"models/resnet20-12fca82f.th", TorchLegacy, "state_dict", 97, "24e12d9285cd25b3e92b098617ae8bb6ebc734d18d26086a95f416ecc0ee9752",
			map[string]string{"best_prec1": "91.78000183105469"},
		},
		{
			"models/resnet32-d509ac18.th", TorchLegacy, "state_dict", 157, "520d359cea1e660f2903ac775113c0dc3b1971f04c3967fba14cddccfcc96258",
			map[string]string{"best_prec1": "92.78000144958496"},
		},
		{
			"models/resnet56-4bfd9763.th", TorchLegacy, "state_dict", 277, "ea44838bf1cf2752a5abbb53e213cadd6bb760bdcf9805e361e452a03f518001",
			map[string]string{"best_prec1": "93.62"},
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			f, err := Open(datadir.File(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Format != c.format || f.Root != c.root || len(f.Tensors()) != c.count {
				t.Errorf("%v, root %q, %d tensors; want %v, %q, %d", f.Format, f.Root, len(f.Tensors()), c.format, c.root, c.count)
			}
			if got := digest(t, f); got != c.digest {
				t.Errorf("digest %s, want %s", got, c.digest)
			}
			if diff := cmp.Diff(c.meta, f.Metadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTorchScriptIsNamed(t *testing.T) {
	_, err := Open(datadir.File(t, "models/douz_model_fp32.pt"))
	wantError(t, err, "TorchScript", "torch.jit.load", "state_dict")
}

// expected is a tensor of the fixtures: see testdata/make_torch.py.
type expected struct {
	name   string
	dtype  tensor.DType
	shape  tensor.Shape
	values []float32 // nil for complex
	quant  *quant.Params
}

func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i)
	}
	return v
}

func fixtureTensors() []expected {
	transposed := make([]float32, 0, 24)
	for i := range 24 {
		transposed = append(transposed, float32(i%6*4+i/6))
	}
	permuted := make([]float32, 0, 24)
	for i := range 24 { // [4, 2, 3] of a [2, 3, 4]
		permuted = append(permuted, float32(i%6*4+i/6))
	}
	f32 := tensor.Float32
	one := func(t quant.Type, scale float64, zero int32) *quant.Params {
		p := quant.TensorParams(t, scale, zero)
		return &p
	}
	list := []expected{
		{"contiguous", f32, tensor.Shape{6, 4}, ramp(24), nil},
		{"transposed", f32, tensor.Shape{4, 6}, transposed, nil},
		{"strided", f32, tensor.Shape{3, 2}, []float32{4, 7, 12, 15, 20, 23}, nil},
		{"shared", f32, tensor.Shape{2, 4}, ramp(16)[8:], nil},
		{"expanded", f32, tensor.Shape{3, 5}, []float32{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2}, nil},
		{"permuted", tensor.Int16, tensor.Shape{4, 2, 3}, permuted, nil},
	}
	for _, d := range []tensor.DType{tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int64, tensor.Int32, tensor.Int16, tensor.Int8, tensor.Uint8} {
		list = append(list, expected{d.String(), d, tensor.Shape{2, 3}, ramp(6), nil})
	}
	return append(list,
		expected{"bool", tensor.Bool, tensor.Shape{2, 3}, []float32{0, 1, 1, 1, 1, 1}, nil},
		expected{"complex", tensor.Complex64, tensor.Shape{2}, nil, nil},
		expected{"scalar", tensor.Int64, tensor.Shape{}, []float32{42}, nil},
		expected{"empty", f32, tensor.Shape{0, 3}, []float32{}, nil},
		expected{"parameter", f32, tensor.Shape{3}, ramp(3), nil},
		expected{"per_tensor", tensor.Uint8, tensor.Shape{2, 3}, ramp(6), one(quant.Uint(8), 0.5, 3)},
		expected{"per_channel", tensor.Int8, tensor.Shape{2, 3}, ramp(6), &quant.Params{
			Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{0.5, 0.25}, ZeroPoint: []int32{0, -1},
		}},
		expected{"fc._packed_params._packed_params.0", tensor.Int8, tensor.Shape{2}, ramp(2), one(quant.Int(8), 1, 0)},
		expected{"fc._packed_params._packed_params.1", f32, tensor.Shape{2}, ramp(2), nil},
	)
}

func TestTorchFixtures(t *testing.T) {
	for _, name := range []string{"torch.zip.pt", "torch.legacy.pt"} {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, fixture(t, name))
			want := fixtureTensors()
			if f.Root != "state_dict" || len(f.Tensors()) != len(want) {
				t.Fatalf("root %q with %d tensors, want state_dict with %d", f.Root, len(f.Tensors()), len(want))
			}
			for i, x := range f.Tensors() {
				checkTensor(t, x, want[i])
			}
			if diff := cmp.Diff(map[string]string{"epoch": "199", "best_prec1": "91.7", "arch": "toy"}, f.Metadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			var other []string
			for _, x := range f.Other() {
				other = append(other, x.Name)
			}
			if diff := cmp.Diff([]string{"best_acc", "optimizer.state.0.momentum_buffer"}, other); diff != "" {
				t.Errorf("tensors beside the network's (-want +got):\n%s", diff)
			}
		})
	}
}

func checkTensor(t *testing.T, x *Tensor, want expected) {
	t.Helper()
	if x.Name != want.name || x.DType != want.dtype || !x.Shape.Equal(want.shape) {
		t.Errorf("%s %v %v, want %s %v %v", x.Name, x.DType, x.Shape, want.name, want.dtype, want.shape)
		return
	}
	if diff := cmp.Diff(want.quant, x.Quant); diff != "" {
		t.Errorf("%s: quantizer (-want +got):\n%s", x.Name, diff)
	}
	raw, err := x.Read()
	if err != nil {
		t.Error(err)
		return
	}
	if want.values == nil { // 0+0i, 1+1i
		if !bytes.Equal(raw.Data, []byte{15: 0x3f, 10: 0x80, 11: 0x3f, 14: 0x80}) {
			t.Errorf("%s: % x", x.Name, raw.Data)
		}
		return
	}
	got, err := x.Float32s(nil)
	if err != nil || !slices.Equal(got, want.values) {
		t.Errorf("%s: %v, %v; want %v", x.Name, got, err, want.values)
	}
}

// TestTorchTruncated opens every proper prefix of small files. A tar's end is padding, so that a tar may be cut there.
func TestTorchTruncated(t *testing.T) {
	everyTruncation(t, fixture(t, "torch.zip.pt"))
	everyTruncation(t, fixture(t, "torch.legacy.pt"))
	whole := tarFixture(t, 2)
	for n := range whole {
		if f, err := openBytes(whole[:n]); err == nil {
			readEverything(t, f)
		}
	}
}

// member is a named file of an archive.
type member struct{ name, data string }

func tarWith(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipWith(t testing.TB, method uint16, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func int64s(n ...int64) string {
	var b []byte
	for _, v := range n {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return string(b)
}

// tarFixture is the archive of a transposed matrix of 2 × rows and a view of its storage's second half, as PyTorch
// before 0.1.10 laid it out. PyTorch 1.13 reads the same of it as TestTorchTar expects.
func tarFixture(t testing.TB, rows int64) []byte {
	const proto = "\x80\x02"
	floats, err := tensor.Of(tensor.Shape{int(2 * rows)}, ramp(int(2*rows)))
	if err != nil {
		t.Fatal(err)
	}
	storages := proto + "K\x01." + proto + "(K\x07X\x03\x00\x00\x00cpuctorch\nFloatStorage\nt." +
		int64s(2*rows) + string(floats.Data) +
		proto + "](K\x08K\x07K" + string(rune(rows)) + "K" + string(rune(rows)) + "ta."
	tensors := proto + "K\x02." +
		proto + "(K\x01K\x07ctorch\nFloatTensor\nt." + int64s(2) + int64s(2, rows) + int64s(1, 2) + int64s(0) +
		proto + "(K\x02K\x08ctorch\nFloatTensor\nt." + int64s(1) + int64s(rows) + int64s(1) + int64s(0)
	object := proto + "}(X\x01\x00\x00\x00wX\x01\x00\x00\x001QX\x01\x00\x00\x00bX\x01\x00\x00\x002Qu."
	return tarWith(t, member{"storages", storages}, member{"tensors", tensors}, member{"pickle", object})
}

func TestTorchTar(t *testing.T) {
	f := mustOpen(t, tarFixture(t, 3))
	if f.Format != TorchTar || len(f.Tensors()) != 2 {
		t.Fatalf("%v with %d tensors", f.Format, len(f.Tensors()))
	}
	checkTensor(t, f.Tensors()[0], expected{"w", tensor.Float32, tensor.Shape{2, 3}, []float32{0, 2, 4, 1, 3, 5}, nil})
	checkTensor(t, f.Tensors()[1], expected{"b", tensor.Float32, tensor.Shape{3}, []float32{3, 4, 5}, nil})
}

func TestTorchZipCompressed(t *testing.T) {
	b := zipWith(t, zip.Deflate, member{"a/data.pkl", "\x80\x02}."})
	_, err := openBytes(b)
	wantError(t, err, "compressed", "save it again")
}

func TestTorchBigEndian(t *testing.T) {
	_, err := openBytes(zipWith(t, zip.Store, member{"a/data.pkl", "\x80\x02}."}, member{"a/byteorder", "big"}))
	wantError(t, err, "big-endian")
	b := bytes.Replace(fixture(t, "torch.legacy.pt"), []byte("little_endianq\x01\x88"), []byte("little_endianq\x01\x89"), 1)
	b = bytes.Replace(b, []byte("little_endianq\x02\x88"), []byte("little_endianq\x02\x89"), 1)
	_, err = openBytes(b)
	wantError(t, err, "big-endian")
}
