package onnx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"linquant/internal/onnxpb"
)

// largeForms are the places where a model can have its elements. Elements that are float32 in the file stay there, and
// half floats are converted. The heap and the memory of the process may grow by so many times the file's size; the system
// counts pages of the file that lie beside those that were looked at.
var largeForms = []struct {
	name           string
	heap, resident float64
	write          func(t testing.TB, path string) (size int64)
}{
	{"raw", 0.02, 1.3, func(t testing.TB, path string) int64 { return writeLarge(t, path, residual50(floats)) }},
	{"half", 2.1, 3.3, func(t testing.TB, path string) int64 { return writeLarge(t, path, residual50(halves)) }},
	{"codes", 0.2, 1.3, func(t testing.TB, path string) int64 { return writeLarge(t, path, residual50(codes)) }},
	{"packed", 0.02, 1.3, writePacked},
	{"external", 0.02, 1.3, func(t testing.TB, path string) int64 { return writeExternal(t, path, floats) }},
	{"external halves", 2.1, 3.3, func(t testing.TB, path string) int64 { return writeExternal(t, path, halves) }},
}

func writeLarge(t testing.TB, path string, m *onnxpb.Model) int64 {
	t.Helper()
	data := encode(t, m)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return int64(len(data))
}

// writeExternal stores the elements in another file.
func writeExternal(t testing.TB, path string, store storeAs) int64 {
	t.Helper()
	file, err := os.Create(filepath.Join(filepath.Dir(path), "weights.bin"))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	m := residual50(func(name string, elements []byte, dims ...int64) onnxpb.Tensor {
		v := store(name, elements, dims...)
		if _, err := file.Write(v.Raw); err != nil {
			t.Fatal(err)
		}
		v.Outside, v.External = true, []onnxpb.Entry{{Key: "location", Value: "weights.bin"}, {Key: "offset", Value: fmt.Sprint(at)}}
		at += len(v.Raw)
		v.Raw = nil
		return v
	})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return int64(at) + writeLarge(t, path, m)
}

// codes stores weights as int8 codes.
func codes(name string, elements []byte, dims ...int64) onnxpb.Tensor {
	if len(dims) < 2 {
		return floats(name, elements, dims...)
	}
	return onnxpb.Tensor{Name: name, Type: onnxpb.Int8, Dims: dims, Raw: elements[:len(elements)/4]}
}

// halves stores float16.
func halves(name string, elements []byte, dims ...int64) onnxpb.Tensor {
	half := make([]byte, len(elements)/2)
	for i := range half {
		half[i] = [2]byte{0, 0x38}[i%2] // 0.5
	}
	return onnxpb.Tensor{Name: name, Type: onnxpb.Float16, Dims: dims, Raw: half}
}

// writePacked stores the elements in float_data, which differs from raw_data only by the field's number.
func writePacked(t testing.TB, path string) int64 {
	data := encode(t, residual50(floats))
	m, err := onnxpb.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Graph.Initializers {
		raw := m.Graph.Initializers[i].Raw // a view of data that reaches to its end
		tag := cap(data) - cap(raw) - protowire.SizeVarint(uint64(len(raw))) - 1
		if data[tag] != byte(protowire.EncodeTag(9, protowire.BytesType)) {
			t.Fatal("this is not where raw_data is")
		}
		data[tag] = byte(protowire.EncodeTag(4, protowire.BytesType))
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return int64(len(data))
}
