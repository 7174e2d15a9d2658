package tensor

import (
	"math"
	"math/bits"
	"slices"
	"strings"
	"testing"
)

func TestOfAndAsShareMemory(t *testing.T) {
	data := []int32{1, 2, 3, 4}
	x, err := Of(Shape{2, 2}, data)
	if err != nil {
		t.Fatal(err)
	}
	view, err := As[int32](x)
	if err != nil {
		t.Fatal(err)
	}
	if !littleEndian {
		t.Skip("on a big-endian machine both copy")
	}
	view[3] = 9
	if data[3] != 9 || x.Data[12] != 9 {
		t.Errorf("writing through As did not reach the slice given to Of: %v", data)
	}
	if len(view) != cap(view) {
		t.Errorf("the view has room for %d elements beyond the tensor's", cap(view)-len(view))
	}
}

// TestAsMisaligned takes a tensor at every address of a buffer: the values must be the same whether shared or copied.
func TestAsMisaligned(t *testing.T) {
	for shift := range 16 {
		buf := make([]byte, shift+16)
		copy(buf[shift:], []byte{1, 0, 0, 0, 0, 0, 0, 0x80, 2, 0, 0, 0, 0, 0, 0, 0})
		x, err := New(Int64, Shape{2}, buf[shift:])
		if err != nil {
			t.Fatal(err)
		}
		if v, err := As[int64](x); err != nil || !slices.Equal(v, []int64{math.MinInt64 + 1, 2}) {
			t.Errorf("shifted by %d: %v, %v", shift, v, err)
		}
		y := Tensor{Float32, Shape{1}, buf[shift : shift+4]}
		if v, err := y.Float32s(); err != nil || math.Float32bits(v[0]) != 1 {
			t.Errorf("float shifted by %d: %v, %v", shift, v, err)
		}
	}
}

func TestAsBoolIsCanonical(t *testing.T) {
	v, err := As[bool](Tensor{Bool, Shape{3}, []byte{0, 1, 0x80}})
	if err != nil || !slices.Equal(v, []bool{false, true, true}) {
		t.Errorf("%v, %v", v, err)
	}
}

func TestAsWrongType(t *testing.T) {
	x, _ := Of(Shape{1}, []int8{1})
	if _, err := As[uint8](x); err == nil || !strings.Contains(err.Error(), "int8, not uint8") {
		t.Errorf("error %v", err)
	}
	if v, err := As[int8](Tensor{DType: Int8, Shape: Shape{0}}); err != nil || v == nil || len(v) != 0 {
		t.Errorf("an empty tensor gives %v, %v", v, err)
	}
}

func TestNewChecksSize(t *testing.T) {
	for _, c := range []struct {
		dtype DType
		shape Shape
		bytes int
		ok    bool
	}{
		{Float32, Shape{2, 3}, 24, true},
		{Float32, Shape{}, 4, true},
		{Float32, nil, 4, true},
		{Float32, Shape{0, 3}, 0, true},
		{Float32, Shape{2, 3}, 23, false},
		{Float32, Shape{2, 3}, 20, false},
		{Float32, Shape{-2, -3}, 24, false},
		{Invalid, Shape{}, 0, false},
		{numDTypes, Shape{}, 0, false},
		{Float64, Shape{1 << (bits.UintSize - 3)}, 0, false}, // bytes are 2^UintSize, 0 as an int
	} {
		if _, err := New(c.dtype, c.shape, make([]byte, c.bytes)); (err == nil) != c.ok {
			t.Errorf("New(%v, %v, %d bytes): %v", c.dtype, c.shape, c.bytes, err)
		}
	}
	if _, err := Of(Shape{3}, []int8{1, 2}); err == nil {
		t.Error("Of took two elements for three")
	}
}

func TestShapeElements(t *testing.T) {
	half := 1 << (bits.UintSize / 2) // half × half is 2^UintSize: one more than a word holds
	for _, c := range []struct {
		shape Shape
		want  int
		ok    bool
	}{
		{nil, 1, true},
		{Shape{2, 3, 4}, 24, true},
		{Shape{math.MaxInt}, math.MaxInt, true},
		{Shape{math.MaxInt, 1, 1}, math.MaxInt, true},
		{Shape{half, half}, 0, false},
		{Shape{half, half / 2}, 0, false}, // fits the word, but not an int
		{Shape{half, half / 4}, 1 << (bits.UintSize - 2), true},
		{Shape{math.MaxInt, 2}, 0, false},
		{Shape{half, half, 0}, 0, true}, // no elements, whatever the others say
		{Shape{0, -1}, 0, false},
		{Shape{-1}, 0, false},
		{Shape{math.MinInt, 2}, 0, false},
	} {
		if n, err := c.shape.Elements(); n != c.want || (err == nil) != c.ok {
			t.Errorf("%v has %d elements, %v; want %d", c.shape, n, err, c.want)
		}
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		Shape{64, 3}.String():       "[64, 3]",
		Shape(nil).String():         "[]",
		BFloat16.String():           "bfloat16",
		DType(200).String():         "DType(200)",
		DTypeOf[float32]().String(): "float32",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReverseElements(t *testing.T) {
	b := []byte{1, 2, 3, 4, 5, 6, 7}
	reverseElements(b, 3)
	if !slices.Equal(b, []byte{3, 2, 1, 6, 5, 4, 7}) {
		t.Errorf("%v", b)
	}
}
