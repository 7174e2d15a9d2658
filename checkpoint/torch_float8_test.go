package checkpoint

import (
	"archive/zip"
	"testing"

	"linquant/tensor"
)

// Types without a storage class of their own, float8 first of them, are saved as a call of _rebuild_tensor_v3 over an
// untyped storage: (storage, offset, size, stride, requires_grad, hooks, dtype).
func TestTorchFloat8(t *testing.T) {
	object := "ctorch._utils\n_rebuild_tensor_v3\n(" +
		"(X\x07\x00\x00\x00storagectorch.storage\nUntypedStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ" +
		"K\x02(K\x03t(K\x01t\x89ccollections\nOrderedDict\n)Rctorch\nfloat8_e4m3fn\ntR"
	file := zipWith(t, zip.Store,
		member{"a/data.pkl", "\x80\x02" + object + "."},
		member{"a/data/0", "\xff\xff\x38\xb8\x7e\xff"})
	f := mustOpen(t, file)
	x := f.Tensors()[0]
	if x.DType != tensor.Float8E4M3FN || !x.Shape.Equal(tensor.Shape{3}) {
		t.Fatalf("%v of shape %v", x.DType, x.Shape)
	}
	got, err := x.Float32s(nil)
	if err != nil {
		t.Fatal(err)
	}
	// The offset counts elements of the tensor's type, of one byte each.
	for i, want := range []float32{1, -1, 448} {
		if got[i] != want {
			t.Errorf("element %d is %v, want %v", i, got[i], want)
		}
	}
}
