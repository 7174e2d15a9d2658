package elements

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/internal/onnxpb"
	"linquant/quant"
	"linquant/tensor"
)

func le[T any](t *testing.T, v ...T) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// varints encodes numbers as protocol buffers do.
func varints(v ...int64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, uint64(x))
	}
	return b
}

// TestDecode reads every type of element from every field that onnx.proto says it may be in.
func TestDecode(t *testing.T) {
	floats := func(x ...float32) tensor.Tensor { v, _ := tensor.Of(tensor.Shape{len(x)}, x); return v }
	signed := func(x ...int8) tensor.Tensor { v, _ := tensor.Of(tensor.Shape{len(x)}, x); return v }
	unsigned := func(x ...uint8) tensor.Tensor { v, _ := tensor.Of(tensor.Shape{len(x)}, x); return v }
	tests := []struct {
		name string
		t    onnxpb.Tensor
		want tensor.Tensor
		bits int // of a type below 8 bits
	}{
		{"float", onnxpb.Tensor{Type: onnxpb.Float, Raw: le[float32](t, 1, -2)}, floats(1, -2), 0},
		{"float_data", onnxpb.Tensor{Type: onnxpb.Float, Packed: le[float32](t, 1, -2)}, floats(1, -2), 0},
		{"double", onnxpb.Tensor{Type: onnxpb.Double, Raw: le(t, 1.5, 0.1)}, floats(1.5, 0.1), 0},
		{"double_data", onnxpb.Tensor{Type: onnxpb.Double, Packed: le(t, 1.5, 0.1)}, floats(1.5, 0.1), 0},
		{"float16", onnxpb.Tensor{Type: onnxpb.Float16, Raw: le[uint16](t, 0x3C00, 0xC100)}, floats(1, -2.5), 0},
		{"float16 in int32_data", onnxpb.Tensor{Type: onnxpb.Float16, Varints: varints(0x3C00, 0xC100)}, floats(1, -2.5), 0},
		{"bfloat16", onnxpb.Tensor{Type: onnxpb.BFloat16, Raw: le[uint16](t, 0x3F80, 0xC020)}, floats(1, -2.5), 0},
		{"int8", onnxpb.Tensor{Type: onnxpb.Int8, Raw: []byte{1, 0xFE}}, signed(1, -2), 0},
		{"int8 in int32_data", onnxpb.Tensor{Type: onnxpb.Int8, Varints: varints(1, -2)}, signed(1, -2), 0},
		{"uint8 in int32_data", onnxpb.Tensor{Type: onnxpb.Uint8, Varints: varints(1, 254)}, unsigned(1, 254), 0},
		{"int4", onnxpb.Tensor{Type: onnxpb.Int4, Raw: []byte{0x71, 0x0F}, Dims: []int64{3}}, signed(1, 7, -1), 4},
		{"int4 in int32_data", onnxpb.Tensor{Type: onnxpb.Int4, Varints: varints(0x71, 0x0F), Dims: []int64{3}}, signed(1, 7, -1), 4},
		{"uint4", onnxpb.Tensor{Type: onnxpb.Uint4, Raw: []byte{0x71, 0xF8}, Dims: []int64{4}}, unsigned(1, 7, 8, 15), 4},
		{"int2", onnxpb.Tensor{Type: onnxpb.Int2, Raw: []byte{0b11_10_01_00, 0b11}, Dims: []int64{5}}, signed(0, 1, -2, -1, -1), 2},
		{"uint2", onnxpb.Tensor{Type: onnxpb.Uint2, Raw: []byte{0b11_10_01_00}, Dims: []int64{4}}, unsigned(0, 1, 2, 3), 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.t.Dims == nil {
				tt.t.Dims = []int64{2}
			}
			left := NewBudget(0)
			got, e, err := Decode(&tt.t, nil, &left)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			want := quant.Type{}
			if tt.bits > 0 {
				want = quant.Type{Bits: tt.bits, Unsigned: got.DType == tensor.Uint8}
			}
			if diff := cmp.Diff(want, e.Codes()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name string
		t    onnxpb.Tensor
		want string
	}{
		{"type", onnxpb.Tensor{Type: onnxpb.Complex64}, "elements of complex64"},
		{"type of a later version", onnxpb.Tensor{Type: 99}, "elements of type 99"},
		{"no type", onnxpb.Tensor{}, "elements of type 0"},
		{"segment", onnxpb.Tensor{Type: onnxpb.Float, Segment: true}, "segment"},
		{"too short", onnxpb.Tensor{Type: onnxpb.Int4, Dims: []int64{3}, Raw: []byte{1}}, "it has 1 bytes, and its type int4 and shape [3] need 2"},
		{"too long", onnxpb.Tensor{Type: onnxpb.Int8, Dims: []int64{3}, Varints: make([]byte, 4)}, "it has 4 elements, and its shape [3] needs 3"},
		{"field of another type", onnxpb.Tensor{Type: onnxpb.Float, Dims: []int64{2}, Varints: make([]byte, 2)}, "it has 0 bytes"},
		{"dimensions", onnxpb.Tensor{Type: onnxpb.Float, Dims: make([]int64, 33)}, "33 dimensions"},
		{"product", onnxpb.Tensor{Type: onnxpb.Float, Dims: []int64{math.MaxInt32, math.MaxInt32, math.MaxInt32, 16}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			left := NewBudget(0)
			if _, _, err := Decode(&tt.t, nil, &left); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDecodeBudget(t *testing.T) {
	left := NewBudget(0)
	many := onnxpb.Tensor{Type: onnxpb.Float16, Dims: []int64{1 << 15}, Raw: make([]byte, 1<<16)}
	if _, _, err := Decode(&many, nil, &left); err == nil {
		t.Error("float32 elements of 128 KiB fit a budget of 64")
	}
}
