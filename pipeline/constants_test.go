package pipeline_test

import (
	"math"
	"testing"

	"linquant/pipeline"
	"linquant/tensor"
)

// A number becomes what an input takes, or is refused.
func TestConstantNumber(t *testing.T) {
	for _, c := range []struct {
		dtype tensor.DType
		dims  []int
		text  string
		want  []byte // nil: refused
	}{
		{tensor.Int64, []int{}, "16000", []byte{0x80, 0x3e, 0, 0, 0, 0, 0, 0}},
		{tensor.Int32, []int{-1}, "-2", []byte{0xfe, 0xff, 0xff, 0xff}},
		{tensor.Float32, []int{1, 1}, "1.5", []byte{0, 0, 0xc0, 0x3f}},
		{tensor.Float32, nil, "2", []byte{0, 0, 0, 0x40}},
		{tensor.Float16, nil, "-2", []byte{0, 0xc0}},
		{tensor.Float64, nil, "1.5", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}},
		{tensor.Bool, nil, "true", []byte{1}},
		{tensor.Bool, nil, "0", []byte{0}},
		{tensor.Float32, nil, "1e39", nil},
		{tensor.Float32, nil, "3.4e38", []byte{0x9e, 0xc9, 0x7f, 0x7f}},
		{tensor.Float32, nil, "-Inf", []byte{0, 0, 0x80, 0xff}},
		{tensor.Float16, nil, "1e5", nil},
		{tensor.Float16, nil, "-1e5", nil},
		{tensor.Float16, nil, "65504", nil}, // integers beyond 2048 are not all there
		{tensor.Float16, nil, "65504.0", []byte{0xff, 0x7b}},
		{tensor.Float64, nil, "1e300", nil}, // networks compute in float32
		{tensor.Float64, nil, "1e400", nil},
		{tensor.Float64, nil, "inf", []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}},
		{tensor.Float64, nil, "0.1", []byte{0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}},
		{tensor.Uint8, nil, "255", []byte{255}},
		{tensor.Uint8, nil, "256", nil},
		{tensor.Uint16, nil, "-1", nil},
		{tensor.Int8, nil, "1.5", nil},
		{tensor.Int8, nil, "many", nil},
		{tensor.Bool, nil, "2", nil},
		{tensor.Int64, []int{2}, "1", nil},
		{tensor.Invalid, nil, "1", nil},
	} {
		in := pipeline.Input{Name: "sr", DType: c.dtype, Dims: c.dims}
		got, err := in.Number(c.text)
		if (err == nil) != (c.want != nil) || err == nil && (string(got.Data) != string(c.want) || got.DType != c.dtype || len(got.Shape) != len(c.dims)) {
			t.Errorf("%v %q: %v %v, error %v", c.dtype, c.text, got.Shape, got.Data, err)
		}
	}
}

// Arrays have their elements in the input's type, or are refused: nothing is cut off.
func TestConstantArray(t *testing.T) {
	of := func(x tensor.Tensor, err error) tensor.Tensor {
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	long := of(tensor.Of(tensor.Shape{3}, []int64{-3, 0, 70000}))
	for to, fits := range map[tensor.DType]bool{
		tensor.Int64: true, tensor.Int32: true, tensor.Int16: false, tensor.Uint32: false, tensor.Float32: true, tensor.Float64: true,
		tensor.Float16: false, tensor.Bool: false,
	} {
		got, err := pipeline.Input{Name: "x", DType: to}.Constant(long)
		if (err == nil) != fits || fits && (got.DType != to || !got.Shape.Equal(long.Shape)) {
			t.Errorf("to %v: %v, error %v", to, got, err)
		}
	}
	back, err := pipeline.Input{Name: "x", DType: tensor.Float32}.Constant(of(tensor.Of(tensor.Shape{2}, []float64{0.1, -4})))
	if err != nil {
		t.Fatal(err)
	}
	if x, err := back.Float32s(); err != nil || x[0] != float32(0.1) || x[1] != -4 {
		t.Errorf("%v, %v", x, err)
	}
	if _, err := (pipeline.Input{Name: "x", DType: tensor.Float64}).Constant(of(tensor.Of(tensor.Shape{2}, []float64{1, -1e300}))); err == nil {
		t.Error("-1e300 as float64: no error")
	}
	for _, x := range []tensor.Tensor{of(tensor.Of(tensor.Shape{1}, []float32{1})), of(tensor.Of(tensor.Shape{1}, []uint64{math.MaxUint64}))} {
		if _, err := (pipeline.Input{Name: "x", DType: tensor.Int64}).Constant(x); err == nil {
			t.Errorf("%v as int64: no error", x.DType)
		}
	}
}
